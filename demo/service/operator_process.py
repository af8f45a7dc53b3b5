"""The operator as a process of its own, with the arguments that a pod would have."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import urllib3

from actgate_sandbox.keeper import KeptProcess
from demo.service.waiting import free_port, wait_until_ready


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator whose pages are served on loopback, in plain HTTP."""

    port: int
    process: KeptProcess
    """To be terminated, stopped for a while, or killed."""
    log: Path
    """What it logs."""

    def get(self, path: str) -> tuple[int, str]:
        """Return the status and the text of one of its pages, such as ``/readyz?verbose``."""
        with urllib3.PoolManager(timeout=urllib3.Timeout(10), retries=False) as pool:
            reply = pool.request("GET", f"http://127.0.0.1:{self.port}{path}")
            return reply.status, reply.data.decode()


def arguments(kubeconfig: Path, port: int) -> list[str]:
    """Return the flags of an operator that works on a cluster of the sandbox."""
    return [
        "--kubeconfig", str(kubeconfig), "--bind-address", "127.0.0.1", "--health-port", str(port),
        # What the sandbox registers has a certificate of the sandbox.
        "--lease-namespace", "default", "--certificates", "External",
    ]  # fmt: skip


@contextmanager
def operator(kubeconfig: Path, *flags: str, wait: bool = True) -> Iterator[Operator]:
    """Run ``actgate_operator`` until the block ends; yields when it says that it is ready.

    Args:
        kubeconfig: The cluster that it works on.
        flags: More of its flags, such as ``--identity a``; they win over those that are set here.
        wait: Whether to wait until it is ready; one that is to fail never will be.

    Raises:
        SandboxError: When it ends, or does not become ready in time.
    """
    with tempfile.TemporaryDirectory(prefix="actgate-operator-") as directory:
        log = Path(directory) / "log"
        log.touch()
        port = free_port()
        process = KeptProcess(
            [sys.executable, "-m", "actgate_operator", *arguments(kubeconfig, port), *flags], log
        )
        try:
            service = Operator(port, process, log)
            if wait:
                wait_until_ready("the operator", process, service.get)
            yield service
        finally:
            process.stop()
