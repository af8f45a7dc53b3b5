"""The page about packs: its commands run as they are written."""

from pathlib import Path

import pytest

from tests.examples import pages
from tests.examples.conftest import ROOT

pytestmark = pytest.mark.system


def test_every_command_succeeds(tmp_path: Path) -> None:
    """From the pack to the auditor's folder."""
    found = pages.commands(ROOT / "docs" / "pack.md")
    assert len(found) == 7
    for command in found:
        done = pages.run(command, tmp_path)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
