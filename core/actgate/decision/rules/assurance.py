"""The rule of the assurance level: how far a manifest proves itself, against what its tier needs.

*Recomputable* is about the counts of bias measurements, and asks nothing where the policy requires no bias
check of the tier. *Attested* is Recomputable, and each field that a rule uses is signed by an authority that
may attest it.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from actgate.api.compliance_policy import AssuranceLevel, Authority, Tier
from actgate.api.predicates import covers
from actgate.decision import authorities, metrics
from actgate.decision.attestation import Attestation
from actgate.decision.manifest import Manifest
from actgate.decision.policies import Policy
from actgate.decision.rules import attestation
from actgate.decision.rules.rule import HOUSE_POLICY, Rule
from actgate.decision.verdict import Finding

LEVEL: Final = Rule(
    "evidence/level",
    HOUSE_POLICY,
    requirement="The manifest reaches the assurance level that the policy asks of its tier. Recomputable: "
    "every bias measurement has the counts of its metric for each group. Attested: also each field that a "
    "rule uses is in an attestation of a signer who may attest it.",
    rationale="Who may create a manifest may write any number into it: counts show how a value came about, "
    "and a signature who stands for it.",
    remediation="Record the counts of each group, sign the manifest with actgate attest, and add the "
    "envelope to spec.attestations.",
)
RULES: Final = (LEVEL,)
_SIGN: Final = "sign the manifest with actgate attest, and add the envelope to spec.attestations"


def findings(manifest: Manifest, tier: Tier, policy: Policy, now: datetime) -> Iterator[Finding]:
    """Yield what a manifest of that tier lacks of its level, one finding per cause."""
    level = required(tier, policy)
    if level is AssuranceLevel.DECLARED:
        return
    if tier in policy.spec.bias.required_for:
        yield from _without_counts(manifest, level, policy)
    if level is AssuranceLevel.ATTESTED:
        yield from _unattested(manifest, policy, now)


def required(tier: Tier, policy: Policy) -> AssuranceLevel:
    """Return the assurance level that a policy asks of a tier."""
    levels = policy.spec.evidence.level
    match tier:
        case Tier.HIGH_RISK:
            return levels.high_risk
        case Tier.LIMITED_RISK:
            return levels.limited_risk
        case Tier.MINIMAL_RISK:
            return levels.minimal_risk


def asked(item: Attestation, manifest: Manifest, tier: Tier, policy: Policy) -> list[Authority] | None:
    """Return the authorities of which one is to sign this; None where a policy does not ask for it."""
    if any(item.predicate_type == one.predicate_type for one in policy.spec.evidence.require):
        return attestation.required_of(item.predicate_type, policy)
    attested = required(tier, policy) is AssuranceLevel.ATTESTED
    if attested and any(covers(item.predicate_type, field) for field in _stated(manifest)):
        return _entitled(item, policy)
    return None


def _entitled(item: Attestation, policy: Policy) -> list[Authority]:
    return [one for one in policy.spec.evidence.authorities if item.predicate_type in one.may_attest]


def _without_counts(manifest: Manifest, level: AssuranceLevel, policy: Policy) -> Iterator[Finding]:
    for index, measurement in enumerate(manifest.bias):
        if not metrics.recomputable(measurement):
            yield LEVEL.finding(
                policy.spec.enforcement,
                f"{manifest.path('spec.bias', index)}.groups",
                f"Required value: must have the counts of {measurement.metric} for each group (policy "
                f"{policy.name} asks for {level})",
                "record selected, positives, truePositives and falsePositives of each group",
            )


def _unattested(manifest: Manifest, policy: Policy, now: datetime) -> Iterator[Finding]:
    """Yield the fields that no statement covers; where one does, why its signature does not count."""
    items = range(len(manifest.attestations))
    accepted = {index for index in items if _is_accepted(index, manifest, policy, now)}
    doubtful: dict[int, None] = {}
    for field in _stated(manifest):
        candidates = [
            index
            for index, item in enumerate(manifest.attestations)
            if covers(item.predicate_type, field) and item.unreadable is None
        ]
        if not candidates:
            yield LEVEL.finding(
                policy.spec.enforcement,
                f"spec.{field}",
                f"Required value: must be covered by an attestation (policy {policy.name} asks for "
                f"{AssuranceLevel.ATTESTED})",
                _SIGN,
            )
        elif accepted.isdisjoint(candidates):
            doubtful |= dict.fromkeys(candidates)
    required_types = {requirement.predicate_type for requirement in policy.spec.evidence.require}
    for index in doubtful:
        item = manifest.attestations[index]
        if item.predicate_type not in required_types:  # Else the requirement is not met, and says why.
            yield from attestation.objections(index, manifest, _entitled(item, policy), policy, now)


def _is_accepted(index: int, manifest: Manifest, policy: Policy, now: datetime) -> bool:
    item = manifest.attestations[index]
    return bool(authorities.accepted(item, manifest, _entitled(item, policy), policy, now))


def _stated(manifest: Manifest) -> Iterator[str]:
    """Yield the fields of ``spec`` that the manifest has and that rules use."""
    dated = any(path.startswith("spec.approvals") for path, _ in manifest.records)
    stated = {
        "model": manifest.model is not None,
        "riskCategory": manifest.risk_category is not None or manifest.stated_category is not None,
        "classification": manifest.classification is not None,
        "training": manifest.finished_at is not None or bool(manifest.training_regions),
        "bias": bool(manifest.bias),
        "humanOversight": manifest.oversight is not None,
        "validity": manifest.not_before is not None or manifest.not_after is not None,
        "approvals": dated,
    }
    return (field for field, present in stated.items() if present)
