"""The commands that a page of the docs shows, and how they are run: as its reader runs them."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.examples.conftest import ROOT


def commands(page: Path) -> list[str]:
    """Return the commands of a page, in their order."""
    blocks = re.findall(r"^```console\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return re.findall(r"^\$ (.+)$", "".join(blocks).replace("\\\n", ""), re.MULTILINE)


def run(command: str, folder: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder that has ``examples``, with ``actgate`` on its path."""
    if not (folder / "examples").exists():
        (folder / "examples").symlink_to(ROOT / "examples")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(  # noqa: S602 - the page's own commands
        command,
        shell=True,
        cwd=folder,
        env={**os.environ, "PATH": path, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
