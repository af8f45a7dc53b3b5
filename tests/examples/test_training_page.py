"""The page about training evidence: its commands run as they are written."""

from pathlib import Path

import pytest

from tests.examples import pages
from tests.examples.conftest import ROOT

pytestmark = pytest.mark.system


def test_every_command_succeeds_but_for_the_verdict(tmp_path: Path) -> None:
    """From training to signed provenance; a high-risk model that nothing audited does not pass."""
    found = pages.commands(ROOT / "docs" / "training-evidence.md")
    assert len(found) == 6
    for command in found:
        done = pages.run(command, tmp_path, {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""})
        expected = 1 if "verify" in command else 0
        assert done.returncode == expected, f"{command}\n{done.stdout}{done.stderr}"
