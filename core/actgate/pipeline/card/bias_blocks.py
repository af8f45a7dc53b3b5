"""Bias measurements as tables and drawings."""

from collections.abc import Iterator
from typing import Final

from actgate.decision.intervals import Estimate
from actgate.decision.limits import BiasOutcome
from actgate.decision.metrics import Rate
from actgate.pipeline.card import svg
from actgate.pipeline.card.content import (
    Block,
    Drawing,
    Inline,
    Paragraph,
    Table,
    Words,
    ends,
    number,
    parts,
    rounded,
)
from actgate.pipeline.card.escape import plain
from actgate.pipeline.card.evidence import Evidence
from actgate.pipeline.card.measurements import GroupRate, Measured, measured
from actgate.pipeline.card.statements import NOT_STATED, SOURCE, where, worth

_OUTCOMES: Final = {
    BiasOutcome.PASS: ("within the limit", "pass"),
    BiasOutcome.FAIL: ("beyond the limit", "fail"),
    BiasOutcome.INCONCLUSIVE: ("inconclusive", "open"),
}
_RATES: Final = {
    Rate.SELECTION: "Selection rate",
    Rate.TRUE_POSITIVE: "True positive rate",
    Rate.FALSE_POSITIVE: "False positive rate",
}
NO_COUNTS: Final = Words("no counts")
_MOST_DRAWN: Final = 20
"""Groups of one drawing; a table has all of them."""


def summary(found: Evidence) -> tuple[Block, ...]:
    """Return each measurement in a row, and all of them in one drawing."""
    rows = [*measured(found)]
    if not rows:
        return ()
    level = f"{rows[0].confidence:g}"
    header = (
        "Attribute",
        "Outcome",
        "Metric",
        "Stated",
        "Recomputed",
        f"Interval ({level})",
        "Limit",
    )
    table = Table(
        (*map(Words, header), SOURCE),
        tuple(_row(row, found) for row in rows),
        frozenset({3, 4, 5, 6}),
    )
    own = (words for row in rows for words in _stated_interval(row, found))
    return (table, *_overview(rows, level), *own, *_reasons(rows))


def _overview(rows: list[Measured], level: str) -> Iterator[Drawing]:
    """Draw differences and ratios apart: of one the small values are good, of the other the large."""
    for is_ratio, name in ((False, "difference"), (True, "ratio")):
        bars = [_bar(row) for row in rows if row.judged.metric.is_ratio is is_ratio and row.size is not None]
        if bars:
            ends = [end for bar in bars for end in (bar.value, bar.high, bar.limit) if end is not None]
            largest = 1.0 if is_ratio else _above(max(ends))
            words = (
                f"Size of each {name} with its interval at confidence {level}; the dashed mark is the limit."
            )
            yield Drawing(svg.intervals(bars, words, largest=largest), Words(words))


def _above(value: float) -> float:
    """Return where an axis ends that has a value well within it."""
    return next((end for end in (0.05, 0.1, 0.2, 0.4, 0.8) if value <= 0.9 * end), 1.0)


def of_groups(found: Evidence) -> tuple[Block, ...]:
    """Return for each measurement the groups that it compares."""
    return tuple(block for row in measured(found) for block in _group_blocks(row, found))


def _row(row: Measured, found: Evidence) -> tuple[Inline, ...]:
    return (
        row.stated.attribute or NOT_STATED,
        Words("no limit stated" if row.outcome is None else _OUTCOMES[row.outcome][0]),
        Words(row.stated.metric.value),
        number(row.stated.value),
        NO_COUNTS if row.size is None else rounded(row.size),
        NO_COUNTS if row.bounds is None else ends(*row.bounds),
        NOT_STATED if row.limit is None else _limit(row),
        where(found.source(f"{row.path}.value")),
    )


def _limit(row: Measured) -> Words:
    return Words(f"{'>=' if row.judged.metric.is_ratio else '<='} {row.limit:.12g}")


def _bar(row: Measured) -> svg.Bar:
    low, high = (None, None) if row.bounds is None else row.bounds
    state = "" if row.outcome is None else _OUTCOMES[row.outcome][1]
    return svg.Bar(row.stated.attribute or row.stated.metric.value, row.size, low, high, row.limit, state)


