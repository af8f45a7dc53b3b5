"""What the pages claim and name: the files, the tests that show a claim, the components."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from actgate.api.compliance_policy import AssuranceLevel
from tests.deploy.rendering import COMPONENTS
from tests.docs import pages
from tests.docs.pages import ROOT

CLAIMS = [ROOT / "docs" / name for name in ("client-certificates.md", "rights.md", "threat-model.md")]


def test_every_folder_and_file_that_a_page_names_exists() -> None:
    """In commands and in text."""
    for page in pages.pages():
        if page.name != "CHANGELOG.md":
            for path in re.findall(
                r"(?<![\w/.-])(?:deploy|examples|crds)/[\w./*-]*[\w*]", page.read_text("utf-8")
            ):
                assert [*ROOT.glob(path)], f"{page}: {path}"


@pytest.mark.parametrize("page", CLAIMS, ids=lambda page: page.stem)
def test_every_test_and_file_that_shows_a_claim_exists(page: Path) -> None:
    """A promise without its test is none."""
    named = re.findall(r"`((?:tests|deploy|examples)/[\w./-]+)`", page.read_text("utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_threat_has_a_test_that_shows_what_stops_it() -> None:
    """In the last column of the first table, or the words that nothing does."""
    text = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
    table = text.split("| threat |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    assert len(table) > 15
    for row in table:
        shown = row.rstrip("| ").rpartition("|")[2]
        assert re.search(r"`tests/|`deploy/|`examples/|performance", shown), row


def test_what_a_liar_can_still_do_is_shown_for_every_level() -> None:
    """By tests, or by examples of what is refused."""
    text = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
    rows = text.split("| level |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    named = [row.split("|")[1] for row in rows]
    assert [level for level in AssuranceLevel if not any(f"`{level}`" in name for name in named)] == []
    for row in rows:
        assert re.search(r"`tests/|`examples/", row.rstrip("| ").rpartition("|")[2]), row


def test_every_component_is_documented() -> None:
    """But that of Argo CD, which is part of its overlay."""
    text = (ROOT / "docs" / "install.md").read_text("utf-8")
    assert [name for name in COMPONENTS if f"| `{name}` |" not in text] == ["argocd-waves"]
