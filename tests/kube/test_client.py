"""Each request goes out as the Kubernetes API wants it, has a deadline, and fails in our words."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from aiohttp import web
from kubernetes.aio.client import Configuration

from actgate.kube.client import Cluster, Event
from actgate.kube.errors import (
    Gone,
    Invalid,
    Misconfigured,
    NotFound,
    Silent,
    TooManyRequests,
    Unavailable,
    Unintelligible,
)
from actgate_sandbox.pki import Authority
from tests.kube.fake_api import (
    WIDGETS,
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

pytestmark = pytest.mark.system

WIDGET = {
    "apiVersion": "example.com/v1",
    "kind": "Widget",
    "metadata": {"name": "a", "namespace": "default"},
}
ROOT = "/apis/example.com/v1/namespaces/default/widgets"


def at(url: str) -> Cluster:
    """Return a client of whatever is there."""

    async def configure() -> Configuration:
        return Configuration(host=url)

    return Cluster(configure)


async def test_get_returns_the_object(api: FakeApi) -> None:
    """As its JSON says."""
    api.put("a", n=1)
    async with api.cluster() as cluster:
        thing = await cluster.get(WIDGETS, "a", "default")
    assert thing == api.objects["default", "a"]


async def test_get_says_when_there_is_none(api: FakeApi) -> None:
    """The only error that is knowledge."""
    async with api.cluster() as cluster:
        with pytest.raises(NotFound, match=f"GET {ROOT}/a: a not found"):
            await cluster.get(WIDGETS, "a", "default")


async def test_nothing_is_asked_for_what_is_no_name(api: FakeApi) -> None:
    """Before it gets into a URL."""
    async with api.cluster() as cluster:
        with pytest.raises(Invalid):
            await cluster.get(WIDGETS, "../secrets/x", "default")
    assert not api.gets


async def test_a_request_is_not_tried_again(api: FakeApi) -> None:
    """The caller knows how much time is left."""
    api.on_get = always(Refuse(429, "TooManyRequests", retry_after="3"))
    async with api.cluster() as cluster:
        with pytest.raises(TooManyRequests) as caught:
            await cluster.get(WIDGETS, "a", "default")
    assert caught.value.retry_after == 3.0
    assert len(api.gets) == 1


@pytest.mark.parametrize("fault", [KeepSilent(), HangUp(), Refuse(503)], ids=repr)
async def test_no_answer_is_not_an_answer(api: FakeApi, fault: Fault) -> None:
    """A black hole, a broken connection and a failing server are one thing to the caller."""
    api.put("a")
    api.on_get = always(fault)
    async with api.cluster() as cluster:
        with pytest.raises(Unavailable, match=f"GET {ROOT}/a: .+"):
            await cluster.get(WIDGETS, "a", "default", within=0.5)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'{"a":', b"\xff"])
async def test_an_answer_that_is_no_object_is_none(api: FakeApi, body: bytes) -> None:
    """Whatever stands between us and the API server may say 200."""
    api.on_get = always(Say(body))
    async with api.cluster() as cluster:
        with pytest.raises(Unintelligible):
            await cluster.get(WIDGETS, "a", "default")


async def test_a_closed_port_is_unavailable() -> None:
    """No server listens there."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        async with at(f"http://127.0.0.1:{reserved.getsockname()[1]}") as cluster:
            with pytest.raises(Unavailable):
                await cluster.get(WIDGETS, "a", "default")


