"""How severe a finding is in a report, by its rule: critical, high, medium or low, as both APIs know it.

What is prohibited is critical. That nothing is known of a model, or that its evidence is forged, is high, as
is evidence that says no; what is a matter of form is low, and anything else medium.
"""

from typing import Final

_BY_RULE: Final = {
    "risk/prohibited": "critical",
    "evidence/mismatch": "high",
    "evidence/signature": "high",
    "evidence/subject": "high",
    "evidence/withdrawn": "high",
    "inference/undeclared": "high",
    "link/manifest": "high",
    "link/model": "high",
    "bias/claim": "high",
    "bias/counts": "high",
    "bias/limit": "high",
    "bias/missing": "high",
    "oversight/missing": "high",
    "residency/serving": "high",
    "residency/training": "high",
    "link/digest": "low",
    "oversight/fields": "low",
}
_OTHERWISE: Final = "medium"


def severity_of(rule: str) -> str:
    """Return the severity of a rule's findings."""
    return _BY_RULE.get(rule, _OTHERWISE)


def named_rules() -> frozenset[str]:
    """Return the ids of the rules that are not of medium severity."""
    return frozenset(_BY_RULE)
