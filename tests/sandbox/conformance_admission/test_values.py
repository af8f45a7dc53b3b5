from __future__ import annotations

from collections.abc import Iterator

import pytest

from actgate_sandbox.rest import Rest
from tests.sandbox.conformance_admission.crds import Kind, complaints, served
from tests.sandbox.schema.value_cases import CASES, SCHEMA, Case


@pytest.fixture(scope="module")
def kind(rest: Rest) -> Iterator[Kind]:
    """A kind whose spec has a field for every keyword of a schema."""
    with served(rest, SCHEMA) as made:
        yield made


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_values_earn_these_complaints(kind: Kind, case: Case) -> None:
    """The engine complains of a value with these sentences, and of nothing else."""
    reply = kind.create({"name": "abc", **case.spec}, dryRun="All")
    assert complaints(reply) == sorted(case.complaints)


def test_unknown_fields_are_dropped_with_a_warning(kind: Kind) -> None:
    """Without strict validation, an unknown field is dropped and named in a warning."""
    reply = kind.create({"name": "abc", "map": [{"k": "a", "zz": 1}]}, dryRun="All")
    assert reply.status == 201
    assert reply.warnings == ('unknown field "spec.map[0].zz"',)
    assert reply.body["spec"]["map"] == [{"k": "a", "j": 5}]


def test_strict_validation_refuses_unknown_fields(kind: Kind) -> None:
    """With `fieldValidation=Strict` every unknown field is named in one refusal."""
    spec = {"name": "abc", "zz": 1, "open": {"closed": {"b": 1}, "kept": 1}}
    reply = kind.create(spec, dryRun="All", fieldValidation="Strict")
    assert reply.status == 400
    assert reply.message.endswith(
        'strict decoding error: unknown field "spec.open.closed.b", unknown field "spec.zz"'
    )
