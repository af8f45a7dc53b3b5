"""The guide from declared to attested evidence: its commands run as they are written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.examples.conftest import ROOT

GUIDE = ROOT / "docs" / "attested-evidence.md"


def commands() -> list[str]:
    """Return the commands of the guide, in their order."""
    blocks = re.findall(r"^```console\n(.*?)^```", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", "")
    return re.findall(r"^\$ (.+)$", lines, re.MULTILINE)


def test_every_command_without_a_cluster_succeeds(tmp_path: Path) -> None:
    """One after the other in one folder, from making keys to the last approval."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    found = [command for command in commands() if not command.startswith("kubectl ")]
    assert len(found) > 5
    for command in found:
        done = subprocess.run(  # noqa: S602 - the guide's own commands
            command,
            shell=True,
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
