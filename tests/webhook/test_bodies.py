from __future__ import annotations

import asyncio

import pytest

from actgate_webhook.bodies import WAITING, Bodies, ExhaustedError, Held

LONG = 60.0


class Sender:
    """One body of one client: waits for room, then arrives until it is let finish."""

    def __init__(self, bodies: Bodies, address: str, size: int) -> None:
        self.arriving = asyncio.Event()
        self.arrived = asyncio.Event()
        self.task = asyncio.create_task(self._send(bodies, address, size))

    async def _send(self, bodies: Bodies, address: str, size: int) -> None:
        async with bodies.room(address, size, LONG) as held, held.arriving(LONG):
            self.arriving.set()
            await self.arrived.wait()

    async def end(self) -> None:
        """Let the body arrive, and wait for its end."""
        self.arrived.set()
        await self.task


async def turns() -> None:
    """Let all tasks do what can be done at once."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_never_more_is_held_than_the_limit_and_all_are_served() -> None:
    """Every request that waits gets room, whole; no body that has begun waits for another."""
    bodies = Bodies(100, grace=LONG)
    senders = [Sender(bodies, "10.0.0.1", 40) for _ in range(8)]
    highest = 0
    for sender in senders:
        await turns()
        highest = max(highest, bodies.bytes)
        assert sender.arriving.is_set()
        await sender.end()
    assert highest == 80
    assert bodies.bytes == 0


async def test_the_address_that_holds_least_is_next() -> None:
    """One client with many bodies must not keep the API server's waiting behind all of them."""
    bodies = Bodies(100, grace=LONG)
    first, second, third = (Sender(bodies, "10.0.0.66", 50) for _ in range(3))
    await turns()
    honest = Sender(bodies, "10.0.0.1", 50)
    await turns()
    assert not honest.arriving.is_set()
    await first.end()
    await turns()
    assert honest.arriving.is_set()
    assert not third.arriving.is_set()
    for sender in (second, honest, third):
        await sender.end()


async def test_a_body_that_arrives_too_slowly_gives_way_to_who_waits() -> None:
    """Held-back bodies use up the room; the address that holds the most loses one, and gets an answer."""
    bodies = Bodies(100, grace=0.0)
    slow = [Sender(bodies, "10.0.0.66", 30) for _ in range(2)]
    other = Sender(bodies, "10.0.0.2", 30)
    await turns()
    honest = Sender(bodies, "10.0.0.1", 30)
    await asyncio.wait_for(honest.arriving.wait(), LONG)
    assert not other.task.done()
    (evicted,) = (sender for sender in slow if sender.task.done())
    with pytest.raises(ExhaustedError, match="too slowly"):
        await evicted.task
    for sender in (honest, other, *(sender for sender in slow if sender is not evicted)):
        await sender.end()
    assert bodies.bytes == 0


async def test_a_body_whose_time_is_over_is_not_evicted_on_top() -> None:
    """On a busy loop its timeout fires before its turn comes: who releases room must not fail by it."""
    held, loop = Held("10.0.0.66", 30), asyncio.get_running_loop()
    ages: list[float | None] = []

    async def arrive() -> None:
        async with held.arriving(0.0):
            loop.call_soon(lambda: ages.append(held.age(loop.time())))
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await arrive()
    assert ages == [None]


async def test_a_slow_body_goes_on_while_no_other_waits() -> None:
    """A slow network is no attack."""
    bodies = Bodies(100, grace=0.0)
    slow = Sender(bodies, "10.0.0.1", 100)
    await turns()
    await slow.end()


async def test_a_body_that_is_judged_keeps_its_room() -> None:
    """Its bytes are still there; to break off its judgement would lose an answer."""
    bodies = Bodies(100, grace=0.0)
    async with bodies.room("10.0.0.66", 80, LONG) as held:
        async with held.arriving(LONG):
            pass
        with pytest.raises(ExhaustedError, match="no room"):
            async with bodies.room("10.0.0.1", 80, 0.0):
                raise AssertionError("there was none")
    assert bodies.bytes == 0


async def test_only_so_many_wait() -> None:
    """Each that waits has sent 64 KiB already."""
    bodies = Bodies(100, grace=LONG)
    async with bodies.room("10.0.0.66", 100, LONG):
        waiting = [Sender(bodies, "10.0.0.66", 10) for _ in range(WAITING)]
        await turns()
        with pytest.raises(ExhaustedError, match="too many"):
            async with bodies.room("10.0.0.1", 10, LONG):
                raise AssertionError("there was no room")
    for sender in waiting:
        await sender.end()


async def test_who_leaves_while_waiting_takes_no_room() -> None:
    """A client that disconnects must not keep bytes for ever."""
    bodies = Bodies(100, grace=LONG)
    first, second, third = (Sender(bodies, "10.0.0.1", 100) for _ in range(3))
    await turns()
    second.task.cancel()
    await first.end()
    await asyncio.wait({second.task})
    await third.end()
    assert bodies.bytes == 0


async def test_large_bodies_are_judged_one_at_a_time() -> None:
    """What is made of one can be many times its size: two together could be more than the memory there is."""
    bodies, judged, together = Bodies(100), 0, 0

    async def judge() -> None:
        nonlocal judged, together
        async with bodies.turn(LONG):
            judged += 1
            together = max(together, judged)
            await turns()
            judged -= 1

    await asyncio.gather(*(judge() for _ in range(5)))
    assert together == 1


async def test_a_request_without_room_in_time_gets_an_answer() -> None:
    """Its deadline is over; no client waits for a verdict any more."""
    bodies = Bodies(100)
    async with bodies.turn(LONG):
        with pytest.raises(ExhaustedError, match="other large reviews"):
            async with bodies.turn(0.0):
                raise AssertionError("another one had it")
    async with bodies.turn(LONG):
        pass
