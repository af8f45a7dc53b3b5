"""The limit that a measurement is held against, and what its value and interval say about it."""

from __future__ import annotations

from dataclasses import replace

from actgate.api.compliance_manifest import Metric
from actgate.decision import limits
from actgate.decision.intervals import Bounds
from actgate.decision.limits import BiasOutcome
from tests.decision.build import FAIR, counted, policy

RATIO = Metric.DEMOGRAPHIC_PARITY_RATIO
DIFFERENCE = Metric.DEMOGRAPHIC_PARITY_DIFFERENCE


def test_a_threshold_from_nothing_to_everything_is_the_pipelines_own_limit() -> None:
    """Both ends are limits that a pipeline may set; what is outside of them is none."""
    house = policy(bias={"maxDifference": 0.05})
    for threshold, limit in ((0.0, 0.0), (0.01, 0.01), (1.0, 0.05), (1.5, 0.05), (-0.1, 0.05), (None, 0.05)):
        assert limits.limit_of(replace(FAIR, threshold=threshold), house) == limit, threshold
    generous = policy(bias={"minRatio": 0.5})
    for threshold, limit in ((1.0, 1.0), (0.4, 0.5), (1.5, 0.5), (0.0, 0.5)):
        assert limits.limit_of(replace(FAIR, metric=RATIO, threshold=threshold), generous) == limit, threshold


def test_counts_that_are_exactly_the_limit_hold_it() -> None:
    """Neither the arithmetic on rates nor the side of the limit counts against them; a person more does."""
    for metric, value, limit, held, missed in (
        (RATIO, 0.8, 0.8, ((100, 50), (100, 40)), ((1000, 500), (1000, 399))),
        (DIFFERENCE, 0.05, 0.05, ((100, 50), (100, 45)), ((1000, 500), (1000, 449))),
        (DIFFERENCE, 0.3, 0.3, ((10, 4), (10, 1)), ((1000, 400), (1000, 99))),
    ):
        assert limits.holds(counted(metric, value, *held), limit), (metric, limit)
        assert not limits.holds(counted(metric, value, *missed), limit), (metric, limit)


def test_what_an_interval_says_depends_on_the_direction_of_its_metric() -> None:
    """A difference is worst at its upper end, and a ratio at its lower one."""
    for metric, bounds, outcome in (
        (DIFFERENCE, Bounds(0.0, 0.04), BiasOutcome.PASS),
        (DIFFERENCE, Bounds(0.04, 0.06), BiasOutcome.INCONCLUSIVE),
        (DIFFERENCE, Bounds(0.06, 0.1), BiasOutcome.FAIL),
        (RATIO, Bounds(0.0, 0.04), BiasOutcome.FAIL),
        (RATIO, Bounds(0.04, 0.06), BiasOutcome.INCONCLUSIVE),
        (RATIO, Bounds(0.06, 0.1), BiasOutcome.PASS),
    ):
        assert limits.outcome_within(bounds, 0.05, metric) is outcome, (metric, bounds)
