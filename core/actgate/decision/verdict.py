"""What a decision looks like: findings, and the verdict that they add up to.

A refusal is a value. Whoever asks (webhook, operator, command line) turns it into its own answer.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from actgate.api.compliance_policy import Enforcement

_STRENGTH: Final = {Enforcement.DENY: 2, Enforcement.WARN: 1, Enforcement.AUDIT: 0}


class Outcome(StrEnum):
    """What the findings add up to, from best to worst."""

    PASS = "Pass"  # noqa: S105 - an outcome, not a credential
    WARN = "Warn"
    FAIL = "Fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason: which rule, on what basis, about which field of what, and how to fix it."""

    rule: str
    """Rule id, such as ``bias/limit``."""
    basis: str
    """A provision of the AI Act, ``house policy``, or ``actgate`` for the gate's own mechanics."""
    path: str
    """Field that it is about, such as ``spec.bias[0].value``; of the object that ``about`` names."""
    message: str
    """What was found and what was expected."""
    remediation: str
    """How to fix it."""
    effect: Enforcement
    """Deny refuses, Warn warns the user, Audit is only recorded."""
    about: str | None = None
    """Name of the ComplianceManifest that has the field; None where it is the subject's own."""

    def with_effect(self, effect: Enforcement) -> "Finding":
        """Return the same finding with another effect."""
        if effect is self.effect:
            return self
        return Finding(self.rule, self.basis, self.path, self.message, self.remediation, effect, self.about)

    def about_manifest(self, name: str) -> "Finding":
        """Return the same finding as one about a field of the manifest with this name."""
        return Finding(self.rule, self.basis, self.path, self.message, self.remediation, self.effect, name)

    @property
    def strength(self) -> int:
        """How much the effect weighs: 0 for Audit, 1 for Warn, 2 for Deny."""
        return _STRENGTH[self.effect]


def outcome_of(findings: tuple[Finding, ...]) -> Outcome:
    """Return what findings add up to, the strongest of which comes first."""
    if not findings:
        return Outcome.PASS
    return Outcome.FAIL if findings[0].effect is Enforcement.DENY else Outcome.WARN


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer about one subject at one moment."""

    outcome: Outcome
    """Fail when a finding denies, Warn when there are only milder ones, else Pass."""
    findings: tuple[Finding, ...]
    """Every reason, the strongest effect first, then in the order of the rules."""
    manifest_digests: tuple[tuple[str, str], ...]
    """The evidence judged, sorted by name: (name, canonical SHA-256) of each linked manifest that has one."""
    policies: tuple[str, ...]
    """Names of the policies that applied, sorted; ``baseline`` where none selects the namespace."""
    ruleset: str
    """Version of the rules and facts."""
    valid_until: datetime | None
    """The next moment at which time alone can change the verdict; None if there is none."""

    @property
    def allowed(self) -> bool:
        """Whether the subject may run."""
        return self.outcome is not Outcome.FAIL

    @property
    def failed_rules(self) -> tuple[str, ...]:
        """Ids of the rules that deny, each once, in the order of the findings."""
        denying = (item.rule for item in self.findings if item.effect is Enforcement.DENY)
        return tuple(dict.fromkeys(denying))
