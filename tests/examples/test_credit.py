"""The example on real persons: from data to the verdict; it needs the wheel of ``make example-credit``."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples.conftest import ROOT

pytestmark = pytest.mark.system


def test_german_credit_is_signed_by_three_parties_and_refused(tmp_path: Path) -> None:
    """The script ends well only where its pack verifies, and the verdict is a refusal."""
    wheels = os.environ.get("ACTGATE_REAL_DATA")
    if not wheels:
        pytest.skip("ACTGATE_REAL_DATA names no folder with the wheel of tests/pipeline/audit/real-data.txt")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(  # noqa: S603 - our own example
        [ROOT / "examples/credit/run.sh", wheels, tmp_path / "credit", sys.executable],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "level Attested" in done.stdout
    assert "INCONCLUSIVE sex demographic_parity_difference" in done.stdout
