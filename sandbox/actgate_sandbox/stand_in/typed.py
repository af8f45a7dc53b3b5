"""What server-side apply asks of an object before it merges: that every field is in the schema.

A value that breaks a bound is the validator's matter; a field that the schema does not declare, or
of the wrong type, cannot even be merged. The sentences are those of the real API server.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from actgate_sandbox.stand_in.fieldsets import (
    UNKNOWN,
    Node,
    TypeMismatchError,
    child,
    entries,
    shape,
)
from actgate_sandbox.stand_in.status import Json

_EXPECTED: dict[str, tuple[tuple[type, ...], str]] = {
    "string": ((str,), "string"),
    "integer": ((int, float), "numeric (int or float)"),
    "number": ((int, float), "numeric (int or float)"),
    "boolean": ((bool,), "boolean"),
    "array": ((list,), "list"),
    "object": ((dict,), "map"),
}


def type_errors(value: Json, schema: Node, path: str = "", *, merging: bool = True) -> Iterator[str]:
    """Yield one sentence for every field of the wrong type.

    Merging asks for more: every field declared, every item of a keyed list with its keys, once.
    """
    expected = _EXPECTED.get(schema.get("type", ""))
    if value is None:
        return
    if expected is not None and not _fits(value, expected[0]):
        yield f"{path}: expected {expected[1]}, got {_shown(value)}"
    elif isinstance(value, dict):
        yield from _field_errors(value, schema, path, merging=merging)
    elif isinstance(value, list):
        yield from _item_errors(value, schema, path, merging=merging)


def _fits(value: Json, kinds: tuple[type, ...]) -> bool:
    return isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


def _shown(value: Json) -> str:
    names = {str: "string", bool: "boolean", dict: "map", list: "list"}
    return names.get(type(value), "numeric")


def _field_errors(value: dict[str, Any], schema: Node, path: str, *, merging: bool) -> Iterator[str]:
    closed = (merging and bool(schema.get("properties"))) and not (
        schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    )
    for field, inner in value.items():
        node = child(schema, field)
        if closed and field not in schema["properties"]:
            yield f"{path}.{field}: field not declared in schema"
        else:
            yield from type_errors(inner, node, f"{path}.{field}", merging=merging)


def _item_errors(value: list[Any], schema: Node, path: str, *, merging: bool) -> Iterator[str]:
    kind = shape(value, schema)
    if kind == "scalar" or not merging:
        items = schema.get("items", UNKNOWN)
        for index, item in enumerate(value):
            yield from type_errors(item, items, f"{path}[{index}]", merging=merging)
        return
    seen: set[str] = set()
    for index, item in enumerate(value):
        try:
            [(element, _, node)] = entries([item], schema, kind)
        except TypeMismatchError as error:
            yield f"{path}: element {index}: {error}"
            continue
        if element in seen:
            yield f"{path}: duplicate entries for key {shown_element(element)}"
        seen.add(element)
        yield from type_errors(item, node, f"{path}{shown_element(element)}")


def shown_element(element: str) -> str:
    """Write one path element as the API server's messages do: `.image`, `[name="web"]`."""
    mark, text = element[:2], element[2:]
    if mark == "f:":
        return f".{text}"
    if mark == "v:":
        return f"[={text}]"
    keys = ",".join(f"{name}={json.dumps(value)}" for name, value in json.loads(text).items())
    return f"[{keys}]"
