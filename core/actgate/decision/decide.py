"""``decide``: one subject, its evidence, the policies and a moment, and one answer.

It judges everything before it answers, so that one pass of mending is enough. What the evidence is worth
by itself is appraised once (``appraisal``); here the subject is held against it.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from actgate.api.compliance_policy import Enforcement, Tier
from actgate.decision import rules
from actgate.decision.appraisal import Appraisal
from actgate.decision.appraise import appraise, ordered
from actgate.decision.data import RULESET
from actgate.decision.manifest import Manifest
from actgate.decision.policies import Policy, applicable
from actgate.decision.rules import link, residency
from actgate.decision.subject import Subject
from actgate.decision.verdict import Finding, Verdict, outcome_of


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
    appraisal = appraise(linked, chosen, moment) if linked is not None else None
    findings = _settled(subject, [*_about_subject(subject, linked, appraisal, chosen)], appraisal)
    return Verdict(
        outcome=outcome_of(findings),
        findings=findings,
        manifest_digest=linked.digest if linked is not None else None,
        policies=tuple([policy.name for policy in chosen]),
        ruleset=RULESET,
        valid_until=appraisal.until if appraisal is not None else None,
    )


def _is_referred_to(manifest: Manifest, subject: Subject) -> bool:
    return manifest.name == subject.manifest_name and manifest.namespace == subject.namespace


def _about_subject(
    subject: Subject, manifest: Manifest | None, appraisal: Appraisal | None, chosen: tuple[Policy, ...]
) -> Iterator[Finding]:
    tier = appraisal.tier if appraisal is not None else Tier.HIGH_RISK
    for policy in chosen:
        for problem in subject.problems:
            if problem.rule == residency.SERVING.id:
                continue  # Counts only where the policy judges residency: residency.serving says so.
            yield rules.BY_ID[problem.rule].finding(
                policy.spec.enforcement, problem.path, problem.message, problem.remedy
            )
        if manifest is None:
            yield from link.missing(subject, policy)
        else:
            yield from link.model(subject, manifest, policy)
        yield from residency.serving(subject, tier, policy)


def _settled(subject: Subject, own: list[Finding], appraisal: Appraisal | None) -> tuple[Finding, ...]:
    """Return the findings about the subject and about its evidence together, in their order."""
    about_evidence = appraisal.findings if appraisal is not None else ()
    if subject.governed_change:
        return ordered((*own, *about_evidence)) if own else about_evidence
    # Otherwise a finalizer could not be removed from a model whose evidence went bad, nor could the
    # commit be applied that repairs the evidence beside it.
    return ordered(
        finding.with_effect(Enforcement.WARN) if finding.effect is Enforcement.DENY else finding
        for finding in (*own, *about_evidence)
    )
