from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from actgate.api.compliance_policy import Enforcement
from actgate.decision import BASELINE, Policy
from actgate.kube.errors import Forbidden, Unavailable
from actgate.kube.objects import labels_of
from actgate.manifests import policy_or_strictest
from actgate_webhook.app import create_app
from actgate_webhook.evidence import NotNowError
from actgate_webhook.lookup import Lookup
from actgate_webhook.metrics import Metrics
from tests.support.waiting import eventually
from tests.webhook.build import MANIFEST, NAMESPACE, manifest_object, model_deployment, review
from tests.webhook.fake_cluster import FakeCluster
from tests.webhook.fakes import InProcess

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
async def looking(door: FakeCluster, *, synced: bool = True) -> AsyncIterator[Lookup]:
    """Run a lookup on a cluster, at first until its pictures are complete."""
    lookup = Lookup(door, Metrics(), unready_after=150.0)
    work = asyncio.create_task(lookup.run())
    try:
        if synced:
            await eventually(_asynchronous(lambda: not any(lookup.failing_checks().values())))
        yield lookup
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


def _asynchronous(condition: Any) -> Any:  # noqa: ANN401 - a lambda of a test
    async def asked() -> Any:  # noqa: ANN401 - whatever it returns
        return condition()

    return asked


async def test_memory_has_what_the_cluster_has() -> None:
    """Manifest, policies and labels are recalled without a request."""
    door = cluster()
    async with looking(door) as lookup:
        evidence = lookup.recalled(NAMESPACE, [MANIFEST])
        assert evidence is not None
        assert [manifest.uid for manifest in evidence.manifests] == [f"uid-of-{MANIFEST}"]
        assert evidence.namespace_labels == LABELS
        assert evidence.policies == (BASELINE,)
        assert evidence.age < 75
        assert door.gets == []


async def test_memory_follows_what_is_created_and_withdrawn() -> None:
    """With a living watch a withdrawn manifest is gone from memory as soon as the watch says so."""
    door = cluster()
    async with looking(door) as lookup:
        door.remove(manifest_object())
        await eventually(_asynchronous(lambda: not lookup.recalled(NAMESPACE, [MANIFEST]).manifests))  # type: ignore[union-attr]
        door.put(manifest_object())
        await eventually(_asynchronous(lambda: lookup.recalled(NAMESPACE, [MANIFEST]).manifests))  # type: ignore[union-attr]


async def test_memory_tells_nothing_before_it_is_complete() -> None:
    """An empty picture that was never listed is not an empty cluster."""
    door = cluster()
    door.failure = Unavailable("connection refused")
    async with looking(door, synced=False) as lookup:
        await eventually(_asynchronous(lambda: "connection refused" in str(lookup.failing_checks())))
        assert lookup.recalled(NAMESPACE, [MANIFEST]) is None
        troubles = lookup.failing_checks()
        assert troubles["compliancemanifests.actgate.dev"] == "not listed yet: connection refused"


async def test_readyz_says_what_is_missing_before_memory_is_complete() -> None:
    """A webhook that has just started is unready, and names each picture that is not there yet."""
    door = cluster()
    door.failure = Forbidden("watch is forbidden", code=403)
    lookup = Lookup(door, Metrics(), unready_after=150.0)
    app = create_app(lookup, Metrics(), work={"evidence": lookup.run})
    ask = InProcess(lookup)
    async with app.router.lifespan_context(app):
        await eventually(_asynchronous(lambda: "forbidden" in str(lookup.failing_checks())))
        reply = await ask.send("GET", "/readyz", query="verbose")
        assert reply.status == 503
        assert "[-]namespaces failed: not listed yet: watch is forbidden" in reply.body.decode()
        assert reply.body.decode().endswith("readyz check failed\n")
        door.failure = None
        await eventually(_asynchronous(lambda: not any(lookup.failing_checks().values())))
        assert (await ask.send("GET", "/readyz")).status == 200


