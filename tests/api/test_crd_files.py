"""The files in `crds/`: current, deterministic, and within what an API server takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.crds import FOLDER
from tools.crd import definitions, render


def test_the_files_are_what_the_models_generate() -> None:
    """`crds/` is not stale, holds no other file, and is written by `make crds` alone."""
    written = {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.yaml")}
    assert written == {name: render(crd) for name, crd in definitions().items()}, "run `make crds`"


@pytest.mark.system
def test_another_process_generates_the_same_text(tmp_path: Path) -> None:
    """No set order and no address gets into the files."""
    command = [sys.executable, "-m", "tools.generate", "--root", str(tmp_path / "new"), "crds"]
    for seed in ("1", "2"):
        subprocess.run(command, check=True, timeout=120, env={"PYTHONHASHSEED": seed})  # noqa: S603
        for path in (tmp_path / "new" / "crds").iterdir():
            assert path.read_bytes() == (FOLDER / path.name).read_bytes()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.name)
def test_a_file_fits_into_an_annotation(path: Path) -> None:
    """`kubectl apply` keeps the whole object in an annotation, and those end at 256 KiB."""
    assert path.stat().st_size < 100_000


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.name)
def test_a_file_is_plain_yaml(path: Path) -> None:
    """No anchors, no tags: every tool reads it, and a diff shows what changed."""
    lines = path.read_text("utf-8").splitlines()
    assert not [line for line in lines if ": &" in line or ": *" in line or ": !" in line]
