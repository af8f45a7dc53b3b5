"""The webhook as one of several replicas: a process, its mounted certificate, and its clock."""

import re
import ssl
import sys
from datetime import timedelta
from pathlib import Path
from signal import Signals
from typing import Final

from cryptography import x509

from actgate_sandbox.keeper import KeptProcess
from actgate_sandbox.pki import KeyPair
from tests.webhook.secret_mount import SecretMount

_SHIFTED: Final = Path(__file__).with_name("shifted.py")
_LISTENING: Final = re.compile(r"listening on 127\.0\.0\.1, port (\d+)")


class Replica:
    """A webhook that runs until it is terminated, or `close` kills it."""

    def __init__(self, folder: Path, kubeconfig: Path, pair: KeyPair) -> None:
        """Start it; whether it is ready is the balancer's to find out.

        Args:
            folder: Where its files go; it is made.
            kubeconfig: The API server that it reads evidence from.
            pair: The certificate that its Secret holds now.
        """
        folder.mkdir()
        self.mount = SecretMount(folder, pair)
        self._log = folder / "log"
        self._clock = folder / "clock"
        self.set_clock(timedelta())
        self.process = KeptProcess(
            [
                sys.executable, str(_SHIFTED), str(self._clock),
                "--bind-address", "127.0.0.1", "--secure-port", "0", "--kubeconfig", str(kubeconfig),
                "--tls-cert-file", str(self.mount.certificate), "--tls-private-key-file", str(self.mount.key),
                "--tls-reload-interval", "100ms", "--shutdown-delay-duration", "2s", "--replica", folder.name,
            ],
            self._log,
        )  # fmt: skip

    @property
    def port(self) -> int:
        """Where it listens, 0 as long as it does not."""
        assert self.process.running(), self.process.last_words()
        found = _LISTENING.search(self._log.read_text("utf-8"))
        return int(found[1]) if found else 0

    def set_clock(self, ahead: timedelta) -> None:
        """Set its wall clock so much ahead of all others."""
        written = self._clock.with_suffix(".new")
        written.write_text(f"{ahead.total_seconds()}", "ascii")
        written.rename(self._clock)

    def served(self) -> x509.Certificate:
        """Return the certificate that a new connection sees."""
        pem = ssl.get_server_certificate(("127.0.0.1", self.port), timeout=10)
        return x509.load_pem_x509_certificate(pem.encode())

    def signal(self, number: Signals) -> None:
        """Send a signal."""
        self.process.signal(number)

    def close(self) -> None:
        """Kill it if it still runs."""
        self.process.stop()
