"""What a document holds, whatever it is written as: sections of facts, tables, drawings and open items.

A plain ``str`` is text of the evidence and is escaped wherever it is written; only ``Words`` are our own.
Forgetting the difference shows evidence as code, and never lets it pass for ours.
"""

from dataclasses import dataclass

from actgate.api.compliance_policy import AssuranceLevel


class Words(str):
    """Text of ours: it holds nothing that evidence, options or files say."""

    __slots__ = ()


Inline = str | tuple[str, ...]
"""A text, or parts of one in their order."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from, and how far it proves itself."""

    path: str
    """Field of the manifest, such as ``spec.bias[0].value``."""
    level: AssuranceLevel
    signers: tuple[str, ...] = ()
    """Who signed it, as the policies name them; empty where no accepted signature covers it."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One value that evidence states."""

    label: Words
    value: Inline
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class OpenItem:
    """What no evidence states, and who has to."""

    point: Words
    """Point of Annex IV, such as 2(b)."""
    what: Words
    owner: str
    """Role or person."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Some sentences; ``mark`` sets off what must not be overlooked: ``note``, ``bad`` or nothing."""

    text: Inline
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """A list of facts."""

    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a header."""

    header: tuple[Words, ...]
    rows: tuple[tuple[Inline, ...], ...]
    numeric: frozenset[int] = frozenset()
    """Columns of numbers."""
    caption: Inline = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """An SVG of ours, and what it shows in words."""

    svg: str
    words: Inline
    instead: Inline = ""
    """What stands for it where nothing is drawn; nothing where a table has the same numbers."""


@dataclass(frozen=True, slots=True)
class OpenItems:
    """A list of open items."""

    items: tuple[OpenItem, ...]


Block = Paragraph | Facts | Table | Drawing | OpenItems


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it."""

    title: Words
    blocks: tuple[Block, ...]
    sections: tuple["Section", ...] = ()
    status: str = ""
    """Of a point of Annex IV: whether there is evidence."""


@dataclass(frozen=True, slots=True)
class Page:
    """A whole document."""

    title: Inline
    subtitle: Inline
    sections: tuple[Section, ...]


def parts(text: Inline) -> tuple[str, ...]:
    """Return the parts of a text."""
    return (text,) if isinstance(text, str) else text


def number(value: float) -> Words:
    """Return a number as the evidence states it."""
    return Words(repr(value) if isinstance(value, int) else f"{value:.12g}")


def rounded(value: float) -> Words:
    """Return a computed number with four digits."""
    return Words(f"{value:.4g}")


def ends(low: float, high: float) -> Words:
    """Return an interval with four decimals."""
    return Words(f"{round(low, 4):g} to {round(high, 4):g}")


def share(part: int, whole: int) -> Words:
    """Return a share in percent."""
    return Words(f"{100 * part / whole:.1f} %") if whole else Words("none")
