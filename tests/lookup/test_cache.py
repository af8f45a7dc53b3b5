from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from actgate.api.compliance_policy import Enforcement
from actgate.decision import BASELINE, Policy
from actgate.kube.errors import Forbidden, TooManyRequests, Unavailable
from actgate.kube.objects import labels_of
from actgate.kube.timing import Timing
from actgate.lookup.cache import EvidenceCache, Scope
from actgate.lookup.evidence import FRESH_SECONDS, EvidenceUnavailableError
from actgate.manifests import policy_or_strictest
from tests.decision.build import NOW
from tests.lookup.fake_cluster import FakeCluster
from tests.support.waiting import eventually
from tests.webhook.build import MANIFEST, NAMESPACE, manifest_object

LABELS = {"kubernetes.io/metadata.name": NAMESPACE, "tier": "gold"}
NAMESPACE_OBJECT = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": NAMESPACE, "uid": "n", "labels": LABELS},
}
UNREADABLE = {
    "apiVersion": "actgate.dev/v1alpha1",
    "kind": "CompliancePolicy",
    "metadata": {"name": "house", "uid": "p"},
    "spec": {"enforcement": "Ignore"},
}


def cluster() -> FakeCluster:
    """Return a cluster with one namespace and one passing manifest."""
    return FakeCluster(NAMESPACE_OBJECT, manifest_object())


@asynccontextmanager
async def looking(door: FakeCluster, *, synced: bool = True) -> AsyncIterator[EvidenceCache]:
    """Run a cache of a cluster, at first until its caches are complete."""
    async with running(EvidenceCache(door, unready_after=150.0), synced=synced) as cache:
        yield cache


@asynccontextmanager
async def running(cache: EvidenceCache, *, synced: bool = True) -> AsyncIterator[EvidenceCache]:
    """Run a cache, at first until it is complete."""
    work = asyncio.create_task(cache.run())
    try:
        if synced:
            await eventually(_asynchronous(lambda: not any(cache.failing_checks().values())))
        yield cache
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


def _asynchronous(condition: Any) -> Any:  # noqa: ANN401 - a lambda of a test
    async def asked() -> Any:  # noqa: ANN401 - whatever it returns
        return condition()

    return asked


async def test_the_cache_has_what_the_cluster_has() -> None:
    """Manifest, policies and labels come without a request."""
    door = cluster()
    async with looking(door) as cache:
        evidence = cache.from_cache(NAMESPACE, [MANIFEST])
        assert [manifest.uid for manifest in evidence.manifests] == [f"uid-of-{MANIFEST}"]
        assert evidence.namespace_labels == LABELS
        assert evidence.policies == (BASELINE,)
        assert evidence.age < 75
        assert door.gets == []


async def test_the_cache_follows_what_is_created_and_withdrawn() -> None:
    """With a living watch a withdrawn manifest is gone from the cache as soon as the watch says so."""
    door = cluster()
    async with looking(door) as cache:
        door.remove(manifest_object())
        await eventually(_asynchronous(lambda: not cache.from_cache(NAMESPACE, [MANIFEST]).manifests))
        door.put(manifest_object())
        await eventually(_asynchronous(lambda: cache.from_cache(NAMESPACE, [MANIFEST]).manifests))


async def test_the_cache_is_not_used_before_it_is_complete() -> None:
    """An empty cache that was never listed is not an empty cluster."""
    door = cluster()
    door.failure = Unavailable("connection refused")
    async with looking(door, synced=False) as cache:
        await eventually(_asynchronous(lambda: "connection refused" in str(cache.failing_checks())))
        with pytest.raises(EvidenceUnavailableError, match=r"compliancemanifests\S* are not listed yet"):
            cache.from_cache(NAMESPACE, [MANIFEST])
        failing = cache.failing_checks()
        assert failing["compliancemanifests.actgate.dev"] == "not listed yet: connection refused"


