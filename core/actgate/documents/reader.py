"""Documents of a file: YAML and JSON, several in one file, and lists, as kubectl reads them.

Nothing that cannot be judged gets through half-read: a file is refused with one sentence that says
where and why. NaN and the infinities of Python's JSON are read as floats, so that the rule
``manifest/invalid`` can speak of them with the field's name.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from actgate.api.quoting import got
from actgate.documents import yaml_values
from actgate.documents.errors import DocumentError
from actgate.documents.scalars import whole
from actgate.documents.yaml_values import MAX_DEPTH

MAX_SIZE: Final = 32 * 1024 * 1024
"""Longest text that is read, in characters; the API server takes objects of at most 3 MiB."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document: its content, and where it stands."""

    content: object
    source: str
    """Name of the file."""
    line: int
    """Line on which it begins, from 1; for the items of a list, the list's."""


def load(text: str | bytes, source: str) -> Iterator[Document]:
    """Yield the documents of a file; empty ones are left out, and a list yields its items.

    Args:
        text: The file's content; bytes are UTF-8.
        source: Name of the file, for messages.

    Raises:
        DocumentError: When a part of it cannot be read. What stood before that part was yielded.
    """
    if len(text) > MAX_SIZE:
        raise DocumentError(f"this is larger than {MAX_SIZE // 1024 // 1024} MiB; split it up", source)
    decoded = _decoded(text, source) if isinstance(text, bytes) else text.removeprefix("\ufeff")
    for content, line in _contents(decoded, source):
        if content is not None:
            yield from _listed(Document(content, source, line), 0)


def _decoded(raw: bytes, source: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DocumentError(f"this is no UTF-8 text: {error.reason}", source, line) from None


def _contents(text: str, source: str) -> Iterator[tuple[object, int]]:
    """Read a text that begins with a bracket as JSON, as kubectl does, and any other as YAML."""
    if not text.lstrip().startswith(("{", "[")):
        yield from yaml_values.documents(text, source)
        return
    try:
        yield from _json(text)
    except json.JSONDecodeError as error:
        message = f"this is no JSON: {error.msg}"
        raise DocumentError(message, source, error.lineno, error.colno) from None
    except (ValueError, RecursionError):
        for _ in yaml_values.documents(text, source):
            pass  # JSON is YAML, and the reader of YAML says which line it is
        raise DocumentError("this JSON holds a number or a nesting beyond what is read", source) from None


def _json(text: str) -> Iterator[tuple[object, int]]:
    decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_float)
    line, end = 1, 0
    while (position := _next(text, end)) < len(text):
        line += text.count("\n", end, position)
        content, end = decoder.raw_decode(text, position)
        _bound(content)
        yield content, line
        line += text.count("\n", position, end)


def _next(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _float(digits: str) -> int | float:
    return whole(float(digits))


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _bound(content: object) -> None:
    level = [content]
    for _ in range(MAX_DEPTH + 1):
        level = [item for value in level for item in _items(value)]
        if not level:
            return
    raise ValueError("nested too deep")


def _items(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _listed(document: Document, depth: int) -> Iterator[Document]:
    """Yield the items of a Kubernetes list, or the document itself."""
    content = document.content
    if not isinstance(content, Mapping) or not _is_list(content):
        yield document
        return
    if depth > MAX_DEPTH:
        raise DocumentError("this is a list within lists without end", document.source, document.line)
    for index, item in enumerate(content["items"]):
        if not isinstance(item, dict):
            raise DocumentError(
                f"items[{index}] of {content['kind']} is {got(item)}, expected an object",
                document.source,
                document.line,
            )
        typed = {**_item_type(content), **item}
        yield from _listed(Document(typed, document.source, document.line), depth + 1)


def _is_list(content: Mapping[str, object]) -> bool:
    kind = content.get("kind")
    return isinstance(kind, str) and kind.endswith("List") and isinstance(content.get("items"), list)


def _item_type(content: Mapping[str, object]) -> dict[str, object]:
    """Return the type that the items of a typed list, such as a PodList, leave out."""
    kind = str(content["kind"]).removesuffix("List")
    version = content.get("apiVersion")
    return {"apiVersion": version, "kind": kind} if kind and version else {}
