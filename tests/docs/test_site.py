"""The documentation as a site: every page can be found, and nothing is loaded from other hosts.

``make site`` builds it with MkDocs in strict mode, which tests do not need installed.
"""

from __future__ import annotations

from typing import Any

import yaml

from tests.docs import pages
from tests.docs.pages import ROOT


class Loader(yaml.SafeLoader):
    """Reads ``mkdocs.yml``; what it says of functions is left out."""


Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)


def configuration() -> dict[str, Any]:
    """Return what ``mkdocs.yml`` says."""
    content: dict[str, Any] = yaml.load((ROOT / "mkdocs.yml").read_text("utf-8"), Loader)  # noqa: S506
    return content


def navigation(entries: list[Any]) -> list[str]:
    """Return the pages of a part of the navigation, in its order."""
    found: list[str] = []
    for entry in entries:
        value = next(iter(entry.values())) if isinstance(entry, dict) else entry
        found += navigation(value) if isinstance(value, list) else [value]
    return found


def test_every_page_is_in_the_navigation_once() -> None:
    """But the decisions, which their index lists; any other page that is not there is found by no reader."""
    docs = ROOT / "docs"
    pages_ = (path.relative_to(docs).as_posix() for path in docs.rglob("*.md"))
    present = sorted(page for page in pages_ if not page.startswith("adr/0"))
    assert sorted(navigation(configuration()["nav"])) == present


def test_the_index_leads_to_every_page_but_the_decisions() -> None:
    """One way in for each reader; the decisions have an index of their own."""
    for index, folder in (("docs/index.md", "docs"), ("docs/adr/index.md", "docs/adr")):
        leads_to = {target.partition("#")[0] for target in pages.links(ROOT / index)}
        names = {path.name for path in (ROOT / folder).glob("*.md")} - {"index.md"}
        assert names - leads_to == set(), index


def test_the_site_asks_no_other_host() -> None:
    """It is read where there is no network: no fonts, no analytics, no search service."""
    site = configuration()
    assert site["theme"]["font"] is False
    assert site["plugins"] == ["search"]
    assert "analytics" not in site["extra"]
    assert site["strict"] is True
