"""One version: stated in ``core/actgate/version.py``, and followed by every file that repeats it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from actgate.version import VERSION
from tests.tools.conftest import ROOT
from tools import generate, versions

OWN_FACTS = {"adr", "performance.md"}
"""What was decided and measured at a version stays as it was."""


def run(checkout: Path, *arguments: str) -> int:
    """Run the tool on a checkout."""
    return generate.main(["--root", str(checkout), *arguments])


def test_the_version_is_one_for_python_and_for_helm() -> None:
    """PEP 440 and Semantic Versioning agree on three numbers, and on no pre-release."""
    assert re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", VERSION)


def test_a_file_with_another_version_fails_and_is_written_anew(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An image tag that was forgotten would install the release before under the new one's name."""
    before = {path: (checkout / path).read_text("utf-8") for path in versions.FOLLOWERS}
    for path, text in before.items():
        (checkout / path).write_text(text.replace(VERSION, "9.8.7rc1"), encoding="utf-8")
    assert run(checkout, "--check") == 1
    assert capsys.readouterr().err.startswith(f"error: {', '.join(sorted(before))}: ")
    assert run(checkout) == 0
    assert {path: (checkout / path).read_text("utf-8") for path in before} == before


def test_a_new_version_reaches_every_place_and_nothing_else(checkout: Path) -> None:
    """Where a file states it twice, as the tags of both images, both follow."""
    for path, text in versions.followed(checkout, version="9.8.7").items():
        before = (checkout / path).read_text("utf-8")
        assert VERSION not in text, path
        assert text == before.replace(VERSION, "9.8.7"), path


def test_a_place_that_is_gone_is_reported(checkout: Path) -> None:
    """A pattern that finds nothing guards nothing."""
    (checkout / "docs" / "install.md").write_text("# Install\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"^docs/install\.md: states no version after "):
        versions.followed(checkout)


def test_no_other_file_of_an_installation_states_the_version() -> None:
    """A new place is found by its text, and belongs into ``versions.FOLLOWERS``."""
    folders = (ROOT / "deploy", ROOT / "docs", ROOT / "operator", ROOT / "webhook", ROOT / "core")
    stating = {
        str(path.relative_to(ROOT))
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file()
        and path.suffix in {"", ".md", ".yaml", ".json", ".py", ".toml"}
        and OWN_FACTS.isdisjoint(path.relative_to(folder).parts)
        and VERSION in path.read_text("utf-8")
    }
    assert stating == {*versions.FOLLOWERS, "core/actgate/version.py"}
