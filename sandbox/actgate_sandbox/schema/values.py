"""Values against a schema: types, bounds, enumerations, formats, combinations of schemas.

What did not change since the old object is not judged again, as the API server's ratcheting has it.
Where the real server prints something odd (a bound cut to an integer, `<nil>` for a path), so does
this: the test suite compares the two.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from actgate_sandbox.schema import errors, formats
from actgate_sandbox.schema.correlation import ABSENT, item_key, old_field, old_items, same
from actgate_sandbox.schema.errors import FieldError, shown
from actgate_sandbox.schema.objects import NOTHING, Json, Node, child, embeds

_JSON_TYPES: dict[str, type | tuple[type, ...]] = {
    "array": list,
    "boolean": bool,
    "number": (int, float),
    "object": dict,
    "string": str,
}


def value_errors(node: Node, value: Json, path: str, old: object) -> Iterator[FieldError]:
    """Yield what is wrong with a value and everything under it."""
    if same(value, old) or (value is None and node.get("nullable")):
        return
    yield from _type_errors(node, value, path)
    if "enum" in node and not any(same(value, allowed) for allowed in node["enum"]):
        yield errors.unsupported(path, value, node["enum"])
    if isinstance(value, dict) and _is(node, "object"):
        yield from _object_errors(node, value, path, old)
    elif isinstance(value, list) and _is(node, "array"):
        yield from _list_errors(node, value, path, old)
    elif isinstance(value, str) and _is(node, "string"):
        yield from _string_errors(node, value, path)
    elif _is_number(value):
        yield from _number_errors(node, value, path)
    yield from _combination_errors(node, value, path)


def duplicate_errors(node: Node, value: Json, path: str) -> Iterator[FieldError]:
    """Yield the second of equal items of sets, and of items with equal keys of maps."""
    if isinstance(value, dict):
        for key, item in value.items():
            if (declared := child(node, key)) is not None:
                yield from duplicate_errors(declared, item, _field(path, key))
    elif isinstance(value, list):
        yield from _duplicates(node, value, path)
        for index, item in enumerate(value):
            yield from duplicate_errors(node.get("items", NOTHING), item, f"{path}[{index}]")


def _duplicates(node: Node, value: list[Any], path: str) -> Iterator[FieldError]:
    kind = node.get("x-kubernetes-list-type")
    if kind not in ("set", "map"):
        return
    seen = set()
    for index, item in enumerate(value):
        key = item_key(node, item) if kind == "map" else json.dumps(item, sort_keys=True)
        if key in seen:
            yield errors.duplicate(f"{path}[{index}]", json.loads(key))
        seen.add(key)


def _is(node: Node, kind: str) -> bool:
    return bool(node.get("type", kind) == kind)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: object) -> bool:
    return isinstance(value, int | float) and _is_number(value) and float(value).is_integer()


def type_name(value: object) -> str:
    """Name a value's JSON type as messages do."""
    if value is None:
        return "null"
    if _whole(value):
        return "integer"
    names = (name for name, types in _JSON_TYPES.items() if isinstance(value, types))
    # A bool is an int in Python; "boolean" comes before "number" in the table.
    return next(names)


def _type_errors(node: Node, value: object, path: str) -> Iterator[FieldError]:
    if node.get("x-kubernetes-int-or-string"):
        if not isinstance(value, str) and not _whole(value):
            yield errors.wrong_type(path, "integer,string", f'"{type_name(value)}"')
        return
    kind, form = node.get("type"), node.get("format")
    if kind == "integer" and _is_number(value):
        yield from _integer_errors(value, form, path)
    elif kind == "number" and _is_number(value):
        return
    elif kind and (kind == "integer" or not _matches(value, kind)):
        yield errors.wrong_type(path, kind, f'"{type_name(value)}"')
    elif kind == "string" and form and not formats.fits(form, str(value)):
        yield errors.wrong_type(path, form, shown(value))


def _matches(value: object, kind: str) -> bool:
    return type_name(value) == kind


def _integer_errors(value: Json, form: str | None, path: str) -> Iterator[FieldError]:
    limit = formats.NUMBER_FORMATS.get(form or "")
    if not _whole(value) or abs(value) >= 2**63:
        seen = "float64" if form else "number"
        yield errors.wrong_type(path, form or "integer", f'"{seen}"')
        fits = False
    else:
        fits = limit is None or -limit <= value < limit
    if form and not fits:
        message = f"Checked value must be of type integer with format {form} in {path}"
        yield errors.invalid(errors.NO_PATH, '""', message)


