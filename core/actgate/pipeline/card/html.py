"""A document as one HTML file: nothing in it is loaded, run or linked.

jinja2 escapes every value; the style sheet and the drawings are ours. The content security policy in the page
allows that style sheet alone, by its digest, and no script, image, font, form or frame.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from actgate.pipeline.card import content, escape
from actgate.pipeline.card.content import Inline, Page, Words, parts
from actgate.pipeline.card.statements import worth

if TYPE_CHECKING:
    from jinja2 import Environment, Template

_WIDTHS: Final = ((24, "longer"), (13, "long"), (0, "short"))
"""Characters beyond which a cell has a class of its own, so that narrow columns break no words."""


def render(page: Page) -> str:
    """Return a document as HTML.

    Raises:
        ModuleNotFoundError: jinja2 is not installed (extra ``pipeline``).
    """
    style = card_style()
    return _template().render(page=page, style=style, policy=_policy(style)) + "\n"


def page(template: str, style: str, filters: Mapping[str, Callable[..., object]], **values: object) -> str:
    """Return another page in the same frame, every value escaped.

    Args:
        template: Text of ours, for jinja2; it takes ``style`` and ``policy``, and has the filters of cards.
        style: A style sheet of ours.
        filters: More filters; what they return is escaped as well.
        values: What the template shows.

    Raises:
        ModuleNotFoundError: jinja2 is not installed (extra ``pipeline``).
    """
    environment = _environment()
    environment.filters.update(filters)
    made = environment.from_string(template)
    return made.render(style=style, policy=_policy(style), **values) + "\n"


def card_style() -> str:
    """Return the style sheet of cards."""
    return _file("style.css")


def _policy(style: str) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _file(name: str) -> str:
    return (files(__package__) / "templates" / name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _template() -> "Template":
    environment = _environment()
    tests: dict[str, Callable[[object], bool]] = {
        "words": lambda value: isinstance(value, Words),
        "paragraph": lambda value: isinstance(value, content.Paragraph),
        "facts": lambda value: isinstance(value, content.Facts),
        "table": lambda value: isinstance(value, content.Table),
        "drawing": lambda value: isinstance(value, content.Drawing),
    }
    environment.tests.update(tests)
    return environment.from_string(_file("page.html.j2"))


def _environment() -> "Environment":
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(autoescape=True, undefined=StrictUndefined)
    environment.filters["parts"] = parts
    environment.filters["plain"] = escape.plain
    environment.filters["worth"] = worth
    environment.filters["width"] = _width
    # What is drawn here is escaped by ``svg``, and the style sheet is a file of ours.
    environment.filters["drawn"] = Markup
    return environment


def _width(cell: Inline) -> str:
    length = sum(map(len, parts(cell)))
    return next((name for least, name in _WIDTHS if length > least), "")
