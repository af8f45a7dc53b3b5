"""Events are followed from now on, through whatever happens to a watch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from actgate.kube.objects import Object
from actgate.kube.resources import EVENTS
from actgate_operator.refused.follower import EventFollower
from tests.kube.fake_api import FakeApi, Fault, Refuse, at_first
from tests.kube.running import PATIENT, until

DEFECT = "defect"


@asynccontextmanager
async def following(api: FakeApi, *, steady: float = 1.0) -> AsyncIterator[list[str]]:
    """Follow the Events of a fake API server; yields the names of what was taken, once a watch is open."""
    taken: list[str] = []

    async def take(event: Object) -> None:
        taken.append(event["metadata"]["name"])
        if event["metadata"]["name"] == DEFECT:
            raise KeyError(DEFECT)

    async with api.serving(), api.cluster() as cluster:
        follower = EventFollower(cluster, take, replace(PATIENT, steady=steady))
        task = asyncio.create_task(follower.run())
        try:
            await until(lambda: api.watching or task.done())
            yield taken
            assert not task.done(), task
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def test_what_happens_from_now_on_is_taken_and_nothing_before() -> None:
    """One short list says what now is; the API server selects."""
    api = FakeApi(EVENTS)
    api.put("before")
    async with following(api) as taken:
        api.put("first")
        api.put("first")
        api.bookmark()
        api.delete("first")
        api.put("second")
        await until(lambda: "second" in taken)
    assert taken == ["first", "first", "second"]
    assert [page["limit"] for page in api.lists] == ["1"]
    assert api.watches[0]["fieldSelector"] == "type=Warning"


async def test_a_watch_that_ends_goes_on_where_it_was() -> None:
    """In peace, or since the API server is too busy; nothing is lost and nothing is taken twice."""
    faults: list[Fault] = [None, Refuse(429), Refuse(403)]
    api = FakeApi(EVENTS)
    api.on_watch = at_first(*faults)
    async with following(api) as taken:
        api.put("first")
        await until(lambda: taken)
        api.end_watches()
        await until(lambda: not api.watching)
        api.put("second")
        await until(lambda: "second" in taken)
    assert taken == ["first", "second"]
    assert len(api.lists) == 1


async def test_a_watch_that_lost_its_place_begins_anew() -> None:
    """The API server keeps a few minutes; an error within the watch is no Event."""
    api = FakeApi(EVENTS)
    async with following(api) as taken:
        api.put("lost")
        await until(lambda: taken)
        api.forget_history()
        api.tell("ERROR", {"kind": "Status", "code": 410, "message": "too old"})
        await until(lambda: len(api.lists) == 2 and api.watching)
        api.put("later")
        await until(lambda: "later" in taken)
    assert taken == ["lost", "later"]


async def test_an_event_that_brings_a_defect_to_light_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Any user may create one."""
    api = FakeApi(EVENTS)
    async with following(api) as taken:
        api.put(DEFECT)
        api.put("next")
        await until(lambda: "next" in taken)
    assert "could not be taken" in caplog.text
