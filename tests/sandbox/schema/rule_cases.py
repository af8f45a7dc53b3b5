"""CEL rules, values, and what the API server says: asked of the schema alone and of both engines."""

from __future__ import annotations

from typing import Any, NamedTuple


class Case(NamedTuple):
    """A spec, and the complaints (`field: message`) it earns; none where it is fine."""

    name: str
    spec: dict[str, Any]
    complaints: tuple[str, ...] = ()


class Change(NamedTuple):
    """A merge patch of the spec of `BEFORE`, the complaints, and the warnings about what stays."""

    name: str
    patch: dict[str, Any]
    complaints: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def _text(*rules: dict[str, Any], **more: object) -> dict[str, Any]:
    node: dict[str, Any] = {"type": "string", "maxLength": 10, **more}
    return node | ({"x-kubernetes-validations": list(rules)} if rules else {})


def _pair(*rules: dict[str, Any]) -> dict[str, Any]:
    properties = {"x": _text(), "y": _text()}
    return {"type": "object", "properties": properties, "x-kubernetes-validations": list(rules)}


_NOT_BAD = {"rule": "self != 'bad'"}
_KEYED: dict[str, Any] = {
    "type": "array",
    "maxItems": 4,
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["k"],
}

PROPERTIES: dict[str, Any] = {
    "plain": _text(_NOT_BAD),
    "message": _text({**_NOT_BAD, "message": "must not be bad"}),
    "expression": _text({**_NOT_BAD, "message": "fallback", "messageExpression": "'got ' + self"}),
    "broken": _text({**_NOT_BAD, "messageExpression": "['a'][size(self)]"}),
    "forbidden": _text({**_NOT_BAD, "reason": "FieldValueForbidden"}),
    "duplicate": _text({**_NOT_BAD, "reason": "FieldValueDuplicate"}),
    "required": _text({**_NOT_BAD, "reason": "FieldValueRequired"}),
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
    "escaped": {
        "type": "object",
        "properties": {"namespace": _text(), "a-b": _text()},
        "x-kubernetes-validations": [{"rule": "self.__namespace__ != 'bad' && self.a__dash__b != 'bad'"}],
    },
    "fixed": _pair({"rule": "self == oldSelf", "message": "immutable"}),
    "items": {
        **_KEYED,
        "items": {
            "type": "object",
            "required": ["k"],
            "properties": {"k": _text(), "v": _text()},
            "x-kubernetes-validations": [{"rule": "self.v == oldSelf.v", "message": "v is immutable"}],
        },
    },
    "keys": {
        **_KEYED,
        "items": {"type": "object", "required": ["k"], "properties": {"k": _text()}},
        "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "immutable"}],
    },
    "loose": {"type": "object", "properties": {"x": _text(), "y": _text()}},
    "words": {"type": "array", "maxItems": 5, "items": _text()},
    "word": _text(),
    "count": {"type": "integer"},
}


def _whole(properties: dict[str, Any], **more: object) -> dict[str, Any]:
    spec = {"type": "object", "properties": properties, **more}
    return {"type": "object", "properties": {"spec": spec}}


SCHEMA = _whole(PROPERTIES)

UNCHECKED = (
    "<nil>: Invalid value: null: some validation rules were not checked because the object was "
    "invalid; correct the existing errors to complete validation"
)
_RULE = "failed rule: self != 'bad'"
_ESCAPED_RULE = "self.__namespace__ != 'bad' && self.a__dash__b != 'bad'"

CASES = (
    Case("a rule that holds", {"plain": "good"}),
    Case("a rule", {"plain": "bad"}, (f'spec.plain: Invalid value: "bad": {_RULE}',)),
    Case("a message", {"message": "bad"}, ('spec.message: Invalid value: "bad": must not be bad',)),
    Case(
        "a message that is computed",
        {"expression": "bad"},
        ('spec.expression: Invalid value: "bad": got bad',),
    ),
    Case(
        "a message that cannot be computed",
        {"broken": "bad"},
        (f'spec.broken: Invalid value: "bad": {_RULE}',),
    ),
    Case("reason forbidden", {"forbidden": "bad"}, (f"spec.forbidden: Forbidden: {_RULE}",)),
    Case("reason duplicate", {"duplicate": "bad"}, ('spec.duplicate: Duplicate value: "bad"',)),
    Case("reason required", {"required": "bad"}, (f"spec.required: Required value: {_RULE}",)),
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
    Case(
        "escaped names",
        {"escaped": {"namespace": "bad", "a-b": "x"}},
        (f"spec.escaped: Invalid value: failed rule: {_ESCAPED_RULE}",),
    ),
    Case("a transition rule without an old value", {"fixed": {"x": "a"}, "keys": [{"k": "a"}]}),
    Case(
        "rules are not asked of an object of the wrong shape",
        {"plain": 5, "message": "bad"},
        (
            'spec.plain: Invalid value: "integer": spec.plain in body must be of type string: "integer"',
            UNCHECKED,
        ),
    ),
)

