"""How many replicas may run without evidence, in numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from actgate_operator.child import Child, read_child
from actgate_operator.held import held, held_replicas
from actgate_operator.plan import plan
from tests.operator.plan.build import EVIDENCE
from tests.operator.plan.golden_files import asked, cases
from tests.operator.plan.strategies import model_deployments

Json = dict[str, Any]

counts = st.integers(0, 50)
specs = st.one_of(
    st.fixed_dictionaries({}, optional={"replicas": counts, "suspend": st.booleans()}),
    st.builds(
        lambda few, more: {"autoscaling": {"minReplicas": few, "maxReplicas": few + more}},
        st.integers(1, 20), counts,
    ),
)  # fmt: skip


def child(replicas: int | None) -> Child:
    """Return a Deployment with a count."""
    spec: Json = {"strategy": {}, **({} if replicas is None else {"replicas": replicas})}
    return read_child({"metadata": {"name": "a", "uid": "uid-1", "resourceVersion": "1"}, "spec": spec})


@given(st.lists(st.tuples(specs, counts, st.booleans()), min_size=1, max_size=20), counts)
def test_the_bound_only_falls(turns: list[tuple[Json, int, bool]], running: int) -> None:
    """Whatever users ask for, scale by hand, and policies want, one after another."""
    status: Json = {}
    bound = running
    for spec, by_hand, zero in turns:
        most = held_replicas({"spec": spec, "status": status}, child(running), zero=zero)
        assert most <= bound
        assert most <= running
        assert most == 0 or not (zero or spec.get("suspend"))
        bound, status = most, {"heldReplicas": most}
        running = by_hand
    assert held_replicas({"spec": {}, "status": status}, None, zero=False) == 0


def test_a_count_that_is_absent_is_one() -> None:
    """Of the Deployment as of the spec."""
    assert held_replicas({"spec": {"replicas": 3}}, child(None), zero=False) == 1
    assert held_replicas({"spec": {}}, child(3), zero=False) == 1
    assert held_replicas({"spec": {}, "status": None}, child(1), zero=False) == 1


@given(model_deployments, counts)
def test_a_plan_that_is_held_starts_nothing(model: Json, count: int) -> None:
    """A fixed count, no autoscaler to raise it, and only in the Deployment that runs; the rest as planned."""
    wanted = plan(model, EVIDENCE)
    kept = held(wanted, count, child(count))
    assert (kept.deployment["spec"]["replicas"], kept.autoscaler) == (count, None)
    assert kept.deployment["metadata"]["uid"] == "uid-1"
    assert kept.deployment["spec"]["template"] == wanted.deployment["spec"]["template"]
    assert replace(kept, deployment=wanted.deployment, autoscaler=wanted.autoscaler) == wanted


def test_plans_are_left_as_they_are() -> None:
    """They belong to the caller."""
    for case in cases():
        wanted = plan(asked(case), EVIDENCE)
        held(wanted, 0, child(0))
        assert wanted == plan(asked(case), EVIDENCE)
