"""Documents of a file: YAML and JSON, several in one file, and lists, as kubectl reads them.

Nothing that cannot be judged gets through half-read: a file is refused with one sentence that says
where and why. NaN and the infinities of Python's JSON are read as floats, so that the rule
``manifest/invalid`` can speak of them with the field's name.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, Final

from actgate.api.paths import steps
from actgate.api.quoting import invalid
from actgate.documents import yaml_nodes
from actgate.documents.errors import DocumentError
from actgate.documents.scalars import whole
from actgate.documents.yaml_nodes import MAX_DEPTH, Node

MAX_SIZE: Final = 32 * 1024 * 1024
"""Longest text that is read, in characters; the API server takes objects of at most 3 MiB."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document, or an item of a list in one: its value, and where it stands."""

    value: Any
    source: str
    """Name of the file."""
    line: int
    """Line on which it begins, from 1; for the items of a list, the list's."""
    item: int = 0
    """How many items of the same list come before it."""
    _root: Callable[[], Node | None] = lambda: None
    """What knows the lines; a text that is not YAML, such as some JSON, has none."""
    _within: tuple[str, ...] = ()
    """Steps from the root to the item of a list."""

    def line_of(self, path: str = "") -> int:
        """Return the line of a field, or of the nearest parent that is there.

        Args:
            path: The field, such as ``spec.bias[0].value`` or ``metadata.annotations[actgate.dev/model]``;
                empty for the document itself.
        """
        line, node = self.line, self._root()
        for step in (*self._within, *steps(path)):
            if node is None or step not in node.parts:
                break
            line, node = node.parts[step]
        return line

    def place(self, path: str = "") -> str:
        """Return file and line of a field, as compilers write them."""
        return f"{self.source}:{self.line_of(path)}"


def load(text: str | bytes, source: str) -> Iterator[Document]:
    """Yield the documents of a file; empty ones are left out, and a list yields its items.

    Args:
        text: The file's content; bytes are UTF-8.
        source: Name of the file, for messages.

    Raises:
        DocumentError: When a part of it cannot be read. What stood before that part was yielded.
    """
    if len(text) > MAX_SIZE:
        raise DocumentError(
            f"too large: must be at most {MAX_SIZE // 1024 // 1024} MiB; split the file", source
        )
    decoded = _decoded(text, source) if isinstance(text, bytes) else text.removeprefix("\ufeff")
    # A text that begins with a bracket is JSON, as for kubectl, and any other is YAML.
    read = _json_documents if decoded.lstrip().startswith(("{", "[")) else _yaml_documents
    for document in read(decoded, source):
        if document.value is not None:
            yield from (replace(item, item=number) for number, item in enumerate(_listed(document)))


def _yaml_documents(text: str, source: str) -> Iterator[Document]:
    for node in yaml_nodes.nodes(text, source):
        yield Document(node.value, source, node.line, _root=partial(_same, node))


def _same(node: Node) -> Node:
    return node


def _decoded(raw: bytes, source: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DocumentError(f"invalid UTF-8: {error.reason}", source, line) from None


def _json_documents(text: str, source: str) -> Iterator[Document]:
    decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_float)
    line, end = 1, 0
    try:
        while (position := _next(text, end)) < len(text):
            line += text.count("\n", end, position)
            value, end = decoder.raw_decode(text, position)
            _bound(value)
            yield Document(value, source, line, _root=partial(_lines_of_json, text[position:end], line))
            line += text.count("\n", position, end)
    except json.JSONDecodeError as error:
        message = f"invalid JSON: {error.msg}"
        raise DocumentError(message, source, error.lineno, error.colno) from None
    except (ValueError, RecursionError):
        for _ in yaml_nodes.nodes(text, source):
            pass  # JSON is YAML, and the reader of YAML says which line it is
        raise DocumentError("invalid JSON: a number or the nesting is beyond what is read", source) from None


@lru_cache(maxsize=4)
def _lines_of_json(text: str, line: int) -> Node | None:
    """Read JSON once more, as YAML: most is never asked for its lines, and Python's reader is fast."""
    try:
        return next(yaml_nodes.nodes("\n" * (line - 1) + text.replace("\t", " "), ""), None)
    except DocumentError:
        return None


def _next(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _float(digits: str) -> int | float:
    return whole(float(digits))


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("duplicate key")
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


def _listed(document: Document) -> Iterator[Document]:
    """Yield the items of a Kubernetes list, of lists within it too, or the document itself."""
    value = document.value
    if not _is_list(value):
        yield document
        return
    for index, item in enumerate(value["items"]):
        if not isinstance(item, dict):
            message = f"items[{index}] of {value['kind']}: {invalid(item, 'an object')}"
            raise DocumentError(message, document.source, document.line)
        within = (*document._within, "items", str(index))
        yield from _listed(replace(document, value={**_item_type(value), **item}, _within=within))


def _is_list(value: object) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("items"), list):
        return False
    kind = value.get("kind")
    return isinstance(kind, str) and kind.endswith("List")


def _item_type(value: dict[str, Any]) -> dict[str, object]:
    """Return the type that the items of a typed list, such as a PodList, leave out."""
    kind = str(value["kind"]).removesuffix("List")
    version = value.get("apiVersion")
    return {"apiVersion": version, "kind": kind} if kind and version else {}
