"""The result of an audit for people: groups, what is judged and why, the other metrics, and data quality."""

from collections.abc import Iterable, Iterator, Sequence

from actgate.api.quoting import counted, printable
from actgate.decision.limits import BiasOutcome
from actgate.pipeline.audit.measuring import Measured
from actgate.pipeline.audit.result import Audit
from actgate.pipeline.audit.tally import Counts, attribute, group_name

_WORDS = {BiasOutcome.PASS: "PASS", BiasOutcome.FAIL: "FAIL", BiasOutcome.INCONCLUSIVE: "INCONCLUSIVE"}


def report(audit: Audit) -> str:
    """Return the report as text, made for a terminal of any width that tables of ten columns fit."""
    parts = [_head(audit), *_groups(audit), _judged(audit), _information(audit), _quality(audit)]
    if audit.deviations:
        parts.append(["not as planned", *(f"  {printable(line)}" for line in audit.deviations)])
    parts.append([_sum(audit)])
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def remarks(audit: Audit) -> Iterator[str]:
    """Yield what a reader of the result alone would miss."""
    if audit.counts_only:
        yield (
            "these are counts that were made elsewhere: the evidence names no data set, and of its quality "
            "only completeness and class balance were checked"
        )


def _head(audit: Audit) -> list[str]:
    size = f"{counted(len(audit.files), 'file')}, {counted(audit.tally.rows, 'row')}"
    return [f"{printable(audit.dataset)}: {size}", f"{audit.digest}"]


def _groups(audit: Audit) -> Iterator[list[str]]:
    for grouping in audit.tally.groupings:
        rows = [(printable(attribute(grouping)), "persons", "selected", "rate", "TPR", "FPR")]
        for values, counts in sorted(audit.tally.groups[grouping].items()):
            rows.append((f"  {printable(group_name(values))}", *_cells(counts)))
        yield [*_table(rows)]


def _cells(counts: Counts) -> tuple[str, str, str, str, str]:
    negatives = counts.persons - counts.positives
    return (
        str(counts.persons),
        str(counts.selected),
        _rate(counts.selected, counts.persons),
        _rate(counts.true_positives, counts.positives),
        _rate(counts.false_positives, negatives),
    )


def _rate(part: int, whole: int) -> str:
    return f"{part / whole:z.4f}" if whole else "-"


def _judged(audit: Audit) -> list[str]:
    return ["judged", *(f"  {line}" for one in audit.measured for line in _verdict(one))]


def _verdict(one: Measured) -> list[str]:
    name = f"{printable(attribute(one.wanted.grouping))} {one.wanted.metric}"
    value = "" if one.stated is None else f" {one.stated.value:z.4f}"
    bounds = "" if one.bounds is None else f" ({one.bounds.low:z.4f} to {one.bounds.high:z.4f})"
    return [f"{_WORDS[one.outcome]:12} {name}{value}{bounds}", f"{'':12} {printable(one.why)}"]


def _information(audit: Audit) -> list[str]:
    if not audit.information:
        return []
    rows = [("every metric, for information", "value", "interval", "bootstrap")]
    for item in audit.information:
        name = f"  {printable(item['attribute'])} {item['metric']}"
        rows.append((name, f"{item['value']:z.4f}", _bounds(item, "interval"), _bounds(item, "bootstrap")))
    return [*_table(rows)]


def _bounds(item: dict[str, object], key: str) -> str:
    found = item.get(key)
    return f"{found['low']:z.4f} to {found['high']:z.4f}" if isinstance(found, dict) else "-"


def _quality(audit: Audit) -> list[str]:
    failed = audit.failed_checks
    rows = [("data quality", "failed", "of", "accepted")]
    for one in audit.checks:
        accepted = "-" if one.threshold is None else f"{one.threshold:.2%}{' FAIL' if one in failed else ''}"
        rows.append(
            (f"  {printable(f'{one.check}: {one.definition}')}", str(one.failed), str(one.checked), accepted)
        )
    return [*_table(rows)]


def _table(rows: Sequence[tuple[str, ...]]) -> Iterable[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for first, *rest in rows:
        cells = [f"{text:>{width}}" for text, width in zip(rest, widths[1:], strict=True)]
        yield "  ".join([f"{first:{widths[0]}}", *cells]).rstrip()


def _sum(audit: Audit) -> str:
    numbers = {outcome: sum(one.outcome is outcome for one in audit.measured) for outcome in BiasOutcome}
    words = [
        f"{numbers[BiasOutcome.PASS]} passed",
        f"{numbers[BiasOutcome.FAIL]} failed",
        f"{numbers[BiasOutcome.INCONCLUSIVE]} inconclusive",
        f"{counted(len(audit.failed_checks), 'quality check')} failed",
    ]
    if audit.deviations:
        words.append(f"{counted(len(audit.deviations), 'deviation')} from the plan")
    return ", ".join(words)
