"""Confidence intervals: published examples, their defining equations, and what holds for any counts."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actgate.api.compliance_manifest import Metric
from actgate.decision import intervals, metrics
from actgate.decision.intervals import Estimate, difference, ratio, wilson
from actgate.decision.manifest import GroupCount, Measurement
from actgate.decision.metrics import Share
from tests.decision.build import counted

Z = intervals.quantile(0.95, 1)


def rate(part: int, whole: int) -> Estimate:
    """Return a rate with its limits at 95 %."""
    return wilson(Share(part, whole), Z)


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_score_limits_are_those_of_newcombe(part: int, whole: int, low: float, high: float) -> None:
    """Newcombe 1998, Statistics in Medicine 17: 857-872, table I, method 3 (Wilson, uncorrected)."""
    assert rate(part, whole) == pytest.approx((part / whole, low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_a_difference_has_the_interval_of_newcombe(
    one: tuple[int, int], other: tuple[int, int], low: float, high: float
) -> None:
    """Newcombe 1998, Statistics in Medicine 17: 873-890, table II, method 10 (hybrid score)."""
    assert difference(rate(*one), rate(*other)) == pytest.approx((low, high), abs=5e-5)


def test_difference_and_ratio_of_a_published_trial() -> None:
    """Fagerland, Lydersen & Laake 2017, Statistical Analysis of Contingency Tables, chapter 4.

    Survival with standard and high dose of epinephrine (Perondi et al. 2004): 7 of 34 and 1 of 34. As their
    R package contingencytables prints it, Newcombe's hybrid score interval is 0.0189 to 0.3404, and MOVER-R
    Wilson is 1.1537 to 41.9763.
    """
    assert difference(rate(7, 34), rate(1, 34)) == pytest.approx((0.0189, 0.3404), abs=5e-5)
    assert ratio(rate(7, 34), rate(1, 34)) == pytest.approx((1.1537, 41.9763), abs=5e-5)


def test_the_ratio_to_zero_has_no_upper_end() -> None:
    """Nothing limits how many times more often something happens than what was never seen."""
    low, high = ratio(rate(5, 56), rate(0, 29))
    assert 0 < low < 1
    assert math.isinf(high)


shares = st.integers(1, 10**6).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole)))


@given(shares, shares)
def test_the_ends_of_a_ratio_solve_their_equation(one: tuple[int, int], other: tuple[int, int]) -> None:
    """Donner & Zou 2012: at an end R the MOVER limit of p - R q is 0; squared, the terms below are equal."""
    first, second = rate(*one), rate(*other)
    low, high = ratio(first, second)
    assert 0 <= low <= high
    if low > 0:
        left = (first.rate - low * second.rate) ** 2
        right = (first.rate - first.low) ** 2 + (low * (second.high - second.rate)) ** 2
        assert left == pytest.approx(right, rel=1e-6, abs=1e-12)


def test_bonferroni_widens_each_comparison() -> None:
    """Ten pairs at 95 % together are pairs at 99.5 %: two-sided normal quantiles from a table."""
    assert intervals.quantile(0.95, 1) == pytest.approx(1.959964, abs=1e-6)
    assert intervals.quantile(0.95, 10) == pytest.approx(2.807034, abs=1e-6)


@pytest.mark.parametrize(
    ("metric", "groups", "expected"),
    [
        (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, ((70, 56), (80, 48)), (0.0524, 0.3339)),
        (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, ((29, 0), (56, 5)), (0.0, 0.1926)),
        (Metric.STATISTICAL_PARITY_DIFFERENCE, ((70, 56), (80, 48)), (0.0524, 0.3339)),
        (Metric.EQUAL_OPPORTUNITY_DIFFERENCE, ((99, 70, 56, 0), (99, 80, 48, 0)), (0.0524, 0.3339)),
        (Metric.DISPARATE_IMPACT, ((34, 7), (34, 1)), (1 / 41.9763, 1 / 1.1537)),
        (Metric.DEMOGRAPHIC_PARITY_RATIO, ((34, 1), (34, 7)), (1 / 41.9763, 1 / 1.1537)),
    ],
)
def test_a_metric_of_two_groups_has_the_interval_of_its_one_comparison(
    metric: Metric, groups: tuple[tuple[int, ...], ...], expected: tuple[float, float]
) -> None:
    """Of its size: a difference without sign, a ratio up to 1; the order of the groups is no matter."""
    assert intervals.interval(counted(metric, 0.0, *groups), 0.95) == pytest.approx(expected, abs=5e-5)
    assert intervals.interval(counted(metric, 0.0, *groups[::-1]), 0.95) == pytest.approx(expected, abs=5e-5)


def test_average_odds_add_up_the_variances_of_four_rates() -> None:
    """Zou & Donner 2008: the distances to the limits are added in squares, then halved with the mean."""
    measurement = counted(Metric.AVERAGE_ODDS_DIFFERENCE, 0.0, (200, 80, 60, 12), (200, 70, 40, 30))
    tpr, fpr = (rate(60, 80), rate(40, 70)), (rate(12, 120), rate(30, 130))
    value = sum(one.rate - other.rate for one, other in (tpr, fpr)) / 2
    down = math.sqrt(
        sum((one.rate - one.low) ** 2 + (other.high - other.rate) ** 2 for one, other in (tpr, fpr))
    )
    up = math.sqrt(
        sum((one.high - one.rate) ** 2 + (other.rate - other.low) ** 2 for one, other in (tpr, fpr))
    )
    low, high = value - down / 2, value + up / 2
    assert low < 0 < high
    expected = (0.0, max(-low, high))
    assert intervals.interval(measurement, 0.95) == pytest.approx(expected, abs=1e-12)


proper = st.tuples(*[st.integers(1, 3000)] * 4).map(
    lambda cells: (sum(cells), cells[0] + cells[1], cells[0], cells[2])
)
tables = st.lists(proper, min_size=2, max_size=5)


@given(tables, st.sampled_from(Metric), st.sampled_from([0.5, 0.9, 0.95, 0.9999]))
def test_the_value_is_within_its_interval_and_more_confidence_widens_it(
    table: list[tuple[int, ...]], metric: Metric, confidence: float
) -> None:
    """For every metric, of two to five groups."""
    measurement = counted(metric, 0.0, *table, reference="a")
    found, narrower = (intervals.interval(measurement, level) for level in (confidence, confidence / 2))
    size = metrics.disparity(measurement)
    assert found is not None
    assert narrower is not None
    assert size is not None
    noise = metrics.NOISE
    assert 0 <= found.low <= narrower.low + noise <= size + 2 * noise
    assert size - 2 * noise <= narrower.high - noise <= found.high <= 1


@given(tables, st.sampled_from(Metric), st.integers(2, 1000))
def test_more_persons_with_the_same_rates_narrow_an_interval(
    table: list[tuple[int, ...]], metric: Metric, times: int
) -> None:
    """The remediation of `bias/interval` works: evaluate on more data."""
    few = counted(metric, 0.0, *table, reference="a")
    many = counted(metric, 0.0, *[tuple(count * times for count in group) for group in table], reference="a")
    before, after = intervals.interval(few, 0.95), intervals.interval(many, 0.95)
    assert before is not None
    assert after is not None
    assert before.low <= after.low + metrics.NOISE
    assert after.high <= before.high + metrics.NOISE


@given(tables, st.sampled_from(Metric), st.randoms(use_true_random=False))
def test_the_order_of_groups_is_no_matter(table: list[tuple[int, ...]], metric: Metric, dice: object) -> None:
    """The same groups have the same interval."""
    measurement = counted(metric, 0.0, *table, reference="a")
    turned = replace(measurement, groups=measurement.groups[::-1])
    assert intervals.interval(measurement, 0.95) == pytest.approx(intervals.interval(turned, 0.95), abs=1e-12)


counts = st.none() | st.integers(0, 10**320)
wild = st.builds(GroupCount, st.sampled_from("abc"), st.integers(0, 10**320), st.none(), *[counts] * 4)


@given(st.lists(wild, max_size=4).map(tuple), st.sampled_from(Metric), st.sampled_from([None, "a", "z"]))
def test_no_counts_make_the_arithmetic_raise(
    stated: tuple[GroupCount, ...], metric: Metric, reference: str | None
) -> None:
    """Where a value can be computed it has an interval, however large the numbers are."""
    measurement = Measurement(metric, 0.0, groups=stated, reference_group=reference)
    found = intervals.interval(measurement, 0.95)
    assert (found is None) is (metrics.disparity(measurement) is None)
    assert found is None or 0 <= found.low <= found.high <= 1
