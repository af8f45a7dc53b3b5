"""What evidence is worth by itself, under a set of policies, for as long as time does not change it.

This is the larger part of a decision, and it is the same for every subject. It is judged once and noted on
the manifest; a review of a manifest that was judged before compares identities and two moments.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from actgate.decision import rules
from actgate.decision.appraisal import Appraisal
from actgate.decision.manifest import Manifest
from actgate.decision.policies import Policy
from actgate.decision.rules import bias, counts, evidence, link, oversight, residency, risk
from actgate.decision.verdict import Finding

_NUMBER: Final = re.compile(r"([0-9]+)")
_ORDER: Final = {rule.id: position for position, rule in enumerate(rules.ALL)}


def appraise(manifest: Manifest, policies: tuple[Policy, ...], moment: datetime) -> Appraisal:
    """Return what a manifest is worth under the policies that apply, from its note where that holds."""
    for noted in manifest.appraisals:
        if noted.holds(policies, moment):
            return noted
    appraisal = _appraise(manifest, policies, moment)
    # One slice assignment: a reader in another thread sees the old note or the new one, whole.
    manifest.appraisals[:] = [appraisal]
    return appraisal


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return each finding once, with its strongest effect; strongest first, then by rule."""
    strongest: dict[tuple[str, str, str], Finding] = {}
    for finding in findings:
        key = (finding.rule, finding.path, finding.message)
        known = strongest.get(key)
        if known is None or known.strength < finding.strength:
            strongest[key] = finding
    return tuple(
        sorted(
            strongest.values(),
            key=lambda item: (-item.strength, _ORDER[item.rule], _steps(item.path), item.message),
        )
    )


def _steps(path: str) -> tuple[str | int, ...]:
    """Split a path so that ``[10]`` comes after ``[2]``: texts and numbers alternate."""
    return tuple(int(step) if step.isdecimal() else step for step in _NUMBER.split(path))


def _appraise(manifest: Manifest, policies: tuple[Policy, ...], moment: datetime) -> Appraisal:
    classified = risk.classify(manifest, moment)
    points = [point for policy in policies for point in evidence.turning_points(manifest, policy)]
    points += risk.turning_points(manifest)
    return Appraisal(
        policies=policies,
        since=max((point for point in points if point <= moment), default=None),
        until=min((point for point in points if point > moment), default=None),
        tier=classified.tier,
        findings=ordered(
            finding.about_manifest(manifest.name)
            for finding in _judge(manifest, classified, policies, moment)
        ),
    )


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
