"""A document as Markdown: GitHub's tables and plain lists, and no link, image or HTML.

Nothing is drawn: tables have the numbers of every drawing, and a sentence has the lineage.
"""

from collections.abc import Callable, Iterable, Iterator

from actgate.pipeline.card import escape
from actgate.pipeline.card.content import (
    Block,
    Drawing,
    Fact,
    Facts,
    Inline,
    OpenItems,
    Page,
    Paragraph,
    Section,
    Table,
    Words,
    parts,
)
from actgate.pipeline.card.statements import worth


def render(page: Page) -> str:
    """Return a document as Markdown."""
    lines = [f"# {inline(page.title)}", "", inline(page.subtitle), ""]
    for section in page.sections:
        lines += _section(section, 2)
    return "\n".join(lines).rstrip("\n") + "\n"


def inline(text: Inline) -> str:
    """Return a text within a line."""
    return _joined(text, escape.markdown)


def _cell(text: Inline) -> str:
    return _joined(text, escape.cell)


def _joined(text: Inline, escaped: Callable[[object], str]) -> str:
    line = ""
    for part in parts(text):
        shown = str(part) if isinstance(part, Words) else escaped(part)
        # Two code spans without anything between them would be one.
        line += f" {shown}" if line.endswith("`") and shown.startswith("`") else shown
    return line


def _section(section: Section, depth: int) -> Iterator[str]:
    status = f" ({section.status})" if section.status else ""
    yield from (f"{'#' * depth} {section.title}{status}", "")
    for block in section.blocks:
        if lines := [line for line in _block(block) if line or isinstance(block, Table)]:
            yield from (*lines, "")
    for below in section.sections:
        yield from _section(below, depth + 1)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph():
            yield f"> {inline(block.text)}" if block.mark else inline(block.text)
        case Facts():
            yield from map(_fact, block.facts)
        case Table():
            yield from _table(block)
        case Drawing():
            yield inline(block.instead)
        case OpenItems():
            yield from _items(block)


def _fact(fact: Fact) -> str:
    source = "" if fact.source is None else f" — {fact.source.path}, {inline(worth(fact.source))}"
    return f"- **{fact.label}**: {inline(fact.value)}{source}"


def _table(table: Table) -> Iterator[str]:
    if table.caption:
        yield from (inline(table.caption), "")
    yield _row(table.header)
    yield _row(["---:" if column in table.numeric else "---" for column in range(len(table.header))])
    for row in table.rows:
        yield _row([_cell(value) for value in row])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _items(block: OpenItems) -> Iterator[str]:
    if not block.items:
        yield "No open items."
    for item in block.items:
        yield f"- [ ] **Open**, {item.point}: {item.what} Owner: {inline(item.owner)}"
