"""The index of the decisions in ``docs/adr/``, made from their titles."""

from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parents[1] / "docs" / "adr"
_HEAD: Final = """\
# Decisions

Each page records one decision: the context, what was decided, and its downsides.

"""


def index() -> str:
    """Return the page: one line for each decision, in the order of their numbers."""
    pages = sorted(_FOLDER.glob("[0-9]*.md"))
    titles = (page.read_text("utf-8").partition("\n")[0].removeprefix("# ") for page in pages)
    return _HEAD + "".join(f"- [{title}]({page.name})\n" for title, page in zip(titles, pages, strict=True))
