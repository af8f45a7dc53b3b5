"""`python -m demo up`; what the quick start does with it is run by `tests/docs`."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path

import yaml

from actgate_sandbox.rest import Rest

ROOT = Path(__file__).parents[2]


def test_up_serves_until_sigterm(tmp_path: Path) -> None:
    """The definitions are there for who reads the written kubeconfig, and SIGTERM ends it with 0."""
    kubeconfig = tmp_path / "made" / "kubeconfig"
    command = [sys.executable, "-m", "demo", "up", "--engine", "stand-in", "--kubeconfig", str(kubeconfig)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:  # noqa: S603
        assert process.stdout is not None
        try:
            assert f"kubectl --kubeconfig {kubeconfig} " in process.stdout.readline()
            rest = _reader(kubeconfig)
            assert rest("GET", "/apis/actgate.dev/v1alpha1/modeldeployments").status == 200
            rest.close()
        finally:
            process.terminate()
        assert process.wait(timeout=60) == 0


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    """`up` elsewhere says what is missing, and exits with 2."""
    finished = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "demo", "up", "--engine", "stand-in", "--root", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
    )
    assert finished.returncode == 2
    assert "no checkout of actgate" in finished.stderr


def _reader(kubeconfig: Path) -> Rest:
    content = yaml.safe_load(kubeconfig.read_text())
    cluster = content["clusters"][0]["cluster"]
    ca = base64.b64decode(cluster["certificate-authority-data"])
    return Rest(cluster["server"], ca, content["users"][0]["user"]["token"])
