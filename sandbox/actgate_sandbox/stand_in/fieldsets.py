"""Which fields an object has: sets of paths, as `metadata.managedFields` records them.

A path is a tuple of elements in the notation of FieldsV1: `f:name` for a field, `k:{...}` for an
item of a list that merges by key, `v:...` for an item of a set. What merges and what is atomic is
defined by the schema (`x-kubernetes-list-type`, `-list-map-keys`, `-map-type`); without a schema, maps
merge and lists are atomic. The algorithm is that of sigs.k8s.io/structured-merge-diff.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import orjson

from actgate_sandbox.status import Json

Path = tuple[str, ...]
Paths = frozenset[Path]
Node = Mapping[str, Any]
Shape = Literal["scalar", "map", "keyed", "set"]

UNKNOWN: Node = {}
"""The schema of a value that is not described."""


class TypeMismatchError(Exception):
    """A value does not fit the schema; the message names the path."""


def child(schema: Node, field: str) -> Node:
    """Return the schema of a map's entry."""
    declared = schema.get("properties", UNKNOWN).get(field)
    if declared is not None:
        return declared  # type: ignore[no-any-return]
    rest = schema.get("additionalProperties")
    return rest if isinstance(rest, dict) else UNKNOWN


def shape(value: Json, schema: Node) -> Shape:
    """Say how a value merges."""
    if isinstance(value, dict):
        return "scalar" if schema.get("x-kubernetes-map-type") == "atomic" else "map"
    if isinstance(value, list):
        kind = schema.get("x-kubernetes-list-type")
        return "keyed" if kind == "map" else "set" if kind == "set" else "scalar"
    return "scalar"


def entries(value: Json, schema: Node, kind: Shape) -> Iterator[tuple[str, Any, Node]]:
    """Yield the path element, value and schema of everything inside a merging value."""
    if kind == "map":
        for field, inner in value.items():
            yield f"f:{field}", inner, child(schema, field)
        return
    items = schema.get("items", UNKNOWN)
    for item in value:
        yield (item_key(item, schema) if kind == "keyed" else f"v:{_json(item)}"), item, items


def item_key(item: Json, schema: Node) -> str:
    """Return the path element of an item of a list that merges by key.

    Raises:
        TypeMismatchError: The item is not an object, or lacks a key that has no default.
    """
    if not isinstance(item, dict):
        raise TypeMismatchError("associative list with keys may only have maps as items")
    properties = schema.get("items", UNKNOWN).get("properties", UNKNOWN)
    found = {}
    for name in sorted(schema.get("x-kubernetes-list-map-keys", ())):
        if name in item:
            found[name] = item[name]
        elif "default" in properties.get(name, UNKNOWN):
            found[name] = properties[name]["default"]
    if not found:
        keys = ", ".join(f'"{name}"' for name in schema.get("x-kubernetes-list-map-keys", ()))
        raise TypeMismatchError(
            f"associative list with keys has an element that omits all key fields [{keys}] "
            "(and doesn't have default values for any key fields)"
        )
    return f"k:{_json(found)}"


def _json(value: Json) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def paths_of(value: Json, schema: Node) -> Paths:
    """Return every path that a configuration sets: what its applier comes to own."""
    found: set[Path] = set()
    _collect(value, schema, (), found)
    return frozenset(found)


def _collect(value: Json, schema: Node, path: Path, found: set[Path]) -> None:
    kind = shape(value, schema)
    if kind == "scalar" or not value:
        found.add(path)
        return
    declared = schema.get("properties", UNKNOWN)
    inside = list(entries(value, schema, kind))
    if len({element for element, _, _ in inside}) != len(inside):
        raise TypeMismatchError(f".{'.'.join(path)}: duplicate entries for a key")
    for element, inner, inner_schema in inside:
        inner_path = (*path, element)
        _collect(inner, inner_schema, inner_path, found)
        if kind != "map" or element[2:] not in declared:
            found.add(inner_path)


class Difference(NamedTuple):
    """What happened between two states of an object, by path."""

    removed: Paths
    modified: Paths
    added: Paths


_ABSENT: Any = object()


def compare(old: Json, new: Json, schema: Node) -> Difference:
    """Return which paths a write removed, modified and added."""
    changes = Difference(set(), set(), set())  # type: ignore[arg-type]
    _compare(old, new, schema, (), changes)
    return Difference(*(frozenset(paths) for paths in changes))


