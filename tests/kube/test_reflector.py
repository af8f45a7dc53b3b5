"""A reflector shows what the API server has, and keeps showing it while it looks again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from actgate.kube.objects import Object
from actgate.kube.reflector import SLICE
from actgate.kube.store import Unreadable
from actgate.kube.timing import Timing
from tests.kube.fake_api import FakeApi
from tests.kube.running import PATIENT, Clock, Journal, contents, reflecting, running, truth, until

pytestmark = pytest.mark.system


async def test_it_lists_page_by_page(api: FakeApi) -> None:
    """No more than a page is asked for at a time, and nothing between the pages is lost."""
    for number in range(7):
        api.put(f"w{number}", number=number)
    async with reflecting(api, page_size=3) as reflector:
        assert contents(reflector) == truth(api)
        assert len(reflector) == 7
    assert [query["limit"] for query in api.lists] == ["3", "3", "3"]
    assert ["continue" in query for query in api.lists] == [False, True, True]


async def test_it_rests_after_each_page(api: FakeApi) -> None:
    """And says for how long the list has lasted: what is merged is known by then."""
    clock, rests = Clock(), list[float]()

    async def rest(lasting: float) -> None:
        rests.append(lasting)
        clock.time += 10.0

    for number in range(7):
        api.put(f"w{number}", number=number)
    timing = replace(PATIENT, now=clock)
    async with reflecting(api, page_size=3, rest=rest, timing=timing) as reflector:
        assert len(reflector) == 7
    assert rests == [0.0, 10.0, 20.0]


async def test_it_follows_what_happens(api: FakeApi) -> None:
    """What is added, changed and deleted is observed, and reported."""
    api.put("a", n=1)
    journal = Journal()
    async with reflecting(api, on_change=journal) as reflector:
        api.put("b", n=2)
        api.put("a", n=3)
        api.delete("b")
        await until(lambda: len(journal.changes) == 4)
        assert reflector.get("default", "a") == {"n": 3}
        assert reflector.get("default", "b") is None
    assert journal.changes == [
        ("a", None, {"n": 1}),
        ("b", None, {"n": 2}),
        ("a", {"n": 1}, {"n": 3}),
        ("b", {"n": 2}, None),
    ]


async def test_namespaces_are_kept_apart(api: FakeApi) -> None:
    """The same name in two namespaces is two objects."""
    api.put("a", "red", n=1)
    api.put("a", "blue", n=2)
    async with reflecting(api) as reflector:
        assert reflector.get("red", "a") == {"n": 1}
        assert reflector.get("blue", "a") == {"n": 2}
        assert reflector.get("green", "a") is None


async def test_the_watch_starts_where_the_list_ended(api: FakeApi) -> None:
    """The version of the list, bookmarks, and an end that the server chooses in time."""
    api.put("a")
    async with reflecting(api, timing=replace(PATIENT, chance=lambda: 0.5), label_selector="x=y"):
        pass
    assert api.lists[0]["labelSelector"] == "x=y"
    assert api.watches == [
        {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": str(api.version),
            "timeoutSeconds": "270",
            "labelSelector": "x=y",
        }
    ]


async def test_a_watch_goes_on_from_the_last_bookmark(api: FakeApi) -> None:
    """Where only other kinds change, bookmarks alone keep the place from becoming history."""
    async with reflecting(api) as reflector:
        api.advance(50)
        api.bookmark()
        await until(lambda: reflector.age() < 3600)
        api.end_watches()
        await until(lambda: len(api.watches) == 2)
    assert api.watches[1]["resourceVersion"] == str(api.version)
    assert len(api.lists) == 1


async def test_a_periodic_list_finds_what_the_watch_missed(api: FakeApi) -> None:
    """Without an event and without a gap: the watch goes on, the list repairs."""
    api.put("a")
    api.put("b")
    journal = Journal()
    async with reflecting(api, timing=replace(PATIENT, relist=0.5), on_change=journal) as reflector:
        del api.objects["default", "a"]
        api.advance()
        await until(lambda: contents(reflector) == {"b": {}})
    assert journal.changes[-1] == ("a", {}, None)
    assert len(api.watches) == 1


async def test_a_periodic_list_hides_nothing(api: FakeApi) -> None:
    """While the list is on its way the old objects are served, and what is newer stays."""
    api.put("a", n=1)
    async with reflecting(api, timing=replace(PATIENT, relist=0.5)) as reflector:
        page = asyncio.Event()
        api.held_pages.append(page)
        await until(lambda: not api.held_pages)
        api.put("b", n=2)
        await until(lambda: "b" in contents(reflector))
        assert reflector.get("default", "a") == {"n": 1}
        contact = reflector.last_contact
        page.set()
        await until(lambda: reflector.last_contact > contact)
        assert contents(reflector) == truth(api)
        api.end_watches()
        await until(lambda: len(api.watches) == 2)
    assert api.watches[1]["resourceVersion"] == str(api.version)


async def test_others_get_their_turn_while_a_page_is_merged(api: FakeApi) -> None:
    """A large list does not hold up the requests that the event loop serves."""
    for number in range(10 * SLICE):
        api.put(f"w{number}")
    seen: set[int] = set()
    async with api.cluster() as cluster, running(cluster) as reflector:
        while not reflector.synced.is_set():
            seen.add(len(reflector))
            await asyncio.sleep(0)
    assert len(seen) > 5, seen


async def test_an_object_that_takes_long_holds_up_no_reader_and_nothing_newer(api: FakeApi) -> None:
    """What a list began to read is older than what the watch brought and took away meanwhile."""
    api.put("a", n=1)
    api.put("b", n=1)
    gate, begun = asyncio.Event(), list[tuple[str, int]]()

    async def later(thing: Object) -> Callable[[Object], Object]:
        begun.append((thing["metadata"]["name"], thing["spec"]["n"]))
        await gate.wait()
        return lambda thing: {**thing["spec"], "slow": True}

    async with reflecting(
        api,
        timing=replace(PATIENT, relist=0.5),
        prepare=lambda thing: later(thing) if thing["spec"]["n"] == 7 else None,
    ) as reflector:
        watches = len(api.watches)
        api.put("a", n=7)
        await until(lambda: begun == [("a", 7)])
        assert contents(reflector) == {"a": {"n": 1}, "b": {"n": 1}}
        api.put("a", n=8)
        gate.set()
        await until(lambda: contents(reflector) == {"a": {"n": 8}, "b": {"n": 1}})
        api.put("b", n=7)
        await until(lambda: contents(reflector)["b"] == {"n": 7, "slow": True})
        assert len(api.watches) == watches


async def test_a_relist_reads_again_what_is_outdated_and_nothing_else(api: FakeApi) -> None:
    """The watch goes on meanwhile, and a list that is under way is followed by one more."""
    api.put("old", n=1)
    api.put("new", n=2)
    read, limit = list[int](), [0]

    def parse(thing: Object) -> int:
        read.append(thing["spec"]["n"])
        return read[-1]

    async with reflecting(api, parse=parse, outdated=lambda value: value < limit[0]) as reflector:
        assert sorted(read) == [1, 2]
        limit[0] = 2
        reflector.relist()
        await until(lambda: len(api.lists) == 2)
        await until(lambda: len(read) == 3)
        assert read[2:] == [1]
    assert len(api.watches) == 1


async def test_an_unreadable_object_does_not_end_it(api: FakeApi) -> None:
    """The object is marked, the others are read, and its repair is seen."""

    def parse(thing: Object) -> int:
        return int(thing["spec"]["n"])

    api.put("a", n="many")
    api.put("b", n="2")
    async with reflecting(api, parse=parse) as reflector:
        assert isinstance(reflector.get("default", "a"), Unreadable)
        assert reflector.get("default", "b") == 2
        api.put("a", n="1")
        await until(lambda: reflector.get("default", "a") == 1)


async def test_it_lets_go_of_its_watch_when_it_is_cancelled(api: FakeApi) -> None:
    """Nothing is left open on the API server."""
    async with reflecting(api):
        assert api.watching == 1
    await until(lambda: api.watching == 0)


def test_the_times_drawn_differ_between_replicas() -> None:
    """Replicas that start together list and watch at different times."""
    lowest, highest = Timing(chance=lambda: 0.0), Timing(chance=lambda: 1.0)
    assert (lowest.watch_seconds(), highest.watch_seconds()) == (240, 300)
    assert (lowest.relist_seconds(), highest.relist_seconds()) == (540.0, 660.0)
