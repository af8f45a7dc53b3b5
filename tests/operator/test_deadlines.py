"""Moments are reported when the wall clock gets there, also when it is set; in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from weakref import WeakSet

from actgate_operator.deadlines import Clocks, Deadlines
from tests.kube.virtual_time import START, run_virtually, virtual_now

HOUR = 3600.0
AHEAD = 1_800_000_000.0
"""How far the wall clock is ahead of the steady one, at first."""


class Watched:
    """Deadlines that run, the wall clock that a test sets, and what was reported at which steady time."""

    def __init__(self) -> None:
        self.ahead = AHEAD
        self.reported: list[tuple[str, float]] = []
        self.jumps: list[float] = []
        self.looks = 0
        self.clocks = Clocks(wall=self._wall, steady=virtual_now)
        self.deadlines = Deadlines[str](
            lambda key: self.reported.append((key, virtual_now())), self.jumps.append, self.clocks
        )

    def set(self, key: str, steady: float | None) -> None:
        """Set a moment, as the time on the steady clock at which it comes unless the other one is set."""
        moment = None if steady is None else datetime.fromtimestamp(steady + AHEAD, UTC)
        self.deadlines.set(key, moment)

    def _wall(self) -> float:
        self.looks += 1
        return virtual_now() + self.ahead


@asynccontextmanager
async def watching() -> AsyncIterator[Watched]:
    """Deadlines at work."""
    watched = Watched()
    task = asyncio.create_task(watched.deadlines.run())
    try:
        yield watched
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def test_a_moment_is_reported_when_it_comes_and_not_before() -> None:
    """Each key once, at its own moment, in the order of time."""

    async def main() -> None:
        async with watching() as watched:
            watched.set("late", START + 2 * HOUR)
            watched.set("early", START + HOUR + 0.5)
            await asyncio.sleep(3 * HOUR)
            assert watched.reported == [("early", START + HOUR + 0.5), ("late", START + 2 * HOUR)]
            assert watched.jumps == []
            assert watched.deadlines.moments() == {}

    run_virtually(main())


def test_a_moment_that_is_past_is_reported_at_once() -> None:
    """Within a slice of the sleep that is under way."""

    async def main() -> None:
        async with watching() as watched:
            await asyncio.sleep(5)
            watched.set("a", START - HOUR)
            await asyncio.sleep(HOUR)
            ((key, when),) = watched.reported
            assert (key, when - START - 5 <= watched.clocks.slice) == ("a", True)

    run_virtually(main())


def test_a_moment_that_is_replaced_or_removed_is_not_reported() -> None:
    """One key has one moment: the last."""

    async def main() -> None:
        async with watching() as watched:
            watched.set("sooner", START + 2 * HOUR)
            watched.set("sooner", START + HOUR)
            watched.set("later", START + HOUR)
            watched.set("later", START + 2 * HOUR)
            watched.set("removed", START + HOUR)
            watched.set("removed", None)
            watched.set("never", None)
            assert watched.deadlines.moments() == {
                "sooner": START + HOUR + AHEAD,
                "later": START + 2 * HOUR + AHEAD,
            }
            await asyncio.sleep(3 * HOUR)
            assert watched.reported == [("sooner", START + HOUR), ("later", START + 2 * HOUR)]

    run_virtually(main())


def test_a_moment_that_was_reported_can_be_set_again() -> None:
    """The same verdict may end twice at the same moment, when a clock goes back between."""

    async def main() -> None:
        async with watching() as watched:
            watched.set("a", START + HOUR)
            watched.set("a", START + HOUR)
            await asyncio.sleep(2 * HOUR)
            watched.ahead -= 2 * HOUR
            watched.set("a", START + HOUR)
            await asyncio.sleep(2 * HOUR)
            assert watched.reported == [("a", START + HOUR), ("a", START + 3 * HOUR)]

    run_virtually(main())


def test_a_clock_that_is_set_forward_shows_what_is_due_within_a_slice() -> None:
    """And what depends on the clock is notified by how much, once."""

    async def main() -> None:
        async with watching() as watched:
            watched.set("a", START + HOUR)
            watched.set("b", START + 3 * HOUR)
            await asyncio.sleep(5)
            watched.ahead += HOUR
            await asyncio.sleep(watched.clocks.slice)
            await asyncio.sleep(0)
            assert [key for key, _ in watched.reported] == ["a"]
            await asyncio.sleep(HOUR)
            assert watched.jumps == [HOUR]

    run_virtually(main())


def test_a_clock_that_is_set_backward_delays_a_moment_until_the_clock_is_there() -> None:
    """The wall clock is what evidence goes by; that it was set is reported."""

    async def main() -> None:
        async with watching() as watched:
            watched.set("a", START + HOUR)
            await asyncio.sleep(5)
            watched.ahead -= HOUR
            await asyncio.sleep(1.5 * HOUR)
            assert (watched.reported, watched.jumps) == ([], [-HOUR])
            await asyncio.sleep(HOUR)
            assert watched.reported == [("a", START + 2 * HOUR)]

    run_virtually(main())


def test_a_clock_that_is_nudged_is_not_set() -> None:
    """Time servers move it by parts of a second; what adds up is reported in the end."""

    async def main() -> None:
        async with watching() as watched:
            await asyncio.sleep(5)
            watched.ahead += 0.75
            await asyncio.sleep(HOUR)
            assert watched.jumps == []
            watched.ahead += 0.75
            await asyncio.sleep(HOUR)
            assert watched.jumps == [1.5]

    run_virtually(main())


def test_nothing_to_wait_for_costs_one_look_per_slice() -> None:
    """An idle operator is idle."""

    async def main() -> None:
        async with watching() as watched:
            await asyncio.sleep(HOUR)
            assert watched.looks <= 2 * HOUR / watched.clocks.slice + 4

    run_virtually(main())


class Model:
    """A key that can be seen to be forgotten."""


def test_moments_that_were_replaced_are_forgotten_before_they_come() -> None:
    """They are years ahead, and those of models that are gone would fill the memory."""
    deadlines = Deadlines[Model](lambda _: None, lambda _: None)
    kept, known = Model(), WeakSet[Model]()
    moment = datetime(2040, 1, 1, tzinfo=UTC)
    deadlines.set(kept, moment)
    for seconds in range(10_000):
        model = Model()
        known.add(model)
        deadlines.set(model, moment + timedelta(seconds=seconds))
        deadlines.set(model, None)
    assert len(known) < 200
    assert deadlines.moments() == {kept: moment.timestamp()}


def test_the_usual_clocks_agree() -> None:
    """``now`` is the wall clock's time, and aware."""
    clocks = Clocks()
    before, now, after = clocks.wall(), clocks.now(), clocks.wall()
    assert before - 1e-6 <= now.timestamp() <= after + 1e-6
    assert now.tzinfo is UTC
