from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from actgate.kube.errors import Unavailable
from actgate.kube.single_flight import SingleFlight


class Source:
    """Counts reads, each of which ends when a test lets it."""

    def __init__(self) -> None:
        self.begun = 0
        self.gates: list[asyncio.Future[None]] = []
        self.flight = SingleFlight(self.read)

    async def read(self) -> int:
        """Return the number of the read."""
        self.begun += 1
        number = self.begun
        gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.gates.append(gate)
        await gate
        return number

    def ask(self, count: int) -> list[asyncio.Task[int]]:
        """Let so many ask."""
        return [asyncio.create_task(self.flight.get()) for _ in range(count)]


async def turns(condition: Callable[[], bool]) -> None:
    """Let others run until something is so."""
    for _ in range(100):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("not so after 100 turns")


async def test_a_crowd_that_comes_during_a_read_shares_the_next_one() -> None:
    """A read that began before the wish may show what was there before; two reads do for any crowd."""
    source = Source()
    (first,) = source.ask(1)
    await turns(lambda: source.begun == 1)
    crowd = source.ask(50)
    await turns(lambda: source.flight._next is not None)
    assert source.begun == 1
    source.gates[0].set_result(None)
    await turns(lambda: source.begun == 2)
    source.gates[1].set_result(None)
    assert await first == 1
    assert await asyncio.gather(*crowd) == [2] * 50
    assert source.begun == 2


async def test_who_comes_after_a_read_gets_a_new_one() -> None:
    """Results are shared, not kept."""
    source = Source()
    for number in (1, 2):
        (asked,) = source.ask(1)
        await turns(lambda number=number: source.begun == number)  # type: ignore[misc]
        source.gates[-1].set_result(None)
        assert await asked == number


async def test_who_gives_up_leaves_the_read_to_the_others() -> None:
    """Each has its own deadline; one that is over must not fail the rest."""
    source = Source()
    first, second = source.ask(1), []
    await turns(lambda: source.begun == 1)
    second = source.ask(2)
    await turns(lambda: source.flight._next is not None)
    first[0].cancel()
    second[0].cancel()
    await asyncio.gather(first[0], second[0], return_exceptions=True)
    source.gates[0].set_result(None)
    await turns(lambda: source.begun == 2)
    source.gates[1].set_result(None)
    assert await second[1] == 2


async def test_a_failure_is_that_of_all_who_wait_and_of_no_later_caller() -> None:
    """All waiting callers get the failure; the next one asks again."""
    source = Source()
    first = source.ask(2)
    await turns(lambda: source.begun == 1)
    source.gates[0].set_exception(Unavailable("connection refused"))
    with pytest.raises(Unavailable):
        await first[0]
    await turns(lambda: source.begun == 2)
    source.gates[1].set_result(None)
    assert await first[1] == 2
