"""Grace: pods that replace others of an unchanged owner, while the evidence is only too old.

Else a node that is drained or lost would take down what was admitted and runs (DESIGN section 5). Only time
may stand against such a pod, for the period that every policy grants, and only where all of them keep what
runs. ADR 0034 says what an unchanged owner is; here it is a fact of the subject.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple

from actgate.api.compliance_policy import Enforcement, OnViolation
from actgate.api.times import timestamp
from actgate.decision.manifest import Manifest
from actgate.decision.policies import Policy
from actgate.decision.rules.evidence import AGE, EXPIRED, later
from actgate.decision.subject import Subject
from actgate.decision.verdict import Finding

OF_TIME: Final = frozenset({EXPIRED.id, AGE.id})
"""The rules that evidence begins to fail by time alone."""


class Grace(NamedTuple):
    """Findings as the period of grace leaves them."""

    findings: tuple[Finding, ...]
    """In the order in which they came."""
    until: datetime | None
    """The end of the period, while it lasts; None once it is over."""


class Period(NamedTuple):
    """When replacement pods are admitted although evidence is too old."""

    begin: datetime
    """The first expiry that denies: a template has to be older."""
    until: datetime


def only_time_denies(findings: Iterable[Finding]) -> bool:
    """Return whether something denies, and nothing but that the evidence is too old."""
    rules = {finding.rule for finding in findings if finding.effect is Enforcement.DENY}
    return bool(rules) and rules <= OF_TIME


def graced(
    findings: tuple[Finding, ...],
    subject: Subject,
    manifests: Mapping[str, Manifest],
    policies: tuple[Policy, ...],
    moment: datetime,
) -> Grace | None:
    """Return findings as the period of grace leaves them; None where there is none for the subject.

    It begins with the first expiry that denies, which the template has to be older than.

    Args:
        findings: What was found, after exemptions.
        subject: What is asked about.
        manifests: The evidence that it links, by name.
        policies: All that apply; the shortest period counts.
        moment: The moment that is asked about.
    """
    since = subject.template_since
    if since is None or (subject.group, subject.kind) != ("", "Pod"):
        return None
    found = period(findings, manifests, policies, moment)
    if found is None or since >= found.begin:
        return None
    until = found.until
    over = moment >= until
    words = "replacement pods were admitted until" if over else "a replacement pod, admitted until"
    effect = Enforcement.DENY if over else Enforcement.WARN
    left = tuple(
        replace(finding, effect=effect, message=f"{words} {timestamp(until)}: {finding.message}")
        if finding.effect is Enforcement.DENY
        else finding
        for finding in findings
    )
    return Grace(left, None if over else until)


def period(
    findings: Iterable[Finding],
    manifests: Mapping[str, Manifest],
    policies: tuple[Policy, ...],
    moment: datetime,
) -> Period | None:
    """Return the period of grace that findings leave to replacement pods; None where they leave none.

    Args:
        findings: What was found, after exemptions.
        manifests: The evidence that is linked, by name.
        policies: All that apply; the shortest period counts.
        moment: The moment that is asked about; the period may be over by then.
    """
    denying = [finding for finding in findings if finding.effect is Enforcement.DENY]
    if not only_time_denies(denying):
        return None
    if any(policy.spec.on_violation is not OnViolation.KEEP for policy in policies):
        return None
    ends = list(_ends(denying, manifests, policies, moment))
    if None in ends:
        return None
    begin = min(end for end in ends if end is not None)
    until = later(begin, min(policy.grace for policy in policies))
    return Period(begin, until) if until is not None else None


def _ends(
    findings: Iterable[Finding],
    manifests: Mapping[str, Manifest],
    policies: tuple[Policy, ...],
    moment: datetime,
) -> Iterator[datetime | None]:
    """Yield when each piece of evidence that denies began to; None where that cannot be known."""
    for finding in findings:
        manifest = manifests.get(finding.about or "")
        if manifest is None:
            yield None
        elif finding.rule == EXPIRED.id:
            yield manifest.not_after
        elif manifest.finished_at is None:
            yield None
        else:
            ages = [policy.max_age for policy in policies if policy.spec.enforcement is Enforcement.DENY]
            ends = [later(manifest.finished_at, age) for age in ages]
            yield min((end for end in ends if end is not None and end <= moment), default=None)
