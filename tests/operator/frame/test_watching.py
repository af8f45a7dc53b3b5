"""Under kopf every ModelDeployment gets into the cache, nothing is written, and nothing is left behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from actgate.kube import access
from actgate_operator.kopf_run import WatchEnded
from actgate_operator.kopf_settings import PAGE_SIZE
from tests.kube.fake_api import KeepSilent, Refuse, always, status
from tests.kube.running import Clock, until
from tests.operator.frame.following import PATIENT, Following, failure_of, following, impatient, replace_token
from tests.operator.frame.models_api import ModelsApi

pytestmark = pytest.mark.system


async def test_what_exists_and_what_happens_is_observed(api: ModelsApi, kubeconfig: Path) -> None:
    """Each change once, with the version in which it came."""
    existing = api.put("a", namespace="one")
    async with following(kubeconfig) as running:
        await until(lambda: (("one", "a"), existing) in running.changed)
        await until(lambda: api.watching)
        added = api.put("b", namespace="two")
        await until(lambda: (("two", "b"), added) in running.changed)
        changed = api.put("a", namespace="one", n=1)
        await until(lambda: (("one", "a"), changed) in running.changed)
        api.delete("b", namespace="two")
        await until(lambda: (("two", "b"), None) in running.changed)
        assert running.versions() == {"a": changed}
        assert len(running.changed) == 4
    assert running.closed


async def test_nothing_is_ever_written(api: ModelsApi, kubeconfig: Path) -> None:
    """No finalizer, no annotation, no event, no peering: kopf only reads."""
    async with following(kubeconfig) as running:
        await until(lambda: api.watching)
        api.put("a", n=1)
        api.put("a", n=2)
        api.delete("a")
        await until(lambda: (("default", "a"), None) in running.changed)
    assert not api.writes
    assert {asked.verb for asked in running.asked} == {"get", "list", "watch"}
    assert {asked.resource for asked in running.asked} == {"", "modeldeployments"}


async def test_many_objects_come_in_pages(api: ModelsApi, kubeconfig: Path) -> None:
    """None is lost at their borders."""
    for number in range(2 * PAGE_SIZE + 20):
        api.put(f"m{number}")
    async with following(kubeconfig) as running:
        await until(lambda: len(running.models) == 2 * PAGE_SIZE + 20)
    assert [query["limit"] for query in api.lists] == [str(PAGE_SIZE)] * 3


async def test_silence_ends_with_an_answer_and_with_an_event(api: ModelsApi, kubeconfig: Path) -> None:
    """On a quiet cluster it is the next watch that shows it: none lasts longer than a minute."""
    clock = Clock()
    async with following(kubeconfig, replace(PATIENT, now=clock)) as running:
        await until(lambda: api.watching and running.models.silence() == 0.0)
        for happen in (lambda: api.put("a"), api.end_watches):
            clock.time += 50.0
            assert running.models.silence() == 50.0
            happen()
            await until(lambda: running.models.silence() == 0.0)


async def test_it_asks_for_bookmarks_and_an_end(api: ModelsApi, kubeconfig: Path) -> None:
    """Without the one a quiet watch looks dead, without the other it goes unnoticed."""
    async with following(kubeconfig, replace(PATIENT, watch=60)):
        await until(lambda: api.watching)
    (query,) = api.watches
    assert query["allowWatchBookmarks"] == "true"
    assert 48 <= int(query["timeoutSeconds"]) <= 60


async def test_a_changed_token_is_used(
    api: ModelsApi, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kubelet replaces it, and the API server has not refused the old one yet."""
    monkeypatch.setattr(access, "from_kubeconfig", impatient(access.from_kubeconfig))
    async with following(kubeconfig):
        await until(lambda: api.watching)
        replace_token(kubeconfig)
        api.end_watches()
        await until(lambda: len(api.watches) == 2)
    assert api.authorizations[0] == "Bearer first"
    assert api.authorizations[-1] == "Bearer second"


async def test_it_stops_and_leaves_no_connection(api: ModelsApi, kubeconfig: Path) -> None:
    """The session of the login is closed with it."""
    async with following(kubeconfig):
        await until(lambda: api.watching)
    await until(lambda: not api.watching)


@pytest.mark.parametrize("fault", [Refuse(503), KeepSilent()], ids=["refused", "hung"])
async def test_it_stops_while_nothing_works(
    api: ModelsApi, kubeconfig: Path, fault: Refuse | KeepSilent
) -> None:
    """A pause of half a minute, or an answer that never comes, is not waited for."""
    api.on_list = always(fault)
    timing = replace(PATIENT, backoff_first=3600.0, backoff_longest=3600.0, request=3600.0)
    async with following(kubeconfig, timing):
        await until(lambda: api.lists)


async def test_a_fatal_end_of_kopf_is_the_end(api: ModelsApi, kubeconfig: Path) -> None:
    """An error in the stream that kopf knows no way out of: cleanup runs, and the process ends."""
    running = Following(kubeconfig, PATIENT)
    await until(lambda: api.watching)
    api.tell("ERROR", status(500, "InternalError", "etcd is on fire"))
    error = await failure_of(running)
    assert isinstance(error, ExceptionGroup)
    assert error.subgroup(WatchEnded)
    assert "etcd is on fire" in str(error.exceptions[0])
    assert running.closed


async def test_definitions_that_are_deleted_end_it(api: ModelsApi, kubeconfig: Path) -> None:
    """404 for the whole kind: there is nothing to watch any more, and no zombie that watches it."""
    running = Following(kubeconfig, PATIENT)
    await until(lambda: api.watching)
    api.on_watch = always(Refuse(404))
    api.end_watches()
    error = await failure_of(running)
    assert isinstance(error, ExceptionGroup)
    assert error.subgroup(WatchEnded)
