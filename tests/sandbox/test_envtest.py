from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from actgate_sandbox import control_plane as sandbox
from actgate_sandbox.envtest import EnvTest, missing_binaries
from actgate_sandbox.errors import SandboxError
from actgate_sandbox.keeper import KeptProcess
from tests.support.waiting import wait_until


def test_missing_binaries_are_named_with_the_way_to_get_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without binaries the engine says which are missing, where it looked and what to do."""
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    assert missing_binaries() == ["etcd", "kube-apiserver"]
    with pytest.raises(SandboxError, match=r"etcd and kube-apiserver not found in .*setup-envtest"):
        EnvTest()


def test_workloads_need_the_controller_manager(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Deployments roll out only where `kube-controller-manager` is; it is named like the others."""
    for name in ("etcd", "kube-apiserver"):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    assert missing_binaries() == []
    with pytest.raises(SandboxError, match=r"^kube-controller-manager not found in .*setup-envtest"):
        sandbox.start("envtest", workloads=True)


def test_a_process_that_ends_at_once_is_reported_with_its_last_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A broken binary ends in one error that carries the output of the binary, and nothing stays."""
    for name in ("etcd", "kube-apiserver"):
        script = tmp_path / name
        script.write_text("#!/bin/sh\necho no such flag >&2\nexit 3\n")
        script.chmod(0o755)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(SandboxError, match=r"etcd ended before it was ready:\nno such flag"):
        sandbox.start("envtest")
    assert list(tmp_path.glob("envtest-*")) == []


def test_a_stopped_process_is_gone(tmp_path: Path) -> None:
    """`stop` ends the child itself, not only its keeper."""
    pid_file = tmp_path / "pid"
    process = KeptProcess(("/bin/sh", "-c", f"echo $$ > {pid_file}; exec sleep 600"), tmp_path / "log")
    pid = int(wait_until(lambda: pid_file.exists() and pid_file.read_text()))
    process.stop()
    wait_until(lambda: not _alive(pid))
    assert not process.running()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_reaches_the_process_and_its_end_is_reported(tmp_path: Path, number: signal.Signals) -> None:
    """A process that was ended by a signal is distinguished from one that ended by itself."""
    process = KeptProcess(("/bin/sh", "-c", "exec sleep 600"), tmp_path / "log")
    process.signal(number)
    assert process.wait() == -number
    process.signal(number)
    process.stop()


def test_an_exit_code_is_reported(tmp_path: Path) -> None:
    """A process that ends by itself says how."""
    process = KeptProcess(("/bin/sh", "-c", "exit 3"), tmp_path / "log")
    assert process.wait() == 3
    process.stop()


def test_a_child_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    """A parent that gets SIGKILL cannot clean up; its children go all the same."""
    pid_file = tmp_path / "pid"
    program = (
        "import signal, pathlib; from actgate_sandbox.keeper import KeptProcess; "
        f"KeptProcess(('/bin/sh', '-c', 'echo $$ > {pid_file}; exec sleep 600'), "
        f"pathlib.Path({str(tmp_path / 'log')!r})); signal.pause()"
    )
    parent = subprocess.Popen([sys.executable, "-c", program])  # noqa: S603 - our own program
    pid = int(wait_until(lambda: pid_file.exists() and pid_file.read_text()))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_until(lambda: not _alive(pid))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
