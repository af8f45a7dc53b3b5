"""Whatever the API server does, the reflector finds back to the truth, and does not rush."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from actgate.kube.errors import Gone
from tests.kube.fake_api import (
    FakeApi,
    Fault,
    HangUp,
    KeepSilent,
    Refuse,
    Say,
    always,
    at_first,
    status,
)
from tests.kube.running import (
    PATIENT,
    Journal,
    Pauses,
    contents,
    reflecting,
    running,
    truth,
    unhurried,
    until,
)

pytestmark = pytest.mark.system

CEILINGS = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]

BOOKMARK = b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"100"}}}\n'


async def test_an_object_deleted_in_a_gap_is_reported_as_deleted(api: FakeApi) -> None:
    """The watch is refused with 410, since history is forgotten; the list finds what is gone."""
    api.put("a", n=1)
    api.put("b", n=2)
    journal = Journal()
    async with reflecting(api, on_change=journal) as reflector:
        api.silence_watches()
        api.delete("a")
        api.put("c", n=3)
        api.forget_history()
        api.end_watches()
        await until(lambda: contents(reflector) == truth(api))
        await until(lambda: api.watching)
    assert ("a", {"n": 1}, None) in journal.changes
    assert [query["resourceVersion"] for query in api.watches] == ["102", "102", "104"]
    assert len(api.lists) == 2


async def test_an_object_deleted_while_the_watch_was_cut_is_reported_as_deleted(api: FakeApi) -> None:
    """History is still kept: the next watch delivers it, and no list is needed."""
    api.put("a", n=1)
    async with reflecting(api) as reflector:
        api.silence_watches()
        api.delete("a")
        api.end_watches()
        await until(lambda: not len(reflector))
    assert len(api.lists) == 1


@pytest.mark.parametrize(
    "error",
    [status(410, "Expired"), status(500, "InternalError"), {"kind": "Status"}, {}],
    ids=["expired", "internal", "without code", "empty"],
)
async def test_an_error_in_the_stream_makes_it_list(api: FakeApi, error: dict[str, object]) -> None:
    """A watch that ends in an error has lost its place, whatever the error says."""
    api.put("a", n=1)
    async with reflecting(api) as reflector:
        api.silence_watches()
        api.delete("a")
        for watch in api.open_watches:
            watch.deaf = False
        api.tell("ERROR", error)
        await until(lambda: contents(reflector) == truth(api))
        await until(lambda: api.watching)
    assert len(api.lists) == 2


@pytest.mark.parametrize(
    "line",
    [
        b"<html>proxy</html>\n",
        b'{"type":"ADDED","object":{"metadata":{"na\n',
        b"\xff\xfe\n",
        b"[]\n",
        b"{}\n",
        b'{"type":"ADDED","object":[]}\n',
        b'{"type":"ADDED","object":{}}\n',
        b'{"type":"ADDED","object":{"metadata":{"name":"x","resourceVersion":"x"}}}\n',
        b'{"type":"RENAMED","object":{"metadata":{"name":"x","resourceVersion":"1000"}}}\n',
        b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7"}}}\n',
    ],
)
async def test_garbage_in_the_stream_makes_it_list(api: FakeApi, line: bytes) -> None:
    """What cannot be understood may have said anything."""
    api.put("a", n=1)
    async with reflecting(api) as reflector:
        api.say(line)
        await until(lambda: len(api.lists) == 2 and api.watching)
        api.put("b", n=2)
        await until(lambda: contents(reflector) == truth(api))


async def test_an_event_cut_in_the_middle_is_asked_for_again(api: FakeApi) -> None:
    """The connection ended within an event: the next watch starts before it."""
    api.put("a", n=1)
    async with reflecting(api) as reflector:
        api.silence_watches()
        api.put("b", n=2)
        for watch in api.open_watches:
            watch.deaf = False
        api.say(json.dumps({"type": "ADDED", "object": {"metadata": {"name": "b"}}})[:40].encode())
        api.end_watches()
        await until(lambda: contents(reflector) == truth(api))
    assert [query["resourceVersion"] for query in api.watches] == ["101", "101"]
    assert len(api.lists) == 1


@pytest.mark.parametrize("fault", [Refuse(503), Refuse(500), Refuse(403), Refuse(404), HangUp()])
async def test_lists_that_fail_are_tried_again_ever_more_slowly(api: FakeApi, fault: Fault) -> None:
    """One request per pause; the pauses double up to half a minute."""
    api.on_list = always(fault)
    pauses = Pauses(limit=len(CEILINGS))
    async with api.cluster() as cluster, running(cluster, timing=unhurried(pauses)) as reflector:
        assert await pauses.all_taken() == CEILINGS
        assert not reflector.synced.is_set()
    # aiohttp itself repeats a GET once where a connection that was kept open is found closed.
    assert len(api.lists) <= len(CEILINGS) * (2 if fault == HangUp() else 1)
    assert not api.watches


@pytest.mark.parametrize(
    "fault",
    [Refuse(503), Refuse(403), Say(b""), Say(BOOKMARK), Say(b"not json\n"), Refuse(410)],
    ids=["503", "403", "closed at once", "closed after a bookmark", "garbage", "410"],
)
async def test_watches_that_end_at_once_are_opened_ever_more_slowly(api: FakeApi, fault: Fault) -> None:
    """Also a peaceful end, and one after some progress: a watch has to live to count as one."""
    api.on_watch = always(fault)
    pauses = Pauses(limit=len(CEILINGS))
    timing = unhurried(pauses, steady=3600.0)
    async with api.cluster() as cluster, running(cluster, timing=timing) as reflector:
        assert await pauses.all_taken() == CEILINGS
        assert reflector.synced.is_set()
    assert len(api.watches) == len(CEILINGS)
    assert len(api.lists) <= len(CEILINGS) + 1


async def test_a_watch_that_lived_makes_the_next_failure_a_first_one(api: FakeApi) -> None:
    """The server ends watches as it should: there is no reason to slow down."""
    api.on_watch = always(Say(b""))
    pauses = Pauses(limit=4)
    timing = unhurried(pauses, steady=0.0)
    async with api.cluster() as cluster, running(cluster, timing=timing):
        assert await pauses.all_taken() == [0.5, 0.5, 0.5, 0.5]


@pytest.mark.parametrize("request_kind", ["on_list", "on_watch"])
@pytest.mark.parametrize(("asked", "taken"), [("7", 7.0), ("3600", 30.0), ("soon", 0.5)])
async def test_it_waits_as_long_as_the_server_asks(
    api: FakeApi, request_kind: str, asked: str, taken: float
) -> None:
    """429 with Retry-After; an absurd one counts as the longest pause of our own."""
    setattr(api, request_kind, always(Refuse(429, retry_after=asked)))
    pauses = Pauses(limit=1)
    async with api.cluster() as cluster, running(cluster, timing=unhurried(pauses)):
        assert await pauses.all_taken() == [taken]


async def test_a_list_that_is_never_answered_is_asked_again(api: FakeApi) -> None:
    """The connection is a black hole: accepted, then silent."""
    api.put("a")
    api.on_list = at_first(KeepSilent(), KeepSilent())
    async with reflecting(api, timing=replace(PATIENT, page=0.5)) as reflector:
        assert contents(reflector) == truth(api)
    assert len(api.lists) >= 3


async def test_a_watch_that_never_opens_is_asked_again(api: FakeApi) -> None:
    """The connection is a black hole: accepted, then silent."""
    api.on_watch = at_first(KeepSilent())
    async with reflecting(api, timing=replace(PATIENT, silence=0.5)) as reflector:
        api.put("a")
        await until(lambda: contents(reflector) == truth(api))
    assert len(api.lists) == 1


async def test_a_watch_that_falls_silent_is_opened_anew(api: FakeApi) -> None:
    """A dead connection gives no error: the next one delivers what it swallowed."""
    api.put("a", n=1)
    async with reflecting(api, timing=replace(PATIENT, silence=0.5)) as reflector:
        api.silence_watches()
        api.delete("a")
        await until(lambda: not len(reflector))
        assert reflector.last_error is None
    assert len(api.lists) == 1


async def test_a_list_that_is_not_json_is_asked_again(api: FakeApi) -> None:
    """A proxy's error page under status 200 is not an empty list."""
    api.put("a")
    api.on_list = at_first(Say(b"<html>"), Say(b"[]"), Say(b"{}"), Say(b'{"items":{"a":1}}'))
    async with reflecting(api) as reflector:
        assert contents(reflector) == truth(api)
    assert len(api.lists) == 5


