from __future__ import annotations

import asyncio
import re
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from actgate.runtime.listener import listen
from actgate.runtime.tls import Certificates
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.pki import Authority
from actgate_sandbox.rest import Rest, install_crds
from actgate_webhook.app import create_app
from actgate_webhook.metrics import Metrics
from actgate_webhook.self_call import SelfCall
from actgate_webhook.serving import Drain, Server, configuration
from tests.lookup.fakes import FakeEvidence, known
from tests.support.waiting import eventually, wait_until
from tests.webhook.build import Json, body_of, changed, manifest_object, model_deployment, passing, review
from tests.webhook.load import Connection, Load
from tests.webhook.process import WebhookProcess, running
from tests.webhook.secret_mount import SecretMount, der_of

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
CALLS = 5000


@pytest.fixture(scope="session")
def resources(rest: Rest) -> None:
    """The three kinds are served."""
    files = sorted((ROOT / "crds").glob("*.yaml"))
    install_crds(rest, (yaml.safe_load(path.read_text(encoding="utf-8")) for path in files))


@pytest.fixture
def question(resources: None, rest: Rest, namespace: str) -> Json:
    """A review that passes on a manifest that is in the cluster."""
    path = f"/apis/actgate.dev/v1alpha1/namespaces/{namespace}/compliancemanifests"
    manifest = manifest_object(namespace=namespace)
    del manifest["metadata"]["uid"], manifest["metadata"]["resourceVersion"]
    reply = rest("POST", path, manifest)
    assert reply.status == 201, reply
    obj = changed(model_deployment(), "metadata.namespace", namespace)
    return review(obj, namespace=namespace)


@pytest.fixture
def webhook(
    request: pytest.FixtureRequest, resources: None, control_plane: ControlPlane, tmp_path: Path
) -> Iterator[WebhookProcess]:
    """A webhook process that is ready; a test's parameter gives its flags."""
    flags = getattr(request, "param", ("--shutdown-delay-duration", "300s", "--tls-reload-interval", "50ms"))
    with running(tmp_path / "webhook", control_plane.kubeconfig, *flags) as process:
        process.wait_until_ready()
        yield process


def wait_until_known(webhook: WebhookProcess, question: Json) -> None:
    """Return when the webhook answers from memory: a load of live reads would measure the API server."""
    wait_until(lambda: webhook.ask(question)["auditAnnotations"]["cache-age"] != "0.0s")