BEFORE: dict[str, Any] = {
    "fixed": {"x": "1"},
    "items": [{"k": "a", "v": "1"}, {"k": "b", "v": "2"}],
    "keys": [{"k": "a"}, {"k": "b"}],
    "loose": {"x": "aaaaaaaa", "y": "b"},
    "words": ["aaaaaaaa", "b"],
    "word": "zz",
    "count": 50,
}
"""The spec of an object that was stored under `SCHEMA`."""

_FIXED = "spec.fixed: Invalid value: immutable"

TRANSITIONS = (
    Change("a fixed value that changes", {"fixed": {"x": "2"}}, (_FIXED,)),
    Change("a fixed value that grows", {"fixed": {"y": "2"}}, (_FIXED,)),
    Change("a fixed value that goes", {"fixed": None}),
    Change(
        "an item is compared with its predecessor by key",
        {"items": [{"k": "b", "v": "3"}, {"k": "a", "v": "1"}]},
        ("spec.items[0]: Invalid value: v is immutable",),
    ),
    Change("an item without a predecessor", {"items": [{"k": "c", "v": "3"}]}),
    Change("the order of a map does not matter", {"keys": [{"k": "b"}, {"k": "a"}]}),
    Change(
        "a map that changes",
        {"keys": [{"k": "b"}]},
        ("spec.keys: Invalid value: immutable",),
    ),
)
"""Under `SCHEMA`."""

TIGHTENED = _whole(
    PROPERTIES
    | {
        "loose": {
            "type": "object",
            "required": ["z"],
            "properties": {"x": _text(maxLength=3), "y": _text(), "z": _text()},
            "x-kubernetes-validations": [{"rule": "self.x == 'q'", "message": "x must be q"}],
        },
        "words": {"type": "array", "maxItems": 1, "items": _text(maxLength=3)},
        "word": _text(enum=["a"]),
        "count": {"type": "integer", "maximum": 10},
    },
    **{"x-kubernetes-validations": [{"rule": "self.count < 10", "message": "too much"}]},
)
"""`SCHEMA` as it might become later, when `BEFORE` no longer fits."""

_LOOSE_WARNING = "spec.loose: Invalid value: x must be q"
_SPEC = "spec: Invalid value: too much"
_LONG = "Too long: may not be more than 3 bytes"

RATCHETING = (
    Change("nothing changes", {"count": 50}, (), (_SPEC, _LOOSE_WARNING)),
    Change("another field", {"message": "good"}, (_SPEC,), (_LOOSE_WARNING,)),
    Change(
        "a sibling of what no longer fits",
        {"loose": {"y": "c"}},
        ("spec.loose.z: Required value", UNCHECKED),
    ),
    Change(
        "what no longer fits",
        {"loose": {"x": "bbbbbbbb"}},
        (f"spec.loose.x: {_LONG}", "spec.loose.z: Required value", UNCHECKED),
    ),
    Change(
        "an atomic list",
        {"words": ["aaaaaaaa", "c"]},
        (
            f"spec.words[0]: {_LONG}",
            "spec.words: Too many: 2: must have at most 1 item",
            UNCHECKED,
        ),
    ),
    Change(
        "a number",
        {"count": 51},
        (
            "spec.count: Invalid value: 51: spec.count in body should be less than or equal to 10",
            _SPEC,
        ),
        (_LOOSE_WARNING,),
    ),
    Change(
        "an enumeration",
        {"word": "yy"},
        ('spec.word: Unsupported value: "yy": supported values: "a"', UNCHECKED),
    ),
)
"""Under `TIGHTENED`."""
