"""The feed tells of every ModelDeployment, writes nothing, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import math
import signal
import threading
from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from actgate.kube import access
from actgate_operator.feed import FeedEnded
from tests.kube.fake_api import KeepSilent, Refuse, always, status
from tests.kube.running import Clock, until
from tests.kube.test_access import write_kubeconfig
from tests.operator.feed.feeding import PATIENT, begun, fed, impatient, replace_token, threads
from tests.operator.feed.models_api import ModelsApi

pytestmark = pytest.mark.system


async def test_what_exists_and_what_happens_is_told(api: ModelsApi, kubeconfig: Path) -> None:
    """On the caller's thread, with the version that was seen."""
    existing = api.put("a", namespace="one")
    async with fed(kubeconfig) as feeding:
        await until(lambda: ("one", "a", existing) in feeding.seen)
        await until(lambda: api.watching)
        added = api.put("b", namespace="two")
        changed = api.put("a", namespace="one", n=1)
        deleted = api.delete("b", namespace="two")
        expected = {("two", "b", added), ("one", "a", changed), ("two", "b", deleted)}
        await until(lambda: expected <= set(feeding.seen))
        assert feeding.told_on == {threading.current_thread()}


async def test_nothing_is_ever_written(api: ModelsApi, kubeconfig: Path) -> None:
    """No finalizer, no annotation, no event, no peering: it only reads."""
    async with fed(kubeconfig) as feeding:
        await until(lambda: api.watching)
        api.put("a", n=1)
        api.put("a", n=2)
        gone = api.delete("a")
        await until(lambda: ("default", "a", gone) in feeding.seen)
    assert not api.writes
    assert {asked.verb for asked in feeding.asked} == {"get", "list", "watch"}
    assert {asked.resource for asked in feeding.asked} == {"", "modeldeployments"}


async def test_many_objects_come_in_pages(api: ModelsApi, kubeconfig: Path) -> None:
    """None is lost at their borders."""
    for number in range(1200):
        api.put(f"m{number}")
    async with fed(kubeconfig) as feeding:
        await until(lambda: len(feeding.seen) == 1200)
        assert len(feeding.names()) == 1200
    assert [query["limit"] for query in api.lists] == ["500"] * 3


async def test_silence_ends_with_whatever_is_heard(api: ModelsApi, kubeconfig: Path) -> None:
    """An answer, an event, and a bookmark too, which kopf keeps to itself."""
    clock = Clock()
    feeding = begun(kubeconfig, replace(PATIENT, now=clock))
    assert feeding.feed.silence() == math.inf
    await until(lambda: api.watching and feeding.feed.silence() == 0.0)
    for tell in (api.bookmark, lambda: api.put("a"), api.bookmark):
        clock.time += 50.0
        assert feeding.feed.silence() == 50.0
        tell()
        await until(lambda: feeding.feed.silence() == 0.0)
    await feeding.stop()


async def test_it_asks_for_bookmarks_and_an_end(api: ModelsApi, kubeconfig: Path) -> None:
    """Without the one a quiet watch looks dead, without the other it goes on for ever."""
    async with fed(kubeconfig):
        await until(lambda: api.watching)
    (query,) = api.watches
    assert query["allowWatchBookmarks"] == "true"
    assert 240 <= int(query["timeoutSeconds"]) <= 300


