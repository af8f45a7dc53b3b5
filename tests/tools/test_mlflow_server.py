"""The command beside an MLflow server; in its place, a program that has a worker and answers as healthy."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.waiting import wait_until
from tools.mlflow_server import main

pytestmark = pytest.mark.system

SERVER = f"""#!{sys.executable}
import http.server, os, sys

class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()

    def log_message(self, *arguments):
        pass

worker = os.fork()
if worker:
    open("worker", "w").write(str(worker))
    os.wait()
else:
    port = int(sys.argv[sys.argv.index("--port") + 1])
    http.server.HTTPServer(("127.0.0.1", port), Health).serve_forever()
"""
CLIENT = """import os, sys, urllib.request
url = os.environ["MLFLOW_TRACKING_URI"]
sys.exit(7 if urllib.request.urlopen(url + "/health").status == 200 else 1)
"""


def program(path: Path, text: str) -> str:
    """Write a program, and return its path."""
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_the_command_finds_the_server_and_says_how_it_ended(tmp_path: Path) -> None:
    """By the variable of MLflow's own clients; afterwards nothing is left, the server's worker included."""
    server = program(tmp_path / "server", SERVER)
    folder = tmp_path / "made" / "for it"
    assert main([server, str(folder), "--", sys.executable, "-c", CLIENT]) == 7
    wait_until(lambda: has_ended((folder / "worker").read_text("utf-8")))


def has_ended(pid: str) -> bool:
    """Return whether a process is gone, or a zombie; it takes a moment to end after its signal."""
    try:
        return (Path("/proc") / pid / "stat").read_text("utf-8").rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_server_that_ends_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With its last words and the place of the others; the command is not run."""
    server = program(tmp_path / "server", "#!/bin/sh\necho first\necho 'no such option' >&2\nexit 3\n")
    mark = tmp_path / "mark"
    assert main([server, str(tmp_path / "f"), "--", "touch", str(mark)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: MLflow ended with code 3: no such option (see ")
    assert error.count("\n") == 1
    assert not mark.exists()


def test_a_server_that_is_not_there_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And so is a command line without a command."""
    absent = str(tmp_path / "absent")
    assert main([absent, str(tmp_path / "f"), "--", "true"]) == 2
    assert capsys.readouterr().err == f"error: {absent} cannot be run: No such file or directory\n"
    assert main([absent, str(tmp_path / "f")]) == 2
    assert capsys.readouterr().err.startswith("usage: ")
