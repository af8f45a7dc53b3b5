"""Exemptions: findings that are accepted for an object by name, for a time.

They never make a finding disappear: its effect becomes ``Exempted``, and a verdict names each exemption that
it depends on. Nothing exempts from ``risk/prohibited`` (AI Act Art. 5) or from evidence that cannot be read,
whatever an exemption says.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from actgate.api.exemption import ANY_NAME, NEVER_EXEMPT, ExemptSubject
from actgate.decision.subject import Subject
from actgate.decision.verdict import Finding


@dataclass(frozen=True, slots=True)
class Exemption:
    """An Exemption by its name, as decisions need it."""

    name: str
    subjects: tuple[ExemptSubject, ...]
    rules: frozenset[str]
    """Ids of the rules that it accepts findings of."""
    not_before: datetime
    """It counts from this moment on."""
    not_after: datetime
    """It counts before this moment."""
    digest: str | None = field(default=None, compare=False)
    """SHA-256 of the canonical JSON of its spec, by which records know it."""

    def covers(self, subject: Subject) -> bool:
        """Return whether it is about this object, or about the one that answers for it."""
        owner = subject.owner
        named = (
            (subject.group, subject.kind, subject.name)
            if owner is None
            else (owner.group, owner.kind, owner.name)
        )
        return any(
            (entry.api_group, entry.kind) == named[:2]
            and entry.namespace == subject.namespace
            and entry.name in (ANY_NAME, named[2])
            for entry in self.subjects
        )

    def active(self, moment: datetime) -> bool:
        """Return whether it counts at a moment."""
        return self.not_before <= moment < self.not_after

    def next_change(self, moment: datetime) -> datetime | None:
        """Return when it begins or ends; None once it ended."""
        if moment < self.not_before:
            return self.not_before
        return self.not_after if moment < self.not_after else None


@dataclass(frozen=True, slots=True)
class Exempted:
    """Findings after exemptions, and what was used."""

    findings: tuple[Finding, ...]
    """In the order in which they came."""
    used: tuple[Exemption, ...]
    """The exemptions that accept one of them, sorted by name."""
    until: datetime | None
    """The next moment at which an exemption of this object begins or ends; None for none."""


def exempted(
    findings: Iterable[Finding], subject: Subject, exemptions: Iterable[Exemption], moment: datetime
) -> Exempted:
    """Return findings as the exemptions leave them that are about a subject.

    Of several exemptions that accept a finding the one that ends last is named; the others are not used.

    Args:
        findings: What was found about the subject.
        subject: What is asked about.
        exemptions: Every Exemption of the cluster.
        moment: The moment that is asked about.
    """
    about = sorted(
        (one for one in exemptions if one.covers(subject)), key=lambda one: (one.not_after, one.name)
    )
    changes = [change for one in about if (change := one.next_change(moment)) is not None]
    by_rule = {rule: one for one in about if one.active(moment) for rule in one.rules}
    left, used = [], {}
    for finding in findings:
        one = by_rule.get(finding.rule)
        if one is None or finding.rule in NEVER_EXEMPT or not finding.strength:
            left.append(finding)
        else:
            left.append(finding.exempted_by(one.name))
            used[one.name] = one
    return Exempted(tuple(left), tuple(used[name] for name in sorted(used)), min(changes, default=None))
