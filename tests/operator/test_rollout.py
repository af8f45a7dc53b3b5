"""How far a Deployment is, from statuses as the deployment controller writes them."""

from __future__ import annotations

from typing import Any

import pytest

from actgate_operator.rollout import Rollout, rollout_of

Json = dict[str, Any]


def conditions(available: str | None, progressing: str | None, failure: str | None = None) -> list[Json]:
    """Return the conditions of a Deployment."""
    reported = []
    if available is not None:
        reported.append(
            {"type": "Available", "status": available, "reason": "Minimum", "message": "minimum."}
        )
    if progressing is not None:
        status = "False" if progressing == "ProgressDeadlineExceeded" else "True"
        reported.append(
            {"type": "Progressing", "status": status, "reason": progressing, "message": "so far."}
        )
    if failure is not None:
        reported.append(
            {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": failure}
        )
    return reported


def read(*reported: Json, observed: int | None = 2, **counts: int) -> Rollout:
    """Read the status of a Deployment in its second generation."""
    status = {"conditions": list(reported), **counts}
    if observed is not None:
        status["observedGeneration"] = observed
    return rollout_of({"generation": 2}, {"replicas": 2}, status)


def test_a_deployment_without_a_status_is_unknown() -> None:
    """Neither available nor not, and its status speaks of nothing."""
    rollout = rollout_of({"generation": 1}, {}, {})
    assert rollout == Rollout(
        current=False, available=None, progress=None, progress_message="", failure=None, replicas=0, ready=0
    )
    assert not rollout.complete
    assert not rollout.overdue


def test_a_rollout_that_is_over_is_complete() -> None:
    """Enough pods serve, and they are of the spec as it is."""
    rollout = read(*conditions("True", "NewReplicaSetAvailable"), replicas=2, readyReplicas=2)
    assert rollout.complete
    assert (rollout.replicas, rollout.ready) == (2, 2)


@pytest.mark.parametrize(
    ("reported", "observed"),
    [
        (conditions("True", "NewReplicaSetAvailable"), 1),
        (conditions("True", "NewReplicaSetAvailable"), None),
        (conditions("True", "ReplicaSetUpdated"), 2),
        (conditions("True", "NewReplicaSetCreated"), 2),
        (conditions("True", "DeploymentPaused"), 2),
        (conditions("True", "ProgressDeadlineExceeded"), 2),
        (conditions("False", "NewReplicaSetAvailable"), 2),
        (conditions(None, "NewReplicaSetAvailable"), 2),
        (conditions("True", None), 2),
    ],
)
def test_anything_less_is_not_complete(reported: list[Json], observed: int | None) -> None:
    """A status of another generation, pods of the former spec, or too few of them."""
    assert not read(*reported, observed=observed).complete


def test_a_rollout_is_overdue_once_the_controller_says_so() -> None:
    """Of the spec as it is: that a former one never came up is no news."""
    reported = conditions("False", "ProgressDeadlineExceeded")
    rollout = read(*reported)
    assert (rollout.overdue, rollout.progress_message) == (True, "so far.")
    assert not read(*reported, observed=1).overdue


def test_pods_that_cannot_be_created_are_a_failure_while_it_is_true() -> None:
    """In the words of quota, Pod Security or a webhook."""
    words = 'pods "scorer-1" is forbidden: exceeded quota: gpus'
    assert read(*conditions("False", "ReplicaSetUpdated", words)).failure == words
    over = {"type": "ReplicaFailure", "status": "False", "reason": "Created", "message": "gone"}
    assert read(over).failure is None
    assert read({"type": "ReplicaFailure", "status": "True"}).failure == ""


def test_what_is_wanted_is_what_the_spec_asks_for() -> None:
    """The status follows it; a surge is more than that, and served is never more than wanted."""
    reported = conditions("True", "ReplicaSetUpdated")
    rollout = read(*reported, replicas=3, readyReplicas=3, updatedReplicas=1)
    assert (rollout.wanted, rollout.served, rollout.uniform) == (2, 2, False)
    over = conditions("True", "NewReplicaSetAvailable")
    assert read(*over, replicas=2, updatedReplicas=2).uniform
    assert not read(*over, replicas=3, updatedReplicas=2).uniform
    assert not read(*over, observed=1, replicas=2, updatedReplicas=2).uniform


def test_too_few_pods_serve_since_the_condition_changed() -> None:
    """And not at all while enough do."""
    since = {"type": "Available", "status": "False", "lastTransitionTime": "2026-11-23T12:00:00Z"}
    assert read(since).unavailable_since == "2026-11-23T12:00:00Z"
    assert read({**since, "status": "True"}).unavailable_since is None


def test_counts_that_are_absent_are_zero() -> None:
    """The API server leaves zeros out, and null lists in."""
    rollout = rollout_of({"generation": 1}, {}, {"observedGeneration": 1, "conditions": None})
    assert (rollout.current, rollout.replicas, rollout.ready) == (True, 0, 0)
