"""YAML text to plain values, one document at a time and without recursion.

PyYAML parses; the values are built here from its events, since what its constructors leave open is
decided here: duplicate keys are refused, aliases cannot blow a document up, and nesting is bounded.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from actgate.api.quoting import quoted
from actgate.documents.errors import DocumentError
from actgate.documents.scalars import resolve

MAX_DEPTH: Final = 100
"""Deepest nesting that is read; the deepest objects of Kubernetes, schemas in CRDs, stay below it."""
_TOO_DEEP: Final = f"this is nested deeper than {MAX_DEPTH} levels"
MAX_VALUES: Final = 1_000_000
"""Most values in a document once its aliases are spelled out."""
_Parser: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE: Final = "tag:yaml.org,2002:"
_TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    "int": int,
    "float": (int, float),
    "bool": bool,
    "null": type(None),
}
_MERGE: Final = object()
"""Stands for the key << of an object that takes in the keys of others."""


@dataclass(frozen=True, slots=True)
class _Value:
    """A finished value, with what it spells out to: how many values, and how deep."""

    value: object
    size: int = 1
    depth: int = 0


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet."""

    value: dict[object, object] | list[object]
    line: int
    anchor: str | None
    size: int = 1
    depth: int = 1
    key: object = None
    """Key that waits for its value; None when a key comes next."""
    own: set[str] = field(default_factory=set)
    """Keys that were written here, not merged in."""


def documents(text: str, source: str) -> Iterator[tuple[object, int]]:
    """Yield each document of a YAML stream with the line, counted from 1, on which it begins.

    Raises:
        DocumentError: When it is no YAML, or goes beyond what this module reads.
    """
    try:
        events = yaml.parse(text, Loader=_Parser)
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                yield _Document(events, source).read()
    except yaml.MarkedYAMLError as error:
        raise _translated(error, source) from None
    except (yaml.reader.ReaderError, UnicodeEncodeError):
        raise _unprintable(text, source) from None


def _translated(error: yaml.MarkedYAMLError, source: str) -> DocumentError:
    mark = error.problem_mark or error.context_mark
    if error.problem is not None and "nesting" in error.problem:
        # PyYAML 6.0.4 and libyaml bound flow collections themselves, in a scanner that reads ahead of us.
        return DocumentError(_TOO_DEEP, source, mark.line + 1 if mark is not None else None)
    words = ", ".join(part for part in (error.context, error.problem) if part)
    if mark is None:
        return DocumentError(f"this is no YAML: {words}", source)
    return DocumentError(f"this is no YAML: {words}", source, mark.line + 1, mark.column + 1)


def _unprintable(text: str, source: str) -> DocumentError:
    """Say which character YAML refuses, and where: libyaml counts in bytes, and so does not say it."""
    found = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if found is None:
        return DocumentError("this is no YAML: it holds a character that YAML does not allow", source)
    before = text[: found.start()]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return DocumentError(f"YAML does not allow the character {quoted(found[0])}", source, line, column)


class _Document:
    """Builds one document's value from its events."""

    def __init__(self, events: Iterator[yaml.Event], source: str) -> None:
        self._events = events
        self._source = source
        self._stack: list[_Open] = []
        self._anchors: dict[str, _Value] = {}
        self._root = _Value(None)
        self._line = 1

    def read(self) -> tuple[object, int]:
        """Return the value and the line on which it begins; the events are left at the next document."""
        first: int | None = None
        while not isinstance(event := next(self._events), yaml.DocumentEndEvent):
            if event.start_mark is not None:
                self._line = event.start_mark.line + 1
            first = first or self._line
            self._take(event)
        return self._root.value, first or 1

    def _take(self, event: yaml.Event) -> None:
        match event:
            case yaml.ScalarEvent():
                if event.value == "<<" and event.implicit[0] and self._key_comes_next():
                    self._stack[-1].key = _MERGE
                else:
                    self._put(_Value(self._scalar(event)), event.anchor)
            case yaml.AliasEvent():
                self._put(self._alias(event.anchor), None)
            case yaml.MappingStartEvent():
                self._open({}, event.anchor)
            case yaml.SequenceStartEvent():
                self._open([], event.anchor)
            case yaml.CollectionEndEvent():
                closed = self._stack.pop()
                self._put(_Value(closed.value, closed.size, closed.depth), closed.anchor)

    def _open(self, value: dict[object, object] | list[object], anchor: str | None) -> None:
        if self._key_comes_next():
            raise self._error("a key is a list or an object, and only text can be one")
        self._bound(1, len(self._stack) + 1)
        self._stack.append(_Open(value, self._line, anchor))

    def _put(self, item: _Value, anchor: str | None) -> None:
        """Hand a finished value to the collection that is open."""
        if anchor is not None:
            self._anchors[anchor] = item
        if not self._stack:
            self._root = item
            return
        inside = self._stack[-1]
        inside.size += item.size
        inside.depth = max(inside.depth, item.depth + 1)
        self._bound(inside.size, len(self._stack) + item.depth)
        if isinstance(inside.value, list):
            inside.value.append(item.value)
        elif inside.key is None:
            inside.key = self._key(item.value, inside)
        else:
            self._set(inside.value, inside, item.value)
            inside.key = None

    def _set(self, mapping: dict[object, object], inside: _Open, value: object) -> None:
        if inside.key is not _MERGE:
            mapping[inside.key] = value
            return
        # The first source of a list wins; kubectl lets a merge replace the keys before it.
        for merged in reversed(value if isinstance(value, list) else [value]):
            if not isinstance(merged, dict):
                raise self._error("<< merges objects, and this is none")
            for twice in sorted(inside.own.intersection(merged)):
                raise self._error(f"<< replaces the key {quoted(twice)}: put << first, or leave one out")
            mapping.update(merged)

    def _key(self, value: object, inside: _Open) -> str:
        """Return a key as JSON writes it: numbers and booleans become text, as Kubernetes reads them."""
        if value is None or not isinstance(value, str | int | float):
            raise self._error("a key is null or a collection, and only text can be one")
        key = str(value).lower() if isinstance(value, bool) else str(value)
        if key in inside.own:
            begins = f"the object that begins on line {inside.line}"
            raise self._error(f"the key {quoted(key)} stands twice in {begins}; leave one of them out")
        inside.own.add(key)
        return key

    def _key_comes_next(self) -> bool:
        inside = self._stack[-1] if self._stack else None
        return inside is not None and isinstance(inside.value, dict) and inside.key is None

    def _alias(self, anchor: str | None) -> _Value:
        if anchor is None or anchor not in self._anchors:
            raise self._error(f"the alias {quoted(anchor)} refers to no anchor that ends before it")
        return self._anchors[anchor]

    def _scalar(self, event: yaml.ScalarEvent) -> object:
        if event.tag is None:
            return resolve(event.value) if event.implicit[0] else event.value
        name = event.tag.removeprefix(_CORE)
        if name == "binary":
            raise self._error("!!binary is not read here: write the value as text")
        if name not in _TYPES:
            return event.value
        value = resolve(event.value)
        if not isinstance(value, _TYPES[name]):
            raise self._error(f"{quoted(event.value)} is not of the type that its tag says")
        return value

    def _bound(self, size: int, depth: int) -> None:
        if size > MAX_VALUES:
            raise self._error(f"this spells out to more than {MAX_VALUES} values")
        if depth > MAX_DEPTH:
            raise self._error(_TOO_DEEP)

    def _error(self, message: str) -> DocumentError:
        return DocumentError(message, self._source, self._line)
