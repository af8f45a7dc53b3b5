"""How soon it is noticed that what was in the way of a model is gone, and what that costs."""

from __future__ import annotations

import asyncio
import itertools
import random
from contextlib import suppress

import pytest

from actgate.kube.errors import Forbidden, Invalid
from actgate.kube.resources import DEPLOYMENTS
from actgate_operator.obstacles import RefusedError, TerminatingError, refused
from actgate_operator.queue import WorkQueue
from actgate_operator.retries import BLOCKED_RETRY_SECONDS, MOST_RETRIES, longest_pause
from tests.kube.virtual_time import run_virtually, virtual_now

pytestmark = pytest.mark.system

MINUTES = 30 * 60.0


async def reconciles(models: int, seconds: float) -> list[tuple[float, int]]:
    """Return when which of some models, all of which something is in the way of, is reconciled."""
    queue: WorkQueue[int] = WorkQueue(now=virtual_now, chance=random.Random(models).random)  # noqa: S311
    task = asyncio.create_task(queue.run())
    begun, seen = virtual_now(), []
    for model in range(models):
        queue.add(model)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while True:
                model = await queue.get()
                seen.append((virtual_now() - begun, model))
                queue.retry(model, longest=longest_pause(queue.failing()))
                queue.done(model)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return seen


def test_a_cause_that_is_gone_is_noticed_within_seconds_also_after_half_an_hour() -> None:
    """The pause between two reconciles of a model never exceeds ten seconds, however long it waits."""

    async def main() -> None:
        moments = [moment for moment, _ in await reconciles(1, MINUTES)]
        assert max(later - earlier for earlier, later in itertools.pairwise(moments)) <= BLOCKED_RETRY_SECONDS
        assert MINUTES - moments[-1] <= BLOCKED_RETRY_SECONDS

    run_virtually(main())


@pytest.mark.parametrize("models", [10, 100, 1000])
def test_many_models_that_wait_do_not_hammer_the_api_server(models: int) -> None:
    """After the first back-offs, so many reconciles a second and no more, spread by chance."""

    async def main() -> None:
        seen = await reconciles(models, MINUTES)
        steady = [moment for moment, _ in seen if moment > MINUTES / 2]
        assert len(steady) / (MINUTES / 2) <= 1.2 * MOST_RETRIES
        # No second takes many times its share, either.
        busiest = max(sum(1 for moment in steady if int(moment) == second) for second in range(900, 1000))
        assert busiest <= 3 * MOST_RETRIES
        assert {model for _, model in seen[-3 * models :]} <= set(range(models))

    run_virtually(main())


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (Forbidden('deployments.apps "a" is forbidden: exceeded quota: few'), True),
        (Forbidden('admission webhook "x.example" denied the request: no'), True),
        (Invalid('admission webhook "x.example" denied the request: no'), True),
        (Invalid('Deployment.apps "a" is invalid: spec.template: Required value'), False),
    ],
    ids=["quota", "webhook", "webhook with another code", "schema"],
)
def test_what_may_be_let_in_later_is_tried_again(error: Forbidden | Invalid, again: bool) -> None:
    """What the plan itself does wrong is wrong the next time, too."""
    obstacle = refused(DEPLOYMENTS, error)
    assert isinstance(obstacle, RefusedError)
    assert obstacle.forbidden is again


def test_a_namespace_that_is_terminating_is_waited_for() -> None:
    """It is about to go, and the model with it."""
    error = Forbidden("unable to create: because it is being terminated")
    assert isinstance(refused(DEPLOYMENTS, error), TerminatingError)