async def test_readiness_ends_when_contact_is_too_old() -> None:
    """A cache that nothing confirms any more is a reason not to be ready, with its age."""
    door = cluster()
    cache = EvidenceCache(door, unready_after=0.0)
    async with looking(door, synced=False):
        work = asyncio.create_task(cache.run())
        await eventually(_asynchronous(lambda: "no contact for" in str(cache.failing_checks()["namespaces"])))
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def test_an_unknown_namespace_is_unavailable() -> None:
    """Without its labels the cache cannot tell which policies apply."""
    async with looking(cluster()) as cache:
        with pytest.raises(EvidenceUnavailableError, match="namespace other is not known yet"):
            cache.from_cache("other", [MANIFEST])


async def test_a_live_read_sees_what_no_watch_has_delivered_yet() -> None:
    """A manifest created a moment ago, and the labels, come from the API server itself."""
    door = FakeCluster(NAMESPACE_OBJECT)
    async with looking(door) as cache:
        door.put(manifest_object(), tell=False)
        cached = cache.from_cache(NAMESPACE, [MANIFEST])
        assert cached.manifests == ()
        evidence = await cache.fetch_live(NAMESPACE, [MANIFEST], within=5.0)
        assert [manifest.name for manifest in evidence.manifests] == [MANIFEST]
        assert evidence.namespace_labels == LABELS


@pytest.mark.parametrize("name", ["missing", "no such NAME", "../../secrets", "x" * 300])
async def test_a_name_that_does_not_exist_is_a_miss(name: str) -> None:
    """Whether it is free or impossible, no manifest has it, and no other path is asked for."""
    door = cluster()
    evidence = await EvidenceCache(door).fetch_live(NAMESPACE, [name], within=5.0)
    assert evidence.manifests == ()
    assert not any("secrets" in path for path in door.gets)


async def test_without_a_reference_no_manifest_is_asked_for() -> None:
    """Only namespace and policies are read."""
    door = cluster()
    assert (await EvidenceCache(door).fetch_live(NAMESPACE, [], within=5.0)).manifests == ()
    assert door.gets == [f"/api/v1/namespaces/{NAMESPACE}"]


async def test_a_namespace_that_does_not_exist_is_unavailable() -> None:
    """Policies are chosen by its labels; none is not the same as no labels."""
    with pytest.raises(EvidenceUnavailableError, match="namespace 'other' does not exist"):
        await EvidenceCache(cluster()).fetch_live("other", [MANIFEST], within=5.0)


@pytest.mark.parametrize("failure", [Unavailable("connection refused"), Forbidden("not allowed", code=403)])
async def test_an_api_server_without_an_answer_is_unavailable(failure: Any) -> None:  # noqa: ANN401
    """Only "not found" is knowledge; any other failure is reported and gives no verdict."""
    door = cluster()
    door.failure = failure
    with pytest.raises(EvidenceUnavailableError, match=str(failure)):
        await EvidenceCache(door).fetch_live(NAMESPACE, [MANIFEST], within=5.0)


async def test_an_api_server_that_stays_silent_is_unavailable_within_the_deadline() -> None:
    """The read gives up in time to say so."""
    door = cluster()
    door.silent = True
    with pytest.raises(EvidenceUnavailableError, match=r"did not answer within 0\.1 s"):
        await EvidenceCache(door).fetch_live(NAMESPACE, [MANIFEST], within=0.1)


def test_an_unreadable_policy_is_the_baseline_for_every_namespace(caplog: pytest.LogCaptureFixture) -> None:
    """What a policy meant to ask for is not relaxed because it cannot be read."""
    with caplog.at_level(logging.WARNING):
        policy = policy_or_strictest(UNREADABLE)
    assert (policy.name, policy.spec) == ("house", BASELINE.spec)
    assert policy.spec.enforcement is Enforcement.DENY
    assert "CompliancePolicy house is invalid" in caplog.text


