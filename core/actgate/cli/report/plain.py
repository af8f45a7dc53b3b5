"""The report as plain text, for pipes and logs: no colour, no width, two lines per finding."""

from collections.abc import Iterator

from actgate.api.quoting import printable
from actgate.cli.check import Judged, Report
from actgate.cli.report.words import (
    evidence_words,
    exemption_words,
    path_words,
    place_words,
    subject_words,
    summary,
)


def render(report: Report) -> str:
    """Return the report.

    Each subject begins a line with its outcome in capitals; each finding begins an indented line with its
    effect and its rule, and its remediation follows. The last line sums up.
    """
    lines = [line for judged in report.judged for line in _subject(judged)]
    return "\n".join([*lines, summary(report)]) + "\n"


def _subject(judged: Judged) -> Iterator[str]:
    verdict = judged.verdict
    policies = printable(", ".join(verdict.policies))
    exempted = exemption_words(judged)
    yield (
        f"{verdict.outcome.upper()} {subject_words(judged)} ({place_words(judged)}), "
        f"{evidence_words(judged)}, policies {policies}"
        f"{f', {exempted}' if exempted else ''}"
    )
    for finding in verdict.findings:
        yield (
            f"  {finding.reported_effect} {finding.rule} {place_words(judged, finding)} "
            f"{path_words(judged, finding)}: {printable(finding.message)}"
        )
        yield f"    fix: {printable(finding.remediation)}; basis: {finding.basis}"
