"""The limit of a bias measurement under a policy, and whether its value holds it, and how certainly.

Sign conventions differ between libraries (Fairlearn reports the distance, AIF360 a signed difference, and
ratios either way up), so a difference counts by its absolute value and a ratio by the smaller of itself and
its reciprocal. Where the groups have the counts of the metric, what they say is judged, not what is stated.
"""

from enum import StrEnum

from actgate.api.compliance_manifest import Metric
from actgate.decision import intervals, metrics
from actgate.decision.intervals import Bounds
from actgate.decision.manifest import Measurement
from actgate.decision.metrics import NOISE
from actgate.decision.policies import Policy


class BiasOutcome(StrEnum):
    """What a measurement says about its limit."""

    PASS = "Pass"  # noqa: S105 - a result
    FAIL = "Fail"
    INCONCLUSIVE = "Inconclusive"
    """The limit lies within the interval, or certainty is asked for and there are no counts."""


def own_threshold(measurement: Measurement) -> float | None:
    """Return the limit that the pipeline set itself, where it is one."""
    threshold = measurement.threshold
    return threshold if threshold is not None and 0 <= threshold <= 1 else None


def house_limit(measurement: Measurement, policy: Policy) -> float:
    """Return the policy's limit for the kind of metric."""
    bias = policy.spec.bias
    return bias.min_ratio if measurement.metric.is_ratio else bias.max_difference


def limit_of(measurement: Measurement, policy: Policy) -> float:
    """Return the limit that counts: the stricter one of manifest and policy."""
    own, house = own_threshold(measurement), house_limit(measurement, policy)
    if own is None:
        return house
    return max(house, own) if measurement.metric.is_ratio else min(house, own)


def owner(limit: float, measurement: Measurement, policy: Policy) -> str:
    """Return in words whose limit it is."""
    if limit == house_limit(measurement, policy):
        return f"policy {policy.name}"
    return "the manifest's own threshold"


def states_within(measurement: Measurement, limit: float) -> bool:
    """Return whether the stated value holds a limit."""
    value = measurement.value
    if measurement.metric.is_ratio:
        # NaN compares as false with everything, so it never holds.
        return value >= limit and (value <= 1 or 1 / value >= limit)
    return abs(value) <= limit


def holds(measurement: Measurement, limit: float) -> bool:
    """Return whether a measurement holds a limit: by its counts, or without them by the stated value."""
    size = metrics.disparity(measurement)
    if size is None:
        return states_within(measurement, limit)
    return _is_within(size, limit, measurement.metric.is_ratio)


def outcome(measurement: Measurement, limit: float, confidence: float) -> BiasOutcome:
    """Return whether a measurement holds its limit with a confidence; 0 asks for the value alone.

    It is inconclusive wherever the interval has the limit within it. The gate refuses that for
    ``bias/interval``, and where the value is beyond the limit for ``bias/limit`` as well.
    """
    if not confidence:
        return BiasOutcome.PASS if holds(measurement, limit) else BiasOutcome.FAIL
    found = intervals.interval(measurement, confidence)
    if found is None:
        return BiasOutcome.INCONCLUSIVE if holds(measurement, limit) else BiasOutcome.FAIL
    return outcome_within(found, limit, measurement.metric)


def outcome_within(found: Bounds, limit: float, metric: Metric) -> BiasOutcome:
    """Return what an interval says about a limit."""
    is_ratio = metric.is_ratio
    worst, best = (found.low, found.high) if is_ratio else (found.high, found.low)
    if _is_within(worst, limit, is_ratio):
        return BiasOutcome.PASS
    return BiasOutcome.INCONCLUSIVE if _is_within(best, limit, is_ratio) else BiasOutcome.FAIL


def _is_within(size: float, limit: float, is_ratio: bool) -> bool:
    return size >= limit - NOISE if is_ratio else size <= limit + NOISE
