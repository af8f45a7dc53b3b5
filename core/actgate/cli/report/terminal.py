"""The report on a terminal: a panel per subject with findings, and a line for each without."""

import sys
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from actgate.api.compliance_policy import Enforcement
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
from actgate.decision import Finding, Outcome

_OUTCOME_STYLES: Final = {Outcome.PASS: "green", Outcome.WARN: "yellow", Outcome.FAIL: "red"}
_EFFECT_STYLES: Final = {Enforcement.DENY: "red", Enforcement.WARN: "yellow", Enforcement.AUDIT: "blue"}


def show(report: Report, console: Console | None = None) -> None:
    """Write the report to a terminal, in its width and with its colours."""
    console = console or Console(file=sys.stdout, highlight=False)
    for judged in report.judged:
        console.print(_panel(judged) if judged.verdict.findings else _headline(judged))
    worst = max(
        (item.verdict.outcome for item in report.judged), key=list(Outcome).index, default=Outcome.FAIL
    )
    console.print(Text(summary(report), style=f"bold {_OUTCOME_STYLES[worst]}"))


def _headline(judged: Judged) -> Text:
    outcome = judged.verdict.outcome
    return Text.assemble(
        (outcome.upper(), f"bold {_OUTCOME_STYLES[outcome]}"),
        f" {subject_words(judged)} ",
        (f"{place_words(judged)}", "dim"),
    )


def _panel(judged: Judged) -> Panel:
    verdict = judged.verdict
    table = Table(box=None, expand=True, padding=(0, 2, 1, 0), header_style="dim")
    table.add_column("effect", no_wrap=True)
    table.add_column("rule", no_wrap=True)
    table.add_column("what was found, and how to fix it", ratio=1)
    for finding in verdict.findings:
        table.add_row(
            Text(finding.reported_effect, style=_EFFECT_STYLES[finding.effect]),
            finding.rule,
            _words(judged, finding),
        )
    policies = f"policies {printable(', '.join(verdict.policies))}"
    facts = [words for words in (evidence_words(judged), policies, exemption_words(judged)) if words]
    return Panel(
        Group(Text("\n".join([*facts, ""]), style="dim"), table),
        title=_headline(judged),
        title_align="left",
        border_style=_OUTCOME_STYLES[verdict.outcome],
    )


def _words(judged: Judged, finding: Finding) -> RenderableType:
    return Text.assemble(
        printable(finding.message),
        (f" ({finding.basis})", "dim"),
        "\nfix: ",
        printable(finding.remediation),
        (f"\n{place_words(judged, finding)} {path_words(judged, finding)}", "dim"),
    )
