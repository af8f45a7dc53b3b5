"""Values and what the API server says about them: asked of both engines."""

from __future__ import annotations

from typing import Any, NamedTuple


class Case(NamedTuple):
    """A spec, and the complaints (`field: message`) it earns; none where it is fine."""

    name: str
    spec: Any
    complaints: tuple[str, ...] = ()


def _string(**more: Any) -> dict[str, Any]:  # noqa: ANN401 - schema keywords
    return {"type": "string", **more}


SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["spec"],
    "properties": {
        "spec": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": _string(minLength=2, maxLength=5, pattern="^[a-z]+$"),
                "int32": {"type": "integer", "minimum": 1, "maximum": 10},
                "int64": {"type": "integer", "format": "int64"},
                "ratio": {"type": "number", "minimum": 0, "maximum": 1.5},
                "flag": {"type": "boolean"},
                "choice": _string(enum=["A", "B"]),
                "number": {"type": "integer", "enum": [1, 2]},
                "time": _string(format="date-time"),
                "list": {"type": "array", "minItems": 1, "maxItems": 2, "items": _string()},
                "single": {"type": "array", "maxItems": 1, "items": _string()},
                "set": {"type": "array", "x-kubernetes-list-type": "set", "items": _string()},
                "map": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["k", "j"],
                    "items": {
                        "type": "object",
                        "required": ["k"],
                        "properties": {
                            "k": _string(),
                            "j": {"type": "integer", "default": 5},
                            "v": _string(),
                        },
                    },
                },
                "counts": {
                    "type": "object",
                    "maxProperties": 2,
                    "additionalProperties": {"type": "integer"},
                },
                "port": {"x-kubernetes-int-or-string": True},
                "nullable": _string(nullable=True),
                "preset": _string(default="preset"),
                "nested": {
                    "type": "object",
                    "default": {},
                    "properties": {"p": _string(default="q")},
                },
                "anything": {"x-kubernetes-preserve-unknown-fields": True},
                "open": {
                    "type": "object",
                    "x-kubernetes-preserve-unknown-fields": True,
                    "properties": {"closed": {"type": "object", "properties": {"a": _string()}}},
                },
            },
        }
    },
}


def _body(path: str, value: str, message: str) -> str:
    return f"{path}: Invalid value: {value}: {path} in body {message}"


def _type(path: str, expected: str, value: str) -> str:
    return _body(path, f'"{value}"', f'must be of type {expected}: "{value}"')


def _format(value: object, field: str, expected: str) -> Case:
    return Case(f"{field} {value!r}", {field: value}, (_type(f"spec.{field}", expected, str(value)),))


