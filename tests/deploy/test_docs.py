"""docs/install.md and docs/upgrade.md: that what they name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.deploy.rendering import COMPONENTS, ROOT

PAGES = [ROOT / "docs" / name for name in ("install.md", "upgrade.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_somewhere(page: Path) -> None:
    """To a file, and where it names one, to a heading."""
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8")):
        path, _, anchor = target.partition("#")
        text = (page.parent / path).read_text("utf-8")
        headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
        assert not anchor or anchor in anchors, target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_folder_and_file_of_a_command_exists(page: Path) -> None:
    """Whoever copies a command finds what it applies."""
    for path in re.findall(r"\b(?:deploy|examples|crds)(?:/[\w./-]+)?", page.read_text("utf-8")):
        assert (ROOT / path.rstrip(".")).exists(), path


def test_every_component_is_told_of() -> None:
    """But that of Argo CD, which is part of its overlay."""
    text = (ROOT / "docs" / "install.md").read_text("utf-8")
    assert [name for name in COMPONENTS if f"| `{name}` |" not in text] == ["argocd-waves"]