async def test_readiness_ends_when_contact_is_too_old() -> None:
    """A picture that nobody confirms any more is a reason not to be ready, with its age."""
    door = cluster()
    lookup = Lookup(door, Metrics(), unready_after=0.0)
    async with looking(door, synced=False):
        work = asyncio.create_task(lookup.run())
        await eventually(
            _asynchronous(lambda: "no contact for" in str(lookup.failing_checks()["namespaces"]))
        )
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def test_an_unknown_namespace_is_not_recalled() -> None:
    """Without its labels memory cannot tell which policies apply."""
    async with looking(cluster()) as lookup:
        assert lookup.recalled("other", [MANIFEST]) is None
        assert lookup.labels("other") is None


async def test_a_live_read_sees_what_no_watch_has_told_yet() -> None:
    """A manifest created a moment ago, and the labels, come from the API server itself."""
    door = FakeCluster(NAMESPACE_OBJECT)
    async with looking(door) as lookup:
        door.put(manifest_object(), tell=False)
        recalled = lookup.recalled(NAMESPACE, [MANIFEST])
        assert recalled is not None
        assert recalled.manifests == ()
        evidence = await lookup.read(NAMESPACE, [MANIFEST], within=5.0)
        assert [manifest.name for manifest in evidence.manifests] == [MANIFEST]
        assert evidence.namespace_labels == LABELS


@pytest.mark.parametrize("name", ["missing", "no such NAME", "../../secrets", "x" * 300])
async def test_a_name_that_nobody_has_is_a_miss(name: str) -> None:
    """Whether it is free or impossible, no manifest has it, and no other path is asked for."""
    door = cluster()
    evidence = await Lookup(door, Metrics(), 150.0).read(NAMESPACE, [name], within=5.0)
    assert evidence.manifests == ()
    assert not any("secrets" in path for path in door.gets)


async def test_without_a_reference_no_manifest_is_asked_for() -> None:
    """Only namespace and policies are read."""
    door = cluster()
    assert (await Lookup(door, Metrics(), 150.0).read(NAMESPACE, [], within=5.0)).manifests == ()
    assert door.gets == [f"/api/v1/namespaces/{NAMESPACE}"]


async def test_a_namespace_that_does_not_exist_is_not_now() -> None:
    """Policies are chosen by its labels; none is not the same as no labels."""
    with pytest.raises(NotNowError, match="namespace 'other' does not exist"):
        await Lookup(cluster(), Metrics(), 150.0).read("other", [MANIFEST], within=5.0)


@pytest.mark.parametrize("failure", [Unavailable("connection refused"), Forbidden("not allowed", code=403)])
async def test_an_api_server_without_an_answer_is_not_now(failure: Any) -> None:  # noqa: ANN401
    """Only "not found" is knowledge; whatever else goes wrong is told and is no verdict."""
    door = cluster()
    door.failure = failure
    with pytest.raises(NotNowError, match=str(failure)):
        await Lookup(door, Metrics(), 150.0).read(NAMESPACE, [MANIFEST], within=5.0)


async def test_an_api_server_that_stays_silent_is_not_now_within_the_deadline() -> None:
    """The read gives up in time to say so."""
    door = cluster()
    door.silent = True
    with pytest.raises(NotNowError, match=r"did not answer within 0\.1 s"):
        await Lookup(door, Metrics(), 150.0).read(NAMESPACE, [MANIFEST], within=0.1)


async def test_a_review_is_answered_within_its_timeout_when_the_api_server_is_silent() -> None:
    """``?timeout=`` bounds the whole answer, and the answer says that it is none."""
    door = cluster()
    door.silent = True
    reply = await InProcess(Lookup(door, Metrics(), 150.0))(review(model_deployment()), "timeout=300ms")
    assert reply.response["status"]["code"] == 503
    assert reply.response["status"]["reason"] == "ServiceUnavailable"
    assert "not now" in reply.message


async def test_live_reads_are_counted_by_result() -> None:
    """Found, missing and error are three different things to know about a webhook."""
    door, metrics = cluster(), Metrics()
    lookup = Lookup(door, metrics, 150.0)
    await lookup.read(NAMESPACE, [MANIFEST], within=5.0)
    await lookup.read(NAMESPACE, ["missing"], within=5.0)
    door.failure = Unavailable("gone")
    with pytest.raises(NotNowError):
        await lookup.read(NAMESPACE, [MANIFEST], within=5.0)
    page = metrics.exposition("")[0].decode()
    for result in ("found", "missing", "error"):
        name = f'resource="compliancemanifests",result="{result}"'
        assert f"actgate_webhook_live_reads_total{{{name}}} 1.0" in page


