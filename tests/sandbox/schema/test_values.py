from __future__ import annotations

from typing import Any

import pytest

from actgate_sandbox.schema import SchemaError, compile_schema
from tests.sandbox.schema.value_cases import CASES, SCHEMA, Case


def _object(spec: Any) -> dict[str, Any]:  # noqa: ANN401 - right and wrong specs
    return {"apiVersion": "schema.test/v1", "kind": "Value", "spec": {"name": "abc", **spec}}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_values_earn_the_complaints_of_the_api_server(case: Case) -> None:
    """Each value is judged with the very sentences of the real API server."""
    schema = compile_schema(SCHEMA)
    kept, _ = schema.prune(_object(case.spec))
    found = schema.validate(schema.default(kept))
    assert sorted(f"{error.path}: {error.message}" for error in found) == sorted(case.complaints)


def test_defaults_fill_what_is_absent_or_null() -> None:
    """Defaults go in where a field is missing or null, nested ones too; stated values stay."""
    filled = compile_schema(SCHEMA).default(_object({"preset": None, "map": [{"k": "a"}]}))
    assert filled["spec"] == {
        "name": "abc",
        "preset": "preset",
        "nested": {"p": "q"},
        "map": [{"k": "a", "j": 5}],
    }


def test_a_default_is_a_copy() -> None:
    """Changing a defaulted object leaves the schema's own default alone."""
    schema = compile_schema(SCHEMA)
    schema.default(_object({}))["spec"]["nested"]["p"] = "changed"
    assert schema.default(_object({}))["spec"]["nested"] == {"p": "q"}


def test_nulls_go_where_they_are_not_allowed_and_stay_where_they_are() -> None:
    """A null in a field that is not nullable counts as absent."""
    filled = compile_schema(SCHEMA).default(_object({"flag": None, "nullable": None}))
    assert "flag" not in filled["spec"]
    assert filled["spec"]["nullable"] is None


def test_unknown_fields_are_dropped_and_named() -> None:
    """Pruning names every dropped path, and goes on below fields that keep the unknown."""
    given = _object(
        {
            "unknown": 1,
            "map": [{"k": "a", "other": 1}],
            "open": {"kept": {"x": 1}, "closed": {"a": "x", "b": 1}},
            "embedded": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "no": 1}},
        }
    )
    given["metadata"] = {"name": "x", "unknown": 1}
    kept, dropped = compile_schema(SCHEMA).prune(given)
    assert dropped == [
        "metadata.unknown",
        "spec.embedded.metadata.no",
        "spec.map[0].other",
        "spec.open.closed.b",
        "spec.unknown",
    ]
    assert kept["spec"]["open"] == {"kept": {"x": 1}, "closed": {"a": "x"}}
    assert kept["metadata"] == {"name": "x"}


@pytest.mark.parametrize(
    ("node", "what"),
    [
        ({"$ref": "#/definitions/x"}, r"\$ref"),
        ({"type": "object", "additionalProperties": True}, "additionalProperties"),
        ({"type": "string", "pattern": "(?=x)"}, "regular expression"),
        ({"type": "string", "pattern": "[[:alpha:]]"}, "POSIX"),
        ({"type": "string", "x-kubernetes-validations": [{"rule": "self.isSorted()"}]}, "isSorted"),
        ({"type": "string", "x-kubernetes-validations": [{"rule": "self.?a"}]}, "unsupported syntax"),
        (
            {
                "type": "string",
                "x-kubernetes-validations": [{"rule": "self == oldSelf", "optionalOldSelf": True}],
            },
            "optionalOldSelf",
        ),
    ],
)
def test_what_the_sandbox_cannot_do_is_refused_with_its_place(node: dict[str, Any], what: str) -> None:
    """A schema that would be judged otherwise by the real API server is not accepted at all."""
    with pytest.raises(SchemaError, match=rf"spec\.x.*{what}"):
        compile_schema({"properties": {"spec": {"properties": {"x": node}}}})
