"""Which changes of a status are Events: what is out of order, once, and that it is in order again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actgate_operator.events import NORMAL, WARNING, transitions
from actgate_operator.status import report
from tests.operator.observed import STATES
from tests.operator.test_status import FIRST

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

states = st.sampled_from(sorted(STATES))


def status(name: str | None) -> dict[str, Any]:
    """Return the status of a state; None for that of a model that was never reconciled."""
    return FIRST if name is None else report(STATES[name].seen, FIRST, NOW)


def events(old: str | None, new: str) -> list[tuple[str, str]]:
    """Return type and reason of what is reported of a change."""
    return [(note.type, note.reason) for note in transitions(status(old), status(new))]


@pytest.mark.parametrize(
    ("old", "new", "reported"),
    [
        (None, "just applied", []),
        ("just applied", "pods start", []),
        ("pods start", "ready", []),
        ("ready", "a new spec rolls out", []),
        ("ready", "the API server is busy", []),
        (None, "the API server is busy at first", []),
        (None, "no manifest", [(WARNING, "ManifestNotFound")]),
        ("no manifest", "just applied", [(NORMAL, "EvidenceRestored")]),
        (None, "rejected", [(WARNING, "EvidenceRejected")]),
        ("ready", "expired and kept", [(WARNING, "EvidenceExpired")]),
        ("ready", "withdrawn and kept", [(WARNING, "ManifestNotFound")]),
        ("withdrawn and kept", "expired and kept", [(WARNING, "EvidenceExpired")]),
        ("expired and kept", "ready", [(NORMAL, "EvidenceRestored")]),
        ("ready", "expired, scaling to zero", [(WARNING, "EvidenceExpired"), (WARNING, "ScaledToZero")]),
        ("expired, scaling to zero", "expired, scaled to zero", []),
        ("expired, scaled to zero", "pods start", [(NORMAL, "EvidenceRestored")]),
        ("ready", "suspending", [(NORMAL, "Suspended")]),
        ("suspending", "suspended", []),
        ("suspended", "pods start", []),
        ("pods start", "pods crash at first", [(WARNING, "CrashLoopBackOff")]),
        ("ready", "pods crash later", [(WARNING, "CrashLoopBackOff")]),
        ("pods crash later", "ready", [(NORMAL, "WorkloadRestored")]),
        ("withdrawn while pods crash", "withdrawn and kept", []),
        ("pods crash later", "withdrawn and kept", [(WARNING, "ManifestNotFound")]),
        ("suspended", "withdrawn, nothing runs and nothing may", [(WARNING, "ManifestNotFound")]),
        ("withdrawn, nothing runs and nothing may", "pods start", [(NORMAL, "EvidenceRestored")]),
        ("ready", "contested", []),
        ("ready", "pods are missing", [(WARNING, "MinimumReplicasUnavailable")]),
        ("pods start", "pods cannot be created", [(WARNING, "FailedCreate")]),
        ("pods start", "overdue", [(WARNING, "ProgressDeadlineExceeded")]),
        ("pods crash at first", "overdue and crashing", [(WARNING, "ProgressDeadlineExceeded")]),
        ("a new spec rolls out", "a new spec is overdue", [(WARNING, "ProgressDeadlineExceeded")]),
        (None, "malformed", [(WARNING, "InvalidSpec")]),
        (None, "refused at first", [(WARNING, "Refused")]),
        ("ready", "refused later", [(WARNING, "Refused")]),
        ("refused later", "ready", []),
        ("ready", "pods are added", []),
        ("pods are added", "ready", []),
        ("suspended", "pods are added", []),
        ("pods are added", "an added pod crashes", [(WARNING, "CrashLoopBackOff")]),
        ("ready", "a pod was edited", [(WARNING, "UnexpectedImage")]),
        ("a pod was edited", "ready", [(NORMAL, "WorkloadRestored")]),
        ("ready", "a pod was planted", [(WARNING, "UnexpectedPod")]),
        ("suspended", "planted while suspended", [(WARNING, "UnexpectedPod")]),
        ("autoscaled", "autoscaled without metrics", [(WARNING, "FailedGetResourceMetric")]),
        ("autoscaled without metrics", "autoscaled", [(NORMAL, "ScalingRestored")]),
        ("suspending", "suspended, pods end", []),
        ("suspended, pods end", "suspended", []),
    ],
)
def test_what_is_reported_of_a_change(old: str | None, new: str, reported: list[tuple[str, str]]) -> None:
    """Each piece of news once, though several conditions may say it."""
    assert events(old, new) == reported


@given(states)
def test_nothing_is_reported_of_a_state_that_stays(name: str) -> None:
    """Looking again is no news."""
    assert events(name, name) == []


@given(states, states)
def test_nothing_is_reported_twice_of_one_change(old: str, new: str) -> None:
    """Not by two conditions either."""
    reported = events(old, new)
    assert len(reported) == len(set(reported))


@given(states, states)
def test_what_is_reported_is_in_the_new_status(old: str, new: str) -> None:
    """A warning names a reason of a condition, and carries its message; good news carries one as well."""
    said = {item["message"] for item in status(new)["conditions"]}
    reasons = {item["reason"] for item in status(new)["conditions"]}
    for note in transitions(status(old), status(new)):
        assert note.message in said
        assert note.type == NORMAL or note.reason in reasons
        assert not note.message.startswith("see ")


@given(states, states)
def test_nothing_good_is_reported_while_the_evidence_does_not_hold(old: str, new: str) -> None:
    """Pods that serve without evidence are no good news (redteam H1); a suspension may be reported."""
    if not STATES[new].evidence.startswith("True"):
        assert {reason for kind, reason in events(old, new) if kind == NORMAL} <= {"Suspended"}


@given(states)
def test_of_a_model_that_comes_up_as_planned_nothing_is_reported(name: str) -> None:
    """Its status says it; a warning is reported at first sight only where something is wrong."""
    state = STATES[name]
    fine = state.evidence.startswith("True") and state.workload.startswith("True")
    if state.stalled is None and fine and state.seen.scaling is None:
        assert events(None, name) == []
