"""An observer gets each request, in the words of Kubernetes."""

from __future__ import annotations

import asyncio

import pytest
from kubernetes.aio.client import Configuration

from actgate.kube.client import Cluster
from actgate.kube.errors import ClusterError, NotFound, TooManyRequests, Unavailable
from actgate.kube.observing import Asked, words
from tests.kube.fake_api import WIDGETS, FakeApi, HangUp, KeepSilent, Refuse, always, at_first
from tests.kube.running import until

WIDGET = {
    "apiVersion": WIDGETS.api_version,
    "kind": WIDGETS.kind,
    "metadata": {"name": "a", "namespace": "default"},
}


def observed(api: FakeApi) -> tuple[Cluster, list[Asked]]:
    """Return a client of the fake API server, and the requests that it reports."""
    requests: list[Asked] = []

    async def configure() -> Configuration:
        return Configuration(host=f"http://127.0.0.1:{api.port}")

    return Cluster(configure, requests.append), requests


async def test_every_request_is_reported_once(api: FakeApi) -> None:
    """In order, pages of a list one by one."""
    api.put("a")
    api.put("b")
    cluster, requests = observed(api)
    async with cluster:
        await cluster.get(WIDGETS, "a", "default")
        assert [page async for page in cluster.list_pages(WIDGETS, limit=1)]
        async with cluster.watch(WIDGETS, api.version):
            pass
        await cluster.create(WIDGETS, WIDGET)
        await cluster.replace(WIDGETS, WIDGET)
        await cluster.apply(WIDGETS, WIDGET, field_manager="t", subresource="status")
        await cluster.delete(WIDGETS, "a", "default")
    assert [(asked.verb, asked.resource) for asked in requests] == [
        ("get", "widgets"),
        ("list", "widgets"),
        ("list", "widgets"),
        ("watch", "widgets"),
        ("create", "widgets"),
        ("update", "widgets"),
        ("patch", "widgets/status"),
        ("delete", "widgets"),
    ]
    assert {asked.code for asked in requests} == {200}
    assert all(asked.seconds > 0 for asked in requests)


async def test_what_fails_is_reported_with_its_status_or_none(api: FakeApi) -> None:
    """A refusal has one; a request without an answer, and each of two on connections that broke, none."""
    api.on_get = at_first(Refuse(429), Refuse(404), KeepSilent(), HangUp(), HangUp())
    cluster, requests = observed(api)
    async with cluster:
        for error in (TooManyRequests, NotFound, Unavailable, Unavailable):
            with pytest.raises(error):
                await cluster.get(WIDGETS, "a", "default", within=0.5)
    assert [asked.code for asked in requests] == [429, 404, 0, 0, 0]


async def test_what_is_cancelled_is_reported(api: FakeApi) -> None:
    """It was sent, and took its time."""
    api.on_get = always(KeepSilent())
    cluster, requests = observed(api)
    async with cluster:
        task = asyncio.create_task(cluster.get(WIDGETS, "a", "default"))
        await until(lambda: api.gets)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert [asked.code for asked in requests] == [0]


async def test_nothing_is_reported_of_what_was_not_sent(api: FakeApi) -> None:
    """A name that no object can have never becomes a request."""
    cluster, requests = observed(api)
    async with cluster:
        with pytest.raises(ClusterError):
            await cluster.get(WIDGETS, "../secrets", "default")
    assert not requests


@pytest.mark.parametrize(
    ("method", "path", "verb", "resource"),
    [
        ("GET", "/api/v1/namespaces", "list", "namespaces"),
        ("GET", "/api/v1/namespaces/n", "get", "namespaces"),
        ("PUT", "/api/v1/namespaces/n/finalize", "update", "namespaces/finalize"),
        ("GET", "/api/v1/namespaces/n/status", "get", "namespaces/status"),
        ("GET", "/api/v1/namespaces/n/pods", "list", "pods"),
        ("GET", "/api/v1/namespaces/n/pods/p/log", "get", "pods/log"),
        ("GET", "/apis/apps/v1/deployments", "list", "deployments"),
        ("PATCH", "/apis/apps/v1/namespaces/n/deployments/d", "patch", "deployments"),
        ("PUT", "/apis/apps/v1/namespaces/n/deployments/d/scale", "update", "deployments/scale"),
        ("DELETE", "/apis/actgate.dev/v1alpha1/compliancepolicies/p", "delete", "compliancepolicies"),
        ("GET", "/apis", "get", ""),
        ("GET", "/apis/apps/v1", "get", ""),
        ("GET", "/api", "get", ""),
        ("GET", "/version", "get", ""),
        ("GET", "/", "get", ""),
    ],
)
def test_a_path_in_the_words_of_kubernetes(method: str, path: str, verb: str, resource: str) -> None:
    """As rights are granted; discovery is about no object."""
    assert words(method, path) == (verb, resource)
