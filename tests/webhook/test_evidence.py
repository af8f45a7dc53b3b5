"""What the webhook makes of the evidence's cache: readiness, deadlines and metrics."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from actgate.kube.errors import Forbidden, Unavailable
from actgate.lookup.cache import EvidenceCache
from actgate.lookup.evidence import EvidenceUnavailableError
from actgate_webhook.app import create_app
from actgate_webhook.metrics import Metrics
from actgate_webhook.serving import evidence_cache
from tests.lookup.test_cache import cluster
from tests.support.waiting import eventually
from tests.webhook.build import MANIFEST, NAMESPACE, model_deployment, review
from tests.webhook.fakes import InProcess, lifespan


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition."""

    async def asked() -> bool:
        return condition()

    await eventually(asked)


async def test_readyz_says_what_is_missing_before_the_cache_is_complete() -> None:
    """A webhook that has just started is unready, and names each cache that is not there yet."""
    door = cluster()
    door.failure = Forbidden("watch is forbidden", code=403)
    evidence = EvidenceCache(door, unready_after=150.0)
    app = create_app(evidence, Metrics(), work={"evidence": evidence.run})
    ask = InProcess(evidence)
    async with lifespan(app):
        await until(lambda: "forbidden" in str(evidence.failing_checks()))
        reply = await ask.send("GET", "/readyz", query="verbose")
        assert reply.status == 503
        assert "[-]namespaces failed: not listed yet: watch is forbidden" in reply.body.decode()
        assert reply.body.decode().endswith("readyz check failed\n")
        door.failure = None
        await until(lambda: not any(evidence.failing_checks().values()))
        assert (await ask.send("GET", "/readyz")).status == 200


async def test_a_review_is_answered_within_its_timeout_when_the_api_server_is_silent() -> None:
    """``?timeout=`` bounds the whole answer, and the answer says that it is none."""
    door = cluster()
    door.silent = True
    reply = await InProcess(EvidenceCache(door))(review(model_deployment()), "timeout=300ms")
    assert reply.response["status"]["code"] == 503
    assert reply.response["status"]["reason"] == "ServiceUnavailable"
    assert reply.message.startswith("evidence is temporarily unavailable, retry: ")


async def test_live_reads_are_counted_by_result() -> None:
    """Found, missing and error are three different things to know about a webhook."""
    door, metrics = cluster(), Metrics()
    evidence = evidence_cache(door, metrics, 150.0)
    await evidence.fetch_live(NAMESPACE, [MANIFEST], within=5.0)
    await evidence.fetch_live(NAMESPACE, ["missing"], within=5.0)
    door.failure = Unavailable("gone")
    with pytest.raises(EvidenceUnavailableError):
        await evidence.fetch_live(NAMESPACE, [MANIFEST], within=5.0)
    page = metrics.exposition("")[0].decode()
    for result in ("found", "missing", "error"):
        name = f'resource="compliancemanifests",result="{result}"'
        assert f"actgate_webhook_live_reads_total{{{name}}} 1.0" in page


async def test_cache_objects_and_age_are_measured() -> None:
    """Size and age of each cache stand in the metrics."""
    door, metrics = cluster(), Metrics()
    evidence_cache(door, metrics, 150.0)
    page = metrics.exposition("")[0].decode()
    assert 'actgate_webhook_cache_objects{resource="compliancemanifests"} 0.0' in page
    assert 'actgate_webhook_cache_age_seconds{resource="namespaces"} +Inf' in page
