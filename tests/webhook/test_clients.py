from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from actgate.runtime.listener import listen
from actgate.runtime.tls import CertificateError, Certificates
from actgate_sandbox.pki import Authority, KeyPair
from actgate_webhook.app import create_app
from actgate_webhook.clients import Clients
from actgate_webhook.decision_log import DecisionLog, Sink
from actgate_webhook.metrics import Metrics
from actgate_webhook.self_call import SelfCall
from actgate_webhook.serving import Drain, Server, configuration
from tests.lookup.fakes import FakeEvidence, known
from tests.support.certificates import for_servers_only
from tests.support.waiting import eventually
from tests.webhook.build import body_of, model_deployment, passing, review
from tests.webhook.secret_mount import SecretMount

SERVING, TRUSTED, OTHER = Authority("serving"), Authority("front proxy"), Authority("another authority")
NAME = "kube-apiserver"
GET_READY = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@dataclass
class Guarded:
    """A webhook that asks clients who they are."""

    port: int
    certificates: Certificates
    client_ca: Path
    metrics: Metrics
    folder: Path

    def context(
        self, pair: KeyPair | None, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ) -> ssl.SSLContext:
        """Return how a client with or without a certificate connects."""
        context = ssl.create_default_context(cadata=SERVING.certificate.decode())
        context.maximum_version = newest
        if pair is not None:
            both = self.folder / "client.pem"
            both.write_bytes(pair.certificate + pair.key)
            context.load_cert_chain(both)
        return context

    async def send(self, request: bytes, pair: KeyPair | None) -> tuple[int, bytes]:
        """Send a request over a connection of its own, and return status and body."""
        reader, writer = await asyncio.open_connection("localhost", self.port, ssl=self.context(pair))
        try:
            writer.write(request)
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        finally:
            writer.close()
        if not head:
            raise ConnectionResetError("the server ended the handshake")
        return int(head.split()[1]), body

    async def ask(self, pair: KeyPair | None) -> tuple[int, bytes]:
        """Send a review."""
        body = body_of(review(model_deployment()))
        head = (
            "POST /validate?timeout=5s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return await self.send(head.encode() + body, pair)


@asynccontextmanager
async def guarding(folder: Path, *names: str, sink: Sink | None = None) -> AsyncIterator[Guarded]:
    """Serve a webhook that takes clients of one authority, and of some names if any."""
    mount, client_ca, metrics = SecretMount(folder, SERVING.server()), folder / "client-ca.crt", Metrics()
    client_ca.write_bytes(TRUSTED.certificate)
    certificates = Certificates(mount.certificate, mount.key, metrics, client_ca)
    decisions = DecisionLog(sink, metrics, "webhook-1") if sink is not None else None
    app = create_app(FakeEvidence({}, live=known(passing())), metrics, decisions=decisions)
    config = configuration(Clients(app, names, metrics), certificates, shutdown_timeout=60)
    listener = listen("127.0.0.1", 0)
    server = Server(config, Drain(), shutdown_delay=0.0)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await eventually(_as_awaited(lambda: server.started))
    try:
        yield Guarded(listener.getsockname()[1], certificates, client_ca, metrics, folder)
    finally:
        server.should_exit = True
        await task


def _as_awaited(condition: Callable[[], bool]) -> Callable[[], asyncio.Future[bool]]:
    async def awaited() -> bool:
        return condition()

    return lambda: asyncio.ensure_future(awaited())


async def test_the_api_server_s_certificate_is_answered(tmp_path: Path) -> None:
    """Signed by the right authority, of the right name."""
    async with guarding(tmp_path, "front-proxy", NAME) as webhook:
        status, body = await webhook.ask(TRUSTED.client(NAME))
        assert status == 200
        assert orjson.loads(body)["response"]["allowed"] is True


async def test_without_names_the_authority_is_enough(tmp_path: Path) -> None:
    """An authority that signs for API servers alone needs no names."""
    async with guarding(tmp_path) as webhook:
        assert (await webhook.ask(TRUSTED.client("anything")))[0] == 200


@pytest.mark.parametrize(
    ("pair", "words"),
    [(None, b"none was shown"), (TRUSTED.client("system:node:a"), b"not among --client-allowed-names")],
    ids=["no certificate", "another name"],
)
async def test_any_other_client_is_refused(tmp_path: Path, pair: KeyPair | None, words: bytes) -> None:
    """A 403 with a sentence, which the API server takes for a failed call; it is counted."""
    async with guarding(tmp_path, NAME) as webhook:
        status, body = await webhook.ask(pair)
        assert status == 403
        assert words in body
        assert b'"allowed"' not in body
        assert webhook.metrics.registry.get_sample_value(
            "actgate_webhook_bad_requests_total", {"status": "403"}
        )


async def test_a_certificate_of_another_authority_ends_the_handshake(tmp_path: Path) -> None:
    """Also for pages that need none: what is shown must be true."""
    async with guarding(tmp_path, NAME) as webhook:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await webhook.ask(OTHER.client(NAME))
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await webhook.send(GET_READY, OTHER.client(NAME))


async def test_a_serving_certificate_is_no_client_certificate(tmp_path: Path) -> None:
    """What the authority signed for servers opens nothing."""
    async with guarding(tmp_path) as webhook:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await webhook.ask(for_servers_only(TRUSTED))


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
async def test_probes_and_scrapers_need_no_certificate(tmp_path: Path, path: str) -> None:
    """The kubelet has none to show."""
    async with guarding(tmp_path, NAME) as webhook:
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        assert (await webhook.send(request.encode(), None))[0] == 200


@pytest.mark.parametrize("path", ["//validate", "/validate/", "/validate/../validate", "/VALIDATE"])
async def test_no_other_spelling_of_the_path_gets_around(tmp_path: Path, path: str) -> None:
    """Without a certificate nothing is judged, however it is asked for."""
    async with guarding(tmp_path, NAME) as webhook:
        body = body_of(review(model_deployment()))
        head = f"POST {path} HTTP/1.1\r\nHost: l\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        status, answer = await webhook.send(head.encode() + body, None)
        assert status in (307, 403, 404, 405)
        assert b"allowed" not in answer


async def test_an_encoded_path_is_the_path(tmp_path: Path) -> None:
    """What is decoded to the path is guarded as the path."""
    async with guarding(tmp_path, NAME) as webhook:
        head = b"POST /%76alidate HTTP/1.1\r\nHost: l\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        assert (await webhook.send(head, None))[0] == 403


async def test_a_new_client_authority_counts_for_the_next_connection(tmp_path: Path) -> None:
    """Read again as the serving pair is; what the old one signed is refused then."""
    async with guarding(tmp_path, NAME) as webhook:
        assert (await webhook.ask(TRUSTED.client(NAME)))[0] == 200
        webhook.client_ca.write_bytes(OTHER.certificate)
        webhook.certificates.refresh()
        assert (await webhook.ask(OTHER.client(NAME)))[0] == 200
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await webhook.ask(TRUSTED.client(NAME))
        webhook.client_ca.write_bytes(TRUSTED.certificate + OTHER.certificate)
        webhook.certificates.refresh()
        assert (await webhook.ask(OTHER.client(NAME)))[0] == 200
        assert (await webhook.ask(TRUSTED.client(NAME)))[0] == 200


@pytest.mark.parametrize("content", [b"", b"garbage", "Schlüssel".encode()])
async def test_a_broken_client_authority_changes_nothing(tmp_path: Path, content: bytes) -> None:
    """It is reported, and the old one counts on; at the start it ends the process."""
    async with guarding(tmp_path, NAME) as webhook:
        webhook.client_ca.write_bytes(content)
        webhook.certificates.refresh()
        assert "client-ca.crt holds no certificates of an authority" in str(webhook.certificates.error)
        assert (await webhook.ask(TRUSTED.client(NAME)))[0] == 200
        assert (await webhook.ask(None))[0] == 403
    with pytest.raises(CertificateError, match="client-ca"):
        Certificates(tmp_path / "tls.crt", tmp_path / "tls.key", Metrics(), webhook.client_ca)


async def test_no_session_is_resumed(tmp_path: Path) -> None:
    """A resumed session would not be verified again; older TLS, which could resume one, is not spoken."""
    async with guarding(tmp_path, NAME) as webhook:
        context = webhook.context(TRUSTED.client(NAME))
        _, writer = await asyncio.open_connection("localhost", webhook.port, ssl=context)
        session = writer.get_extra_info("ssl_object").session
        writer.close()
        assert session is None or not session.has_ticket
        older = webhook.context(TRUSTED.client(NAME), ssl.TLSVersion.TLSv1_2)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("localhost", webhook.port, ssl=older)


async def test_the_self_call_works_without_a_certificate(tmp_path: Path) -> None:
    """Readiness does not depend on having the API server's key."""
    async with guarding(tmp_path, NAME) as webhook:
        call = SelfCall("127.0.0.1", webhook.port, webhook.certificates)
        await call.call()
        assert call.error is None


async def test_where_no_authority_is_set_no_client_is_asked(tmp_path: Path) -> None:
    """The default: any client, TLS 1.2 included."""
    mount = SecretMount(tmp_path, SERVING.server())
    certificates = Certificates(mount.certificate, mount.key, Metrics())
    assert not certificates.asks_clients
    assert certificates.context.verify_mode is ssl.CERT_NONE
    assert certificates.context.minimum_version is ssl.TLSVersion.TLSv1_2
