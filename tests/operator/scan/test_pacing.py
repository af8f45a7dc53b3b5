"""How fast the scan may go: its share of a core, and its writes a second, in virtual time."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from actgate_operator.scan.pacing import LIST_SECONDS, Budget, Pace
from tests.kube.virtual_time import START, run_virtually, virtual_now


class Core:
    """The CPU time of a thread, as a test spends it."""

    def __init__(self) -> None:
        self.used = 0.0

    def clock(self) -> float:
        """Return what was used so far."""
        return self.used


@pytest.mark.parametrize("tasks", [1, 7])
def test_work_takes_its_share_of_a_core_however_many_do_it(tasks: int) -> None:
    """Each kind is listed by a task of its own, all at the start."""

    async def main() -> float:
        core = Core()
        pace = Pace(0.2, core.clock)
        pace.begin()

        async def work() -> None:
            for _ in range(40):
                core.used += 0.03
                await pace.rest()

        async with asyncio.TaskGroup() as group:
            for _ in range(tasks):
                group.create_task(work())
        return core.used / (core.used + virtual_now() - START)

    # The last pages of some tasks are covered by one rest.
    assert run_virtually(main()) == pytest.approx(0.2, abs=0.005)


def test_little_work_is_no_reason_to_rest_and_the_work_of_others_adds_up_to_a_bound() -> None:
    async def main() -> None:
        core = Core()
        pace = Pace(0.25, core.clock)
        pace.begin()
        core.used += 0.001
        await pace.rest()
        assert virtual_now() == START
        core.used += 500.0
        await pace.rest()
        assert virtual_now() - START == pytest.approx(0.3 * 3)

    run_virtually(main())


def test_a_list_that_is_late_is_read_without_rests() -> None:
    """The API server keeps the snapshot of a list for five minutes: after that, it would begin anew."""

    async def main() -> None:
        core = Core()
        pace = Pace(0.25, core.clock)
        pace.begin()
        core.used += 0.1
        await pace.rest_in_list(LIST_SECONDS)
        assert virtual_now() == START
        await pace.rest_in_list(LIST_SECONDS - 1)
        assert virtual_now() > START

    run_virtually(main())


def test_writes_keep_their_rate_after_a_burst() -> None:
    async def main() -> list[float]:
        budget = Budget(5.0, 50, now=virtual_now)
        moments = []
        for _ in range(100):
            await budget.take()
            moments.append(virtual_now() - START)
        return moments

    moments = run_virtually(main())
    assert moments[:50] == [0.0] * 50
    assert moments[-1] == pytest.approx(10.0)
    assert all(b - a == pytest.approx(0.2) for a, b in pairwise(moments[49:]))


def test_those_who_ask_at_once_are_served_one_after_the_other() -> None:
    """Reports, statuses and Events share one budget."""

    async def main() -> float:
        budget = Budget(5.0, 1, now=virtual_now)
        await asyncio.gather(*(budget.take() for _ in range(11)))
        return virtual_now() - START

    assert run_virtually(main()) == pytest.approx(2.0)
