"""A command beside a real MLflow server: ``python -m tools.mlflow_server MLFLOW FOLDER -- COMMAND...``.

MLFLOW is the executable of an environment of its own (``make mlflow``): nothing of actgate imports MLflow.
The server listens on loopback at a free port, keeps everything in FOLDER, sends nothing to others, and is
stopped when the command ends; the command finds it in ``MLFLOW_TRACKING_URI``.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_START_SECONDS: Final = 300
_STOP_SECONDS: Final = 20
_QUIET: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "DO_NOT_TRACK": "true",
}


class ServerError(Exception):
    """The server does not start, in one sentence."""


@contextmanager
def serving(executable: Path, folder: Path) -> Iterator[str]:
    """Run a server until the block ends; yields its URL once it answers.

    Raises:
        ServerError: When it ends, or does not answer in time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    log = folder / "server.log"
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        str(executable), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}",
        "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    with log.open("wb") as output:
        # Its workers are processes of the same session, which a signal to the first alone would leave behind.
        try:
            server = subprocess.Popen(  # noqa: S603 - our own command line, no shell
                command,
                cwd=folder,
                env={**os.environ, **_QUIET},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise ServerError(f"{executable} cannot be run: {error.strerror}") from error
    try:
        _wait(server, url, log)
        yield url
    finally:
        _stop(server)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code, or 2 where there is no server."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if len(given) < 4 or given[2] != "--":
        print("usage: python -m tools.mlflow_server MLFLOW FOLDER -- COMMAND...", file=sys.stderr)
        return 2
    try:
        with serving(Path(given[0]).absolute(), Path(given[1])) as url:
            print(f"MLflow is serving {url}", flush=True)
            command = given[3:]
            environ = {**os.environ, "MLFLOW_TRACKING_URI": url}
            return subprocess.run(command, check=False, env=environ).returncode  # noqa: S603 - what the user asks for
    except ServerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            last = log.read_text("utf-8", "replace").strip().splitlines()[-1:]
            raise ServerError(f"MLflow ended with code {server.returncode}: {''.join(last)} (see {log})")
        try:
            with opener.open(f"{url}/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise ServerError(f"MLflow did not answer within {_START_SECONDS} s (see {log})")


def _stop(server: subprocess.Popen[bytes]) -> None:
    """End the whole session: politely, then what is left of it."""
    for sent in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, sent)
            server.wait(_STOP_SECONDS)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


if __name__ == "__main__":
    sys.exit(main())
