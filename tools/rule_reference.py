"""The rule reference as Markdown, from the words that ``actgate explain`` prints: docs/rules.md."""

from itertools import groupby

from actgate.decision import rules
from actgate.decision.data import RULESET

_HEAD = f"""\
# Rules

This page is written by `make docs`; `actgate explain RULE` prints the same words.
Ruleset {RULESET}.

A finding's *basis* is a provision of the AI Act, or *house policy* where an organisation asks for more than
the law, or *actgate* where the gate itself could not work otherwise. Whether a finding refuses (Deny), warns
(Warn) or is only recorded (Audit) is up to the `enforcement` of the CompliancePolicy that applies;
`risk/prohibited` always refuses. An [exemption](exemptions.md) accepts findings of other rules, for a time.
actgate says whether evidence is present, missing or contradictory. It does
not say whether a system complies with the law.
"""


def reference() -> str:
    """Return the page: a table of all rules, then a section for each."""
    table = ["| rule | basis | requirement |", "|---|---|---|"]
    table += [
        f"| [`{rule.id}`](#{_anchor(rule)}) | {rule.basis} | {rule.requirement} |" for rule in rules.ALL
    ]
    sections = (
        f"## {family}\n\n" + "\n".join(map(_section, members))
        for family, members in groupby(rules.ALL, key=lambda rule: rule.id.partition("/")[0])
    )
    return "\n".join([_HEAD, *table, "", *sections])


def _anchor(rule: rules.Rule) -> str:
    """Return the anchor that GitHub gives the rule's heading."""
    return rule.id.replace("/", "")


def _section(rule: rules.Rule) -> str:
    return (
        f"### {rule.id}\n\nBasis: {rule.basis}.\n\n**Requirement.** {rule.requirement}\n\n"
        f"**Rationale.** {rule.rationale}\n\n**Remediation.** {rule.remediation}\n"
    )
