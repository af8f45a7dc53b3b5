"""Whatever the API server does, kopf goes on, loses nothing that exists, and does not rush."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from itertools import islice, repeat
from pathlib import Path

import pytest

from actgate.kube import access
from actgate_operator.kopf_run import WatchEnded
from actgate_operator.kopf_settings import PAGE_SIZE, EndlessPauses, KopfTiming
from tests.kube.fake_api import Fault, HangUp, KeepSilent, Refuse, Say, always, at_first, status
from tests.kube.running import Clock, Pauses, until
from tests.operator.frame.following import PATIENT, Following, failure_of, following, impatient, replace_token
from tests.operator.frame.models_api import ModelsApi

pytestmark = pytest.mark.system

CEILINGS = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]

GONE = json.dumps({"type": "ERROR", "object": status(410, "Expired")}).encode() + b"\n"


def versions(api: ModelsApi) -> dict[str, int]:
    """Return the versions of what exists, by name."""
    return {key[1]: int(thing["metadata"]["resourceVersion"]) for key, thing in api.objects.items()}


def knows_all(running: Following, api: ModelsApi) -> bool:
    """Return whether everything that exists is known as it is."""
    known = running.versions()
    return all(known.get(name) == version for name, version in versions(api).items())


async def test_a_dead_watch_is_opened_again(api: ModelsApi, kubeconfig: Path) -> None:
    """It gives no error: what it swallowed is reported by the next one."""
    async with following(kubeconfig, replace(PATIENT, inactivity=0.5)) as running:
        await until(lambda: api.watching)
        api.silence_watches()
        version = api.put("a")
        await until(lambda: (("default", "a"), version) in running.changed)
    assert len(api.lists) == 1


async def test_silence_grows_while_nothing_answers(api: ModelsApi, kubeconfig: Path) -> None:
    """A black hole: connections are accepted, and nothing is sent. No retry is mistaken for life."""
    clock = Clock()
    async with following(kubeconfig, replace(PATIENT, inactivity=0.3, request=0.3, now=clock)) as running:
        await until(lambda: api.watching and any(asked.verb == "watch" for asked in running.asked))
        # What was sent on the watch that is open has been read when kopf has had a turn.
        await asyncio.sleep(0.1)
        api.on_watch = always(KeepSilent())
        api.on_list = always(KeepSilent())
        api.silence_watches()
        clock.time += 100.0
        opened = len(api.watches)
        await until(lambda: len(api.watches) >= opened + 3)
        assert running.models.silence() == 100.0
        api.on_watch = always(None)
        await until(lambda: running.models.silence() == 0.0)


async def test_a_410_in_a_burst_loses_nothing_that_exists(api: ModelsApi, kubeconfig: Path) -> None:
    """In the stream, as the API server answers a watch of an old version."""
    async with following(kubeconfig) as running:
        await until(lambda: api.watching)
        for number in range(200):
            api.put(f"m{number % 50}", n=number)
            if number % 40 == 20:
                api.silence_watches()
                api.forget_history()
                for watch in api.open_watches:
                    watch.queue.put_nowait(GONE)
                api.end_watches()
            await asyncio.sleep(0)
        await until(lambda: knows_all(running, api))
        await until(lambda: api.watching)
        version = api.put("later")
        await until(lambda: (("default", "later"), version) in running.changed)
    assert len(api.lists) >= 2


async def test_a_410_that_no_api_server_answers_ends_it(api: ModelsApi, kubeconfig: Path) -> None:
    """As the status of a watch: kopf knows no way out, and a new start begins with a list."""
    api.on_watch = always(Refuse(410))
    error = await failure_of(Following(kubeconfig, PATIENT))
    assert isinstance(error, ExceptionGroup)
    assert error.subgroup(WatchEnded)


async def test_a_list_that_expires_begins_again(api: ModelsApi, kubeconfig: Path) -> None:
    """410 on its second page."""
    for number in range(PAGE_SIZE + 20):
        api.put(f"m{number}")
    api.on_list = at_first(None, Refuse(410, "Expired"))
    async with following(kubeconfig) as running:
        await until(lambda: knows_all(running, api))
    assert (len(api.lists), running.lists) == (4, 2)


LONG_OUTAGE = 10
FEW = 3
"""More failures in a row than kopf forgives by itself."""


@pytest.mark.parametrize("request_kind", ["on_discovery", "on_list", "on_watch"])
@pytest.mark.parametrize(
    "fault", [Refuse(503), Refuse(500), Refuse(403), Refuse(429), HangUp(), Refuse(401)], ids=repr
)
async def test_long_problem_does_not_end_it(
    api: ModelsApi, kubeconfig: Path, request_kind: str, fault: Fault
) -> None:
    """An outage may take hours."""
    api.put("a")
    # Of a refused login it forgives none.
    count = FEW if fault == Refuse(401) else LONG_OUTAGE
    setattr(api, request_kind, at_first(*repeat(fault, count)))
    async with following(kubeconfig) as running:
        await until(lambda: api.watching)
        api.put("b")
        await until(lambda: knows_all(running, api))
    assert not api.writes


@pytest.mark.parametrize("request_kind", ["on_list", "on_watch"])
async def test_it_comes_back_when_the_server_asks(
    api: ModelsApi, kubeconfig: Path, request_kind: str
) -> None:
    """429 with Retry-After: one request for each, however short our own pauses are."""
    setattr(api, request_kind, at_first(Refuse(429, retry_after="1"), Refuse(429, retry_after="1")))
    async with following(kubeconfig) as running:
        await until(lambda: api.watching)
        api.put("a")
        await until(lambda: knows_all(running, api))
    tries = api.lists if request_kind == "on_list" else api.watches
    assert len(tries) == 3


async def test_a_restarted_api_server_is_found_again(api: ModelsApi, kubeconfig: Path) -> None:
    """Connections break, nothing listens for a while, and what happened meanwhile is reported."""
    api.put("a")
    async with following(kubeconfig) as running:
        await until(lambda: api.watching)
        await api.stop()
        api.put("b")
        version = api.put("a", n=1)
        await api.start()
        await until(lambda: knows_all(running, api))
        assert (("default", "a"), version) in running.changed


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Say(b""), CEILINGS),
        # Each takes a list, and then a watch.
        (Say(GONE), [0.5, 0.5, 1.0, 1.0, 2.0, 2.0, 4.0, 4.0]),
    ],
    ids=["ended", "gone"],
)
async def test_watches_that_end_at_once_are_opened_ever_more_slowly(
    api: ModelsApi, kubeconfig: Path, fault: Fault, expected: list[float]
) -> None:
    """By itself kopf would ask hundreds of times a second."""
    api.on_watch = always(fault)
    pauses = Pauses(limit=len(expected))
    # A clock that stands still: everything comes too soon after its like.
    timing = replace(
        PATIENT, backoff_first=0.5, backoff_longest=30.0, sleep=pauses, chance=lambda: 1.0, now=Clock()
    )
    async with following(kubeconfig, timing):
        assert await pauses.all_taken() == expected
    assert len(api.watches) + len(api.lists) <= len(expected) + 2


def test_failed_requests_are_tried_ever_more_slowly_and_for_ever() -> None:
    """Each request from the beginning; the pauses are drawn up to half a minute."""
    pauses = EndlessPauses(KopfTiming(chance=lambda: 1.0))
    for _ in range(2):
        assert list(islice(pauses, len(CEILINGS))) == CEILINGS
    assert list(islice(pauses, 5000, 5001)) == [30.0]
    assert list(islice(EndlessPauses(KopfTiming(chance=lambda: 0.5)), 2)) == [0.25, 0.5]


async def test_refused_credentials_are_read_again(
    api: ModelsApi, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token was replaced, and the API server does not take the old one any more."""
    monkeypatch.setattr(access, "from_kubeconfig", impatient(access.from_kubeconfig))
    api.put("a")
    api.on_list = always(Refuse(401))
    async with following(kubeconfig) as running:
        await until(lambda: api.lists)
        replace_token(kubeconfig)
        await until(lambda: "Bearer second" in api.authorizations)
        api.on_list = always(None)
        await until(lambda: knows_all(running, api))