CASES = (
    Case("a minimal object", {}),
    Case("a required field that is missing", {"name": None}, ("spec.name: Required value",)),
    Case(
        "a short string",
        {"name": "a"},
        (_body("spec.name", '"a"', "should be at least 2 chars long"),),
    ),
    Case(
        "length counts characters, not bytes",
        {"name": "é"},
        (_body("spec.name", '"é"', "should be at least 2 chars long"),),
    ),
    Case(
        "a long string",
        {"name": "abcdef"},
        ("spec.name: Too long: may not be more than 5 bytes",),
    ),
    Case("a pattern", {"name": "A1"}, (_body("spec.name", '"A1"', "should match '^[a-z]+$'"),)),
    Case(
        "a dollar that does not match before a last newline",
        {"name": "abc\n"},
        (_body("spec.name", '"abc\\n"', "should match '^[a-z]+$'"),),
    ),
    Case("an integer for a string", {"name": 5}, (_type("spec.name", "string", "integer"),)),
    Case("a boolean for a string", {"name": True}, (_type("spec.name", "string", "boolean"),)),
    Case("a list for a string", {"name": ["x"]}, (_type("spec.name", "string", "array"),)),
    Case("an object for a string", {"name": {"x": 1}}, (_type("spec.name", "string", "object"),)),
    Case("a string for an object", {"counts": "x"}, (_type("spec.counts", "object", "string"),)),
    Case(
        "an integer under its minimum",
        {"int32": 0},
        (_body("spec.int32", "0", "should be greater than or equal to 1"),),
    ),
    Case(
        "an integer over its maximum",
        {"int32": 11},
        (_body("spec.int32", "11", "should be less than or equal to 10"),),
    ),
    Case("a string for an integer", {"int32": "5"}, (_type("spec.int32", "integer", "string"),)),
    Case("a whole float for an integer", {"int64": 5.0}),
    Case("the largest integer of 64 bits", {"int64": 2**63 - 1}),
    Case(
        "a negative number",
        {"ratio": -1},
        (_body("spec.ratio", "-1", "should be greater than or equal to 0"),),
    ),
    Case(
        "a number over its maximum",
        {"ratio": 2.5},
        (_body("spec.ratio", "2.5", "should be less than or equal to 1.5"),),
    ),
    Case("a string for a number", {"ratio": "1"}, (_type("spec.ratio", "number", "string"),)),
    Case("a string for a boolean", {"flag": "true"}, (_type("spec.flag", "boolean", "string"),)),
    Case("an integer for a boolean", {"flag": 1}, (_type("spec.flag", "boolean", "integer"),)),
    Case(
        "a value outside an enumeration",
        {"choice": "C"},
        ('spec.choice: Unsupported value: "C": supported values: "A", "B"',),
    ),
    Case(
        "a number outside an enumeration",
        {"number": 7},
        ('spec.number: Unsupported value: 7: supported values: "1", "2"',),
    ),
    Case("a time", {"time": "2020-01-01T00:00:00Z"}),
    Case("a time with a fraction and an offset", {"time": "2020-01-01T00:00:00.123456+01:00"}),
    _format("2020", "time", "date-time"),
    _format("2020-01-01T00:00:00", "time", "date-time"),
    _format("2020-01-01 00:00:00Z", "time", "date-time"),
    Case(
        "an empty list",
        {"list": []},
        (_body("spec.list", "0", "should have at least 1 items"),),
    ),
    Case(
        "a long list",
        {"list": ["a", "b", "c"]},
        ("spec.list: Too many: 3: must have at most 2 items",),
    ),
    Case(
        "a list of more than one",
        {"single": ["a", "b"]},
        ("spec.single: Too many: 2: must have at most 1 item",),
    ),
    Case("a string for a list", {"list": "a"}, (_type("spec.list", "array", "string"),)),
    Case("an integer in a list", {"list": [1]}, (_type("spec.list[0]", "string", "integer"),)),
    Case("null in a list", {"list": [None]}, (_type("spec.list[0]", "string", "null"),)),
    Case("a set with a duplicate", {"set": ["a", "a"]}, ('spec.set[1]: Duplicate value: "a"',)),
    Case(
        "a map with a duplicate after defaulting",
        {"map": [{"k": "a"}, {"k": "a", "j": 5}]},
        ('spec.map[1]: Duplicate value: {"j":5,"k":"a"}',),
    ),
    Case("a map whose keys differ in one part", {"map": [{"k": "a"}, {"k": "a", "j": 6}]}),
    Case("a map item without its key", {"map": [{"j": 1}]}, ("spec.map[0].k: Required value",)),
    Case(
        "an object with too many fields",
        {"counts": {"a": 1, "b": 2, "c": 3}},
        ("spec.counts: Too many: 3: must have at most 2 items",),
    ),
    Case(
        "a map entry of the wrong type",
        {"counts": {"a b/c": "x"}},
        (_type("spec.counts.a b/c", "integer", "string"),),
    ),
    Case("an integer port", {"port": 1}),
    Case("a named port", {"port": "http"}),
    Case("a fraction for a port", {"port": 1.5}, (_type("spec.port", "integer,string", "number"),)),
    Case("a boolean for a port", {"port": True}, (_type("spec.port", "integer,string", "boolean"),)),
    Case("null where it is allowed", {"nullable": None}),
    Case("null where it is not allowed", {"flag": None}),
    Case("null where there is a default", {"preset": None}),
    Case("anything", {"anything": [1, {"x": None}]}),
    Case(
        "several at once",
        {"int32": 0, "choice": "C", "list": []},
        (
            _body("spec.int32", "0", "should be greater than or equal to 1"),
            'spec.choice: Unsupported value: "C": supported values: "A", "B"',
            _body("spec.list", "0", "should have at least 1 items"),
        ),
    ),
)
