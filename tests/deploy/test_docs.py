"""The pages for administrators: that what they name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from actgate.api.compliance_policy import AssuranceLevel
from tests.deploy.rendering import COMPONENTS, ROOT

COMMANDS = [
    ROOT / "docs" / name
    for name in (
        "attested-evidence.md",
        "ci.md",
        "install.md",
        "model-card.md",
        "pack.md",
        "register.md",
        "training-evidence.md",
        "upgrade.md",
    )
]
CLAIMS = [ROOT / "docs" / name for name in ("client-certificates.md", "rights.md", "threat-model.md")]


@pytest.mark.parametrize("page", [*COMMANDS, *CLAIMS], ids=lambda page: page.stem)
def test_every_link_leads_somewhere(page: Path) -> None:
    """To a file, and where it names one, to a heading."""
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8")):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        text = (page.parent / path if path else page).read_text("utf-8")
        headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
        assert not anchor or anchor in anchors, target


@pytest.mark.parametrize("page", COMMANDS, ids=lambda page: page.stem)
def test_every_folder_and_file_of_a_command_exists(page: Path) -> None:
    """Whoever copies a command finds what it applies."""
    for path in re.findall(r"\b(?:deploy|examples|crds)(?:/[\w./-]+)?", page.read_text("utf-8")):
        assert (ROOT / path.rstrip(".")).exists(), path


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


def test_every_component_is_told_of() -> None:
    """But that of Argo CD, which is part of its overlay."""
    text = (ROOT / "docs" / "install.md").read_text("utf-8")
    assert [name for name in COMPONENTS if f"| `{name}` |" not in text] == ["argocd-waves"]
