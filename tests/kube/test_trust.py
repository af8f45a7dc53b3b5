"""An API server that kubectl trusts is trusted on every version of Python, and no other one is.

What Python 3.13 made the default is set here on every version, so that the newest default is what is tested.
"""

from __future__ import annotations

import base64
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml
from aiohttp import web

from actgate.kube import access
from actgate.kube.client import Cluster
from actgate.kube.errors import Unavailable
from actgate.kube.resources import NAMESPACES
from actgate.kube.trust import as_kubernetes
from actgate_sandbox.pki import KeyPair
from tests.support.certificates import LESS_THAN_RFC_5280, REFUSED, Chain, Shape, chain, make_strict


@pytest.fixture(autouse=True)
def strict_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Python 3.13 made the default."""
    make_strict(monkeypatch)


@asynccontextmanager
async def serving(pair: KeyPair, folder: Path) -> AsyncIterator[int]:
    """Serve one namespace over TLS, and yield the port."""
    (folder / "tls.crt").write_bytes(pair.certificate)
    (folder / "tls.key").write_bytes(pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")

    async def found(_: web.Request) -> web.Response:
        return web.json_response({"metadata": {"name": "default", "resourceVersion": "1"}})

    app = web.Application()
    app.router.add_get("/api/v1/namespaces/default", found)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def by_kubeconfig(trusted: bytes, port: int, folder: Path, _: pytest.MonkeyPatch) -> Cluster:
    """Reach it by a kubeconfig."""
    cluster = {
        "server": f"https://127.0.0.1:{port}",
        "certificate-authority-data": base64.b64encode(trusted).decode(),
    }
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": "secret"}}],
    }
    (folder / "kubeconfig").write_text(yaml.safe_dump(content))
    return Cluster.from_environment(folder / "kubeconfig")


def by_service_account(trusted: bytes, port: int, folder: Path, environment: pytest.MonkeyPatch) -> Cluster:
    """Reach it as a pod does."""
    environment.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    environment.setenv("KUBERNETES_SERVICE_PORT", str(port))
    (folder / "token").write_text("secret")
    (folder / "ca.crt").write_bytes(trusted)
    return Cluster(lambda: access.from_service_account(str(folder / "token"), str(folder / "ca.crt")))


Reach = Callable[[bytes, int, Path, pytest.MonkeyPatch], Cluster]
READERS = pytest.mark.parametrize("reach", [by_kubeconfig, by_service_account])


async def asked(
    reach: Reach, made: Chain, trusted: bytes, folder: Path, environment: pytest.MonkeyPatch
) -> None:
    """Ask the server once."""
    async with serving(made.server, folder) as port, reach(trusted, port, folder, environment) as cluster:
        assert (await cluster.get(NAMESPACES, "default"))["metadata"]["name"] == "default"


@READERS
@pytest.mark.parametrize("shape", LESS_THAN_RFC_5280.values(), ids=LESS_THAN_RFC_5280)
async def test_an_authority_that_carries_less_than_rfc_5280_asks_is_trusted(
    reach: Reach, shape: Shape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EKS, MicroK8s, `openssl req -x509`: kubectl and every client in Go talk to them."""
    made = chain(shape)
    await asked(reach, made, made.trusted, tmp_path, monkeypatch)


@READERS
async def test_an_authority_of_the_bundle_is_trusted_without_its_root(
    reach: Reach, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by clients in Go, and by Python from 3.13 on."""
    made = chain(Shape(), intermediate=True)
    await asked(reach, made, made.trusted, tmp_path, monkeypatch)


@READERS
@pytest.mark.parametrize(("shape", "words"), REFUSED.values(), ids=REFUSED)
async def test_a_certificate_that_is_wrong_is_refused(
    reach: Reach, shape: Shape, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Host and dates are verified as ever."""
    made = chain(shape)
    with pytest.raises(Unavailable, match=words):
        await asked(reach, made, made.trusted, tmp_path, monkeypatch)


@READERS
async def test_an_authority_that_is_not_known_is_refused(
    reach: Reach, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one of the same name."""
    with pytest.raises(Unavailable, match=r"certificate|signature"):
        await asked(reach, chain(Shape()), chain(Shape()).trusted, tmp_path, monkeypatch)


@READERS
async def test_a_certificate_of_a_server_is_no_authority(
    reach: Reach, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificate of one server in the bundle vouches for no other one."""
    with pytest.raises(Unavailable, match="certificate"):
        await asked(reach, chain(Shape()), chain(Shape()).server.certificate, tmp_path, monkeypatch)


def test_nothing_but_the_form_of_certificates_is_let_go() -> None:
    """The chain, the host and the dates stay required."""
    context = as_kubernetes(ssl.create_default_context())
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
