"""The rule that what serves a model by its signals is linked to its evidence."""

from collections.abc import Iterator, Mapping
from typing import Final

from actgate.api.compliance_policy import DetectionPolicy, Enforcement
from actgate.api.quoting import quoted
from actgate.decision.policies import Policy
from actgate.decision.rules.rule import HOUSE_POLICY, Rule
from actgate.decision.subject import Detection, SignalTier, Subject
from actgate.decision.verdict import Finding

UNDECLARED: Final = Rule(
    "inference/undeclared",
    HOUSE_POLICY,
    requirement="What serves a model by its signals (its image, its command line, hints that name a model) "
    "links a ComplianceManifest.",
    rationale="Evidence that only volunteers show is no control: a model that is served without a link is "
    "judged by no rule at all. What each tier of signals leads to is set in spec.detection of the policy.",
    remediation="Link the model's ComplianceManifest. What serves no model, and only looks like it, needs an "
    "Exemption: no label of the workload withdraws what is detected.",
)
RULES: Final = (UNDECLARED,)
_SHOWN: Final = 3
"""Signals that a message names; a workload can have one for each of its containers."""


def findings(subject: Subject, detection: Detection, policy: Policy) -> Iterator[Finding]:
    """Yield the finding about a subject that is judged for its signals alone, and links nothing.

    Args:
        subject: What is asked about.
        detection: What its signals add up to.
        policy: One that applies.
    """
    signals = detection.signals
    named = ", ".join(
        f"{signal.id} ({signal.path}: {quoted(signal.value, 40)})" for signal in signals[:_SHOWN]
    )
    more = f" and {len(signals) - _SHOWN} more" if len(signals) > _SHOWN else ""
    yield UNDECLARED.finding(
        effect_of(policy.spec.detection, detection.tier),
        subject.reference_path,
        f"Required value: the {subject.kind} {_LOOKS[detection.tier]} a model server by {named}{more}",
        f"set {subject.reference_path} to the name of the model's ComplianceManifest in namespace "
        f"{quoted(subject.namespace)}, or ask for an Exemption",
    )


def effect_of(detection: DetectionPolicy, tier: SignalTier) -> Enforcement:
    """Return what a policy makes of workloads of a tier."""
    match tier:
        case SignalTier.STRONG:
            return detection.strong
        case SignalTier.LIKELY:
            return detection.likely
        case SignalTier.WEAK:
            return detection.weak


_LOOKS: Final[Mapping[SignalTier, str]] = {
    SignalTier.STRONG: "is",
    SignalTier.LIKELY: "is likely",
    SignalTier.WEAK: "may be",
}
