"""The operator as a process whose use of the machine can be read, and its own counts."""

import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.report import ROOT
from demo.service import free_port

WRITES: Final = frozenset({"create", "update", "patch", "delete"})
READS: Final = frozenset({"get", "list"})
_TICKS: Final = 100.0
"""Clock ticks a second in ``/proc``, on every Linux in use."""


class OperatorProcess:
    """A running operator."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process = process
        self._port = port

    def requests(self) -> dict[tuple[str, str], int]:
        """Return how many requests it has sent, by verb and resource; lease and discovery apart."""
        found: dict[tuple[str, str], int] = {}
        for labels, value in re.findall(
            r"^actgate_operator_api_requests_total\{(.*)\} (\S+)$", self._page("/metrics"), re.MULTILINE
        ):
            fields = dict(re.findall(r'(\w+)="([^"]*)"', labels))
            if fields["resource"] not in ("", "leases"):
                key = (fields["verb"], fields["resource"])
                found[key] = found.get(key, 0) + int(float(value))
        return found

    def count(self, verbs: frozenset[str]) -> int:
        """Return how many of its requests had one of these verbs."""
        return sum(number for (verb, _), number in self.requests().items() if verb in verbs)

    def metric(self, name: str) -> float:
        """Return the sum of a metric over its labels."""
        found = re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", self._page("/metrics"), re.MULTILINE)
        return sum(map(float, found))

    def cpu_seconds(self) -> float:
        """Return the CPU time that it has used, in user and kernel mode."""
        text = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="utf-8")
        fields = text.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def peak_bytes(self) -> int:
        """Return the most memory that it had resident at any time."""
        text = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        found = re.search(r"^VmHWM:\s+(\d+) kB$", text, re.MULTILINE)
        assert found is not None
        return int(found[1]) * 1024

    def wait_until_ready(self) -> None:
        """Return when it leads and says that it is ready."""
        while not self._ready():
            time.sleep(0.02)

    def wait_until_it_knows(self, models: int) -> None:
        """Return when it has reconciled that many models."""
        while self.metric("actgate_operator_models") < models:
            time.sleep(0.1)

    def wait_until_idle(self) -> None:
        """Return when nothing has waited in its queue for a while."""
        quiet = 0
        while quiet < 10:
            time.sleep(0.1)
            quiet = quiet + 1 if self.metric("actgate_operator_queue_age_seconds") == 0 else 0

    def _ready(self) -> bool:
        try:
            return self._page("/readyz") == "ok" and self.metric("actgate_operator_leader") == 1
        except OSError:
            return False

    def _page(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=10) as reply:
            return str(reply.read().decode())


@contextmanager
def operator(kubeconfig: Path) -> Iterator[OperatorProcess]:
    """Run an operator until the block ends; yields as soon as the process is started."""
    port = free_port()
    command = [
        sys.executable, "-m", "actgate_operator", "--kubeconfig", str(kubeconfig),
        "--bind-address", "127.0.0.1", "--health-port", str(port),
        "--lease-namespace", "default", "--log-level", "WARNING", "--certificates", "External",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT)  # noqa: S603 - our own command
    try:
        yield OperatorProcess(process, port)
    finally:
        process.terminate()
        process.wait(timeout=60)
