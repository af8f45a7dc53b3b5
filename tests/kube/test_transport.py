"""A library that sends its own requests has our credentials and our trust, and is observed too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from kubernetes.aio.client import Configuration

from actgate.kube import access
from actgate.kube.errors import Misconfigured
from actgate.kube.observing import Asked
from actgate.kube.transport import open_session
from actgate_sandbox.control_plane import ControlPlane
from tests.kube.fake_api import FakeApi, Refuse, always
from tests.kube.test_access import write_kubeconfig

PATH = "/apis/example.com/v1/widgets"


async def test_a_changed_token_is_used(api: FakeApi, tmp_path: Path) -> None:
    """Within one session: a watch may keep it open for days."""
    token, path = tmp_path / "token", tmp_path / "kubeconfig"
    token.write_text("first")
    write_kubeconfig(path, f"http://127.0.0.1:{api.port}", tokenFile=str(token))
    configuration = await access.from_kubeconfig(str(path), token_seconds=0.0)
    async with open_session(configuration) as session:
        for content in ("first", "second"):
            token.write_text(content)
            async with session.get(f"{configuration.host}{PATH}") as answer:
                assert answer.status == 200
    assert api.authorizations == ["Bearer first", "Bearer second"]


async def test_the_proxy_of_the_environment_is_used_but_for_whom_it_excludes(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by every client of Kubernetes: here the proxy is the fake API server itself."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{api.port}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    host = "http://api.example"
    async with open_session(Configuration(host=host)) as session, session.get(f"{host}{PATH}") as answer:
        assert answer.status == 200
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    host = f"http://127.0.0.1:{api.port}"
    async with open_session(Configuration(host=host)) as session, session.get(f"{host}{PATH}") as answer:
        assert answer.status == 200


async def test_requests_are_reported(api: FakeApi) -> None:
    """Also below a path, where a proxy serves several clusters; in the words of Kubernetes."""
    requests: list[Asked] = []
    api.on_list = always(Refuse(503))
    host = f"http://127.0.0.1:{api.port}"
    for server, query in ((f"{host}/", ""), (f"{host}/k8s/one", "?watch=true")):
        session = open_session(Configuration(host=server), observe=requests.append)
        async with session, session.get(f"{server.rstrip('/')}{PATH}{query}"):
            pass
    assert [asked[:3] for asked in requests] == [("list", "widgets", 503), ("watch", "widgets", 405)]


@asynccontextmanager
async def redirecting_to(api: FakeApi) -> AsyncIterator[str]:
    """Serve another host that redirects every client to the fake API server."""

    async def redirect(_: web.Request) -> web.Response:
        raise web.HTTPFound(f"http://127.0.0.1:{api.port}{PATH}")

    app = web.Application()
    app.router.add_get(PATH, redirect)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_the_token_is_not_shown_to_others(api: FakeApi) -> None:
    """To another host that the API server redirects to, say."""
    async with redirecting_to(api) as host:
        configuration = Configuration(host=host, api_key={"BearerToken": "Bearer secret"})
        async with open_session(configuration) as session, session.get(f"{host}{PATH}") as answer:
            assert answer.status == 200
    assert api.authorizations == [None]


async def test_the_middlewares_of_the_caller_are_outside(api: FakeApi) -> None:
    """What they make of an answer is theirs; what is reported is what the API server answered."""
    requests: list[Asked] = []
    api.on_list = always(Refuse(503))

    async def soothing(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        answer = await handler(request)
        answer.status = 200
        return answer

    configuration = Configuration(host=f"http://127.0.0.1:{api.port}")
    session = open_session(configuration, soothing, observe=requests.append)
    async with session, session.get(f"{configuration.host}{PATH}") as answer:
        assert answer.status == 200
    assert [asked.code for asked in requests] == [503]


async def test_certificates_that_cannot_be_read_are_a_matter_of_configuration(tmp_path: Path) -> None:
    """Reported when the session is opened, not at the first request."""
    authority = tmp_path / "ca.crt"
    authority.write_text("not a certificate")
    with pytest.raises(Misconfigured, match="certificates"):
        open_session(Configuration(host="https://127.0.0.1:1", ssl_ca_cert=str(authority)))


async def test_the_api_server_is_trusted_and_trusts_us(control_plane: ControlPlane) -> None:
    """By the authority and the token of the kubeconfig."""
    configuration = await access.find(control_plane.kubeconfig)
    url = f"{configuration.host}/api/v1/namespaces"
    async with open_session(configuration) as session, session.get(url) as answer:
        assert answer.status == 200
