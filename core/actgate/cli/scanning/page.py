"""The result of a scan as one HTML page that is read, printed and archived: nothing in it is loaded or run.

Its frame, style and escaping are those of cards (``pipeline.card``); only what is drawn here is not escaped.
"""

from datetime import datetime
from importlib.resources import files
from typing import Final

from actgate.api.quoting import counted
from actgate.api.times import timestamp
from actgate.cli.scanning.result import Result
from actgate.cli.scanning.words import LIMITS
from actgate.decision import Outcome, rules
from actgate.decision.data import RULESET
from actgate.pipeline.card import html
from actgate.scan.candidates import Tier
from actgate.scan.judging import Judged
from actgate.version import VERSION

MOST: Final = 20
"""Findings that are shown of one object."""
_BAR: Final = 1000
_ANSWERS: Final = {Outcome.FAIL: "refused", Outcome.WARN: "allowed", Outcome.PASS: "passed"}
_BECAUSE: Final = {
    Tier.DECLARED: "its kind serves models, or a mark of actgate says so",
    Tier.STRONG: "its signals are strong",
    Tier.LIKELY: "its signals make it likely",
    Tier.WEAK: "its signals are weak",
}


def render(result: Result) -> str:
    """Return the page.

    Raises:
        ModuleNotFoundError: jinja2 is not installed (extra ``pipeline``).
    """
    found = {outcome: _of(result, outcome) for outcome in Outcome}
    changing = [one for one in result.judged if one.verdict.valid_until is not None]
    return html.page(
        _file("scan.html.j2"),
        html.card_style() + _file("scan.css"),
        filters={
            "answer": lambda outcome: _ANSWERS[outcome],
            "because": lambda one: _BECAUSE[one.tier],
            "moment": _moment,
            "days": lambda end: _days(end, result.now),
        },
        result=result,
        headline=headline(result),
        refused=found[Outcome.FAIL],
        warned=found[Outcome.WARN],
        passed=found[Outcome.PASS],
        expiring=sorted(changing, key=lambda one: (str(one.verdict.valid_until), one.subject.name)),
        bar=_bar({outcome: len(those) for outcome, those in found.items()}),
        rules={rule.id: rule for rule in rules.ALL},
        limits=LIMITS,
        most=MOST,
        version=VERSION,
        ruleset=RULESET,
    )


def headline(result: Result) -> str:
    """Return the most important fact in some words."""
    if not result.complete:
        return "incomplete"
    judged, refused = result.summary.judged, result.summary.outcomes[Outcome.FAIL]
    return f"{refused} of {judged} refused" if judged else "none found"


def _of(result: Result, outcome: Outcome) -> list[Judged]:
    return [one for one in result.judged if one.verdict.outcome is outcome]


def _moment(moment: datetime | None) -> str:
    return (
        "no date changes it" if moment is None else timestamp(moment).replace("T", " ").replace("Z", " UTC")
    )


def _days(end: datetime, now: datetime) -> str:
    days = (end - now).days
    return counted(days, "day") if days else "less than a day"


def _bar(counts: dict[Outcome, int]) -> str:
    """Return the shares of the outcomes as one bar; nothing where nothing was judged."""
    total, x, shapes = sum(counts.values()), 0.0, []
    if not total:
        return ""
    for outcome in (Outcome.FAIL, Outcome.WARN, Outcome.PASS):
        width = _BAR * counts[outcome] / total
        if width:
            shapes.append(
                f'<rect class="{outcome.lower()}" x="{x:.1f}" y="0" width="{width:.1f}" height="12"/>'
            )
        x += width
    words = ", ".join(f"{number} {_ANSWERS[outcome]}" for outcome, number in counts.items())
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_BAR} 12" role="img" aria-label="{words}">'
    return f"{head}{''.join(shapes)}</svg>"


def _file(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")
