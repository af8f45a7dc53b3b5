"""``decide``: one subject, its evidence, the policies and a moment, and one answer.

It judges everything before it answers, so that one pass of fixes is enough. What each manifest is worth by
itself, for as long as time does not change it, is its appraisal: the larger part of a decision, and the same
for every subject. Who judges the same evidence again and again keeps an ``Appraisals`` and gives its
``appraise`` to ``decide``. Here the subject is held against all that it links.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from actgate.api.compliance_policy import Enforcement, Tier
from actgate.decision import authorities, lending, rules
from actgate.decision.assessments import assess
from actgate.decision.attestation import Assessment, Result
from actgate.decision.data import RULESET
from actgate.decision.exemptions import Exemption, exempted
from actgate.decision.grace import graced
from actgate.decision.manifest import Manifest
from actgate.decision.policies import Policy, applicable
from actgate.decision.rules import (
    assurance,
    attestation,
    bias,
    contradiction,
    counts,
    evidence,
    inference,
    interval,
    link,
    logging,
    oversight,
    references,
    residency,
    risk,
)
from actgate.decision.subject import Subject
from actgate.decision.verdict import Finding, Outcome, Verdict, outcome_of

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
    attestations: tuple[Assessment, ...] = ()
    """Each attestation of the manifest and what the policies make of it, in the manifest's order."""
    accepted: tuple[tuple[str, Assessment], ...] = ()
    """The accepted ones, as a verdict names them: (manifest's name, assessment)."""

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
    points = [*risk.transition_times(manifest)]
    for policy in policies:
        points += evidence.transition_times(manifest, policy)
        points += authorities.transition_times(manifest, policy)
    findings = ordered(
        finding.about_manifest(manifest.name) for finding in _judge(manifest, classified, policies, moment)
    )
    attestations = assess(manifest, classified.tier, policies, moment)
    return Appraisal(
        policies=policies,
        since=max((point for point in points if point <= moment), default=None),
        until=min((point for point in points if point > moment), default=None),
        tier=classified.tier,
        findings=findings,
        outcome=outcome_of(findings),
        attestations=attestations,
        accepted=tuple((manifest.name, one) for one in attestations if one.result is Result.ACCEPTED),
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


def decide(
    subject: Subject,
    manifests: Iterable[Manifest],
    policies: Iterable[Policy],
    now: datetime,
    appraise: Appraise = appraise,
    exemptions: Iterable[Exemption] = (),
) -> Verdict:
    """Judge whether a subject may run.

    Every manifest that the subject links is judged, and what one of them alone would refuse is refused. Only
    what the subject runs, its own model and its images, may be spread over several (ADR 0018).

    Args:
        subject: What is asked about.
        manifests: The evidence that is there; what the subject does not link is ignored.
        policies: Every CompliancePolicy of the cluster; those that select the subject's namespace
            apply, all of them, and the baseline where none does.
        now: The moment that is asked about, aware; a time without zone is taken as UTC.
        appraise: How one manifest is appraised, for callers that keep an ``Appraisals``.
        exemptions: Every Exemption of the cluster; those that are about the subject count.

    Returns:
        The verdict with every finding. A refusal is a value: nothing is raised for any input.
    """
    chosen = applicable(policies, subject.namespace_labels)
    return decide_under(chosen, subject, manifests, now, appraise, exemptions)


def decide_under(
    chosen: tuple[Policy, ...],
    subject: Subject,
    manifests: Iterable[Manifest],
    now: datetime,
    appraise: Appraise = appraise,
    exemptions: Iterable[Exemption] = (),
) -> Verdict:
    """Decide where the policies that apply were chosen before, as ``applicable`` returns them."""
    moment = now if now.utcoffset() is not None else now.replace(tzinfo=UTC)
    asked, subject = subject, lending.resolved(subject, chosen)
    names = subject.manifest_names
    linked = _linked(names, subject.namespace, manifests)
    # One loop for all that is asked of each manifest: mostly there is one, and comprehensions cost more.
    appraisals, tiers, ends, digests = [], set(), [], []
    accepted: tuple[tuple[str, Assessment], ...] = ()
    for name, manifest in linked.items():
        appraisal = appraise(manifest, chosen, moment)
        appraisals.append(appraisal)
        tiers.add(appraisal.tier)
        accepted += appraisal.accepted
        if appraisal.until is not None:
            ends.append(appraisal.until)
        if manifest.digest is not None:
            digests.append((name, manifest.digest))
    if not linked or len(linked) < len(names):
        tiers.add(Tier.HIGH_RISK)
    own = list(lending.placed(_about(asked, subject, linked, tiers, chosen), asked, subject))
    if subject.governed_change and not own and len(appraisals) == 1:
        findings, outcome = appraisals[0].findings, appraisals[0].outcome
    else:
        findings = _merged(subject, own, appraisals)
        outcome = outcome_of(findings)
    accepting: tuple[Exemption, ...] = ()
    if exemptions:
        after = exempted(findings, subject, exemptions, moment)
        accepting = after.used
        if after.until is not None:
            ends.append(after.until)
        if accepting:
            findings = ordered(after.findings)
            outcome = outcome_of(findings)
    grace_until = None
    if subject.template_since is not None and outcome is Outcome.FAIL:
        grace = graced(findings, subject, linked, chosen, moment)
        if grace is not None:
            findings, grace_until = ordered(grace.findings), grace.until
            outcome = outcome_of(findings)
        if grace_until is not None:
            ends.append(grace_until)
    return Verdict(
        outcome=outcome,
        findings=findings,
        manifest_digests=tuple(digests),
        policies=tuple([policy.name for policy in chosen]),
        ruleset=RULESET,
        valid_until=min(ends) if ends else None,
        attestations=accepted,
        exemptions=tuple([(one.name, one.not_after) for one in accepting]),
        grace_until=grace_until,
    )


def _about(
    asked: Subject,
    subject: Subject,
    linked: dict[str, Manifest],
    tiers: set[Tier],
    chosen: tuple[Policy, ...],
) -> Iterator[Finding]:
    """Yield what is found about a subject itself: first as it stands, then with what is lent to it."""
    for policy in chosen:
        declared = subject.declared or subject.was_declared
        if not declared and not subject.links and subject.detection is not None:
            yield from inference.findings(subject, subject.detection, policy)
            continue
        for problem in subject.problems:
            if problem.rule == residency.SERVING.id:
                continue  # Counts only where the policy judges residency.
            rule, effect = rules.BY_ID[problem.rule], policy.spec.enforcement
            yield rule.finding(effect, problem.path, problem.message, problem.remediation)
        if subject.lent is not None:
            yield from lending.findings(asked, policy.spec.enforcement)
        yield from link.findings(subject, linked, policy)
        if subject.references or subject.unstated:
            yield from references.findings(subject, linked, policy)
        yield from residency.serving(subject, tiers, policy)
        yield from logging.findings(subject, tiers, policy)


def _linked(names: list[str], namespace: str, manifests: Iterable[Manifest]) -> dict[str, Manifest]:
    """Return the manifests of these names in a namespace, by name and sorted by it."""
    found = {}
    for manifest in manifests:
        if manifest.name in names and manifest.namespace == namespace:
            found[manifest.name] = manifest
    return found if len(found) < 2 else dict(sorted(found.items()))


def _merged(subject: Subject, own: list[Finding], appraisals: list[Appraisal]) -> tuple[Finding, ...]:
    """Return the findings about the subject and about its evidence together, in their order."""
    findings = [*own, *(finding for appraisal in appraisals for finding in appraisal.findings)]
    if subject.governed_change:
        return ordered(findings)
    # Otherwise a finalizer could not be removed from a model whose evidence went bad, nor could the
    # commit be applied that repairs the evidence beside it.
    return ordered(
        finding.with_effect(Enforcement.WARN) if finding.effect is Enforcement.DENY else finding
        for finding in findings
    )


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return each finding once, with its strongest effect; strongest first, exempted before audited ones.

    Those of one effect are in the order of the rules.
    """
    strongest: dict[tuple[str, str, str, str | None], Finding] = {}
    for finding in findings:
        key = (finding.rule, finding.path, finding.message, finding.about)
        known = strongest.get(key)
        if known is None or known.strength < finding.strength:
            strongest[key] = finding
    return tuple(sorted(strongest.values(), key=_rank))


def _rank(finding: Finding) -> tuple[object, ...]:
    path = _steps(finding.path)
    order = _ORDER[finding.rule]
    return -finding.strength, finding.exemption is None, order, path, finding.message, finding.about or ""


def _steps(path: str) -> tuple[str | int, ...]:
    """Split a path so that ``[10]`` comes after ``[2]``: texts and numbers alternate."""
    return tuple(int(step) if step.isdecimal() else step for step in _NUMBER.split(path))


def _judge(
    manifest: Manifest, classified: risk.Classified, policies: tuple[Policy, ...], moment: datetime
) -> Iterator[Finding]:
    yield from risk.findings(classified)
    yield from link.recommendations(manifest, policies)
    yield from bias.recommendations(manifest, policies)
    yield from oversight.recommendations(manifest, policies)
    for policy in policies:
        yield from evidence.unreadable(manifest, policy.spec.enforcement)
        yield from bias.findings(manifest, classified.tier, policy)
        yield from counts.findings(manifest, policy)
        yield from interval.findings(manifest, classified.tier, policy)
        yield from residency.training(manifest, classified.tier, policy)
        yield from oversight.findings(manifest, classified.tier, policy)
        yield from evidence.check_validity(manifest, policy, moment)
        yield from assurance.findings(manifest, classified.tier, policy, moment)
        yield from attestation.findings(manifest, policy, moment)
        yield from contradiction.findings(manifest, policy)
