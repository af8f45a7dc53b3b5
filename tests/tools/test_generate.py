"""Generated files: what is stale fails, and is written anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.conftest import ROOT
from tools import generate


def run(checkout: Path, *arguments: str) -> int:
    """Run the tool on a checkout."""
    return generate.main(["--root", str(checkout), *arguments])


def test_the_generated_files_are_current() -> None:
    """What stands in this checkout is what its code generates."""
    assert run(ROOT, "--check") == 0


def test_a_changed_file_fails_and_is_generated_anew(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line too much in any of them is found, named, and gone after `make generate`."""
    for path in sorted(generate.generated()):
        file = checkout / path
        before = file.read_text("utf-8")
        file.write_text(before + "# by hand\n", encoding="utf-8")
        assert run(checkout, "--check") == 1, path
        found = capsys.readouterr().err
        assert found == f"error: {path}: not what the code generates; run `make generate`\n"
        assert file.read_text("utf-8") != before, path
        assert run(checkout) == 0, path
        assert file.read_text("utf-8") == before, path


def test_a_missing_file_fails_and_is_generated(checkout: Path) -> None:
    """A file that was never written is stale as well."""
    (checkout / "docs" / "rules.md").unlink()
    assert run(checkout, "--check") == 1
    assert run(checkout) == 0
    assert run(checkout, "--check") == 0


def test_what_a_folder_should_not_hold_fails_and_is_removed(checkout: Path) -> None:
    """A kind that is gone leaves no definition behind, and what is not a YAML file is left alone."""
    left = checkout / "crds" / "gone.actgate.dev.yaml"
    left.write_text("kind: CustomResourceDefinition\n", encoding="utf-8")
    assert run(checkout, "--check") == 1
    assert run(checkout) == 0
    assert not left.exists()
    assert (checkout / "crds" / "Kustomization").exists()


def test_a_part_can_be_generated_alone(checkout: Path) -> None:
    """`make crds` leaves the pages as they are."""
    (checkout / "docs" / "rules.md").write_text("", encoding="utf-8")
    assert run(checkout, "crds") == 0
    assert (checkout / "docs" / "rules.md").read_text("utf-8") == ""
    assert run(checkout, "docs") == 0
    assert run(checkout, "--check") == 0
