"""Rotations of leaf and authority while the API server asks the webhook about one write after the other."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from actgate_operator.certificates import pki
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import Rest
from tests.operator.certificates.mounting import following
from tests.operator.certificates.reconciled import AUTHORITIES, LEAF, Kept, reconciling
from tests.operator.world import World
from tests.support import crds
from tests.support.waiting import eventually, wait_until
from tests.webhook.process import WebhookProcess, running

SETTLING = timedelta(seconds=1)


@pytest.fixture
def webhook(
    control_plane: ControlPlane, rest: Rest, namespace: str, tmp_path: Path
) -> Iterator[WebhookProcess]:
    """A webhook that knows evidence for a model; its first certificate is of no known authority."""
    crds.install(rest)
    World(rest, namespace).manifest()
    with running(tmp_path / "webhook", control_plane.kubeconfig, "--tls-reload-interval", "100ms") as process:
        process.wait_until_ready()
        yield process


@asynccontextmanager
async def rotating(
    plane: ControlPlane, rest: Rest, namespace: str, webhook: WebhookProcess
) -> AsyncIterator[Kept]:
    """Let a reconciler run, and the webhook serve what it makes; yields once the webhook answers."""
    mounter = plane.rest()
    async with reconciling(plane.kubeconfig, rest, namespace, settling=SETTLING) as kept:
        await asyncio.to_thread(kept.install, webhook.port)
        task = asyncio.create_task(kept.reconciler.run())
        with following(mounter, kept.secret_path(LEAF), webhook.mount):
            try:
                await eventually(lambda: asyncio.to_thread(answers, kept))
                yield kept
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
    mounter.close()


def answers(kept: Kept) -> bool:
    """Return whether the probe succeeded, the last time."""
    return kept.value("webhook_up") == 1


class Writes:
    """Creates models again and again, with evidence and without, and notes what was decided wrongly."""

    def __init__(self, rest: Rest, namespace: str) -> None:
        self._rest = rest
        self._namespace = namespace
        self.done = 0
        self.wrong: list[str] = []
        self.stop = threading.Event()

    def run(self) -> None:
        """Write until `stop` is set."""
        path = crds.collection("ModelDeployment", self._namespace)
        while not self.stop.is_set():
            name = f"model-{self.done}"
            self._create(name, 201)
            self._create(f"{name}-without-evidence", 403, complianceManifestRef={"name": "absent"})
            self._rest("DELETE", f"{path}/{name}")
            self.done += 1

    def _create(self, name: str, expected: int, **changes: object) -> None:
        spec = crds.deployment_spec(**changes)
        reply = crds.create(self._rest, "ModelDeployment", name, spec, self._namespace)
        if reply.status != expected:
            self.wrong.append(f"{reply.status} {reply.message}")


@contextmanager
def writing(plane: ControlPlane, namespace: str) -> Iterator[Writes]:
    """Write until the block ends; every call has succeeded, and every decision was right."""
    rest = plane.rest()
    writes = Writes(rest, namespace)
    thread = threading.Thread(target=writes.run, name="writes")
    thread.start()
    try:
        wait_until(lambda: writes.done > 20)
        yield writes
        seen = writes.done
        wait_until(lambda: writes.done > seen + 20)
    finally:
        writes.stop.set()
        thread.join()
        rest.close()
    assert writes.wrong == []


def served(webhook: WebhookProcess) -> x509.Certificate:
    """Return the certificate that a new connection sees."""
    pem = ssl.get_server_certificate(("127.0.0.1", webhook.port))
    return x509.load_pem_x509_certificate(pem.encode())


def serves_newest(kept: Kept, webhook: WebhookProcess, but: x509.Certificate) -> bool:
    """Return whether the webhook serves what the Secret holds, and that is another one than before."""
    leaf = kept.state().leaf
    return leaf is not None and leaf.pair.certificate != but and served(webhook) == leaf.pair.certificate


@pytest.mark.parametrize("cause", ["it is due", "its Secret is deleted"])
async def test_a_leaf_is_rotated_without_a_failed_call(
    control_plane: ControlPlane, rest: Rest, namespace: str, webhook: WebhookProcess, cause: str
) -> None:
    """A new one is made, mounted and loaded under a stream of writes; each of them is judged and let in."""
    async with rotating(control_plane, rest, namespace, webhook) as kept:
        first = served(webhook)
        with writing(control_plane, namespace):
            if cause == "it is due":
                kept.offset[0] = pki.LEAF_LIFETIME.total_seconds() * 0.7
            else:
                assert rest("DELETE", kept.secret_path(LEAF)).status == 200
            await eventually(lambda: asyncio.to_thread(serves_newest, kept, webhook, first))
        assert await eventually(lambda: asyncio.to_thread(answers, kept))


@pytest.mark.parametrize("cause", ["it is due", "its Secret is deleted"])
async def test_an_authority_is_rotated_without_a_failed_call(
    control_plane: ControlPlane, rest: Rest, namespace: str, webhook: WebhookProcess, cause: str
) -> None:
    """Trusted first, signing then: the last call by the old one and the first by the new one both succeed."""
    async with rotating(control_plane, rest, namespace, webhook) as kept:
        first, old = served(webhook), kept.state().authorities.current
        assert old is not None
        with writing(control_plane, namespace):
            if cause == "it is due":
                kept.offset[0] = pki.AUTHORITY_LIFETIME.total_seconds() * 0.67
            else:
                assert rest("DELETE", kept.secret_path(AUTHORITIES)).status == 200
            await eventually(lambda: asyncio.to_thread(signed_anew, kept, webhook, old))
        state = kept.state()
        assert state.authorities.current is not None
        assert state.registration is not None
        assert state.authorities.current != old
        assert pki.issued_by(served(webhook), state.authorities.current.certificate)
        assert state.registration.trusts(old.certificate)
        assert served(webhook) != first


def signed_anew(kept: Kept, webhook: WebhookProcess, old: pki.Pair) -> bool:
    """Return whether another authority signs, and the webhook serves what it signed."""
    current = kept.state().authorities.current
    if current is None or current.certificate == old.certificate:
        return False
    return pki.issued_by(served(webhook), current.certificate)


async def test_the_probe_shows_what_is_wrong(
    control_plane: ControlPlane,
    rest: Rest,
    namespace: str,
    webhook: WebhookProcess,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No server, a certificate of another authority, and then an answer: each is logged once."""
    caplog.set_level("INFO", logger="actgate_operator")
    async with reconciling(control_plane.kubeconfig, rest, namespace) as kept:
        await kept.reconciler.reconcile()
        assert kept.value("webhook_up") == 0
        kept.install(webhook.port)
        await kept.reconciler.reconcile()
        await kept.reconciler.reconcile()
        assert kept.value("webhook_up") == 0
        leaf = kept.state().leaf
        assert leaf is not None
        webhook.mount.write(leaf.pair.certificate_pem, leaf.pair.key_pem)
        await eventually(lambda: asyncio.to_thread(lambda: served(webhook) == leaf.pair.certificate))
        await kept.reconciler.reconcile()
        assert kept.value("webhook_up") == 1
    messages = [
        record.getMessage() for record in caplog.records if "as it is registered" in record.getMessage()
    ]
    assert len(messages) == 3
    assert "it is not registered" in messages[0]
    assert "CERTIFICATE_VERIFY_FAILED" in messages[1]
    assert "the webhook answers" in messages[2]


async def test_a_webhook_that_asks_for_the_api_server_s_certificate_has_answered(
    control_plane: ControlPlane, rest: Rest, namespace: str, tmp_path: Path
) -> None:
    """We are refused, over the connection that the API server would have been answered on."""
    crds.install(rest)
    authority = tmp_path / "client-ca.crt"
    authority.write_bytes(control_plane.ca)
    flags = (
        "--tls-reload-interval",
        "100ms",
        "--client-ca-file",
        str(authority),
        "--client-allowed-names",
        "kube-apiserver",
    )
    with running(tmp_path / "webhook", control_plane.kubeconfig, *flags) as process:
        process.wait_until_ready()
        async with rotating(control_plane, rest, namespace, process) as kept:
            model = crds.create(rest, "ModelDeployment", "model", crds.deployment_spec(), namespace)
            assert model.status != 201
            assert answers(kept)