def _compare(old: Json, new: Json, schema: Node, path: Path, out: Json) -> None:
    if old is new or old == new:
        return
    before = "scalar" if old is _ABSENT else shape(old, schema)
    after = "scalar" if new is _ABSENT else shape(new, schema)
    if before == after == "scalar" or not (_filled(old, before) or _filled(new, after)):
        _note(old, new, path, out)
        return
    _compare_inside(old, new, schema, path, out)


def _filled(value: Json, kind: Shape) -> bool:
    return kind != "scalar" and bool(value)


def _note(old: Json, new: Json, path: Path, out: Json) -> None:
    side = out.added if old is _ABSENT else out.removed if new is _ABSENT else out.modified
    side.add(path)


def _compare_inside(old: Json, new: Json, schema: Node, path: Path, out: Json) -> None:
    if path and (old is _ABSENT or new is _ABSENT):
        _note(old, new, path, out)
    left, right = _inside(old, schema), _inside(new, schema)
    for element, (value, inner) in right.items():
        _compare(left.get(element, (_ABSENT,))[0], value, inner, (*path, element), out)
    for element, (value, inner) in left.items():
        if element not in right:
            _compare(value, _ABSENT, inner, (*path, element), out)


def _inside(value: Json, schema: Node) -> dict[str, tuple[Any, Node]]:
    kind = "scalar" if value is _ABSENT else shape(value, schema)
    if kind == "scalar":
        return {}
    return {element: (inner, node) for element, inner, node in entries(value, schema, kind)}


def merge(live: Json, config: Json, schema: Node) -> Json:
    """Lay a configuration over the live value, as server-side apply does."""
    kind = shape(config, schema)
    if kind == "scalar" or shape(live, schema) != kind:
        return config
    if kind == "map":
        merged = dict(live)
        for field, value in config.items():
            inner = child(schema, field)
            merged[field] = merge(live[field], value, inner) if field in live else value
        return merged
    return _merge_list(live, config, schema, kind)


def _merge_list(live: list[Any], config: list[Any], schema: Node, kind: Shape) -> list[Any]:
    """Merge item by item; the configuration's order wins, other items keep their neighbours.

    Of the items in both lists, a live one holds its place only if the configuration wants it next.
    """
    ours = {element: item for element, item, _ in entries(config, schema, kind)}
    theirs = {element: item for element, item, _ in entries(live, schema, kind)}
    items = schema.get("items", UNKNOWN)
    shared = deque(element for element in ours if element in theirs)
    waiting = deque(ours)
    merged: list[Any] = []

    def take() -> None:
        element = waiting.popleft()
        known = theirs.get(element, _ABSENT)
        merged.append(ours[element] if known is _ABSENT else merge(known, ours[element], items))
        if shared and shared[0] == element:
            shared.popleft()

    for element, item in theirs.items():
        if element not in ours:
            merged.append(item)
        elif shared and shared[0] == element:
            while waiting[0] != element:
                take()
            take()
    while waiting:
        take()
    return merged


def remove(value: Json, schema: Node, gone: Paths, path: Path = ()) -> Json:
    """Return the value without the given paths; containers that become empty go too."""
    if not gone:
        return value
    kind = shape(value, schema)
    if kind == "scalar" or not value:
        return value
    kept: list[tuple[str, Any]] = []
    for element, inner, node in entries(value, schema, kind):
        inner_path = (*path, element)
        if inner_path in gone:
            continue
        left = remove(inner, node, gone, inner_path)
        if left is not None:
            kept.append((element, left))
    if not kept:
        return None
    if kind == "map":
        return {element[2:]: inner for element, inner in kept}
    return [inner for _, inner in kept]


def encode(paths: Paths) -> dict[str, Any]:
    """Write a set of paths as FieldsV1."""
    root: dict[str, Any] = {}
    for path in sorted(paths):
        node = root
        for element in path[:-1]:
            node = node.setdefault(element, {})
        node.setdefault(path[-1], {})["."] = {}
    return _unmarked(root)


def _unmarked(node: dict[str, Any]) -> dict[str, Any]:
    """A leaf is written as `{}`; only a member with members below it carries the dot."""
    if node.keys() == {"."}:
        return {}
    return {name: _unmarked(inner) if name != "." else {} for name, inner in node.items()}


def decode(fields: Mapping[str, Any]) -> Paths:
    """Read a set of paths from FieldsV1."""
    found: set[Path] = set()
    _decode(fields, (), found)
    return frozenset(found)


def _decode(node: Mapping[str, Any], path: Path, found: set[Path]) -> None:
    for element, inner in node.items():
        if element == ".":
            found.add(path)
        elif inner:
            _decode(inner, (*path, element), found)
        else:
            found.add((*path, element))
