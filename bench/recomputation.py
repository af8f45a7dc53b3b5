"""Bias from counts: what a value and its interval take, and the largest manifest that the schema allows."""

import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from actgate.api.compliance_manifest import Metric
from actgate.api.compliance_policy import CompliancePolicySpec
from actgate.decision import Manifest, Policy, intervals, metrics
from actgate.decision.decide import appraise
from actgate.decision.manifest import GroupCount, Measurement
from bench.cpu import microseconds
from bench.report import Section

GOAL: Final = 50.0
"""Microseconds for value and interval of five groups."""
NOW: Final = datetime(2026, 11, 23, tzinfo=UTC)
MOST: Final = 64
"""Measurements of a manifest, and groups of a measurement."""
ASKING: Final = Policy(
    "certain",
    CompliancePolicySpec.model_validate({"bias": {"confidence": 0.95, "maxDifference": 1, "minRatio": 0}}),
)


def run() -> Section:
    """Recompute every metric, of few groups and of many."""
    rows, slowest = [], 0.0
    for metric in Metric:
        two, five = (_both(_measurement(metric, groups)) for groups in (2, 5))
        slowest = max(slowest, five)
        measurements = tuple(_measurement(metric, MOST) for _ in range(MOST))
        largest = _largest(Manifest("bench", "largest", None, bias=measurements)) / 1000
        rows.append((metric.value, f"{two:.1f}", f"{five:.1f}", f"{largest:.0f}"))
    return Section(
        "Bias from counts",
        "CPU time for the value of a metric and its confidence interval, and for an appraisal of the largest "
        f"manifest, {MOST} measurements of {MOST} groups, under a policy with a confidence. Goal: value and "
        f"interval of five groups in at most {GOAL:.0f} us.",
        ("metric", "2 groups, us", "5 groups, us", "largest manifest, ms"),
        rows,
        f"Slowest of five groups {slowest:.0f} us: {'held' if slowest <= GOAL else 'not held'}.",
    )


def _largest(manifest: Manifest) -> float:
    return microseconds(lambda: appraise(manifest, (ASKING,), NOW), 1)


def _both(measurement: Measurement) -> float:
    def recompute() -> None:
        metrics.values(measurement)
        intervals.interval(measurement, 0.95)

    return microseconds(recompute, 1000)


def _measurement(metric: Metric, groups: int) -> Measurement:
    """Return a measurement with counts, and with the value that they have."""
    dice = random.Random(groups)  # noqa: S311 - the same counts in every run
    stated = []
    for place in range(groups):
        positives, others = dice.randint(1000, 50_000), dice.randint(1000, 50_000)
        right, wrong = int(positives * dice.uniform(0.7, 0.8)), int(others * dice.uniform(0.1, 0.2))
        stated.append(
            GroupCount(f"g{place}", positives + others, None, right + wrong, positives, right, wrong)
        )
    measurement = Measurement(metric, 0.0, groups=tuple(stated), reference_group="g0")
    return replace(measurement, value=metrics.values(measurement)[0])