async def test_an_unreadable_policy_applies_from_the_cache_and_live() -> None:
    """Both ways of reading end in the same policy."""
    door = cluster()
    door.put(UNREADABLE)
    async with looking(door) as cache:
        cached = cache.from_cache(NAMESPACE, [MANIFEST])
        live = await cache.fetch_live(NAMESPACE, [MANIFEST], within=5.0)
        assert [policy.name for policy in cached.policies] == ["house"]
        assert cached.policies == live.policies


async def test_a_policy_that_changes_applies_to_the_next_review() -> None:
    """The cache's policies are those of the last change, not of the first look."""
    door = cluster()
    async with looking(door) as cache:
        assert _policies(cache) == (BASELINE,)
        door.put(UNREADABLE)
        await eventually(_asynchronous(lambda: _policies(cache) != (BASELINE,)))
        door.remove(UNREADABLE)
        await eventually(_asynchronous(lambda: _policies(cache) == (BASELINE,)))


def _policies(cache: EvidenceCache) -> tuple[Policy, ...]:
    return cache.from_cache(NAMESPACE, [MANIFEST]).policies


def test_a_namespace_without_labels_has_none() -> None:
    """Absent and null labels are no labels."""
    assert labels_of({"metadata": {"name": "x"}}) == {}
    assert labels_of({"metadata": {"name": "x", "labels": None}}) == {}


def policies(count: int, **selector: str) -> list[dict[str, Any]]:
    """Return so many policies for namespaces with some labels."""
    return [
        {
            "apiVersion": "actgate.dev/v1alpha1",
            "kind": "CompliancePolicy",
            "metadata": {"name": f"policy-{number}", "uid": f"p{number}"},
            "spec": {"namespaceSelector": {"matchLabels": selector}},
        }
        for number in range(count)
    ]


async def test_a_refusal_lists_no_policies_while_the_cache_of_them_is_fresh() -> None:
    """A list of thousands made refusals fail by itself; manifest and namespace are read live."""
    door = cluster()
    for policy in policies(3, tier="gold"):
        door.put(policy)
    async with looking(door) as cache:
        door.lists.clear()
        found = await cache.fetch_live(NAMESPACE, [MANIFEST], within=5.0)
        assert door.lists == []
        assert len(door.gets) == 2
        assert [policy.name for policy in found.policies] == ["policy-0", "policy-1", "policy-2"]
        assert found.age < 75.0


async def test_refusals_at_a_time_share_one_list_of_policies_where_the_cache_is_old() -> None:
    """Before the caches are complete: the first one's list, and one that all later ones share."""
    door = cluster()
    cache = EvidenceCache(door)
    found = await asyncio.gather(*(cache.fetch_live(NAMESPACE, [MANIFEST], within=5.0) for _ in range(40)))
    assert sorted(door.lists) == ["compliancepolicies"] * 2 + ["exemptions"] * 2
    assert {evidence.age for evidence in found} == {0.0}


async def test_only_policies_that_select_the_namespace_are_handed_on() -> None:
    """To ask each of ten thousand at every decision would take longer than the decision."""
    door = cluster()
    for policy in [*policies(50, tier="lead"), UNREADABLE]:
        door.put(policy)
    async with looking(door) as cache:
        for evidence in (
            cache.from_cache(NAMESPACE, [MANIFEST]),
            await cache.fetch_live(NAMESPACE, [MANIFEST], within=5.0),
        ):
            assert [policy.name for policy in evidence.policies] == ["house"]


CONTACT = Timing(now=lambda: 1000.0)
"""The clock stands still; a test says when the last contact was."""


def aged(seconds: float, **options: Any) -> EvidenceCache:  # noqa: ANN401 - as the cache's own
    """Return a cache that is complete and that was in contact so many seconds ago."""
    cache = EvidenceCache(cluster(), timing=CONTACT, **options)
    for reflector in cache.reflectors:
        reflector.synced.set()
        reflector.last_contact = 1000.0 - seconds
    return cache


