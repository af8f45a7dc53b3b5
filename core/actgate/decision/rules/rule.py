"""What a rule is: its id, the basis it stands on, and the words that explain it."""

from dataclasses import dataclass
from typing import Final

from actgate.api.compliance_policy import Enforcement
from actgate.decision.verdict import Finding

HOUSE_POLICY: Final = "house policy"
"""Basis of a rule that an organisation sets for itself: no such duty or number stands in the Act."""

ACTGATE: Final = "actgate"
"""Basis of a rule without which the gate could not know what it judges."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; ``actgate explain`` and the rule reference in ``docs/`` print these words."""

    id: str
    basis: str
    requirement: str
    """What must hold, in one sentence."""
    rationale: str
    """The reason, for the person who was refused."""
    remediation: str
    """How to fix it in general; a finding's remediation is more exact."""

    def finding(self, effect: Enforcement, path: str, message: str, remediation: str) -> Finding:
        """Return a finding of this rule."""
        return Finding(self.id, self.basis, path, message, remediation, effect)
