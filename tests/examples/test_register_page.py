"""The page about registries: its commands run as they are written, but for those that need a cluster."""

from pathlib import Path

import pytest

from tests.examples import pages
from tests.examples.conftest import ROOT
from tests.support.mlflow import FakeMlflow, serving

pytestmark = pytest.mark.system


def test_every_command_without_a_cluster_succeeds(tmp_path: Path) -> None:
    """A database, and an MLflow server."""
    found = pages.commands(ROOT / "docs" / "register.md")
    here = [command for command in found if "kube" not in command]
    assert (len(found), len(here)) == (9, 6)
    (tmp_path / "run").mkdir()
    with serving(FakeMlflow()) as url:
        for command in here:
            done = pages.run(command, tmp_path, {"MLFLOW": url})
            assert done.returncode == 0, f"{command}\n{done.stderr}"
