"""The result of a scan as a table, in the columns that kubectl would print."""

from collections.abc import Iterator, Sequence
from typing import Final

from actgate.api.quoting import printable
from actgate.api.times import timestamp
from actgate.cli.scanning.result import Result
from actgate.cli.scanning.words import notes, object_words, outcomes
from actgate.decision import Outcome
from actgate.scan.judging import Judged

_HEADER: Final = ("NAMESPACE", "KIND", "NAME", "TIER", "OUTCOME", "VALID-UNTIL", "RULES")
_GAP: Final = 3
_NONE: Final = "<none>"


def render(result: Result) -> str:
    """Return the table, the refused first in each namespace, and the counts below it."""
    worst = list(Outcome)[::-1]
    judged = sorted(result.judged, key=lambda one: (one.subject.namespace, worst.index(one.verdict.outcome)))
    rows = [tuple(map(printable, _row(one))) for one in judged]
    lines = [*_aligned((_HEADER, *rows)), ""] if rows else []
    lines.append(outcomes(result))
    lines += notes(result)
    return "".join(f"{printable(line)}\n" for line in lines)


def _row(one: Judged) -> tuple[str, ...]:
    subject, verdict = one.subject, one.verdict
    until = timestamp(verdict.valid_until) if verdict.valid_until is not None else _NONE
    rules = verdict.failed_rules or tuple(dict.fromkeys(finding.rule for finding in verdict.findings))
    return (
        subject.namespace,
        object_words(subject),
        subject.name,
        one.tier,
        verdict.outcome,
        until,
        ",".join(rules) or _NONE,
    )


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) + _GAP for column in zip(*rows, strict=True)]
    for row in rows:
        yield "".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
