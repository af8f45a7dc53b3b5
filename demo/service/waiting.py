"""What running any service takes: a free port, and waiting until the process says that it is ready."""

import socket
import time
from collections.abc import Callable
from typing import Final

import urllib3

from actgate_sandbox.errors import SandboxError
from actgate_sandbox.keeper import KeptProcess

READY_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.1


def free_port() -> int:
    """Return a TCP port on loopback on which no process listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_ready(name: str, process: KeptProcess, get: Callable[[str], tuple[int, str]]) -> None:
    """Return when a service answers 200 on ``/readyz``.

    Args:
        name: What to call it in an error, such as "the webhook".
        process: The process that serves.
        get: Reads one of its pages: the status and the text.

    Raises:
        SandboxError: When it ends, or does not become ready in time.
    """
    deadline = time.monotonic() + READY_SECONDS
    page = "it does not listen"
    while time.monotonic() < deadline:
        if not process.running():
            raise SandboxError(f"{name} ended: {process.last_words()}")
        try:
            status, page = get("/readyz?verbose")
        except urllib3.exceptions.HTTPError:
            status = 0
        if status == 200:
            return
        time.sleep(_POLL_SECONDS)
    raise SandboxError(f"{name} was not ready within {READY_SECONDS:.0f} s: {page}")
