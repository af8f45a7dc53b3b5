"""What evidence is worth by itself, as a value: ``appraise`` makes it."""

from dataclasses import dataclass
from datetime import datetime

from actgate.api.compliance_policy import Tier
from actgate.decision.policies import Policy
from actgate.decision.verdict import Finding


@dataclass(frozen=True, slots=True)
class Appraisal:
    """The findings about one manifest that hold for any subject that refers to it."""

    policies: tuple[Policy, ...]
    since: datetime | None
    """It holds from this moment on; None without a beginning."""
    until: datetime | None
    """Time alone changes it at this moment; None if it never does."""
    tier: Tier
    """The tier in which the system is judged."""
    findings: tuple[Finding, ...]
    """As ``ordered`` returns them."""

    def holds(self, policies: tuple[Policy, ...], moment: datetime) -> bool:
        """Return whether this is the appraisal under these policies at this moment."""
        return (
            self.policies == policies
            and (self.until is None or moment < self.until)
            and (self.since is None or self.since <= moment)
        )
