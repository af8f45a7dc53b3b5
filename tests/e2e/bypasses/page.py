"""Writes the tables of docs/bypasses.md, every way and its answer: ``python -m tests.e2e.bypasses.page``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.e2e.bypasses.place import Expected, Way
from tests.e2e.bypasses.tables import TABLES

PAGE: Final = Path(__file__).parents[3] / "docs" / "bypasses.md"
_BEGIN: Final = "<!-- ways: written by python -m tests.e2e.bypasses.page -->\n"
_END: Final = "<!-- end of ways -->\n"


def listed() -> str:
    """Return the tables of all ways in Markdown."""
    return "\n".join(part for heading, ways in TABLES.items() for part in _section(heading, ways))


def written(page: str) -> str:
    """Return a page with the tables of today in it."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{listed()}\n{_END}{after}"


def _section(heading: str, ways: list[Way]) -> Iterator[str]:
    yield f"## {heading}\n"
    yield "| what is tried | answer | by |"
    yield "|---|---|---|"
    for way in ways:
        answer = way.expected if way.expected is Expected.REFUSED else f"**{way.expected}**"
        by = f"`{way.by}`" if "/" in way.by or "-" in way.by else way.by
        yield f"| {_cell(way.what)} | {answer}{': ' if way.why else ''}{_cell(way.why)} | {by} |"
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
