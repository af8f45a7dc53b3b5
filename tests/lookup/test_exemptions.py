"""Exemptions come from an informer cache, for the namespaces that they name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import pytest

from actgate.decision.verdict import Outcome
from actgate.kube.client import Page
from actgate.kube.errors import Forbidden, NotFound
from actgate.kube.resources import EXEMPTIONS, Resource
from actgate.lookup.cache import EvidenceCache, Scope
from actgate.lookup.evidence import EvidenceUnavailableError
from actgate.lookup.judge import SubjectJudge
from actgate.subjects.workload import Workload
from tests.decision.build import NOW
from tests.kube.running import until
from tests.lookup.fake_cluster import FakeCluster
from tests.lookup.test_cache import NAMESPACE_OBJECT, running
from tests.support.exemptions import exemption_object
from tests.webhook.build import NAMESPACE, manifest_object, model_deployment

EXEMPTION = exemption_object("e", around=NOW)
BROKEN = {**EXEMPTION, "metadata": {"name": "broken"}, "spec": {"rules": ["oversight/missing"]}}


class WithoutExemptions(FakeCluster):
    """A cluster whose definition of Exemptions is missing, until it is created."""

    answer: Exception | None = NotFound("the server could not find the requested resource", code=404)

    async def list_pages(
        self,
        resource: Resource,
        namespace: str | None = None,
        **options: Any,  # noqa: ANN401 - as Cluster's
    ) -> AsyncGenerator[Page, None]:
        """Return everything of a kind, or fail."""
        if resource == EXEMPTIONS and self.answer is not None:
            raise self.answer
        async for page in super().list_pages(resource, namespace, **options):
            yield page


def cluster(kind: type[FakeCluster] = FakeCluster) -> FakeCluster:
    """Return a cluster whose manifest records no oversight."""
    return kind(NAMESPACE_OBJECT, manifest_object(humanOversight={"enabled": False}))


async def outcome(cache: EvidenceCache) -> Outcome:
    subject = Workload(model_deployment()).subject(namespace=NAMESPACE)
    return (await SubjectJudge(cache, lambda: NOW).judge(subject, 5.0)).verdict.outcome


async def test_an_exemption_counts_as_soon_as_the_watch_has_it_and_as_long() -> None:
    """Whom it is about hears of it; the withdrawn exemption refuses again."""
    door, heard = cluster(), list[Scope]()
    async with running(EvidenceCache(door, on_change=heard.append)) as cache:
        assert await outcome(cache) is Outcome.FAIL
        door.put(EXEMPTION)
        await until(lambda: heard == [Scope(NAMESPACE)])
        assert await outcome(cache) is Outcome.WARN
        # A status alone is no news.
        door.put({**EXEMPTION, "status": {"matched": 1}})
        door.remove(EXEMPTION)
        await until(lambda: heard == [Scope(NAMESPACE)] * 2)
        assert await outcome(cache) is Outcome.FAIL


async def test_exemptions_are_read_live_where_the_cache_is_not_complete() -> None:
    door = cluster()
    door.put(EXEMPTION)
    found = await EvidenceCache(door).fetch_live(NAMESPACE, [], within=5.0)
    assert [one.name for one in found.exemptions] == ["e"]
    elsewhere = await EvidenceCache(cluster()).fetch_live(NAMESPACE, [], within=5.0)
    assert elsewhere.exemptions == ()


async def test_an_unreadable_exemption_exempts_from_nothing() -> None:
    door = cluster()
    door.put(BROKEN)
    async with running(EvidenceCache(door)) as cache:
        assert cache.from_cache(NAMESPACE, []).exemptions == ()
        assert await outcome(cache) is Outcome.FAIL


async def test_a_cluster_that_does_not_define_exemptions_has_none(caplog: pytest.LogCaptureFixture) -> None:
    """Images may be newer than the definitions: that must not make evidence unavailable."""
    door = cluster(WithoutExemptions)
    assert isinstance(door, WithoutExemptions)
    live = await EvidenceCache(door).fetch_live(NAMESPACE, [], within=5.0)
    assert live.exemptions == ()
    async with running(EvidenceCache(door)) as cache:
        assert cache.from_cache(NAMESPACE, []).exemptions == ()
        (reflector,) = [one for one in cache.reflectors if one.resource == EXEMPTIONS]
        for _ in range(2):  # Once more: the line in the log is not repeated.
            before = reflector.last_contact
            reflector.relist()
            await until(lambda before=before: reflector.last_contact > before)  # type: ignore[misc]
        assert reflector.undefined
        door.answer = None
        door.put(EXEMPTION)
        reflector.relist()
        await until(lambda: cache.from_cache(NAMESPACE, []).exemptions)
        assert not reflector.undefined
    lines = [text for text in caplog.messages if "does not define this kind" in text]
    assert lines == ["exemptions.actgate.dev: the cluster does not define this kind, so that there are none"]


async def test_exemptions_that_may_not_be_read_are_unavailable() -> None:
    """What is unknown is neither no exemption nor one."""
    door = cluster(WithoutExemptions)
    assert isinstance(door, WithoutExemptions)
    door.answer = Forbidden("exemptions.actgate.dev is forbidden", code=403)
    cache = EvidenceCache(door)
    work = asyncio.create_task(cache.run())
    await until(lambda: "forbidden" in str(cache.failing_checks()[str(EXEMPTIONS)]))
    with pytest.raises(EvidenceUnavailableError, match="exemptions"):
        cache.from_cache(NAMESPACE, [])
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work
