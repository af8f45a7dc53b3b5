import io

from rich.console import Console

from actgate.cli.check import Report
from actgate.cli.report import terminal


def shown(report: Report, width: int = 200) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    terminal.show(report, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_terminal_shows_the_same_facts(report: Report) -> None:
    """Outcome, rule, field, message, remediation and basis of every finding, and the summary at the end."""
    text = shown(report)
    for judged in report.judged:
        assert f"{judged.verdict.outcome.upper()} {judged.subject.kind} default/{judged.subject.name}" in text
        for finding in judged.verdict.findings:
            assert all(part in text for part in (finding.rule, finding.path, finding.basis, finding.effect))
    assert text.splitlines()[-1] == "4 judged: 2 failed, 1 passed with warnings, 1 passed"


def test_narrow_terminals_are_respected(report: Report) -> None:
    """No line is wider than the terminal."""
    assert max(map(len, shown(report, 60).splitlines())) <= 60


def test_markup_in_names_is_text(hostile: Report) -> None:
    """Names are shown as they are, with what could steer the terminal escaped."""
    text = shown(hostile)
    assert "\x1b" not in text
    assert "\\x1b[31m" in text
