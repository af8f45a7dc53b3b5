from __future__ import annotations

import copy
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from actgate_operator.plan import plan, state
from tests.operator.plan.build import EVIDENCE, Json, model_deployment
from tests.operator.plan.strategies import model_deployments

STATE = "actgate.dev/desired-state"


def rearranged(dice: Random, value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return JSON that means the same, with the fields of its objects in another order."""
    if isinstance(value, dict):
        return {key: rearranged(dice, value[key]) for key in dice.sample(list(value), len(value))}
    return [rearranged(dice, item) for item in value] if isinstance(value, list) else value


@given(model_deployments)
def test_every_child_shows_its_state(asked: Json) -> None:
    """The annotation is the digest of the child as planned, and the digest overlooks the annotation."""
    for child in plan(asked, EVIDENCE).children:
        recorded = child["metadata"]["annotations"][STATE]
        assert recorded == state(child)
        bare = copy.deepcopy(child)
        del bare["metadata"]["annotations"][STATE]
        assert recorded == state(bare)


@given(model_deployments, st.randoms(use_true_random=False))
def test_the_same_object_gives_the_same_children(asked: Json, dice: Random) -> None:
    """In whatever order its fields arrive."""
    once, again = plan(asked, EVIDENCE), plan(rearranged(dice, asked), EVIDENCE)
    assert once == again


@given(model_deployments)
def test_a_plan_leaves_what_it_read_as_it_was(asked: Json) -> None:
    """The caller may keep the object."""
    before = copy.deepcopy(asked)
    plan(asked, EVIDENCE)
    assert asked == before


@given(model_deployments)
def test_what_says_nothing_is_not_owned(asked: Json) -> None:
    """No null anywhere, and no empty labels or annotations of ours."""
    for child in plan(asked, EVIDENCE).children:
        assert not holds_null(child)
        assert child["metadata"]["labels"]
        assert child["metadata"]["annotations"]


def holds_null(value: object) -> bool:
    """Return whether a null stands anywhere in a JSON value; the text ``None`` is none."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value is None or any(map(holds_null, parts))


def test_replicas_are_no_part_of_the_state() -> None:
    """An autoscaler sets them, and a suspended model is the same model."""
    states = {state(plan(model_deployment(replicas=number), EVIDENCE).deployment) for number in (0, 1, 5)}
    assert len(states) == 1


def test_anything_else_is() -> None:
    """Evidence, image, owner."""
    moved = model_deployment()
    moved["metadata"]["uid"] = "another"
    states = [
        state(plan(model_deployment(), EVIDENCE).deployment),
        state(plan(model_deployment(), None).deployment),
        state(plan(model_deployment(server={"image": "other:1"}), EVIDENCE).deployment),
        state(plan(moved, EVIDENCE).deployment),
    ]
    assert len(set(states)) == len(states)
