"""What evidence is worth by itself, under a set of policies, for as long as time does not change it.

This is the larger part of a decision, and it is the same for every subject: who judges the same evidence
again and again keeps an ``Appraisals`` and gives its ``appraise`` to ``decide``.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from actgate.api.compliance_policy import Tier
from actgate.decision import rules
from actgate.decision.manifest import Manifest
from actgate.decision.policies import Policy
from actgate.decision.rules import bias, counts, evidence, link, oversight, residency, risk
from actgate.decision.verdict import Finding, Outcome, outcome_of

_NUMBER: Final = re.compile(r"([0-9]+)")
_ORDER: Final = {rule.id: position for position, rule in enumerate(rules.ALL)}


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
    outcome: Outcome
    """What they add up to."""

    def holds(self, policies: tuple[Policy, ...], moment: datetime) -> bool:
        """Return whether this is the appraisal under these policies at this moment."""
        return (
            self.policies == policies
            and (self.until is None or moment < self.until)
            and (self.since is None or self.since <= moment)
        )


Appraise = Callable[[Manifest, tuple[Policy, ...], datetime], Appraisal]


def appraise(manifest: Manifest, policies: tuple[Policy, ...], moment: datetime) -> Appraisal:
    """Return what a manifest is worth under the policies that apply, at a moment."""
    classified = risk.classify(manifest, moment)
    points = [*risk.turning_points(manifest)]
    points += [point for policy in policies for point in evidence.turning_points(manifest, policy)]
    findings = ordered(
        finding.about_manifest(manifest.name) for finding in _judge(manifest, classified, policies, moment)
    )
    return Appraisal(
        policies=policies,
        since=max((point for point in points if point <= moment), default=None),
        until=min((point for point in points if point > moment), default=None),
        tier=classified.tier,
        findings=findings,
        outcome=outcome_of(findings),
    )


class Appraisals:
    """The last appraisal of each manifest, for as long as the very same manifest is asked about.

    It is found by comparing identities and two moments. Who keeps manifests owns one of these, and forgets
    what it keeps no more.
    """

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], tuple[Manifest, Appraisal]] = {}

    def __len__(self) -> int:
        return len(self._last)

    def appraise(self, manifest: Manifest, policies: tuple[Policy, ...], moment: datetime) -> Appraisal:
        """Return what the function ``appraise`` does; from several threads, too."""
        key = (manifest.namespace, manifest.name)
        last = self._last.get(key)
        if last is not None and last[0] is manifest and last[1].holds(policies, moment):
            return last[1]
        appraisal = appraise(manifest, policies, moment)
        self._last[key] = (manifest, appraisal)
        return appraisal

    def forget(self, namespace: str, name: str) -> None:
        """Drop the appraisal of a manifest that changed or went away."""
        self._last.pop((namespace, name), None)


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return each finding once, with its strongest effect; strongest first, then by rule."""
    strongest: dict[tuple[str, str, str, str | None], Finding] = {}
    for finding in findings:
        key = (finding.rule, finding.path, finding.message, finding.about)
        known = strongest.get(key)
        if known is None or known.strength < finding.strength:
            strongest[key] = finding
    return tuple(sorted(strongest.values(), key=_rank))


def _rank(finding: Finding) -> tuple[object, ...]:
    path = _steps(finding.path)
    return -finding.strength, _ORDER[finding.rule], path, finding.message, finding.about or ""


def _steps(path: str) -> tuple[str | int, ...]:
    """Split a path so that ``[10]`` comes after ``[2]``: texts and numbers alternate."""
    return tuple(int(step) if step.isdecimal() else step for step in _NUMBER.split(path))


def _judge(
    manifest: Manifest, classified: risk.Classified, policies: tuple[Policy, ...], moment: datetime
) -> Iterator[Finding]:
    yield from risk.findings(classified)
    yield from link.unproven(manifest, policies)
    yield from bias.unproven(manifest, policies)
    yield from oversight.unproven(manifest, policies)
    for policy in policies:
        yield from evidence.unreadable(manifest, policy.spec.enforcement)
        yield from bias.findings(manifest, classified.tier, policy)
        yield from counts.findings(manifest, policy)
        yield from residency.training(manifest, classified.tier, policy)
        yield from oversight.findings(manifest, classified.tier, policy)
        yield from evidence.timely(manifest, policy, moment)
