"""``decide``: one subject, its evidence, the policies and a moment, and one answer.

It judges everything before it answers, so that one pass of mending is enough. What depends on the
evidence alone is judged once per set of policies and noted on the manifest; a review of a manifest
that was judged before compares identities and adds the subject, the placement and the time.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from actgate.api.compliance_policy import Enforcement, Tier
from actgate.policy import rules
from actgate.policy.data import RULESET
from actgate.policy.evidence import Manifest
from actgate.policy.policies import Policy, applicable
from actgate.policy.rules import bias, evidence, link, oversight, residency, risk
from actgate.policy.subject import Subject
from actgate.policy.verdict import Finding, Outcome, Verdict

_ORDER: Final = {rule.id: position for position, rule in enumerate(rules.ALL)}


def decide(subject: Subject, manifest: Manifest | None, policies: Iterable[Policy], now: datetime) -> Verdict:
    """Judge whether a subject may run.

    Args:
        subject: What is asked about.
        manifest: The evidence that it refers to; None where there is no such manifest.
        policies: Every CompliancePolicy of the cluster; those that select the subject's namespace
            apply, all of them, and the baseline where none does.
        now: The moment that is asked about, aware; a time without zone is taken as UTC.

    Returns:
        The verdict with every finding. A refusal is a value: nothing is raised for any input.
    """
    moment = now if now.utcoffset() is not None else now.replace(tzinfo=UTC)
    chosen = applicable(policies, subject.namespace_labels)
    linked = manifest if manifest is not None and _is_referred_to(manifest, subject) else None
    findings = [*_about_subject(subject, linked, chosen)]
    turning_points: list[datetime] = []
    if linked is not None:
        classified = risk.classify(linked, moment)
        findings += _about_evidence(linked, classified, chosen)
        for policy in chosen:
            findings += residency.serving(subject, classified.tier, policy)
            findings += evidence.timely(linked, policy, moment)
            turning_points += evidence.turning_points(linked, policy)
        if classified.changes_at is not None:
            turning_points.append(classified.changes_at)
    ordered = _ordered(_softened(findings, subject))
    return Verdict(
        outcome=_outcome(ordered),
        findings=ordered,
        manifest_digest=linked.digest if linked is not None else None,
        policies=tuple(policy.name for policy in chosen),
        ruleset=RULESET,
        valid_until=min((point for point in turning_points if point > moment), default=None),
    )


def _is_referred_to(manifest: Manifest, subject: Subject) -> bool:
    return (manifest.namespace, manifest.name) == (subject.namespace, subject.manifest_name)


def _about_subject(
    subject: Subject, manifest: Manifest | None, chosen: tuple[Policy, ...]
) -> Iterator[Finding]:
    for policy in chosen:
        for problem in subject.problems:
            if problem.rule == residency.SERVING.id:
                continue  # Counts only where the policy judges residency: residency.serving says so.
            yield rules.BY_ID[problem.rule].finding(
                policy.spec.enforcement, problem.path, problem.message, problem.remedy
            )
        if manifest is None:
            yield from link.missing(subject, policy)
            yield from residency.serving(subject, Tier.HIGH_RISK, policy)
        else:
            yield from link.model(subject, manifest, policy)


def _about_evidence(
    manifest: Manifest, classified: risk.Classified, chosen: tuple[Policy, ...]
) -> tuple[Finding, ...]:
    """Return what the evidence is worth by itself, from the manifest's note where it is there."""
    for noted_class, noted_policies, noted in manifest.judged:
        if noted_class == classified and noted_policies == chosen:
            return noted
    judged = tuple(_judge(manifest, classified, chosen))
    manifest.judged[:] = [(classified, chosen, judged)]
    return judged


def _judge(manifest: Manifest, classified: risk.Classified, chosen: tuple[Policy, ...]) -> Iterator[Finding]:
    yield from risk.findings(classified)
    yield from link.unproven(manifest)
    yield from bias.unproven(manifest)
    yield from oversight.unproven(manifest)
    for policy in chosen:
        yield from evidence.unreadable(manifest, policy.spec.enforcement)
        yield from bias.findings(manifest, classified.tier, policy)
        yield from residency.training(manifest, classified.tier, policy)
        yield from oversight.findings(manifest, classified.tier, policy)


def _softened(findings: Iterable[Finding], subject: Subject) -> Iterable[Finding]:
    """Turn denials into warnings where an update changes nothing that is governed.

    Otherwise a finalizer could not be removed from a model whose evidence went bad, nor could the commit
    be applied that repairs the evidence beside it.
    """
    if subject.governed_change:
        return findings
    return (
        finding.with_effect(Enforcement.WARN) if finding.effect is Enforcement.DENY else finding
        for finding in findings
    )


def _ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
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
            key=lambda item: (-item.strength, _ORDER[item.rule], item.path, item.message),
        )
    )


def _outcome(findings: tuple[Finding, ...]) -> Outcome:
    if not findings:
        return Outcome.PASS
    return Outcome.FAIL if findings[0].effect is Enforcement.DENY else Outcome.WARN
