"""YAML text to nodes: plain values, with the line of each.

PyYAML parses; the nodes are built here from its events, since what its constructors leave open is decided
here: duplicate keys are refused, aliases cannot blow a document up, and nesting is bounded.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import yaml

from actgate.api.quoting import quoted
from actgate.documents.errors import DocumentError
from actgate.documents.scalars import resolve

MAX_DEPTH: Final = 100
"""Deepest nesting that is read; the deepest objects of Kubernetes, schemas in CRDs, stay below it."""
MAX_VALUES: Final = 1_000_000
"""Most values in a document once its aliases are spelled out."""
_TOO_DEEP: Final = f"invalid YAML: nested deeper than {MAX_DEPTH} levels"
_Parser: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE: Final = "tag:yaml.org,2002:"
_TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    "int": int,
    "float": (int, float),
    "bool": bool,
    "null": type(None),
}


class Node(NamedTuple):
    """A value, and what is known of it."""

    value: Any
    line: int
    """Line on which it begins, counted from 1."""
    parts: Mapping[str, tuple[int, "Node"]] = {}
    """Its fields by their keys, or its items by their positions, each with the line on which it is stated."""
    size: int = 1
    """How many values it spells out to."""
    depth: int = 0
    """How many collections lie within each other in it."""


def nodes(text: str, source: str) -> Iterator[Node]:
    """Yield each document of a YAML stream.

    Raises:
        DocumentError: When it is not valid YAML, or goes beyond what this module reads.
    """
    try:
        events = yaml.parse(text, Loader=_Parser)
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                found = _Composer(events, source).node(0)
                next(events)  # Its end: what cannot follow a document makes all of it invalid.
                yield found
    except yaml.MarkedYAMLError as error:
        raise _translated(error, source) from None
    except (yaml.reader.ReaderError, UnicodeEncodeError):
        raise _unprintable(text, source) from None


def _translated(error: yaml.MarkedYAMLError, source: str) -> DocumentError:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (None, None)
    if error.problem is not None and "nesting" in error.problem:
        # PyYAML 6.0.4 and libyaml bound flow collections themselves, in a scanner that reads ahead of us.
        return DocumentError(_TOO_DEEP, source, line)
    words = ", ".join(part for part in (error.context, error.problem) if part)
    return DocumentError(f"invalid YAML: {words}", source, line, column)


def _unprintable(text: str, source: str) -> DocumentError:
    """Say which character YAML refuses, and where: libyaml counts in bytes, and so does not say it."""
    found = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if found is None:
        return DocumentError("invalid YAML: it holds a character that YAML does not allow", source)
    before = text[: found.start()]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return DocumentError(f"invalid YAML: character {quoted(found[0])} is not allowed", source, line, column)


class _Composer:
    """Builds one document's node from its events."""

    def __init__(self, events: Iterator[yaml.Event], source: str) -> None:
        self._events = events
        self._source = source
        self._anchors: dict[str, Node] = {}
        self._line = 1
        self._merged = 0

    def node(self, depth: int, event: Any = None) -> Node:  # noqa: ANN401 - an event of PyYAML
        """Return the next node, or the one that an event begins, within so many collections."""
        event = event or self._next()
        match event:
            case yaml.AliasEvent():
                found = self._alias(event.anchor)
            case yaml.ScalarEvent():
                found = Node(self._scalar(event), self._line)
            case yaml.MappingStartEvent():
                found = self._collection(self._line, *self._mapping(self._inside(depth), self._line))
            case _:
                found = self._collection(self._line, *self._sequence(self._inside(depth)))
        if depth + found.depth > MAX_DEPTH:
            raise self._error(_TOO_DEEP)
        if event.anchor is not None:
            self._anchors[event.anchor] = found
        return found

    def _next(self) -> Any:  # noqa: ANN401 - as above
        event: Any = next(self._events)
        self._line = event.start_mark.line + 1
        return event

    def _inside(self, depth: int) -> int:
        if depth >= MAX_DEPTH:
            raise self._error(_TOO_DEEP)
        return depth + 1

    def _collection(self, line: int, value: object, parts: dict[str, tuple[int, Node]]) -> Node:
        size, depth = 1, 0
        for _, part in parts.values():
            size, depth = size + part.size, max(depth, part.depth)
        self._bound(size)
        return Node(value, line, parts, size, depth + 1)

    def _bound(self, size: int) -> None:
        if size > MAX_VALUES:
            raise self._error(f"invalid YAML: its aliases expand to more than {MAX_VALUES} values")

    def _sequence(self, depth: int) -> tuple[list[Any], dict[str, tuple[int, Node]]]:
        parts: dict[str, tuple[int, Node]] = {}
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            parts[str(len(parts))] = self._line, self.node(depth, event)
        return [part.value for _, part in parts.values()], parts

    def _mapping(self, depth: int, begins: int) -> tuple[dict[str, Any], dict[str, tuple[int, Node]]]:
        parts: dict[str, tuple[int, Node]] = {}
        own = set[str]()
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            line = self._line
            if isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]:
                self._merge(parts, own, self.node(depth))
                continue
            key = self._key(event)
            if key in own:
                where = f"the object that begins on line {begins}"
                raise self._error(f"duplicate key {quoted(key)} in {where}; remove one of them")
            own.add(key)
            parts[key] = line, self.node(depth)
        return {key: part.value for key, (_, part) in parts.items()}, parts

    def _merge(self, parts: dict[str, tuple[int, Node]], own: set[str], given: Node) -> None:
        self._merged += given.size
        self._bound(self._merged)
        sources = [part for _, part in given.parts.values()] if isinstance(given.value, list) else [given]
        # The first source of a list wins; kubectl lets a merge replace the keys before it.
        for merged in reversed(sources):
            if not isinstance(merged.value, dict):
                raise self._error("invalid YAML: << merges objects only")
            for twice in sorted(own.intersection(merged.parts)):
                raise self._error(
                    f"duplicate key {quoted(twice)}: << replaces it; put << first, or remove one"
                )
            parts.update(merged.parts)

    def _key(self, event: yaml.Event) -> str:
        """Return a key as JSON writes it: numbers and booleans become text, as Kubernetes reads them."""
        if isinstance(event, yaml.CollectionStartEvent):
            raise self._error("invalid key: a list or an object, must be text")
        value = self.node(0, event).value
        if value is None or not isinstance(value, str | int | float):
            raise self._error("invalid key: null or a collection, must be text")
        return str(value).lower() if isinstance(value, bool) else str(value)

    def _alias(self, anchor: str | None) -> Node:
        if anchor is None or anchor not in self._anchors:
            raise self._error(f"invalid YAML: alias {quoted(anchor)}: anchor not found before it")
        return self._anchors[anchor]

    def _scalar(self, event: yaml.ScalarEvent) -> object:
        if event.tag is None:
            return resolve(event.value) if event.implicit[0] else event.value
        name = event.tag.removeprefix(_CORE)
        if name == "binary":
            raise self._error("unsupported tag !!binary: write the value as text")
        if name not in _TYPES:
            return event.value
        value = resolve(event.value)
        if not isinstance(value, _TYPES[name]):
            raise self._error(f"invalid YAML: {quoted(event.value)} is not of the type of its tag")
        return value

    def _error(self, message: str) -> DocumentError:
        return DocumentError(message, self._source, self._line)
