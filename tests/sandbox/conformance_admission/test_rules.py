from __future__ import annotations

from collections.abc import Iterator

import pytest

from actgate_sandbox.rest import CRDS, MERGE_PATCH, Rest
from tests.sandbox.conformance_admission.crds import Kind, complaints, served
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
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def kind(rest: Rest) -> Iterator[Kind]:
    """A kind with rules, and an object `x` of it."""
    with served(rest, SCHEMA) as made:
        reply = made.create(BEFORE)
        assert reply.status == 201, reply
        yield made


@pytest.fixture(scope="module")
def tightened(rest: Rest) -> Iterator[Kind]:
    """A kind whose schema became stricter after its object `x` was stored."""
    with served(rest, SCHEMA) as made:
        reply = made.create(BEFORE)
        assert reply.status == 201, reply
        path = f"{CRDS}/{made.definition['metadata']['name']}"
        version = {**made.definition["spec"]["versions"][0], "schema": {"openAPIV3Schema": TIGHTENED}}
        assert rest("PATCH", path, {"spec": {"versions": [version]}}, MERGE_PATCH).status == 200
        wait_until(lambda: made.create({"count": 11}, "canary", dryRun="All").status == 422)
        yield made


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_rules_earn_these_complaints(kind: Kind, case: Case) -> None:
    """The engine tells a rule that does not hold in this sentence, and complains of nothing else."""
    assert complaints(kind.create(case.spec, "new", dryRun="All")) == sorted(case.complaints)


@pytest.mark.parametrize("change", TRANSITIONS, ids=lambda change: change.name)
def test_transition_rules_compare_with_the_old_value(kind: Kind, change: Change) -> None:
    """A rule on oldSelf sees the value that this one replaces."""
    reply = kind.patch({"spec": change.patch}, dryRun="All")
    assert complaints(reply) == sorted(change.complaints)


@pytest.mark.parametrize("change", RATCHETING, ids=lambda change: change.name)
def test_what_did_not_change_is_forgiven(tightened: Kind, change: Change) -> None:
    """Only what changes has to fit the stricter schema; the rest warns at most."""
    reply = tightened.patch({"spec": change.patch}, dryRun="All")
    assert complaints(reply) == sorted(change.complaints)
    assert sorted(reply.warnings) == sorted(change.warnings)


def test_metadata_may_change_on_an_object_that_no_longer_fits(tightened: Kind) -> None:
    """A label can be set, and a finalizer removed, whatever has become of the schema."""
    assert tightened.patch({"metadata": {"labels": {"a": "b"}}}, dryRun="All").status == 200
