"""What stands in an object where neither ``check`` nor the gate would read it.

A label that is nearly right, a mark in the wrong place, metadata of the wrong type, a misspelt field: the
cluster would not judge the object, or judge less of it, and say nothing. Here each is a sentence, and the
input is unusable. ``actgate.subjects.marks`` says what a mark is.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from actgate.api.names import ENFORCE_LABEL, EXEMPT_LABEL, INFERENCE_LABEL, OWN_KEYS
from actgate.api.quoting import invalid, quoted
from actgate.cli.exits import UnusableError
from actgate.decision.manifest import Problem
from actgate.documents import Document
from actgate.subjects import marks
from actgate.subjects.fields import Json, Shape, misfits
from actgate.subjects.kinds import Kind, kinds
from actgate.subjects.reading import Row
from actgate.subjects.serving import ServingObject
from actgate.subjects.serving_kinds import ServingKind

_OURS: Final = "actgatedev"
_FIELDS: Final = ("labels", "annotations")
_SELECTS: Final = re.compile(r"selector$|^matchLabels$", re.IGNORECASE)
"""Fields whose keys are asked of other objects, and say nothing about this one."""
_ALIKE: Final = 0.8

_NEARLY_THE_SAME: Final = 0.85


class Unread(NamedTuple):
    """A field, and what is wrong with it: a sentence without the field."""

    path: str
    sentence: str


def refuse(document: Document, found: Iterable[Unread]) -> None:
    """Raise for fields that would not be read, each with its line.

    Raises:
        UnusableError: There are some.
    """
    sentences = [f"{document.place(item.path)}: {item.path}: {item.sentence}" for item in found]
    if sentences:
        raise UnusableError(*sentences)


def refuse_problems(document: Document, problems: Iterable[Problem]) -> None:
    """Raise for what the API server would refuse, each with its line.

    Raises:
        UnusableError: There are some.
    """
    refuse(document, (Unread(item.path, f"{item.message}; fix: {item.remediation}") for item in problems))


def refuse_other_kind(document: Document, called: str, row: Row | None = None) -> None:
    """Raise for an object that is marked and of a kind that is not judged; one mark is enough to say so.

    Args:
        document: The object.
        called: What it is called.
        row: Its row, where it is of a kind that is known and never judged.

    Raises:
        UnusableError: It is marked.
    """
    found = next(of_other_kind(document.value), None)
    if found is None:
        return
    if isinstance(row, ServingKind):
        reason = f"and is never judged: {row.because} answer for it; mark those instead"
    else:
        reason = (
            f"and only these are judged: {', '.join(kind for _, kind in kinds())}, and the serving kinds "
            "that docs/kinds.md lists"
        )
    raise UnusableError(
        f"{document.place(found.path)}: {called} is marked as inference ({found.path}), {reason}"
    )


def of_workload(obj: Json, kind: Kind, *, declared: bool) -> Iterator[Unread]:
    """Yield what is not read of an object of a kind that can be judged, and that declares to serve or not."""
    hidden = [
        Unread(path, f"{invalid(value, expected)}; what it declares cannot be read")
        for path, expected, value in misfits(obj, kind.levels)
    ]
    yield from hidden
    if hidden:
        return
    yield from _outside(obj, [path.text for path in kind.marks], declared=declared)
    if declared:
        yield from _misspelt(obj, kind.shape)


def of_serving(obj: Json, found: ServingObject) -> Iterator[Unread]:
    """Yield what is not read of an object of a serving kind; its reader notes wrong types by itself."""
    yield from _outside(obj, [place.path for place in found.places], declared=found.judged)


def _outside(obj: Json, places: list[str], *, declared: bool) -> Iterator[Unread]:
    """Yield the marks of an object that stand where none is read, and keys that are nearly marks."""
    where = " or ".join(places)
    for path, key, value in _keys(obj, ""):
        around, _, field = path.rpartition(".")
        if around in places and field in _FIELDS:
            if not marks.is_mark(key) and looks_like_ours(key):
                yield Unread(
                    f"{path}[{key}]", f"Unsupported value: not a key that actgate reads{_meant(key)}"
                )
        elif _counts(path, key, value) and not (declared and path.endswith(_FIELDS)):
            yield Unread(
                f"{path}[{key}]",
                f"Invalid value: not read here, so it would declare nothing; state it in {where}",
            )


def of_other_kind(obj: Json) -> Iterator[Unread]:
    """Yield the marks of an object of a kind that is not judged, wherever in it they stand."""
    for path, key, value in _keys(obj, ""):
        if _counts(path, key, value):
            yield Unread(f"{path}[{key}]", "it is marked as inference")


def of_namespace(metadata: Json) -> Iterator[Unread]:
    """Yield the labels of a namespace that look as if they were to switch the gate on."""
    names = {_plain(key): key for key in (ENFORCE_LABEL, EXEMPT_LABEL, INFERENCE_LABEL, *marks.LINKS)}
    for field in _FIELDS:
        stated = metadata.get(field)
        for key, value in stated.items() if isinstance(stated, dict) else ():
            path = f"metadata.{field}[{key}]"
            if key == EXEMPT_LABEL and field == "labels":
                continue
            if key == ENFORCE_LABEL and field == "labels":
                if value not in ("true", "false"):
                    yield Unread(
                        path, f'Unsupported value: {quoted(value)}: supported values: "true", "false"'
                    )
            elif marks.is_mark(key) or looks_like_ours(key):
                near = difflib.get_close_matches(_plain(key), names, n=1, cutoff=_ALIKE)
                if near:
                    yield Unread(
                        path,
                        "Unsupported value: not a key of namespaces; did you mean the label "
                        f"{ENFORCE_LABEL}?",
                    )


def looks_like_ours(key: object) -> bool:
    """Return whether a key might be a mark that is spelt so wrongly that the gate would not see it."""
    if not isinstance(key, str) or key in OWN_KEYS:
        return False
    prefix, _, name = key.rpartition("/")
    if "actgate" in re.sub(r"[^a-z0-9]", "", key.lower()) or _plain(name) == "compliancemanifest":
        return True
    alike = difflib.SequenceMatcher(None, re.sub(r"[^a-z0-9]", "", prefix.lower()), _OURS).ratio()
    return alike >= _ALIKE and marks.close_to(name) is not None


def _counts(path: str, key: object, value: object) -> bool:
    """Return whether a key says something, of whatever object it is a field."""
    keyed = path.endswith(_FIELDS)
    if marks.is_mark(key) and (keyed or "/" in str(key)):  # Data may have fields called actgate.
        return key != INFERENCE_LABEL or value != "false"
    return keyed and looks_like_ours(key)


def _keys(value: object, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield (field around it, key, value) of every object at any depth, but of selectors and of status."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _keys(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield path, key, item
            text = str(key)
            if (
                not _SELECTS.search(text)
                and not (path == "" and text == "status")
                and text != "managedFields"
            ):
                yield from _keys(item, f"{path}.{text}" if path else text)


def _misspelt(value: object, shape: Shape, path: str = "") -> Iterator[Unread]:
    """Yield fields whose names are nearly those of fields that are read, at each level down to the images."""
    if isinstance(shape, list):
        for index, item in enumerate(value if isinstance(value, list) else ()):
            yield from _misspelt(item, shape[0], f"{path}[{index}]")
    elif isinstance(shape, dict) and isinstance(value, dict):
        plain = {name.lower(): name for name in shape}
        for key, item in value.items():
            at = f"{path}.{key}" if path else str(key)
            if key in shape:
                yield from _misspelt(item, shape[key], at)
            elif near := difflib.get_close_matches(str(key).lower(), plain, n=1, cutoff=_NEARLY_THE_SAME):
                yield Unread(at, f"unknown field; did you mean {plain[near[0]]}?")


def _meant(key: str) -> str:
    near = marks.close_to(key)
    return f"; did you mean {near}?" if near else "; remove it, or write a key of actgate.dev"


def _plain(key: str) -> str:
    return re.sub(r"[^a-z0-9]", "", key.rpartition("/")[2].lower())