async def test_cache_objects_and_age_are_measured() -> None:
    """Size and age of each picture stand in the metrics."""
    door, metrics = cluster(), Metrics()
    Lookup(door, metrics, 150.0)
    page = metrics.exposition("")[0].decode()
    assert 'actgate_webhook_cache_objects{resource="compliancemanifests"} 0.0' in page
    assert 'actgate_webhook_cache_age_seconds{resource="namespaces"} +Inf' in page


def test_an_unreadable_policy_is_the_baseline_for_every_namespace(caplog: pytest.LogCaptureFixture) -> None:
    """What somebody meant to ask for is not relaxed because it cannot be read."""
    with caplog.at_level(logging.WARNING):
        policy = policy_or_strictest(UNREADABLE)
    assert (policy.name, policy.spec) == ("house", BASELINE.spec)
    assert policy.spec.enforcement is Enforcement.DENY
    assert "CompliancePolicy house cannot be read" in caplog.text


async def test_an_unreadable_policy_applies_from_memory_and_live() -> None:
    """Both ways of reading end in the same policy."""
    door = cluster()
    door.put(UNREADABLE)
    async with looking(door) as lookup:
        recalled = lookup.recalled(NAMESPACE, [MANIFEST])
        assert recalled is not None
        live = await lookup.read(NAMESPACE, [MANIFEST], within=5.0)
        assert [policy.name for policy in recalled.policies] == ["house"]
        assert recalled.policies == live.policies


async def test_a_policy_that_changes_applies_to_the_next_review() -> None:
    """Memory's policies are those of the last change, not of the first look."""
    door = cluster()
    async with looking(door) as lookup:
        assert _policies(lookup) == (BASELINE,)
        door.put(UNREADABLE)
        await eventually(_asynchronous(lambda: _policies(lookup) != (BASELINE,)))
        door.remove(UNREADABLE)
        await eventually(_asynchronous(lambda: _policies(lookup) == (BASELINE,)))


def _policies(lookup: Lookup) -> tuple[Policy, ...]:
    evidence = lookup.recalled(NAMESPACE, [MANIFEST])
    assert evidence is not None
    return evidence.policies


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


async def test_a_refusal_lists_no_policies_while_memory_of_them_is_fresh() -> None:
    """A list of thousands made refusals fail by itself; manifest and namespace are read live."""
    door = cluster()
    for policy in policies(3, tier="gold"):
        door.put(policy)
    async with looking(door) as lookup:
        door.lists.clear()
        found = await lookup.read(NAMESPACE, [MANIFEST], within=5.0)
        assert door.lists == []
        assert len(door.gets) == 2
        assert [policy.name for policy in found.policies] == ["policy-0", "policy-1", "policy-2"]
        assert found.age < 75.0


async def test_refusals_at_a_time_share_one_list_of_policies_where_memory_is_old() -> None:
    """Before the pictures are complete: the first one's list, and one that all later ones share."""
    door = cluster()
    lookup = Lookup(door, Metrics(), 150.0)
    found = await asyncio.gather(*(lookup.read(NAMESPACE, [MANIFEST], within=5.0) for _ in range(40)))
    assert door.lists == ["compliancepolicies"] * 2
    assert {evidence.age for evidence in found} == {0.0}


async def test_only_policies_that_select_the_namespace_are_handed_on() -> None:
    """To ask each of ten thousand at every decision would take longer than the decision."""
    door = cluster()
    for policy in [*policies(50, tier="lead"), UNREADABLE]:
        door.put(policy)
    async with looking(door) as lookup:
        for evidence in (
            lookup.recalled(NAMESPACE, [MANIFEST]),
            await lookup.read(NAMESPACE, [MANIFEST], within=5.0),
        ):
            assert evidence is not None
            assert [policy.name for policy in evidence.policies] == ["house"]
