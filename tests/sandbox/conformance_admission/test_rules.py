from __future__ import annotations

from actgate_sandbox.rest import Rest
from tests.sandbox.conformance_admission.crds import complaints, served
from tests.sandbox.conformance_admission.rule_cases import BEFORE, CASES, SCHEMA, TRANSITIONS


def test_rules_earn_the_complaints_of_the_api_server(rest: Rest) -> None:
    """The engine says of a rule that does not hold this sentence, and complains of nothing else."""
    with served(rest, SCHEMA) as kind:
        for case in CASES:
            assert complaints(kind.create(case.spec, dryRun="All")) == sorted(case.complaints), case.name


def test_transition_rules_compare_with_the_old_value(rest: Rest) -> None:
    """A rule on oldSelf sees the value that this one replaces, and is silent without one."""
    with served(rest, SCHEMA) as kind:
        assert kind.create(BEFORE).status == 201
        for change in TRANSITIONS:
            reply = kind.patch({"spec": change.patch}, dryRun="All")
            assert complaints(reply) == sorted(change.complaints), change.name