async def test_a_list_that_outlasts_its_snapshot_begins_again(api: FakeApi) -> None:
    """410 on a later page: what the first pages said stands, what is gone is gone."""
    for name in "abcd":
        api.put(name)
    async with reflecting(api, page_size=2) as reflector:
        first = asyncio.Event()
        api.held_pages.append(first)
        api.tell("ERROR", status(410, "Expired"))
        await until(lambda: not api.held_pages)
        api.delete("a")
        api.delete("d")
        api.forget_history()
        first.set()
        await until(lambda: contents(reflector) == {"b": {}, "c": {}})


async def test_a_restarted_api_server_is_found_again(api: FakeApi) -> None:
    """The old objects stay while it is away; later changes are observed."""
    api.put("a", n=1)
    async with reflecting(api) as reflector:
        await api.stop()
        await until(lambda: reflector.last_error is not None)
        assert contents(reflector) == {"a": {"n": 1}}
        api.delete("a")
        api.put("b", n=2)
        await api.start()
        await until(lambda: contents(reflector) == {"b": {"n": 2}})


async def test_a_restored_api_server_wins_over_what_was_newer(api: FakeApi) -> None:
    """Versions count from a backup again: what it does not have is gone, its changes are seen.

    The watch would be silent for ever, since it waits for a version that is far away.
    """
    api.put("kept", n=1)
    backup = api.version
    api.advance(1000)
    api.put("a", n=1)
    api.put("b", n=1)
    async with reflecting(api, timing=replace(PATIENT, quiet=0.5, silence=1.0)) as reflector:
        await api.stop()
        api.restore(backup)
        api.put("b", n=2)
        await api.start()
        await until(lambda: contents(reflector) == {"kept": {"n": 1}, "b": {"n": 2}})
        api.put("b", n=3)
        await until(lambda: contents(reflector) == truth(api))


