"""CEL rules, values, and what the API server says: asked of both engines."""

from __future__ import annotations

from typing import Any, NamedTuple


class Case(NamedTuple):
    """A spec, and the complaints (`field: message`) it earns; none where it is fine."""

    name: str
    spec: dict[str, Any]
    complaints: tuple[str, ...] = ()


class Change(NamedTuple):
    """A merge patch of the spec of `BEFORE`, and the complaints."""

    name: str
    patch: dict[str, Any]
    complaints: tuple[str, ...] = ()


def _text(*rules: dict[str, Any], **more: object) -> dict[str, Any]:
    node: dict[str, Any] = {"type": "string", "maxLength": 10, **more}
    return node | ({"x-kubernetes-validations": list(rules)} if rules else {})


def _pair(*rules: dict[str, Any]) -> dict[str, Any]:
    properties = {"x": _text(), "y": _text()}
    return {"type": "object", "properties": properties, "x-kubernetes-validations": list(rules)}


_NOT_BAD = {"rule": "self != 'bad'"}
PROPERTIES: dict[str, Any] = {
    "plain": _text(_NOT_BAD),
    "message": _text({**_NOT_BAD, "message": "must not be bad"}),
    "path": _pair({"rule": "self.x != 'bad'", "fieldPath": ".x", "message": "no"}),
    "integer": {"type": "integer", "x-kubernetes-validations": [{"rule": "self > 3"}]},
    "number": {"type": "number", "x-kubernetes-validations": [{"rule": "self > 3.0"}]},
    "whole": {"type": "number", "x-kubernetes-validations": [{"rule": "self > 3"}]},
    "list": {
        "type": "array",
        "maxItems": 3,
        "items": _text(_NOT_BAD),
        "x-kubernetes-validations": [{"rule": "self.size() != 2", "message": "not two"}],
    },
    "map": {
        "type": "object",
        "maxProperties": 4,
        "additionalProperties": _text(_NOT_BAD),
        "x-kubernetes-validations": [{"rule": "!('k' in self)", "message": "no k"}],
    },
    "pair": _pair({"rule": "has(self.x) == has(self.y)", "message": "both or none"}),
    "careless": _pair({"rule": "self.x == 'a'"}),
    "time": {
        "type": "string",
        "format": "date-time",
        "x-kubernetes-validations": [{"rule": "self < timestamp('2025-01-01T00:00:00Z')"}],
    },
    "port": {
        "x-kubernetes-int-or-string": True,
        "x-kubernetes-validations": [{"rule": "type(self) == int ? self > 3 : self == 'x'"}],
    },
    "fixed": _pair({"rule": "self == oldSelf", "message": "immutable"}),
}


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"spec": {"type": "object", "properties": PROPERTIES}},
}

_RULE = "failed rule: self != 'bad'"

CASES = (
    Case("a rule that holds", {"plain": "good"}),
    Case("a rule", {"plain": "bad"}, (f'spec.plain: Invalid value: "bad": {_RULE}',)),
    Case("a message", {"message": "bad"}, ('spec.message: Invalid value: "bad": must not be bad',)),
    Case("a field path", {"path": {"x": "bad"}}, ("spec.path.x: Invalid value: no",)),
    Case("an integer", {"integer": 1}, ("spec.integer: Invalid value: 1: failed rule: self > 3",)),
    Case("a number", {"number": 1}, ("spec.number: Invalid value: 1: failed rule: self > 3.0",)),
    Case("a number compared with an integer", {"whole": 4, "number": 5}),
    Case("a list item", {"list": ["bad"]}, (f'spec.list[0]: Invalid value: "bad": {_RULE}',)),
    Case("a list", {"list": ["a", "b"]}, ("spec.list: Invalid value: not two",)),
    Case(
        "a map and an entry",
        {"map": {"k": "bad"}},
        ("spec.map: Invalid value: no k", f'spec.map[k]: Invalid value: "bad": {_RULE}'),
    ),
    Case("an object", {"pair": {"x": "a"}}, ("spec.pair: Invalid value: both or none",)),
    Case(
        "a rule without a value",
        {"careless": {}},
        ("spec.careless: Invalid value: \"object\": no such key: x evaluating rule: self.x == 'a'",),
    ),
    Case(
        "a time",
        {"time": "2026-01-01T00:00:00Z"},
        (
            'spec.time: Invalid value: "2026-01-01T00:00:00Z": '
            "failed rule: self < timestamp('2025-01-01T00:00:00Z')",
        ),
    ),
    Case(
        "an integer port",
        {"port": 1},
        ("spec.port: Invalid value: 1: failed rule: type(self) == int ? self > 3 : self == 'x'",),
    ),
    Case("a named port", {"port": "x"}),
    Case("a transition rule without an old value", {"fixed": {"x": "a"}}),
)

BEFORE: dict[str, Any] = {"fixed": {"x": "1"}}
"""The spec of an object that was stored under `SCHEMA`."""

_FIXED = "spec.fixed: Invalid value: immutable"

TRANSITIONS = (
    Change("a fixed value that changes", {"fixed": {"x": "2"}}, (_FIXED,)),
    Change("a fixed value that grows", {"fixed": {"y": "2"}}, (_FIXED,)),
    Change("a fixed value that goes", {"fixed": None}),
)
"""Under `SCHEMA`."""
