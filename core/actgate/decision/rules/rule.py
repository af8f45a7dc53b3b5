"""What a rule is: its id, the basis it stands on, and the words that explain it."""

from dataclasses import dataclass
from typing import Final

from actgate.api.compliance_policy import Enforcement
from actgate.decision.verdict import Finding

HOUSE_POLICY: Final = "house policy"
"""Basis of a rule that an organisation sets for itself: no such duty or number stands in the Act."""

ACTGATE: Final = "actgate"
"""Basis of a rule without which the gate could not tell what it is looking at."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; ``actgate explain`` and the rule reference in ``docs/`` print these words."""

    id: str
    basis: str
    asks: str
    """What must hold, in one sentence."""
    why: str
    """The reason, for the person who was refused."""
    mend: str
    """How to mend it in general; a finding's remedy is more exact."""

    def finding(self, effect: Enforcement, path: str, message: str, remedy: str) -> Finding:
        """Return a finding of this rule."""
        return Finding(self.id, self.basis, path, message, remedy, effect)
