"""The rule that a bias measurement holds its limit with the confidence that a policy asks for."""

from collections.abc import Iterator
from typing import Final

from actgate.api.compliance_policy import Tier
from actgate.decision import certainty, limits, metrics
from actgate.decision.manifest import Manifest, Measurement
from actgate.decision.metrics import Rate
from actgate.decision.policies import Policy
from actgate.decision.rules.rule import HOUSE_POLICY, Rule
from actgate.decision.verdict import Finding

INTERVAL: Final = Rule(
    "bias/interval",
    HOUSE_POLICY,
    requirement="Where the policy sets bias.confidence, every measurement has the counts of its metric, and "
    "the confidence interval that the gate computes from them lies within the limit.",
    rationale="A difference among few persons is chance as much as fact. An interval that straddles the "
    "limit is inconclusive, whichever side the value is on: the sample is too small to show that the limit "
    "is held, or that it is not. Inconclusive is not a pass.",
    remediation="Evaluate on more data, of the smallest groups first, or reduce the disparity. The method "
    "is in docs/concepts.md.",
)
RULES: Final = (INTERVAL,)


def findings(manifest: Manifest, tier: Tier, policy: Policy) -> Iterator[Finding]:
    """Yield which measurements are not certain enough under a policy, for a system of that tier."""
    bias = policy.spec.bias
    if not bias.confidence or tier not in bias.required_for:
        return
    for index, measurement in enumerate(manifest.bias):
        path = manifest.path("spec.bias", index)
        if not metrics.recomputable(measurement):
            yield INTERVAL.finding(
                policy.spec.enforcement,
                f"{path}.groups",
                f"Required value: must have the counts of {measurement.metric} for each group (policy "
                f"{policy.name} asks for a confidence of {bias.confidence})",
                f"record {_counts(measurement)} of each group",
            )
        else:
            yield from _straddling(measurement, path, policy)


def _straddling(measurement: Measurement, path: str, policy: Policy) -> Iterator[Finding]:
    """Refuse a value whose interval has the limit within it, on whichever side of the limit it is.

    Beyond it ``bias/limit`` speaks as well: a confidence adds a reason, and takes none away (ADR 0031). Of
    counts from which no interval follows other rules speak.
    """
    confidence, limit = policy.spec.bias.confidence, limits.limit_of(measurement, policy)
    found = certainty.straddling(measurement, limit, confidence)
    if found is None:
        return
    bound = ">=" if measurement.metric.is_ratio else "<="
    yield INTERVAL.finding(
        policy.spec.enforcement,
        f"{path}.value",
        f"Invalid value: {measurement.value}: inconclusive, {found.low:.4g} to {found.high:.4g} with "
        f"confidence {confidence}: must be {bound} {limit} ({limits.owner(limit, measurement, policy)})",
        certainty.remediation(measurement, limit, confidence),
    )


def _counts(measurement: Measurement) -> str:
    compared = metrics.compared(measurement.metric)
    if Rate.SELECTION in compared:
        return "selected"
    if Rate.FALSE_POSITIVE in compared:
        return "positives, truePositives and falsePositives"
    return "positives and truePositives"
