"""Evidence whose every text tries to be something else, in every format."""

import json
import re
from html.parser import HTMLParser

import pytest
import yaml

from actgate.pipeline.card import Format
from tests.pipeline.card.manifests import document, hostile, rendered

_OURS = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "main",
        "section",
        "h1",
        "h2",
        "h3",
        "p",
        "bdi",
        "dl",
        "dt",
    ),
    *(
        "dd",
        "span",
        "div",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "figure",
        "figcaption",
        "ul",
        "li",
        "strong",
    ),
    *("svg", "path", "rect", "circle", "text"),
}
_ATTRIBUTES = {
    *(
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "class",
        "scope",
        "tabindex",
        "xmlns",
        "viewbox",
        "role",
    ),
    *(
        "aria-label",
        "data-title",
        "d",
        "x",
        "y",
        "width",
        "height",
        "rx",
        "cx",
        "cy",
        "r",
        "direction",
        "unicode-bidi",
    ),
}


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.titles: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.titles |= {value or "" for name, value in attrs if name == "data-title"}

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(page: str) -> _Seen:
    parser = _Seen()
    parser.feed(page)
    return parser


@pytest.mark.parametrize("wanted", [Format.HTML, Format.ANNEX_IV])
def test_html_has_no_element_and_no_attribute_of_the_evidence(wanted: Format) -> None:
    """No script, link, image, frame, form or event handler, whatever a name says."""
    found = seen(rendered(hostile(), wanted, html=True))
    assert set(found.tags) <= _OURS
    assert found.attributes <= _ATTRIBUTES
    assert found.titles
    assert all(re.fullmatch(r"[A-Z][A-Za-z0-9 ().-]*", title) for title in found.titles)
    assert "<script>alert(1)</script>" in found.text


def test_the_page_allows_its_own_style_sheet_and_nothing_else() -> None:
    """What slipped through all the same could not run, load or send anything."""
    page = rendered(hostile(), Format.HTML)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert re.fullmatch(
        r"default-src &#39;none&#39;; style-src &#39;sha256-[A-Za-z0-9+/=]{44}&#39;; "
        r"base-uri &#39;none&#39;; form-action &#39;none&#39;",
        policy[1],
    )
    assert not re.search(r"\sstyle=|url\(|@import|javascript:", page.replace("&#39;", "'"))


@pytest.mark.parametrize("wanted", [Format.HF, Format.ANNEX_IV])
def test_markdown_keeps_hostile_text_in_code(wanted: Format) -> None:
    """Outside of code there is no bracket, angle bracket, address or mention of the evidence."""
    text = rendered(hostile(), wanted)
    body = text.split("\n---\n\n", 1)[-1]
    outside = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", body)
    outside = outside.replace("- [ ] **Open**", "")
    for part in ("](", "evil", "<script", "<img", "www.", "http", "@user", "{{", "\u202e", "\u200f"):
        assert part not in outside
    headings = [line for line in outside.splitlines() if line.startswith("#")]
    assert not any("heading" in line for line in headings)


def test_every_row_of_a_markdown_table_has_the_cells_of_its_header() -> None:
    """A bar in a name would move every number of its row."""
    width = 0
    for line in rendered(hostile(), Format.HF).splitlines():
        cells = line.count("|")
        if line.startswith("| ") and width:
            assert cells == width, line
        width = cells if line.startswith("| ") else 0


def test_the_metadata_of_a_hub_card_is_one_block_of_yaml() -> None:
    """A name with --- in it must not end the metadata, nor add a key to it."""
    text = rendered(hostile(), Format.HF)
    head = text.split("---\n")[1]
    found = yaml.safe_load(head)
    assert set(found) == {"model_name", "tags", "model-index"}
    assert "datasets" not in found
    assert "base_model" not in found


@pytest.mark.parametrize("wanted", [Format.CYCLONEDX, Format.OPENLINEAGE])
def test_json_holds_hostile_text_as_text(wanted: Format) -> None:
    """Only ASCII, so that no mark turns the direction of what a person reads."""
    text = rendered(hostile(), wanted)
    assert text.isascii()
    assert "<script>alert(1)</script>" in json.dumps(json.loads(text))


def test_the_longest_reasons_are_shown_whole() -> None:
    """Technical documentation that is cut is none."""
    reasons = "because " * 511 + "it ends"
    page = rendered(document(classification={"rationale": reasons}), Format.ANNEX_IV)
    assert reasons in page


def test_a_plot_draws_the_ends_of_64_groups_and_says_how_many_it_leaves_out() -> None:
    """The table has all of them."""
    page = seen(rendered(hostile(), Format.HTML))
    assert "the 44 groups in the middle are left out" in page.text