@pytest.mark.parametrize("stale", range(4))
async def test_every_cache_has_to_be_fresh(stale: int) -> None:
    """From 75 s after the last contact on, evidence may have been withdrawn; the bound is published."""
    assert FRESH_SECONDS == 75.0
    cache = aged(74.999)
    with pytest.raises(EvidenceUnavailableError, match=f"namespace {NAMESPACE} is not known yet"):
        cache.from_cache(NAMESPACE, [MANIFEST])
    reflector = cache.reflectors[stale]
    reflector.last_contact -= 0.001
    with pytest.raises(EvidenceUnavailableError, match=f"no news of {reflector.resource} for 75 s"):
        cache.from_cache(NAMESPACE, [MANIFEST])


@pytest.mark.parametrize("missing", range(4))
async def test_every_cache_has_to_be_complete(missing: int) -> None:
    """Manifests without policies would be judged by the wrong ones."""
    cache = aged(1.0)
    reflector = cache.reflectors[missing]
    reflector.synced.clear()
    with pytest.raises(EvidenceUnavailableError, match=f"{reflector.resource} are not listed yet"):
        cache.from_cache(NAMESPACE, [MANIFEST])


async def test_several_manifests_come_together() -> None:
    """From the cache and live; those that do not exist are left out."""
    door = cluster()
    door.put(manifest_object("second"))
    names = ["second", "missing", MANIFEST]
    async with looking(door) as cache:
        for evidence in (cache.from_cache(NAMESPACE, names), await cache.fetch_live(NAMESPACE, names, 5.0)):
            assert [manifest.name for manifest in evidence.manifests] == ["second", MANIFEST]


async def test_a_service_that_may_not_get_namespaces_reads_manifests_alone() -> None:
    """The operator has no right to more: labels and policies are the cache's, while it is fresh."""
    door = FakeCluster(NAMESPACE_OBJECT)
    cache = EvidenceCache(door, live_namespaces=False)
    with pytest.raises(EvidenceUnavailableError, match="not listed yet"):
        await cache.fetch_live(NAMESPACE, [MANIFEST], 5.0)
    async with running(cache):
        door.put(manifest_object(), tell=False)
        evidence = await cache.fetch_live(NAMESPACE, [MANIFEST], 5.0)
        assert [manifest.name for manifest in evidence.manifests] == [MANIFEST]
        assert evidence.namespace_labels == LABELS
        assert [path.rsplit("/", 2)[1] for path in door.gets] == ["compliancemanifests"]


async def test_a_pause_that_the_api_server_asks_for_is_handed_on() -> None:
    """The next caller takes it into account."""
    door = cluster()
    door.failure = TooManyRequests("slow down", code=429, retry_after=7.0)
    with pytest.raises(EvidenceUnavailableError, match="slow down") as caught:
        await EvidenceCache(door).fetch_live(NAMESPACE, [MANIFEST], 5.0)
    assert caught.value.retry_after == 7.0


async def test_what_is_gone_or_new_is_appraised_anew() -> None:
    """The memo of appraisals holds no manifest that the cache does not."""
    door = cluster()
    async with looking(door) as cache:
        (manifest,) = cache.from_cache(NAMESPACE, [MANIFEST]).manifests
        cache.appraisals.appraise(manifest, (BASELINE,), NOW)
        assert len(cache.appraisals) == 1
        door.remove(manifest_object())
        await eventually(_asynchronous(lambda: len(cache.appraisals) == 0))


async def test_each_version_of_a_manifest_is_shown_and_its_end() -> None:
    """A status is no evidence, but there are those who write it."""
    door, shown = cluster(), list[tuple[str, object]]()
    cache = EvidenceCache(
        door, on_manifest=lambda key, thing: shown.append((key[1], thing and thing.get("status")))
    )
    changes: list[Scope] = []
    async with running(cache):
        cache._on_change = changes.append
        door.put({**manifest_object(), "status": {"observedGeneration": 1}})
        door.remove(manifest_object())
        await eventually(_asynchronous(lambda: changes == [Scope(NAMESPACE, MANIFEST)]))
    assert shown == [(MANIFEST, None), (MANIFEST, {"observedGeneration": 1}), (MANIFEST, None)]
