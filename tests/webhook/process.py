"""The webhook as a process of its own, as a pod runs it: flags in, signals in, exit code out."""

from __future__ import annotations

import json
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import urllib3

from actgate_sandbox.pki import Authority
from tests.support.waiting import wait_until
from tests.webhook.build import Json, body_of
from tests.webhook.secret_mount import SecretMount

_EXIT_SECONDS = 60.0


class WebhookProcess:
    """A running webhook on loopback."""

    def __init__(self, folder: Path, kubeconfig: Path, *flags: str) -> None:
        self.authority = Authority("webhook process")
        folder.mkdir()
        self.mount = SecretMount(folder, self.authority.server())
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                [
                    sys.executable, "-m", "actgate_webhook",
                    "--bind-address", "127.0.0.1", "--secure-port", "0", "--kubeconfig", str(kubeconfig),
                    "--tls-cert-file", str(self.mount.certificate),
                    "--tls-private-key-file", str(self.mount.key),
                    *flags,
                ],
                stderr=log,
            )  # fmt: skip
        self.port = wait_until(self._port)
        context = ssl.create_default_context(cadata=self.authority.certificate.decode())
        self._pool = urllib3.PoolManager(ssl_context=context, timeout=urllib3.Timeout(60), retries=False)

    def _port(self) -> int:
        assert self._process.poll() is None, self.log()
        found = re.search(r"listening on 127\.0\.0\.1, port (\d+)", self.log())
        return int(found[1]) if found else 0

    def resident_mib(self) -> float:
        """Return the memory that it has now, in MiB."""
        return self._memory("VmRSS")

    def peak_mib(self) -> float:
        """Return the most memory that it ever had, in MiB."""
        return self._memory("VmHWM")

    def _memory(self, what: str) -> float:
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return int(status.partition(f"{what}:")[2].split()[0]) / 1024

    def log(self) -> str:
        """Return what it has logged so far."""
        return self._log.read_text(encoding="utf-8")

    def get(self, path: str) -> tuple[int, str]:
        """Return status and text of a page, over a connection of its own."""
        reply = self._pool.request(
            "GET", f"https://localhost:{self.port}{path}", headers={"Connection": "close"}
        )
        return reply.status, reply.data.decode()

    def ask(self, review: Json, timeout: str = "30s") -> Json:
        """Return the response to a review."""
        reply = self._pool.request(
            "POST",
            f"https://localhost:{self.port}/validate?timeout={timeout}",
            body=body_of(review),
            headers={"Content-Type": "application/json"},
        )
        assert reply.status == 200, reply.data
        response: Json = json.loads(reply.data)["response"]
        return response

    def wait_until_ready(self) -> None:
        """Return when ``/readyz`` says so."""
        wait_until(self._ready)

    def _ready(self) -> bool:
        status, text = self.get("/readyz")
        assert status == 200, text
        return True

    def signal(self, number: int = signal.SIGTERM) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def exit_code(self) -> int:
        """Wait for the end and return the exit code."""
        return self._process.wait(_EXIT_SECONDS)

    def close(self) -> None:
        """End the process if it still runs."""
        self._pool.clear()
        self._process.kill()
        self._process.wait(_EXIT_SECONDS)


@contextmanager
def running(folder: Path, kubeconfig: Path, *flags: str) -> Iterator[WebhookProcess]:
    """Run a webhook until the block ends."""
    process = WebhookProcess(folder, kubeconfig, *flags)
    try:
        yield process
    finally:
        process.close()
