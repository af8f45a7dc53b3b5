import pytest
from hypothesis import given
from hypothesis import strategies as st

from actgate.pipeline.card import escape
from tests.pipeline.card.manifests import HOSTILE


@pytest.mark.parametrize("text", ["female", "under-30", "Credit officer, night shift (Paris)", "übrig 7 %"])
def test_plain_prose_stands_as_it_is(text: str) -> None:
    """A card whose every word is code reads badly."""
    assert escape.markdown(text) == text


@pytest.mark.parametrize("text", HOSTILE[:13])
def test_whatever_markdown_could_interpret_is_a_code_span(text: str) -> None:
    """In code no renderer looks for links, mentions, HTML or formulas."""
    shown = escape.markdown(text)
    assert shown.startswith("`")
    assert shown.endswith("`")
    assert "\n" not in shown


@pytest.mark.parametrize("text", ["4b825dc642cb6eb9a060", "www.evil.example", "a//b", "a@b.example"])
def test_what_github_links_by_itself_is_a_code_span(text: str) -> None:
    """Commits, addresses and mail become links though they have no brackets."""
    assert escape.markdown(text) == f"`{text}`"


@given(st.text(alphabet="`a |\\ ", min_size=1, max_size=12))
def test_no_text_ends_its_code_span(text: str) -> None:
    """A fence of more ticks than the text has anywhere is the only one that ends it."""
    shown = escape.markdown(text)
    if shown.startswith("`"):
        fence = shown[: len(shown) - len(shown.lstrip("`"))]
        inner = shown[len(fence) : -len(fence)]
        assert shown.endswith(fence)
        assert fence not in inner
        assert not inner.startswith("`")
        assert not inner.endswith("`")


@given(st.text(alphabet="|\\`a", min_size=1, max_size=12))
def test_no_text_begins_another_cell(text: str) -> None:
    """Of a backslash before a bar renderers have different opinions."""
    assert "|" not in escape.cell(text)


def test_what_cannot_be_seen_is_an_escape() -> None:
    """A mark that turns the direction of writing makes exe.txt of txt.exe."""
    assert escape.plain("\u202etxt.exe\u200f") == "\\u202etxt.exe\\u200f"
    assert escape.html("\u202e<b>\"'") == "\\u202e&lt;b&gt;&quot;&#x27;"


def test_paragraphs_of_prose_are_one_line() -> None:
    """A rationale in a YAML block has line breaks, and is prose all the same."""
    assert (
        escape.markdown("It scores persons.\n  Hence high-risk.\n") == "It scores persons. Hence high-risk."
    )


def test_a_label_is_cut_where_its_place_ends() -> None:
    """Ten thousand characters must not run over the drawing."""
    assert escape.label("x" * 10_000, 18) == "x" * 17 + "…"