async def test_a_termination_under_load_fails_no_call(webhook: WebhookProcess, question: Json) -> None:
    """5,000 calls, SIGTERM in the middle: each is answered, each client is asked to leave, exit is 0."""
    await asyncio.to_thread(wait_until_known, webhook, question)
    load = Load(webhook.port, webhook.authority.certificate, body_of(question), CALLS)
    load.at[CALLS // 2] = webhook.signal
    await load.run()
    assert (load.done, load.failures) == (CALLS, [])
    # What was on its way when the signal came, and the one request ahead of it, may still be kept.
    assert CALLS // 4 < load.closed_by_server <= CALLS // 2
    status, text = await asyncio.to_thread(webhook.get, "/readyz")
    assert status == 503
    assert "[-]shutdown failed: shutting down" in text
    webhook.signal()
    assert await asyncio.to_thread(webhook.exit_code) == 0


async def test_new_certificates_under_load_fail_no_call(webhook: WebhookProcess, question: Json) -> None:
    """5,000 calls and ever new handshakes, while the files change twice and break once."""
    await asyncio.to_thread(wait_until_known, webhook, question)
    pairs = [webhook.authority.server() for _ in range(2)]
    load = Load(webhook.port, webhook.authority.certificate, body_of(question), CALLS, reconnect_every=10)
    load.at = {
        CALLS // 4: lambda: webhook.mount.write(pairs[0].certificate, pairs[0].key),
        CALLS // 2: lambda: webhook.mount.write(pairs[0].certificate, pairs[1].key),
        3 * CALLS // 4: lambda: webhook.mount.write(pairs[1].certificate, pairs[1].key),
    }
    await load.run()
    assert (load.done, load.failures) == (CALLS, [])
    newest = der_of(pairs[1])
    assert await eventually(lambda: _is_served(webhook, newest))


async def _is_served(webhook: WebhookProcess, der: bytes) -> bool:
    context = ssl.create_default_context(cadata=webhook.authority.certificate.decode())
    _, writer = await asyncio.open_connection("localhost", webhook.port, ssl=context)
    seen: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return seen == der


async def test_a_broken_pair_under_a_running_webhook_is_counted_and_served_around(
    webhook: WebhookProcess, question: Json
) -> None:
    """The log and a counter tell of it, and calls go on with the old pair."""
    webhook.mount.write(b"no certificate", b"no key")
    refused = 'certificate_reloads_total{result="error"} 1.0'
    await asyncio.to_thread(wait_until, lambda: refused in webhook.get("/metrics")[1])
    assert "the certificate is not replaced" in webhook.log()
    assert (await asyncio.to_thread(webhook.ask, question))["allowed"] is True
    assert webhook.get("/readyz")[0] == 200


@pytest.mark.parametrize("webhook", [("--shutdown-delay-duration", "0s")], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_drain_ends_by_itself_with_0(webhook: WebhookProcess, number: int) -> None:
    """One signal is enough; the exit code is not that of the signal."""
    webhook.signal(number)
    assert webhook.exit_code() == 0
    assert "draining for 0 s" in webhook.log()


async def test_what_is_open_at_the_end_of_the_drain_is_finished(tmp_path: Path) -> None:
    """A review that waits for the API server gets its answer when no connection is accepted any more."""
    source = FakeEvidence({}, live=known(passing()), answers=asyncio.Event())
    async with served(source, tmp_path) as (server, port, authority):
        connection = Connection(port, ssl.create_default_context(cadata=authority.certificate.decode()))
        asking = asyncio.create_task(connection.post(body_of(review(model_deployment()))))
        await eventually(lambda: _holds(bool(source.reads)))
        server.stop()
        server.stop()
        await eventually(lambda: _refused(port))
        assert not asking.done()
        assert source.answers is not None
        source.answers.set()
        status, closing, body = await asking
        assert (status, closing) == (200, True)
        assert b'"allowed":true' in body
        connection.close()


async def test_the_self_call_finds_out_whether_we_are_served(tmp_path: Path) -> None:
    """It fails before the port is open, holds while the loaded certificate is served, not another one."""
    async with served(FakeEvidence(), tmp_path) as (_, port, authority):
        loaded = _certificates(tmp_path / "served", authority)
        call = SelfCall("0.0.0.0", port, loaded)  # noqa: S104 - read as "this machine"
        assert call.failing_checks() == {"self-call": "not called yet"}
        await call.call()
        assert call.error == "another certificate is served than the one that is loaded"
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            silent = SelfCall("127.0.0.1", unused.getsockname()[1], loaded)
            await silent.call()
        assert "ConnectionRefusedError" in str(silent.error)


async def _holds(value: bool) -> bool:
    return value


async def _refused(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return True
    writer.close()
    return False


def _certificates(folder: Path, authority: Authority) -> Certificates:
    folder.mkdir()
    mount = SecretMount(folder, authority.server())
    return Certificates(mount.certificate, mount.key, Metrics())


@asynccontextmanager
async def served(source: FakeEvidence, folder: Path) -> AsyncIterator[tuple[Server, int, Authority]]:
    """Serve an app in this process; yields the server, its port, and who signed its certificate."""
    authority = Authority("webhook in process")
    app = create_app(source, Metrics())
    config = configuration(app, _certificates(folder / "tls", authority), shutdown_timeout=60)
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    server = Server(config, Drain(), shutdown_delay=0.0)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await eventually(lambda: _holds(server.started))
    try:
        yield server, port, authority
    finally:
        server.should_exit = True
        await task


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the webhook with arguments on which it cannot start."""
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "actgate_webhook", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_unusable_settings_end_with_2_and_one_sentence(tmp_path: Path) -> None:
    """A wrong flag, a missing certificate and a missing kubeconfig are reported without a stack trace."""
    kubeconfig = tmp_path / "none"
    for arguments, words in (
        (("--secure-port", "x"), "--secure-port (or ACTGATE_WEBHOOK_SECURE_PORT)"),
        (("--kubeconfig", str(kubeconfig)), "none' does not exist"),
    ):
        ended = run(*arguments)
        assert ended.returncode == 2
        assert words in ended.stderr
        assert "Traceback" not in ended.stderr


def test_a_missing_certificate_ends_with_2(control_plane: ControlPlane, tmp_path: Path) -> None:
    """The sentence names the file."""
    ended = run("--kubeconfig", str(control_plane.kubeconfig), "--tls-cert-file", str(tmp_path / "tls.crt"))
    assert ended.returncode == 2
    assert re.search(r"actgate-webhook: .*tls\.crt cannot be read: No such file", ended.stderr)
    assert "Traceback" not in ended.stderr


def test_a_port_that_is_taken_ends_with_1(control_plane: ControlPlane, tmp_path: Path) -> None:
    """The sentence names the address."""
    mount = SecretMount(tmp_path, Authority("taken").server())
    with listen("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        ended = run(
            "--kubeconfig", str(control_plane.kubeconfig),
            "--bind-address", "127.0.0.1", "--secure-port", port,
            "--tls-cert-file", str(mount.certificate), "--tls-private-key-file", str(mount.key),
        )  # fmt: skip
    assert ended.returncode == 1
    assert f"cannot listen on 127.0.0.1, port {port}: " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_uvicorn_serves_with_the_fast_loop_and_parser(tmp_path: Path) -> None:
    """uvloop, httptools, no access log, and a keep-alive that outlasts the API server's."""
    certificates = _certificates(tmp_path / "tls", Authority("configuration"))
    config = configuration(create_app(FakeEvidence(), Metrics()), certificates, 15)
    config.load()
    assert isinstance(config.http_protocol_class, type)
    assert issubclass(config.http_protocol_class, HttpToolsProtocol)
    assert config.ssl is certificates.context
    assert config.timeout_keep_alive > 90
