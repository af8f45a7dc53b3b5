"""A copy of what the checks of stale files read, to be broken on purpose."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Copy pyproject.toml, the locks and the generated files of this checkout."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    generated = ("core/actgate/cli/report", "operator/actgate_operator/registration")
    for folder in ("requirements", "crds", "docs", "deploy", *generated):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path