async def test_a_changed_token_is_used(
    api: ModelsApi, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kubelet replaces it, and the API server has not refused the old one yet."""
    monkeypatch.setattr(access, "from_kubeconfig", impatient(access.from_kubeconfig))
    async with fed(kubeconfig):
        await until(lambda: api.watching)
        replace_token(kubeconfig)
        api.end_watches()
        await until(lambda: len(api.watches) == 2)
    assert api.authorizations[0] == "Bearer first"
    assert api.authorizations[-1] == "Bearer second"


async def test_it_stops_and_leaves_no_thread(api: ModelsApi, kubeconfig: Path) -> None:
    """And no connection."""
    async with fed(kubeconfig):
        await until(lambda: api.watching)
        assert threads()
    assert not threads()
    await until(lambda: not api.watching)


@pytest.mark.parametrize("fault", [Refuse(503), KeepSilent()], ids=["refused", "hung"])
async def test_it_stops_while_nothing_works(
    api: ModelsApi, kubeconfig: Path, fault: Refuse | KeepSilent
) -> None:
    """Nobody waits for a pause of half a minute, or for an answer that never comes."""
    api.on_list = always(fault)
    timing = replace(PATIENT, backoff_first=3600.0, backoff_longest=3600.0, request=3600.0)
    async with fed(kubeconfig, timing):
        await until(lambda: api.lists)
    assert not threads()


async def test_it_stops_before_it_has_begun(kubeconfig: Path) -> None:
    """Cancelled at once: the lease was lost in this moment."""
    feeding = begun(kubeconfig)
    await asyncio.sleep(0)
    await feeding.stop()
    assert not threads()


async def test_kopf_leaves_others_alone(api: ModelsApi, kubeconfig: Path) -> None:
    """It takes its thread and its loop for its own: signals and tasks of ours are not there."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    async with fed(kubeconfig):
        await until(lambda: api.watching)
        younger = asyncio.create_task(asyncio.Event().wait())
        assert {number: signal.getsignal(number) for number in handlers} == handlers
    assert {number: signal.getsignal(number) for number in handlers} == handlers
    assert not younger.done()
    younger.cancel()


@pytest.mark.parametrize(
    ("groups", "kinds"),
    [
        (["apps"], []),
        (["actgate.dev"], []),
        (["actgate.dev"], [("compliancemanifests", "ComplianceManifest")]),
    ],
    ids=["no group", "no version", "no kind"],
)
async def test_without_the_definitions_it_says_so(
    api: ModelsApi, kubeconfig: Path, groups: list[str], kinds: list[tuple[str, str]]
) -> None:
    """By itself kopf would wait for ever, and tell nobody."""
    api.groups, api.kinds = groups, kinds
    feeding = begun(kubeconfig)
    with pytest.raises(FeedEnded, match=r"does not serve modeldeployments .* install the definitions"):
        await feeding.task
    assert not threads()


async def test_without_an_api_server_to_ask_it_says_so(tmp_path: Path) -> None:
    """At once, in one sentence."""
    feeding = begun(tmp_path / "absent")
    with pytest.raises(FeedEnded, match="absent' does not exist"):
        await feeding.task


@pytest.fixture
def untrusting(tmp_path: Path) -> Path:
    """A kubeconfig whose authority is no certificate."""
    path = tmp_path / "untrusting"
    write_kubeconfig(path, "https://127.0.0.1:1")
    content = yaml.safe_load(path.read_text())
    authority = b64encode(b"not a certificate").decode()
    content["clusters"][0]["cluster"]["certificate-authority-data"] = authority
    path.write_text(yaml.safe_dump(content))
    return path


async def test_certificates_that_cannot_be_read_are_told(untrusting: Path) -> None:
    """At once; kopf would try to log in again every minute, and nobody would know."""
    feeding = begun(untrusting)
    with pytest.raises(FeedEnded, match="certificates"):
        await feeding.task
    assert not threads()


async def test_a_fatal_end_of_kopf_is_told(api: ModelsApi, kubeconfig: Path) -> None:
    """An error in the stream that kopf knows no way out of."""
    feeding = begun(kubeconfig)
    await until(lambda: api.watching)
    api.tell("ERROR", status(500, "InternalError", "etcd is on fire"))
    with pytest.raises(FeedEnded, match="etcd is on fire") as ended:
        await feeding.task
    assert ended.value.__cause__ is not None
    assert not threads()


async def test_definitions_that_are_deleted_end_it(api: ModelsApi, kubeconfig: Path) -> None:
    """404 for the whole kind: there is nothing to watch any more."""
    feeding = begun(kubeconfig)
    await until(lambda: api.watching)
    api.on_watch = always(Refuse(404))
    api.end_watches()
    with pytest.raises(FeedEnded):
        await feeding.task
