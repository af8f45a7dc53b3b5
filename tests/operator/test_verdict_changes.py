"""Which models are reconciled first after a change of evidence."""

from __future__ import annotations

from typing import Any

import pytest

from actgate.decision import Policy
from actgate.kube.objects import Object
from actgate.lookup.evidence import FRESH_SECONDS
from actgate.lookup.judge import MANY
from actgate_operator.deadlines import Clocks
from actgate_operator.verdict_changes import VerdictChanges
from tests.decision.build import NOW, PASSING, manifest, policy
from tests.lookup.fakes import FakeEvidence, known
from tests.operator.fakes import model

REJECTED = manifest(oversight=None)
AT_NOW = Clocks(wall=NOW.timestamp)


def referring(outcome: str | None) -> Object:
    """Return a model with the verdict that its status reports."""
    status: dict[str, Any] = {} if outcome is None else {"verdict": {"outcome": outcome}}
    return model("scorer", manifest=PASSING.name, **status)


@pytest.mark.parametrize(
    ("cached", "reported", "urgent"),
    [
        (PASSING, "Pass", False),
        (PASSING, "Warn", False),
        (PASSING, None, False),
        (PASSING, "Fail", True),
        (REJECTED, "Pass", True),
        (REJECTED, "Fail", False),
        (None, "Pass", True),
        (None, "Fail", False),
    ],
)
def test_a_verdict_that_becomes_another_one_is_urgent(cached: Any, reported: str, *, urgent: bool) -> None:  # noqa: ANN401
    """Refused where it was accepted, or the other way; a recommendation more is not."""
    evidence = FakeEvidence(known(cached) if cached is not None else {})
    assert VerdictChanges(evidence, AT_NOW).concerns(referring(reported)) is urgent
    assert evidence.reads == []


@pytest.mark.parametrize("policies", [(), tuple(policy(f"p{number}") for number in range(MANY))])
def test_what_is_not_known_or_takes_long_is_not_urgent(policies: tuple[Policy, ...]) -> None:
    """It is reconciled with all others, in its turn."""
    evidence = FakeEvidence(known(REJECTED), policies=policies, age=1.0 if policies else FRESH_SECONDS)
    assert VerdictChanges(evidence, AT_NOW).concerns(referring("Pass")) is False


@pytest.mark.parametrize("broken", [{"spec": None}, {"status": "x"}, {"status": {"verdict": []}}])
def test_a_model_that_predates_the_schema_stops_nothing(broken: dict[str, Any]) -> None:
    """Its status may be anything."""
    VerdictChanges(FakeEvidence(known(PASSING)), AT_NOW).concerns({**referring("Pass"), **broken})
