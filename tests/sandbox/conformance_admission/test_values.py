from __future__ import annotations

from actgate_sandbox.rest import Rest
from tests.sandbox.conformance_admission.crds import complaints, served
from tests.sandbox.conformance_admission.value_cases import CASES, SCHEMA


def test_values_earn_the_complaints_of_the_api_server(rest: Rest) -> None:
    """The engine refuses a bad value with this sentence, and complains of nothing else."""
    with served(rest, SCHEMA) as kind:
        for case in CASES:
            found = complaints(kind.create({"name": "abc", **case.spec}, dryRun="All"))
            assert found == sorted(case.complaints), case.name


def test_defaults_fill_what_is_absent_or_null_and_nulls_go_where_they_are_not_allowed(rest: Rest) -> None:
    """Nested ones too; stated values stay."""
    with served(rest, SCHEMA) as kind:
        given = {"name": "abc", "preset": None, "map": [{"k": "a"}], "flag": None, "nullable": None}
        assert kind.create(given, dryRun="All").body["spec"] == {
            "name": "abc",
            "preset": "preset",
            "nested": {"p": "q"},
            "map": [{"k": "a", "j": 5}],
            "nullable": None,
        }


def test_unknown_fields_are_dropped_and_named(rest: Rest) -> None:
    """A warning names every dropped path, also below fields that keep the unknown."""
    spec = {
        "name": "abc",
        "unknown": 1,
        "map": [{"k": "a", "other": 1}],
        "open": {"kept": {"x": 1}, "closed": {"a": "x", "b": 1}},
    }
    with served(rest, SCHEMA) as kind:
        reply = kind.create(spec, dryRun="All")
    paths = ("spec.map[0].other", "spec.open.closed.b", "spec.unknown")
    assert reply.warnings == tuple(f'unknown field "{path}"' for path in paths)
    assert reply.body["spec"]["open"] == {"kept": {"x": 1}, "closed": {"a": "x"}}


def test_strict_validation_refuses_unknown_fields(rest: Rest) -> None:
    """With `fieldValidation=Strict` every unknown field is named in one refusal."""
    spec = {"name": "abc", "zz": 1, "open": {"closed": {"b": 1}, "kept": 1}}
    with served(rest, SCHEMA) as kind:
        reply = kind.create(spec, dryRun="All", fieldValidation="Strict")
    assert reply.status == 400
    assert reply.message.endswith(
        'strict decoding error: unknown field "spec.open.closed.b", unknown field "spec.zz"'
    )
