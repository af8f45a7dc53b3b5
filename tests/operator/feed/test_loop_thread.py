"""A coroutine in a thread of its own ends when it is told to, or soon after."""

from __future__ import annotations

import asyncio
import threading

import pytest

from actgate_operator import loop_thread
from actgate_operator.loop_thread import LoopThread
from tests.kube.running import until

NAME = "loop-thread-under-test"


def alive() -> bool:
    return any(thread.name == NAME for thread in threading.enumerate())


async def test_it_runs_elsewhere_and_stops_when_told() -> None:
    """Another thread and another loop, gone when `stop` returns."""
    places: list[object] = []

    async def main(stop: asyncio.Event) -> None:
        places.extend((threading.current_thread(), asyncio.get_running_loop()))
        await stop.wait()

    thread = LoopThread(NAME, main)
    thread.start()
    await until(lambda: places)
    assert places[0] is not threading.current_thread()
    assert places[1] is not asyncio.get_running_loop()
    assert await thread.stop(within=60.0)
    assert await thread.ended() is None
    assert not alive()


async def test_what_it_raised_is_returned() -> None:
    """Also a cancellation: it is not that of the one who waits."""

    async def main(_: asyncio.Event) -> None:
        raise asyncio.CancelledError

    thread = LoopThread(NAME, main)
    thread.start()
    assert isinstance(await thread.ended(), asyncio.CancelledError)
    assert await thread.stop(within=60.0)
    assert not alive()


async def test_one_that_does_not_listen_is_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    """And the log says so."""

    async def main(_: asyncio.Event) -> None:
        await asyncio.Event().wait()

    thread = LoopThread(NAME, main)
    thread.start()
    assert await thread.stop(within=0.05)
    assert isinstance(await thread.ended(), asyncio.CancelledError)
    assert "does not stop within 0.05 seconds" in caplog.text
    assert not alive()


async def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even for one that ignores its cancellation."""
    monkeypatch.setattr(loop_thread, "CANCELLED_SECONDS", 0.05)
    free = threading.Event()

    async def main(_: asyncio.Event) -> None:
        await asyncio.to_thread(free.wait)

    thread = LoopThread(NAME, main)
    thread.start()
    assert not await thread.stop(within=0.05)
    free.set()
    await thread.ended()
    await until(lambda: not alive())


async def test_whoever_waits_may_be_cancelled() -> None:
    """The thread goes on, and its end is told to the next one."""

    async def main(stop: asyncio.Event) -> None:
        await stop.wait()

    thread = LoopThread(NAME, main)
    thread.start()
    waiting = asyncio.create_task(thread.ended())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert alive()
    assert await thread.stop(within=60.0)
    assert await thread.ended() is None
