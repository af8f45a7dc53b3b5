from __future__ import annotations

from typing import Any

import pytest

from actgate_sandbox.schema import Judgement, Schema, compile_schema
from tests.sandbox.schema.rule_cases import (
    BEFORE,
    CASES,
    RATCHETING,
    SCHEMA,
    TIGHTENED,
    TRANSITIONS,
    Case,
    Change,
)


def _object(spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "schema.test/v1", "kind": "Rule", "metadata": {"name": "x"}, "spec": spec}


def _merged(value: Any, patch: Any) -> Any:  # noqa: ANN401 - any JSON
    if not isinstance(patch, dict):
        return patch
    merged = dict(value) if isinstance(value, dict) else {}
    for key, change in patch.items():
        merged.pop(key, None) if change is None else merged.update({key: _merged(merged.get(key), change)})
    return merged


def _judged(schema: Schema, change: Change) -> Judgement:
    return schema.judge(_object(_merged(BEFORE, change.patch)), _object(BEFORE))


def _complaints(judgement: Judgement) -> list[str]:
    return sorted(f"{error.path}: {error.message}" for error in judgement.errors)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_rules_earn_the_complaints_of_the_api_server(case: Case) -> None:
    """Each rule that does not hold is told in the very sentence of the real API server."""
    found = compile_schema(SCHEMA).validate(_object(case.spec))
    assert sorted(f"{error.path}: {error.message}" for error in found) == sorted(case.complaints)


@pytest.mark.parametrize("change", TRANSITIONS, ids=lambda change: change.name)
def test_transition_rules_compare_with_the_old_value(change: Change) -> None:
    """A rule on oldSelf sees the value that this one replaces, and is silent without one."""
    assert _complaints(_judged(compile_schema(SCHEMA), change)) == sorted(change.complaints)


@pytest.mark.parametrize("change", RATCHETING, ids=lambda change: change.name)
def test_what_did_not_change_is_forgiven(change: Change) -> None:
    """A tightened schema is asked of what changes; an unchanged value that fails a rule warns."""
    judgement = _judged(compile_schema(TIGHTENED), change)
    assert _complaints(judgement) == sorted(change.complaints)
    assert sorted(judgement.warnings) == sorted(change.warnings)


def test_metadata_shows_its_names_only() -> None:
    """A rule at the root sees metadata.name, and nothing else of metadata."""
    rule = {"rule": "self.metadata.name == 'x' && !has(self.metadata.labels)"}
    schema = compile_schema({"type": "object", "x-kubernetes-validations": [rule]})
    labelled = _object({}) | {"metadata": {"name": "x", "labels": {"a": "b"}}}
    assert schema.validate(labelled) == []


def test_a_rule_that_is_no_condition_fails() -> None:
    """A rule whose value is not a bool is an error at the value, never taken for true."""
    rule = {"rule": "self.spec.x"}
    schema = compile_schema({"type": "object", "x-kubernetes-validations": [rule]})
    (error,) = schema.validate(_object({"x": "true"}))
    assert "must evaluate to a bool" in error.message