def _object_errors(node: Node, value: dict[str, Any], path: str, old: object) -> Iterator[FieldError]:
    count = len(value)
    if "maxProperties" in node and count > node["maxProperties"]:
        yield errors.too_many(path, count, node["maxProperties"])
    if count < node.get("minProperties", 0):
        yield _body(path, count, f"should have at least {node['minProperties']} properties")
    needed = list(node.get("required", ()))
    if embeds(node):
        needed += [key for key in ("apiVersion", "kind") if key not in needed]
    yield from (errors.required(_field(path, key)) for key in needed if key not in value)
    for key, item in value.items():
        if (declared := child(node, key)) is not None:
            yield from value_errors(declared, item, _field(path, key), old_field(old, key))


def _list_errors(node: Node, value: list[Any], path: str, old: object) -> Iterator[FieldError]:
    count = len(value)
    if "maxItems" in node and count > node["maxItems"]:
        yield errors.too_many(path, count, node["maxItems"])
    if count < node.get("minItems", 0):
        yield _body(path, count, f"should have at least {node['minItems']} items")
    before = old_items(node, old)
    for index, item in enumerate(value):
        items = node.get("items", NOTHING)
        yield from value_errors(items, item, f"{path}[{index}]", before(item))


def _string_errors(node: Node, value: str, path: str) -> Iterator[FieldError]:
    if "maxLength" in node and len(value) > node["maxLength"]:
        yield errors.too_long(path, node["maxLength"])
    elif len(value) < node.get("minLength", 0):
        yield _body(path, value, f"should be at least {node['minLength']} chars long")
    elif "pattern" in node and not formats.pattern(node["pattern"]).search(value):
        yield _body(path, value, f"should match '{node['pattern']}'")


def _number_errors(node: Node, value: Json, path: str) -> Iterator[FieldError]:
    if (step := node.get("multipleOf")) and value % step:
        yield _body(path, value, f"should be a multiple of {shown(step)}")
    if (high := _bound(node, "maximum", value)) is not None:
        exclusive = bool(node.get("exclusiveMaximum"))
        if value > high or (exclusive and value == high):
            than = "less than" if exclusive else "less than or equal to"
            yield _body(path, value, f"should be {than} {shown(high)}")
    if (low := _bound(node, "minimum", value)) is not None:
        exclusive = bool(node.get("exclusiveMinimum"))
        if value < low or (exclusive and value == low):
            than = "greater than" if exclusive else "greater than or equal to"
            yield _body(path, value, f"should be {than} {shown(low)}")


def _bound(node: Node, name: str, value: object) -> float | None:
    bound: float | None = node.get(name)
    # The real validator compares an integer value with the bound cut to an integer.
    return int(bound) if bound is not None and isinstance(value, int) else bound


def _combination_errors(node: Node, value: object, path: str) -> Iterator[FieldError]:
    if branches := node.get("allOf"):
        found = [_alone(branch, value, path) for branch in branches]
        yield from (error for errors_of_one in found for error in errors_of_one)
        if any(found):
            none = ". None validated" if all(found) else ""
            yield _about(path, f"must validate all the schemas (allOf){none}")
    if branches := node.get("anyOf"):
        found = [_alone(branch, value, path) for branch in branches]
        if all(found):
            yield _about(path, "must validate at least one schema (anyOf)")
            yield from found[0]
    if branches := node.get("oneOf"):
        found = [_alone(branch, value, path) for branch in branches]
        yield from _one_of_errors(found, path)
    if "not" in node and not _alone(node["not"], value, path):
        yield _about(path, "must not validate the schema (not)")


def _one_of_errors(found: list[list[FieldError]], path: str) -> Iterator[FieldError]:
    valid = found.count([])
    if valid != 1:
        how = f"Found {valid} valid alternatives" if valid else "Found none valid"
        yield _about(path, f"must validate one and only one schema (oneOf). {how}")
    if valid == 0:
        yield from found[0]


def _alone(branch: Node, value: object, path: str) -> list[FieldError]:
    return list(value_errors(branch, value, path, ABSENT))


def _about(path: str, message: str) -> FieldError:
    return errors.invalid(errors.NO_PATH, '""', f'"{path}" {message}')


def _body(path: str, value: object, message: str) -> FieldError:
    return errors.invalid(path, shown(value), f"{path} in body {message}")


def _field(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
