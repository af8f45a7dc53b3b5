"""Values against a schema: types, bounds, enumerations, times, quantities, lists whose items are keyed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

from actgate_sandbox.schema.errors import shown, too_many, wrong_type
from actgate_sandbox.schema.objects import NOTHING, Json, Node, child
from actgate_sandbox.status import Cause


class _Absent:
    """The type of `ABSENT`."""


ABSENT: Final = _Absent()
"""There is no old value; null would be one."""

_FORMATS: Final = {
    "date-time": re.compile(
        r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?([Zz]|[+-]\d{2}:\d{2})"
    ),
    "quantity": re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?"),
}
# An escape, a bracket expression, or a dollar: only a bare dollar is to be rewritten.
_TOKENS: Final = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\$")


def value_errors(node: Node, value: Json, path: str, old: object) -> Iterator[Cause]:
    """Yield what is wrong with a value and everything under it; an unchanged value is not judged again."""
    if value == old or (value is None and node.get("nullable")):
        return
    if not _has_type(node, value):
        kind = "integer,string" if node.get("x-kubernetes-int-or-string") else node["type"]
        yield wrong_type(path, kind, f'"{_type_name(value)}"')
        return
    if "enum" in node and value not in node["enum"]:
        names = ", ".join(shown(str(item)) for item in node["enum"])
        message = f"Unsupported value: {shown(value)}: supported values: {names}"
        yield Cause("FieldValueNotSupported", path, message)
    if isinstance(value, dict):
        yield from _object_errors(node, value, path, old)
    elif isinstance(value, list):
        yield from _list_errors(node, value, path)
    elif isinstance(value, str):
        yield from _string_errors(node, value, path)
    elif _is_number(value):
        yield from _number_errors(node, value, path)


def mistyped(node: Node, value: Json, path: str) -> Iterator[str]:
    """Yield the path of every value that has another type than its schema says."""
    if value is None:
        return
    if not _has_type(node, value):
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from mistyped(child(node, key) or NOTHING, item, _field(path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from mistyped(node.get("items", NOTHING), item, f"{path}[{index}]")


def old_field(old: object, key: str) -> object:
    """Return the old value of a field or map entry; items of a list have none."""
    return old.get(key, ABSENT) if isinstance(old, dict) else ABSENT


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    return _is_number(value) and float(value).is_integer()


_TYPES: Final[dict[str, Callable[[object], bool]]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": _is_whole,
    "number": _is_number,
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def _has_type(node: Node, value: object) -> bool:
    if node.get("x-kubernetes-int-or-string"):
        return isinstance(value, str) or _is_whole(value)
    return "type" not in node or _TYPES[node["type"]](value)


def _type_name(value: object) -> str:
    return next(name for name, fits in _TYPES.items() if fits(value))


def _object_errors(node: Node, value: dict[str, Any], path: str, old: object) -> Iterator[Cause]:
    if len(value) > node.get("maxProperties", len(value)):
        yield too_many(path, len(value), node["maxProperties"])
    for key in node.get("required", ()):
        if key not in value:
            yield Cause("FieldValueRequired", _field(path, key), "Required value")
    for key, item in value.items():
        if (declared := child(node, key)) is not None:
            yield from value_errors(declared, item, _field(path, key), old_field(old, key))


def _list_errors(node: Node, value: list[Any], path: str) -> Iterator[Cause]:
    if len(value) > node.get("maxItems", len(value)):
        yield too_many(path, len(value), node["maxItems"])
    if len(value) < node.get("minItems", 0):
        yield _body(path, len(value), f"should have at least {node['minItems']} items")
    for index, item in enumerate(value):
        yield from value_errors(node.get("items", NOTHING), item, f"{path}[{index}]", ABSENT)
    if node.get("x-kubernetes-list-type") in ("set", "map"):
        yield from _duplicates(value, path, node.get("x-kubernetes-list-map-keys"))


def _duplicates(value: list[Any], path: str, keys: list[str] | None) -> Iterator[Cause]:
    """Yield the second of equal items of a set, and of items with equal keys of a map."""
    seen = set()
    for index, item in enumerate(value):
        if keys and not isinstance(item, dict):
            continue
        identity = {key: item[key] for key in keys if key in item} if keys else item
        text = json.dumps(identity, sort_keys=True)
        if text in seen:
            yield Cause("FieldValueDuplicate", f"{path}[{index}]", f"Duplicate value: {shown(identity)}")
        seen.add(text)


def _string_errors(node: Node, value: str, path: str) -> Iterator[Cause]:
    if len(value) > node.get("maxLength", len(value)):
        # The real message says bytes although characters are counted.
        message = f"Too long: may not be more than {node['maxLength']} bytes"
        yield Cause("FieldValueTooLong", path, message)
    elif len(value) < node.get("minLength", 0):
        yield _body(path, value, f"should be at least {node['minLength']} chars long")
    elif "pattern" in node and not _pattern(node["pattern"]).search(value):
        yield _body(path, value, f"should match '{node['pattern']}'")
    if (form := node.get("format")) in _FORMATS and not _FORMATS[form].fullmatch(value):
        yield wrong_type(path, form, shown(value))


@cache
def _pattern(source: str) -> re.Pattern[str]:
    """Compile a Go regular expression: Python's `$` also matches before a last newline, Go's does not."""
    return re.compile(_TOKENS.sub(lambda found: r"\Z" if found[0] == "$" else found[0], source), re.ASCII)


def _number_errors(node: Node, value: Json, path: str) -> Iterator[Cause]:
    if value > node.get("maximum", value):
        yield _body(path, value, f"should be less than or equal to {shown(node['maximum'])}")
    if value < node.get("minimum", value):
        yield _body(path, value, f"should be greater than or equal to {shown(node['minimum'])}")


def _body(path: str, value: object, message: str) -> Cause:
    return Cause("FieldValueInvalid", path, f"Invalid value: {shown(value)}: {path} in body {message}")


def _field(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
