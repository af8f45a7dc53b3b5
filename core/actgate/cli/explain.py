"""``actgate explain``: what a rule requires, why, and how to fix what fails it."""

import difflib
import textwrap
from typing import Final

from actgate.cli.exits import UnusableError
from actgate.decision import rules

_WIDTH: Final = 88


def explanation(rule_id: str | None) -> str:
    """Return the words about one rule, or all rules in a line each.

    Raises:
        UnusableError: When there is no such rule; the sentence suggests the nearest one.
    """
    if rule_id is None:
        return _list()
    if rule_id not in rules.BY_ID:
        near = difflib.get_close_matches(rule_id, rules.BY_ID, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else "actgate explain lists them"
        raise UnusableError(f"rule {rule_id!r} not found; {hint}")
    return _one(rules.BY_ID[rule_id])


def _list() -> str:
    ids = max(len(rule.id) for rule in rules.ALL)
    bases = max(len(rule.basis) for rule in rules.ALL)
    return "".join(f"{rule.id:{ids}}  {rule.basis:{bases}}  {rule.requirement}\n" for rule in rules.ALL)


def _one(rule: rules.Rule) -> str:
    parts = (
        ("Requirement", rule.requirement),
        ("Rationale", rule.rationale),
        ("Remediation", rule.remediation),
    )
    return f"{rule.id} ({rule.basis})\n" + "".join(
        f"\n{title}:\n{textwrap.fill(text, _WIDTH, initial_indent='  ', subsequent_indent='  ')}\n"
        for title, text in parts
    )
