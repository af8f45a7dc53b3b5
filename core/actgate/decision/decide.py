"""``decide``: one subject, its evidence, the policies and a moment, and one answer.

It judges everything before it answers, so that one pass of fixes is enough. What each manifest is worth by
itself is its appraisal; here the subject is held against all that it links.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from actgate.api.compliance_policy import Enforcement, Tier
from actgate.decision import rules
from actgate.decision.appraisal import Appraisal, Appraise, appraise, ordered
from actgate.decision.data import RULESET
from actgate.decision.manifest import Manifest
from actgate.decision.policies import Policy, applicable
from actgate.decision.rules import link, residency
from actgate.decision.subject import Subject
from actgate.decision.verdict import Finding, Verdict, outcome_of


def decide(
    subject: Subject,
    manifests: Iterable[Manifest],
    policies: Iterable[Policy],
    now: datetime,
    appraise: Appraise = appraise,
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

    Returns:
        The verdict with every finding. A refusal is a value: nothing is raised for any input.
    """
    return decide_under(applicable(policies, subject.namespace_labels), subject, manifests, now, appraise)


def decide_under(
    chosen: tuple[Policy, ...],
    subject: Subject,
    manifests: Iterable[Manifest],
    now: datetime,
    appraise: Appraise = appraise,
) -> Verdict:
    """Decide where the policies that apply were chosen before, as ``applicable`` returns them."""
    moment = now if now.utcoffset() is not None else now.replace(tzinfo=UTC)
    names = {one.manifest for one in subject.links}
    linked = _linked(names, subject.namespace, manifests)
    appraisals = [appraise(manifest, chosen, moment) for manifest in linked.values()]
    tiers = {appraisal.tier for appraisal in appraisals}
    if not linked or len(linked) < len(names):
        tiers.add(Tier.HIGH_RISK)
    own: list[Finding] = []
    for policy in chosen:
        own += [
            rules.BY_ID[problem.rule].finding(
                policy.spec.enforcement, problem.path, problem.message, problem.remediation
            )
            for problem in subject.problems
            if problem.rule != residency.SERVING.id  # Counts only where the policy judges residency.
        ]
        own += link.findings(subject, linked, policy)
        own += residency.serving(subject, tiers, policy)
    if subject.governed_change and not own and len(appraisals) == 1:
        findings, outcome = appraisals[0].findings, appraisals[0].outcome
    else:
        findings = _merged(subject, own, appraisals)
        outcome = outcome_of(findings)
    untils = [appraisal.until for appraisal in appraisals if appraisal.until is not None]
    return Verdict(
        outcome=outcome,
        findings=findings,
        manifest_digests=tuple(
            [(name, manifest.digest) for name, manifest in linked.items() if manifest.digest is not None]
        ),
        policies=tuple([policy.name for policy in chosen]),
        ruleset=RULESET,
        valid_until=min(untils) if untils else None,
    )


def _linked(names: set[str], namespace: str, manifests: Iterable[Manifest]) -> dict[str, Manifest]:
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
