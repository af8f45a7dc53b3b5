"""CEL rules in a schema (`x-kubernetes-validations`).

A rule that mentions `oldSelf` is asked only where there is an old value. Items of a list have none here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from actgate_sandbox.cel import CelError, Expression
from actgate_sandbox.schema.errors import shown
from actgate_sandbox.schema.objects import NOTHING, Json, Node, child
from actgate_sandbox.schema.values import ABSENT, old_field
from actgate_sandbox.status import Cause


@cache
def compiled(source: str) -> Expression:
    """Compile a rule; CelError where that cannot be done."""
    return Expression(source, ("self", "oldSelf"))


def rule_errors(node: Node, value: Json, path: str, old: object) -> Iterator[Cause]:
    """Yield the rules that fail for a value and everything under it; an unchanged value is not asked."""
    if value is None or value == old:
        return
    for rule in node.get("x-kubernetes-validations", ()):
        yield from _failure(rule, node, value, path, old)
    if isinstance(value, dict):
        for key, item in value.items():
            if (declared := child(node, key)) is not None:
                known = key in node.get("properties", NOTHING)
                place = (f"{path}.{key}" if path else key) if known else f"{path}[{key}]"
                yield from rule_errors(declared, item, place, old_field(old, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from rule_errors(node.get("items", NOTHING), item, f"{path}[{index}]", ABSENT)


def _failure(rule: Mapping[str, Any], node: Node, value: Json, path: str, old: object) -> Iterator[Cause]:
    expression = compiled(rule["rule"])
    variables = {"self": _as_cel(node, value)}
    if "oldSelf" in expression.variables:
        if old in (ABSENT, None):
            return
        variables["oldSelf"] = _as_cel(node, old)
    try:
        if not expression.holds(variables):
            message = rule.get("message") or f"failed rule: {rule['rule'].strip()}"
            quoted = "" if isinstance(value, dict | list) else f"{shown(value)}: "
            place = (path + rule.get("fieldPath", "")).removeprefix(".")
            yield Cause("FieldValueInvalid", place, f"Invalid value: {quoted}{message}")
    except CelError as error:
        message = f"{error} evaluating rule: {rule['rule']}"
        kind = node.get("type", "integer or string")
        yield Cause("FieldValueInvalid", path, f'Invalid value: "{kind}": {message}')


def _as_cel(node: Node, value: Json) -> Json:
    """Turn JSON into what a rule sees: typed numbers and times."""
    if isinstance(value, dict):
        return {key: _as_cel(child(node, key) or NOTHING, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_cel(node.get("items", NOTHING), item) for item in value]
    if isinstance(value, str):
        return datetime.fromisoformat(value.upper()) if node.get("format") == "date-time" else value
    if node.get("type") == "number" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if node.get("type") == "integer" and isinstance(value, float):
        return int(value)
    return value