@pytest.fixture
def foreign_tls(tmp_path: Path) -> ssl.SSLContext:
    """A server's side of TLS, signed by an authority that no client trusts."""
    pair = Authority("foreign").server(["127.0.0.1"])
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    certificate.write_bytes(pair.certificate)
    key.write_bytes(pair.key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


async def test_a_server_with_a_foreign_certificate_is_not_asked(
    foreign_tls: ssl.SSLContext,
) -> None:
    """It never sees the token."""
    runner = web.AppRunner(web.Application(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=foreign_tls)
    await site.start()
    try:
        async with at(f"https://127.0.0.1:{runner.addresses[0][1]}") as cluster:
            with pytest.raises(Unavailable, match="certificate"):
                await cluster.get(WIDGETS, "a", "default")
    finally:
        await runner.cleanup()


async def test_a_list_that_expires_says_so(api: FakeApi) -> None:
    """The pages so far are the caller's; the rest is unknown."""
    for name in "abc":
        api.put(name)
    async with api.cluster() as cluster:
        pages = cluster.list_pages(WIDGETS, limit=2)
        first = await anext(pages)
        assert [thing["metadata"]["name"] for thing in first.items] == ["a", "b"]
        api.forget_history()
        with pytest.raises(Gone):
            await anext(pages)


async def test_a_list_in_one_namespace(api: FakeApi) -> None:
    """All pages show one snapshot, whose version comes with each."""
    for name in "abc":
        api.put(name)
    async with api.cluster() as cluster:
        pages = [page async for page in cluster.list_pages(WIDGETS, "default", limit=2)]
    assert [(len(page.items), page.version) for page in pages] == [(2, 103), (1, 103)]


async def test_a_watch_gives_events_as_they_came(api: FakeApi) -> None:
    """Bookmarks and errors included; its end is the end of the iteration."""
    api.put("a")
    async with api.cluster() as cluster, cluster.watch(WIDGETS, 100) as events:
        first = await anext(events)
        api.bookmark()
        api.tell("ERROR", status(410))
        api.end_watches()
        rest = [event async for event in events]
    assert (first.type, first.object) == ("ADDED", api.objects["default", "a"])
    assert [event.type for event in rest] == ["BOOKMARK", "ERROR"]


async def test_a_refused_watch_raises(api: FakeApi) -> None:
    """Before any event."""
    api.on_watch = at_first(Refuse(410, "Expired"))
    async with api.cluster() as cluster:
        with pytest.raises(Gone, match=r"^watch "):
            async with cluster.watch(WIDGETS, 1):
                pytest.fail("it was opened")


async def test_a_silent_watch_raises(api: FakeApi) -> None:
    """A dead connection and one on which nothing happens look the same."""
    async with api.cluster() as cluster, cluster.watch(WIDGETS, 100, silence=1.5) as events:
        with pytest.raises(Silent, match=r"nothing heard for 1.5 seconds"):
            await anext(events)


async def consume(opening: AbstractAsyncContextManager[AsyncIterator[Event]]) -> None:
    """Hear a watch to its end."""
    async with opening as events:
        async for _ in events:
            pass


async def test_a_watch_that_outlasts_its_time_is_unavailable(api: FakeApi) -> None:
    """The server was asked to end it, did not, and keeps talking."""

    async def talk() -> None:
        while True:
            api.bookmark()
            await asyncio.sleep(0.05)

    async with api.cluster() as cluster:
        talking = asyncio.create_task(talk())
        with pytest.raises(Unavailable):
            await consume(cluster.watch(WIDGETS, 100, lasting=1, silence=1.0))
        talking.cancel()


async def test_the_callers_own_errors_leave_a_watch_as_they_are(api: FakeApi) -> None:
    """A timeout of the caller is not one of the API server."""
    async with api.cluster() as cluster:
        with pytest.raises(TimeoutError):
            async with cluster.watch(WIDGETS, 100):
                raise TimeoutError


async def test_apply_is_server_side(api: FakeApi) -> None:
    """One field manager, and force only where it is asked for."""
    async with api.cluster() as cluster:
        await cluster.apply(WIDGETS, WIDGET, field_manager="actgate")
        await cluster.apply(
            WIDGETS, WIDGET, field_manager="actgate", force=True, subresource="status", dry_run=True
        )
    plain, status_written = api.writes
    assert (plain.method, plain.path, plain.body) == ("PATCH", f"{ROOT}/a", WIDGET)
    assert plain.content_type == "application/apply-patch+yaml"
    assert plain.query == {"fieldManager": "actgate", "force": "false"}
    assert status_written.path == f"{ROOT}/a/status"
    assert status_written.query == {"fieldManager": "actgate", "force": "true", "dryRun": "All"}


async def test_create_replace_and_delete(api: FakeApi) -> None:
    """Method, path, body and dry run of each."""
    async with api.cluster() as cluster:
        assert await cluster.create(WIDGETS, WIDGET, dry_run=True) == WIDGET
        await cluster.replace(WIDGETS, WIDGET, subresource="status")
        await cluster.delete(WIDGETS, "a", "default", uid="u-1")
        await cluster.delete(WIDGETS, "a", "default", dry_run=True)
    created, replaced, deleted, tried = api.writes
    assert (created.method, created.path, created.query) == ("POST", ROOT, {"dryRun": "All"})
    assert (replaced.method, replaced.path, replaced.query) == ("PUT", f"{ROOT}/a/status", {})
    assert (deleted.method, deleted.path) == ("DELETE", f"{ROOT}/a")
    assert deleted.body == {"propagationPolicy": "Background", "preconditions": {"uid": "u-1"}}
    assert tried.body == {"propagationPolicy": "Background", "dryRun": ["All"]}


async def test_a_cluster_is_used_inside_its_with(api: FakeApi) -> None:
    """Anything else is a mistake in our own code."""
    cluster = api.cluster()
    with pytest.raises(RuntimeError, match="outside of its `async with`"):
        await cluster.get(WIDGETS, "a", "default")


async def test_certificates_that_cannot_be_read_are_a_matter_of_configuration(
    tmp_path: Path,
) -> None:
    """Reported when the connection is opened, not at the first request."""
    authority = tmp_path / "ca.crt"
    authority.write_text("not a certificate")

    async def configure() -> Configuration:
        return Configuration(host="https://127.0.0.1:1", ssl_ca_cert=str(authority))

    with pytest.raises(Misconfigured, match="certificates"):
        async with Cluster(configure):
            pytest.fail("it was opened")