async def test_a_watch_of_the_former_history_is_not_believed(api: FakeApi) -> None:
    """It is still open, and speaks of versions that the restored API server has not reached."""
    api.put("kept", n=1)
    backup = api.version
    api.put("a", n=1)
    async with reflecting(api, timing=replace(PATIENT, quiet=0.5)) as reflector:
        api.restore(backup)
        await until(lambda: contents(reflector) == truth(api))
        former = {"metadata": {"name": "a", "namespace": "default", "resourceVersion": "1000"}}
        api.tell("MODIFIED", {**former, "spec": {"n": 2}})
        await until(lambda: len(api.watches) == 2)
        assert contents(reflector) == {"kept": {"n": 1}}


async def test_a_bookmark_of_the_past_makes_it_list(api: FakeApi) -> None:
    """A server that counts backwards is not the one that we knew."""
    api.put("a")
    async with reflecting(api) as reflector:
        api.restore(50)
        api.bookmark()
        await until(lambda: not len(reflector))
        await until(lambda: api.watching)
    assert len(api.lists) == 2


async def test_its_last_error_can_be_read(api: FakeApi) -> None:
    """`/readyz` needs a sentence; contact clears it."""
    async with reflecting(api) as reflector:
        gate = asyncio.Event()
        api.held_pages.append(gate)
        api.tell("ERROR", status(410, "Expired", "too old resource version: 1 (100)"))
        await until(lambda: reflector.last_error)
        assert isinstance(reflector.last_error, Gone)
        assert str(reflector.last_error) == (
            "watch widgets.example.com: too old resource version: 1 (100) (410 Expired)"
        )
        gate.set()
        await until(lambda: reflector.last_error is None)
