"""`age` is the time since the last proof that the cache is current, and nothing else is proof."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace

import pytest

from actgate.kube.reflector import Reflector
from tests.kube.fake_api import WIDGETS, FakeApi, Refuse, always
from tests.kube.running import PATIENT, Clock, contents, reflecting, running, spec_of, truth, until

pytestmark = pytest.mark.system


async def test_before_the_first_list_it_is_infinitely_old(api: FakeApi) -> None:
    """An empty cache must never read as "there is nothing"."""
    api.on_list = always(Refuse(503))
    async with api.cluster() as cluster, running(cluster) as reflector:
        await until(lambda: reflector.last_error)
        assert reflector.age() == math.inf
        assert not reflector.synced.is_set()
    async with api.cluster() as cluster:
        assert Reflector(cluster, WIDGETS, spec_of).age() == math.inf


async def test_a_list_is_as_old_as_its_question(api: FakeApi) -> None:
    """It shows what was there when it was asked for, however long it took."""
    clock, page = Clock(), asyncio.Event()
    api.held_pages.append(page)
    timing = replace(PATIENT, now=clock)
    async with api.cluster() as cluster, running(cluster, timing=timing) as reflector:
        await until(lambda: not api.held_pages)
        clock.time += 20.0
        page.set()
        await reflector.synced.wait()
        assert reflector.age() == 20.0
        assert reflector.age(clock.time + 5.0) == 25.0


async def test_a_bookmark_is_contact_and_an_event_is_not(api: FakeApi) -> None:
    """After an outage an event may be the first of many; a bookmark says that it was the last."""
    clock = Clock()
    async with reflecting(api, timing=replace(PATIENT, now=clock)) as reflector:
        clock.time += 50.0
        api.put("a")
        await until(lambda: len(reflector) == 1)
        assert reflector.age() == 50.0
        api.bookmark()
        await until(lambda: reflector.age() == 0.0)


async def test_an_open_watch_is_no_contact(api: FakeApi) -> None:
    """It may have everything still to tell."""
    clock = Clock()
    async with reflecting(api, timing=replace(PATIENT, now=clock)) as reflector:
        clock.time += 50.0
        api.end_watches()
        await until(lambda: len(api.watches) == 2 and api.watching)
        assert reflector.age() == 50.0


async def test_without_bookmarks_a_list_renews_the_contact(api: FakeApi) -> None:
    """On a cluster where nothing happens there are none, and quiet must not be taken for truth."""
    api.put("a")
    async with reflecting(api, timing=replace(PATIENT, quiet=0.5)) as reflector:
        first = reflector.last_contact
        await until(lambda: reflector.last_contact > first)
        assert len(api.watches) == 1
        assert contents(reflector) == truth(api)


async def test_with_bookmarks_no_list_is_needed(api: FakeApi) -> None:
    """Each puts the list off: after many of them one is due only when they cease."""
    clock = Clock()
    async with reflecting(api, timing=replace(PATIENT, now=clock, quiet=0.5)) as reflector:
        for _ in range(5):
            clock.time += 0.4
            api.bookmark()
            await until(lambda: reflector.last_contact == clock.time)
        looks = clock.looks
        await until(lambda: clock.looks >= looks + 3)
        assert len(api.lists) == 1
        clock.time += 0.6
        await until(lambda: len(api.lists) == 2)


async def test_contact_since_a_moment_takes_one_list(api: FakeApi) -> None:
    """Who takes over from another writer needs what that one wrote last, and not twice."""
    clock = Clock()
    async with reflecting(api, timing=replace(PATIENT, now=clock)) as reflector:
        await reflector.contact_since(clock.time)
        assert len(api.lists) == 1
        clock.time += 5.0
        api.silence_watches()
        api.put("a")
        await reflector.contact_since(clock.time)
        assert reflector.get("default", "a") is not None
        assert len(api.lists) == 2
