"""What a decision looks like: findings, the verdict that they add up to, and both in words.

A refusal is a value. The caller (webhook, operator, command line) turns it into its own answer, with the
message that kubectl and GitOps tools show, and warnings.

Flux and Argo CD cut a message after about 200 characters in their status lines, so those name the
failed rules and the first remediation. Each remediation is stated once, and a field of the evidence is
named with its manifest: the user who is refused has written another object. The API server cuts a
warning after 256 characters and drops all of them past 4096 in total; its conventions ask for at most
120 characters of ASCII.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from actgate.api.compliance_policy import Enforcement
from actgate.api.quoting import ascii_only, cut
from actgate.api.times import timestamp
from actgate.decision.attestation import Assessment

HEADLINE: Final = 200
"""Characters of a refusal that tools show in one line."""
RULES_NAMED: Final = 110
"""Characters of it that rule ids may take, so that the first remediation is seen too."""
MOST_LINES: Final = 64
"""Findings that a refusal spells out; a manifest can hold thousands of groups that are too small."""
WARNING: Final = 120
"""Longest warning, in ASCII characters."""
MOST_WARNINGS: Final = 32
"""More warnings than these would come near the API server's limit of 4096 characters."""
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
    exemption: str | None = None
    """Name of the Exemption that accepts it; its effect is then Audit, and reported as ``Exempted``."""

    def with_effect(self, effect: Enforcement) -> "Finding":
        """Return the same finding with another effect."""
        if effect is self.effect:
            return self
        return replace(self, effect=effect)

    def about_manifest(self, name: str) -> "Finding":
        """Return the same finding as one about a field of the manifest with this name."""
        return replace(self, about=name)

    def exempted_by(self, name: str) -> "Finding":
        """Return the same finding as one that an Exemption accepts."""
        return replace(self, effect=Enforcement.AUDIT, exemption=name)

    @property
    def reported_effect(self) -> str:
        """The effect as verdicts, reports and logs name it: Deny, Warn, Audit or Exempted."""
        return "Exempted" if self.exemption is not None else self.effect.value

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
    attestations: tuple[tuple[str, Assessment], ...] = ()
    """The attestations that were accepted, in the order of the evidence: (manifest's name, assessment)."""
    exemptions: tuple[tuple[str, datetime], ...] = ()
    """The exemptions that accept a finding, sorted by name: (name, its end)."""
    grace_until: datetime | None = None
    """Until when a replacement pod is admitted although its evidence is too old; None for anything else."""

    @property
    def allowed(self) -> bool:
        """Whether the subject may run."""
        return self.outcome is not Outcome.FAIL

    @property
    def failed_rules(self) -> tuple[str, ...]:
        """Ids of the rules that deny, each once, in the order of the findings."""
        denying = (item.rule for item in self.findings if item.effect is Enforcement.DENY)
        return tuple(dict.fromkeys(denying))


def refusal(verdict: Verdict) -> str:
    """Return the message of a refusal: a headline, then one line per finding that denies."""
    denying = [item for item in verdict.findings if item.effect is Enforcement.DENY]
    rules = _named(tuple(dict.fromkeys(item.rule for item in denying)))
    headline = f"{rules}: {denying[0].remediation}" if denying else "refused"
    lines = [cut(headline, HEADLINE)]
    stated = {denying[0].remediation} if denying and lines[0] == headline else set()
    for item in denying[:MOST_LINES]:
        lines.append(line(item, remediation=item.remediation not in stated))
        stated.add(item.remediation)
    if len(denying) > MOST_LINES:
        lines.append(f"and {len(denying) - MOST_LINES} more findings")
    return "\n".join(lines)


def _named(rules: tuple[str, ...]) -> str:
    """Return as many rule ids as leave room for a fix in the headline, and the number of the others."""
    for count in range(len(rules), 0, -1):
        rest = f" and {len(rules) - count} more" if count < len(rules) else ""
        if len(text := ", ".join(rules[:count]) + rest) <= RULES_NAMED or count == 1:
            return text
    return ""


def line(finding: Finding, *, remediation: bool = True) -> str:
    """Return one finding as one line: rule, manifest, field, what was found, how to fix it, basis."""
    manifest = f"compliancemanifest/{finding.about} " if finding.about is not None else ""
    fix = f"; fix: {finding.remediation}" if remediation else ""
    return ascii_only(f"[{finding.rule}] {manifest}{finding.path}: {finding.message}{fix} ({finding.basis})")


def warnings(findings: Sequence[Finding], exemptions: Iterable[tuple[str, datetime]] = ()) -> list[str]:
    """Return findings as warnings, each at most 120 characters of ASCII.

    Args:
        findings: What a user is warned of, and what exemptions accept: a warning for each rule of these.
        exemptions: Their names and ends, as a verdict has them.
    """
    ends = dict(exemptions)
    texts = list(
        dict.fromkeys(
            _exemption(item.exemption, ends[item.exemption], item.rule)
            for item in findings
            if item.exemption is not None
        )
    )
    texts += [_warning(item) for item in findings if item.exemption is None]
    if len(texts) <= MOST_WARNINGS:
        return texts
    return [*texts[: MOST_WARNINGS - 1], f"actgate: {len(texts) - MOST_WARNINGS + 1} more findings"]


def _exemption(name: str, until: datetime, rule: str) -> str:
    """Return by what a rule is exempted and until when; a name that is too long is cut."""
    before, after = "exempted by ", f" until {timestamp(until)}: {rule}"
    return f"{before}{cut(name, WARNING - len(before) - len(after))}{after}"


def _warning(finding: Finding) -> str:
    """Return rule, field and message; where they are too long together, without the field."""
    whole = f"{finding.rule}: {finding.path}: {finding.message}"
    return cut(whole if len(whole) <= WARNING else f"{finding.rule}: {finding.message}", WARNING)
