"""Text of evidence in Markdown, HTML and SVG: it is shown, and never interpreted.

Evidence is written by others. What cannot be seen, such as a mark that turns the direction of writing, is
shown as an escape. In Markdown only plain prose stands as it is; everything else is a code span, in which no
renderer looks for links, mentions, HTML or formulas. The border: text in, text out.
"""

import html as standard
import re
from typing import Final

from actgate.api.quoting import printable

_PROSE: Final = re.compile(r"[^\W_](?:[^\W_]|[ ,.;()'%/-])*")
"""Letters, digits and marks that mean nothing to Markdown within a line."""
_LINKED: Final = re.compile(r"www\.|\b[0-9a-f]{7,}\b|//|--", re.IGNORECASE)
"""What a renderer takes for a link though it is only letters and points: addresses, commits."""
_BREAKS: Final = re.compile(r"[ \t\r\n]+")
_TICKS: Final = re.compile("`+")


def plain(value: object) -> str:
    """Return foreign text on one line, in which everything that cannot be seen is an escape.

    Line breaks and tabs, which paragraphs of prose have, are blanks.
    """
    return printable(_BREAKS.sub(" ", str(value)).strip())


def markdown(value: object) -> str:
    """Return foreign text for a line of Markdown."""
    text = plain(value)
    if not text:
        return ""
    if _PROSE.fullmatch(text) and not _LINKED.search(text):
        return text
    fence = "`" * (max(map(len, _TICKS.findall(text)), default=0) + 1)
    # One space on either side is dropped by the renderer, and keeps ticks and blanks at the ends.
    padded = f" {text} " if text[:1] in "` " or text[-1:] in "` " else text
    return f"{fence}{padded}{fence}"


def cell(value: object) -> str:
    """Return foreign text for a cell of a Markdown table, where a bar would begin the next cell.

    It is shown as an escape: of what a backslash before a bar means, renderers have different opinions.
    """
    return markdown(value).replace("|", "\\x7c")


def html(value: object) -> str:
    """Return foreign text for HTML and SVG, in an element or between quotes in an attribute."""
    return standard.escape(plain(value), quote=True)


def label(value: object, longest: int) -> str:
    """Return foreign text for a place that has room for so many characters."""
    text = plain(value)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
