"""What is only slow is no outage yet, and does not stay so for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from actgate.kube.objects import Key
from actgate_operator.child import read_child
from actgate_operator.children import Children
from actgate_operator.patience import GROWS_FOR, SCALES_AFTER, Patience
from tests.operator.fakes import unreachable
from tests.operator.observed import rollout

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEY = ("credit", "scorer")
ROLLING_OUT = {"conditions": [{"type": "Reconciling", "status": "True", "reason": "RollingOut"}]}


class Waiting(Patience):
    """At noon; notes when models are to be reconciled again."""

    def __init__(self) -> None:
        self.due: list[tuple[Key, float]] = []
        children = Children(unreachable(), lambda _: None)
        super().__init__(children, lambda: NOW, lambda key, seconds: self.due.append((key, seconds)))


def ago(age: timedelta) -> str:
    """Return a moment before noon as the API server writes it."""
    return (NOW - age).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("age", "growing"), [(timedelta(0), True), (GROWS_FOR / 2, True), (GROWS_FOR, False)]
)
def test_a_count_that_was_raised_has_its_time(age: timedelta, growing: bool) -> None:
    """Then too few pods are too few; the model is reconciled at that time."""
    waiting = Waiting()
    assert waiting.growing(KEY, rollout(available=False, unavailable_since=ago(age)), ROLLING_OUT) is growing
    assert waiting.due == ([(KEY, (GROWS_FOR - age).total_seconds())] if growing else [])


@pytest.mark.parametrize(
    ("since", "former"),
    [(None, ROLLING_OUT), (ago(timedelta(0)), {}), (ago(timedelta(0)), {"conditions": []})],
)
def test_nothing_grows_that_was_not_raised_or_that_serves(
    since: str | None, former: dict[str, object]
) -> None:
    """A pod that died is an outage at once."""
    waiting = Waiting()
    assert not waiting.growing(KEY, rollout(available=since is None, unavailable_since=since), former)
    assert waiting.due == []


@pytest.mark.parametrize(
    ("age", "reported"),
    [(timedelta(0), False), (SCALES_AFTER, True), (timedelta(days=1), True), (None, True)],
)
@pytest.mark.parametrize("kind", ["ScalingActive", "AbleToScale"])
def test_an_autoscaler_has_its_time(kind: str, age: timedelta | None, reported: bool) -> None:
    """Of new pods there are no metrics at first."""
    condition = {"type": kind, "status": "False", "reason": "FailedGetResourceMetric", "message": "no cpu"}
    if age is not None:
        condition["lastTransitionTime"] = ago(age)
    autoscaler = read_child(
        {
            "metadata": {"name": "scorer", "namespace": "credit", "resourceVersion": "1"},
            "spec": {"scaleTargetRef": {"name": "scorer"}},
            "status": {"conditions": [condition]},
        }
    )
    waiting = Waiting()
    problem = waiting.scaling(KEY, autoscaler)
    assert (problem is not None) is reported
    assert bool(waiting.due) is not reported
