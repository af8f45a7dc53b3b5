"""The webhook as a process of its own, with the arguments that a pod would have."""

import json
import re
import ssl
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import urllib3

from actgate_sandbox.errors import SandboxError
from actgate_sandbox.keeper import KeptProcess
from actgate_sandbox.pki import Authority
from demo.service.waiting import READY_SECONDS, free_port, wait_until_ready


@dataclass(frozen=True, slots=True)
class Service:
    """A webhook that answers on loopback."""

    port: int
    ca: bytes
    """The authority that signed its certificate, PEM."""
    process: KeptProcess
    log: Path
    """What it logs, one JSON object a line."""

    def get(self, path: str) -> tuple[int, str]:
        """Return the status and the text of one of its pages."""
        with _pool(self.ca) as pool:
            reply = pool.request("GET", f"https://127.0.0.1:{self.port}{path}")
            return reply.status, reply.data.decode()

    def post(self, path: str, document: object) -> tuple[int, object]:
        """Send JSON, and return the status and the JSON that came back."""
        with _pool(self.ca) as pool:
            reply = pool.request("POST", f"https://127.0.0.1:{self.port}{path}", json=document)
            return reply.status, json.loads(reply.data)

    def knows(self, resource: str) -> int:
        """Return how many objects of a resource, such as compliancepolicies, are in its memory."""
        _, text = self.get("/metrics")
        found = re.search(
            rf'^actgate_webhook_cache_objects{{resource="{resource}"}} (\S+)$', text, re.MULTILINE
        )
        return int(float(found[1])) if found else 0

    def wait_until_it_knows(self, resource: str, count: int) -> None:
        """Return when at least so many objects of a resource are in its memory.

        Raises:
            SandboxError: When they do not get there in time.
        """
        deadline = time.monotonic() + READY_SECONDS
        while self.knows(resource) < count:
            if time.monotonic() > deadline:
                raise SandboxError(f"the webhook never heard of {count} {resource}")
            time.sleep(0.02)


def arguments(kubeconfig: Path, port: int, certificate: Path, key: Path) -> list[str]:
    """Return the flags of a webhook on loopback that reads a cluster."""
    return [
        "--bind-address", "127.0.0.1", "--secure-port", str(port), "--kubeconfig", str(kubeconfig),
        "--tls-cert-file", str(certificate), "--tls-private-key-file", str(key),
    ]  # fmt: skip


@contextmanager
def webhook(kubeconfig: Path, *flags: str) -> Iterator[Service]:
    """Run ``actgate_webhook`` until the block ends; yields when it says that it is ready.

    Args:
        kubeconfig: The cluster whose evidence it reads.
        flags: More of its flags, such as ``--decision-log none``.

    Raises:
        SandboxError: When it ends, or does not become ready in time.
    """
    authority = Authority("actgate webhook")
    pair = authority.server()
    with tempfile.TemporaryDirectory(prefix="actgate-webhook-") as directory:
        folder = Path(directory)
        certificate, key, log = folder / "tls.crt", folder / "tls.key", folder / "log"
        certificate.write_bytes(pair.certificate)
        key.write_bytes(pair.key)
        key.chmod(0o600)
        log.touch()
        port = free_port()
        process = KeptProcess(
            [sys.executable, "-m", "actgate_webhook", *arguments(kubeconfig, port, certificate, key), *flags],
            log,
        )
        try:
            service = Service(port, authority.certificate, process, log)
            wait_until_ready("the webhook", process, service.get)
            yield service
        finally:
            process.stop()


def _pool(ca: bytes) -> urllib3.PoolManager:
    context = ssl.create_default_context(cadata=ca.decode())
    return urllib3.PoolManager(ssl_context=context, timeout=urllib3.Timeout(10), retries=False)
