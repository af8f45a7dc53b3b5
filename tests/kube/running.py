"""A reflector that runs while a test observes it, and the clocks that the test gives it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, TypedDict, Unpack

from actgate.kube.client import Cluster
from actgate.kube.objects import Object
from actgate.kube.reflector import Reflector
from actgate.kube.resources import Resource
from actgate.kube.store import Change, Parse
from actgate.kube.timing import Timing
from tests.kube.fake_api import WIDGETS, FakeApi

PATIENCE_SECONDS = 60.0
"""Only a failing test waits for so long."""

PATIENT = Timing(quiet=3600.0, relist=3600.0, backoff_first=0.01, backoff_longest=0.05)
"""Nothing happens by time alone within a test, and what failed is tried again soon."""


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition without blocking the event loop."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - most conditions are those of another process
            await asyncio.sleep(0.01)


class Clock:
    """A clock that stands still until a test advances it."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.looks = 0

    def __call__(self) -> float:
        """Return the time in seconds, and count who looks."""
        self.looks += 1
        return self.time


class Pauses:
    """A sleep that takes no time and writes down how long it should have been.

    After `limit` pauses it does not return any more, so that a loop without end has one.
    """

    def __init__(self, limit: int) -> None:
        self.taken: list[float] = []
        self._limit = limit

    async def __call__(self, seconds: float) -> None:
        """Sleep."""
        self.taken.append(seconds)
        if len(self.taken) >= self._limit:
            await asyncio.Event().wait()
        await asyncio.sleep(0)

    async def all_taken(self) -> list[float]:
        """Return the pauses once the last one has begun."""
        await until(lambda: len(self.taken) >= self._limit)
        return self.taken


def unhurried(pauses: Pauses, *, steady: float = 1.0) -> Timing:
    """Return the real ceilings of the back-off, always drawn in full, with these pauses."""
    return replace(Timing(), sleep=pauses, chance=lambda: 1.0, steady=steady)


class Journal:
    """Keeps every change that it receives, as (name, old, new)."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, object, object]] = []

    def __call__(self, change: Change[Any]) -> None:
        """Be the listener."""
        self.changes.append((change.key[1], change.old, change.new))


class Options(TypedDict, total=False):
    """What a test may ask of a reflector."""

    parse: Callable[[Object], object]
    on_change: Callable[[Change[Any]], None]
    prepare: Callable[[Object], Awaitable[Parse[Any]] | None]
    outdated: Callable[[Any], bool]
    namespace: str
    label_selector: str
    page_size: int
    rest: Callable[[float], Awaitable[None]]
    timing: Timing


def spec_of(thing: Object) -> object:
    """Parse an object."""
    return thing["spec"]


@asynccontextmanager
async def running(
    cluster: Cluster, resource: Resource = WIDGETS, **options: Unpack[Options]
) -> AsyncIterator[Reflector[Any]]:
    """Run a reflector; the test fails when it ends by itself."""
    options = {"parse": spec_of, "timing": PATIENT, **options}
    reflector = Reflector(cluster, resource, **options)
    task = asyncio.create_task(reflector.run())
    try:
        yield reflector
        assert not task.done(), task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def reflecting(api: FakeApi, **options: Unpack[Options]) -> AsyncIterator[Reflector[Any]]:
    """Run a reflector of a fake API server that has synced and watches."""
    async with api.cluster() as cluster, running(cluster, **options) as reflector:
        await until(lambda: reflector.synced.is_set() and api.watching)
        yield reflector


def contents(reflector: Reflector[Any]) -> dict[str, Any]:
    """Return what the reflector knows, by name."""
    return {key[1]: value for key, value in reflector.items()}


def truth(api: FakeApi) -> dict[str, Any]:
    """Return what the API server has, by name."""
    return {key[1]: thing["spec"] for key, thing in api.objects.items()}