def _reasons(rows: list[Measured]) -> Iterator[Paragraph]:
    """Say aloud what is not certain and what was not measured."""
    for row in rows:
        about: Inline = (row.stated.attribute or NOT_STATED, Words(f", {row.stated.metric.value}: "))
        if row.size is None:
            words = "the groups have no counts of this metric, so the stated value is a claim."
        elif row.outcome is BiasOutcome.INCONCLUSIVE and row.bounds is not None:
            words = (
                f"inconclusive. The limit {_limit(row)} lies within {ends(*row.bounds)}; "
                "more data would tell."
            )
        else:
            continue
        yield Paragraph((*about, Words(words)), "note")
    if not any("," in (row.stated.attribute or "") for row in rows):
        yield Paragraph(Words("Intersections of several attributes were not measured."), "note")


def _group_blocks(row: Measured, found: Evidence) -> Iterator[Block]:
    title: Inline = (row.stated.attribute or NOT_STATED, Words(f", {row.stated.metric.value}"))
    if not row.groups:
        words = Words(": no groups are stated; the size of each group was not recorded.")
        yield Paragraph((*title, words), "note")
        return
    header = ["Group", "Persons", "Selected", "Positives", "True positives", "False positives"]
    for name in [_RATES[rate] for rate in row.rates] or ["Stated selection rate"]:
        header += [name, f"Interval ({row.confidence:g})"] if row.rates else [name]
    source = found.source(f"{row.path}.groups")
    caption = (*title, Words(f". From {source.path}, "), *parts(worth(source)), *_origin(row))
    yield Table(
        tuple(map(Words, header)),
        tuple(_group(one) for one in row.groups),
        frozenset(range(1, len(header))),
        caption,
    )
    for place, rate in enumerate(row.rates):
        known = [(one.group.name, one.rates[place]) for one in row.groups]
        yield from _drawing(row, [(name, one) for name, one in known if one is not None], _RATES[rate])


def _origin(row: Measured) -> Iterator[str]:
    """Yield on which data a measurement was made, and by what."""
    if row.stated.dataset is not None:
        yield from (Words(", measured on data "), row.stated.dataset.digest)
    if row.stated.library is not None:
        yield from (Words(", computed by "), row.stated.library)
    yield Words(".")


def _stated_interval(row: Measured, found: Evidence) -> Iterator[Paragraph]:
    """Say which interval the pipeline computed itself: nothing rests on it, and nothing recomputes it."""
    stated = row.stated.interval
    if stated is not None:
        source = found.source(f"{row.path}.interval")
        method = () if stated.method is None else (Words(", "), stated.method)
        words = f": the pipeline's own interval, for information: {ends(stated.low, stated.high)}"
        yield Paragraph(
            (
                row.stated.attribute or NOT_STATED,
                Words(f", {row.stated.metric.value}{words} at {stated.level:g}"),
                *method,
                Words(" ("),
                *parts(where(source)),
                Words(")."),
            )
        )


def _group(one: GroupRate) -> tuple[Inline, ...]:
    group = one.group
    counts = (group.selected, group.positives, group.true_positives, group.false_positives)
    rates: list[Inline] = []
    for rate in one.rates:
        rates += [NO_COUNTS, NO_COUNTS] if rate is None else [rounded(rate.rate), ends(rate.low, rate.high)]
    if not one.rates:
        rates = [NOT_STATED if group.selection_rate is None else number(group.selection_rate)]
    return (
        group.name,
        number(group.count),
        *(Words("not counted") if count is None else number(count) for count in counts),
        *rates,
    )


def _drawing(row: Measured, known: list[tuple[str, Estimate]], rate: str) -> Iterator[Drawing]:
    left_out = len(known) - _MOST_DRAWN
    if left_out > 0:
        ranked = sorted(known, key=lambda one: (one[1].rate, one[0]))
        half = _MOST_DRAWN // 2
        known = [*ranked[:half], *ranked[-half:]]
    if known:
        bars = [svg.Bar(name, one.rate, one.low, one.high) for name, one in known]
        words = f"{rate} of each group with its interval at confidence {row.confidence:g}"
        words += f"; the {left_out} groups in the middle are left out." if left_out > 0 else "."
        about = plain(row.stated.attribute or row.stated.metric.value)
        yield Drawing(svg.intervals(bars, f"{about}: {words}"), Words(words))
