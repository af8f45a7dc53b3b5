"""CEL rules in a schema (`x-kubernetes-validations`): what they see, and when they are asked.

A rule that mentions `oldSelf` is asked only where there is an old value. Any other rule that fails
on a value which did not change is a warning, not an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from actgate_sandbox.cel import CelError, Expression
from actgate_sandbox.schema import errors, formats
from actgate_sandbox.schema.correlation import ABSENT, item_key, old_field, old_items, same
from actgate_sandbox.schema.errors import FieldError, shown
from actgate_sandbox.schema.objects import NOTHING, Json, Node, child

_VARIABLES = ("self", "oldSelf")
_RESERVED = frozenset(
    [
        "true",
        "false",
        "null",
        "in",
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
    ]
)
_ESCAPES = (("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__"))


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that does not hold; `ratcheted` where the value is unchanged, so it only warns."""

    error: FieldError
    ratcheted: bool


@cache
def compiled(source: str) -> Expression:
    """Compile a rule or a message expression; CelError where that cannot be done."""
    return Expression(source, _VARIABLES)


def rule_findings(
    node: Node,
    value: Json,
    path: str,
    old: object,
    *,
    whole_object: bool = False,
) -> Iterator[Finding]:
    """Yield the rules that fail for a value and everything under it."""
    if value is None:
        return
    for rule in node.get("x-kubernetes-validations", ()):
        yield from _failure(rule, node, value, path, old, whole_object=whole_object)
    if isinstance(value, dict):
        for key, item in value.items():
            if (declared := child(node, key)) is not None:
                place = _place(node, path, key)
                yield from rule_findings(declared, item, place, old_field(old, key))
    elif isinstance(value, list):
        before, items = old_items(node, old), node.get("items", NOTHING)
        for index, item in enumerate(value):
            yield from rule_findings(items, item, f"{path}[{index}]", before(item))


def has_rules(node: Node) -> bool:
    """Tell whether there is a rule anywhere in a schema."""
    if node.get("x-kubernetes-validations"):
        return True
    below = [*node.get("properties", NOTHING).values(), node.get("additionalProperties")]
    return any(has_rules(part) for part in (*below, node.get("items")) if part)


def _failure(
    rule: Mapping[str, Any],
    node: Node,
    value: Json,
    path: str,
    old: object,
    *,
    whole_object: bool,
) -> Iterator[Finding]:
    expression = compiled(rule["rule"])
    transition = "oldSelf" in expression.variables
    if transition and old in (ABSENT, None):
        return
    variables = {"self": as_cel(node, value, unordered=transition, whole_object=whole_object)}
    if transition:
        variables["oldSelf"] = as_cel(node, old, unordered=True, whole_object=whole_object)
    ratcheted = not transition and same(value, old)
    try:
        if not expression.holds(variables):
            yield Finding(_error(rule, variables, value, path), ratcheted)
    except CelError as error:
        message = f"{error} evaluating rule: {rule['rule']}"
        kind = node.get("type", "integer or string")
        yield Finding(errors.invalid(path, f'"{kind}"', message), ratcheted)


def _error(
    rule: Mapping[str, Any],
    variables: Mapping[str, object],
    value: Json,
    path: str,
) -> FieldError:
    message = _message(rule, variables)
    at = path + rule.get("fieldPath", "") if path else rule.get("fieldPath", "").removeprefix(".")
    kind = rule.get("reason", "FieldValueInvalid")
    scalar = not isinstance(value, dict | list)
    if kind == "FieldValueRequired":
        return errors.required(at, message)
    if kind == "FieldValueForbidden":
        return errors.forbidden(at, message)
    if kind == "FieldValueDuplicate" and scalar:
        return errors.duplicate(at, value)
    label = "Duplicate value" if kind == "FieldValueDuplicate" else "Invalid value"
    quoted = f"{shown(value)}: " if scalar else ""
    return FieldError(at, kind, f"{label}: {quoted}{message}")


def _message(rule: Mapping[str, Any], variables: Mapping[str, object]) -> str:
    if "messageExpression" in rule:
        try:
            text = compiled(rule["messageExpression"]).evaluate(variables)
        except CelError:
            text = None
        if isinstance(text, str) and text.strip():
            return text
    return str(rule.get("message") or f"failed rule: {rule['rule'].strip()}")


def as_cel(
    node: Node,
    value: Json,
    *,
    unordered: bool,
    whole_object: bool = False,
) -> Json:
    """Turn JSON into what a rule sees: typed numbers and times, escaped field names.

    Args:
        node: The value's schema.
        value: The value, which has passed the schema's other checks.
        unordered: Sort sets and maps, since equality of old and new must not depend on their order.
        whole_object: Show no more of metadata than name and generateName.
    """
    if isinstance(value, dict):
        return {
            _escaped(key) if key in node.get("properties", NOTHING) else key: as_cel(
                child(node, key) or NOTHING,
                _visible_metadata(item) if whole_object and key == "metadata" else item,
                unordered=unordered,
            )
            for key, item in value.items()
        }
    if isinstance(value, list):
        items = node.get("items", NOTHING)
        return [as_cel(items, item, unordered=unordered) for item in _ordered(node, value, unordered)]
    if isinstance(value, str):
        return _typed_string(node, value)
    if node.get("type") == "number" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if node.get("type") == "integer" and isinstance(value, float):
        return int(value)
    return value


def _ordered(node: Node, value: list[Any], unordered: bool) -> list[Any]:
    kind = node.get("x-kubernetes-list-type")
    if not unordered or kind not in ("set", "map"):
        return value
    return sorted(value, key=lambda item: item_key(node, item) if kind == "map" else json.dumps(item))


def _typed_string(node: Node, value: str) -> object:
    match node.get("format"):
        case "date-time":
            return formats.date_time(value)
        case "date":
            return formats.date_time(f"{value}T00:00:00Z")
        case "duration":
            return formats.duration(value)
        case _:
            return value


def _visible_metadata(metadata: Json) -> Json:
    if not isinstance(metadata, dict):
        return metadata
    return {key: metadata[key] for key in ("name", "generateName") if key in metadata}


def _escaped(name: str) -> str:
    if name in _RESERVED:
        return f"__{name}__"
    for plain, escape in _ESCAPES:
        name = name.replace(plain, escape)
    return name


def _place(node: Node, path: str, key: str) -> str:
    if key in node.get("properties", NOTHING):
        return f"{path}.{key}" if path else key
    return f"{path}[{key}]"
