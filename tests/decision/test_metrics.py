"""What counts make of each metric; Fairlearn's own are held against Fairlearn in ``test_fairlearn``."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actgate.api.compliance_manifest import Metric
from actgate.decision import metrics
from actgate.decision.manifest import GroupCount, Measurement
from tests.decision.build import counted, without

PARITY = [
    Metric.DEMOGRAPHIC_PARITY_DIFFERENCE,
    Metric.STATISTICAL_PARITY_DIFFERENCE,
    Metric.DEMOGRAPHIC_PARITY_RATIO,
    Metric.DISPARATE_IMPACT,
]
ODDS = [
    Metric.EQUALIZED_ODDS_DIFFERENCE,
    Metric.EQUALIZED_ODDS_RATIO,
    Metric.AVERAGE_ODDS_DIFFERENCE,
]

cells = st.tuples(*[st.integers(1, 500)] * 4)
"""True positives, false negatives, false positives and true negatives of a group, none of them 0."""


def aif360(metric: Metric, group: tuple[int, ...], privileged: tuple[int, ...]) -> float:
    """Compute a metric as AIF360 documents it for ``ClassificationMetric``, from the cells of both groups.

    statistical_parity_difference: Pr(Yhat = 1 | D = unprivileged) - Pr(Yhat = 1 | D = privileged).
    disparate_impact: Pr(Yhat = 1 | D = unprivileged) / Pr(Yhat = 1 | D = privileged).
    average_odds_difference: 1/2 [(FPR unprivileged - FPR privileged) + (TPR unprivileged - TPR privileged)].
    """
    (tp, fn, fp, tn), (p_tp, p_fn, p_fp, p_tn) = group, privileged
    favourable, p_favourable = (tp + fp) / (tp + fn + fp + tn), (p_tp + p_fp) / (p_tp + p_fn + p_fp + p_tn)
    if metric is Metric.STATISTICAL_PARITY_DIFFERENCE:
        return favourable - p_favourable
    if metric is Metric.DISPARATE_IMPACT:
        return favourable / p_favourable
    return 0.5 * ((fp / (fp + tn) - p_fp / (p_fp + p_tn)) + (tp / (tp + fn) - p_tp / (p_tp + p_fn)))


def groups_of(*tables: tuple[int, ...]) -> tuple[GroupCount, ...]:
    """Return groups with all of their counts; the first one is the reference in these tests."""
    return tuple(
        GroupCount(
            f"g{place}", sum(table), None, table[0] + table[2], table[0] + table[1], table[0], table[2]
        )
        for place, table in enumerate(tables)
    )


@pytest.mark.parametrize(
    "metric",
    [Metric.STATISTICAL_PARITY_DIFFERENCE, Metric.AVERAGE_ODDS_DIFFERENCE, Metric.DISPARATE_IMPACT],
)
@given(st.lists(cells, min_size=2, max_size=5))
def test_a_directional_metric_is_that_of_aif360_for_the_group_farthest_from_the_reference(
    metric: Metric, tables: list[tuple[int, ...]]
) -> None:
    """Equal to 1e-12, whatever the counts."""
    measurement = Measurement(metric, 0.0, groups=groups_of(*tables), reference_group="g0")
    each = [aif360(metric, table, tables[0]) for table in tables[1:]]
    distances = [-min(value, 1 / value) if metric.is_ratio else abs(value) for value in each]
    farthest = [
        value for value, far in zip(each, distances, strict=True) if far >= max(distances) - metrics.NOISE
    ]
    assert metrics.values(measurement) == pytest.approx(farthest, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.3),
        (Metric.DEMOGRAPHIC_PARITY_RATIO, 0.4),
        (Metric.EQUAL_OPPORTUNITY_DIFFERENCE, 0.4),
        (Metric.EQUALIZED_ODDS_DIFFERENCE, 0.4),
        (Metric.EQUALIZED_ODDS_RATIO, 0.25),
        (Metric.STATISTICAL_PARITY_DIFFERENCE, -0.3),
        (Metric.AVERAGE_ODDS_DIFFERENCE, -0.3),
        (Metric.DISPARATE_IMPACT, 0.4),
    ],
)
def test_each_metric_of_one_table(metric: Metric, value: float) -> None:
    """By hand: 80 and 40 of 100 positives are found, and 5 and 20 of 100 others, or 25 of 100."""
    table = ((200, 100, 80, 20), (200, 100, 40, 20), (200, 100, 60, 5))
    if metric in (Metric.STATISTICAL_PARITY_DIFFERENCE, Metric.AVERAGE_ODDS_DIFFERENCE):
        table = ((200, 100, 80, 40), (200, 100, 40, 20), (200, 100, 70, 40))
    if metric in PARITY and metric is not Metric.STATISTICAL_PARITY_DIFFERENCE:
        table = ((200, 100, 80, 20), (200, 100, 30, 10), (200, 100, 60, 5))
    measurement = counted(metric, 0.0, *table, reference="a")
    assert metrics.values(measurement)[0] == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("metric", list(Metric))
def test_two_groups_without_a_reference_may_be_compared_either_way(metric: Metric) -> None:
    """Which of two groups is the privileged one does not change how unequal they are."""
    one, two = (500, 200, 150, 30), (400, 100, 60, 30)
    forth, back = (metrics.values(counted(metric, 0.0, *pair)) for pair in ((one, two), (two, one)))
    assert sorted(forth) == pytest.approx(sorted(back), abs=1e-12)
    turned = 1 / forth[0] if metric.is_ratio else -forth[0]
    assert forth[1] == pytest.approx(turned, abs=1e-12)


@pytest.mark.parametrize(
    "metric",
    [Metric.STATISTICAL_PARITY_DIFFERENCE, Metric.AVERAGE_ODDS_DIFFERENCE, Metric.DISPARATE_IMPACT],
)
@pytest.mark.parametrize("reference", [None, "z"])
def test_several_groups_need_a_reference(metric: Metric, reference: str | None) -> None:
    """The counts are there, and what to do with them is not."""
    three = [(500, 200, 150, 30)] * 3
    measurement = counted(metric, 0.0, *three, reference=reference)
    assert metrics.recomputable(measurement)
    assert metrics.values(measurement) == ()


def test_groups_that_are_equally_far_from_the_reference_may_each_be_meant() -> None:
    """One above and one below, by the same distance: the value has either sign."""
    measurement = counted(
        Metric.STATISTICAL_PARITY_DIFFERENCE, 0.0, (100, 30), (100, 40), (100, 20), reference="a"
    )
    assert metrics.values(measurement) == pytest.approx((0.1, -0.1))


@pytest.mark.parametrize("missing", ["selected", "true_positives", "false_positives"])
@pytest.mark.parametrize("metric", list(Metric))
def test_one_of_three_counts_follows_from_the_others(metric: Metric, missing: str) -> None:
    """Selected persons are true and false positives."""
    whole = groups_of((150, 50, 30, 270), (60, 40, 30, 270))
    measurement = Measurement(metric, 0.0, groups=whole, reference_group="g0")
    partial = replace(measurement, groups=tuple(without(group, missing) for group in whole))
    assert metrics.values(partial) == metrics.values(measurement) != ()


@pytest.mark.parametrize(
    ("metric", "lacking"),
    [
        *((metric, ("selected", "true_positives")) for metric in PARITY),
        *((metric, ("positives",)) for metric in [*ODDS, Metric.EQUAL_OPPORTUNITY_DIFFERENCE]),
        *((metric, ("true_positives", "selected")) for metric in ODDS),
        (Metric.EQUAL_OPPORTUNITY_DIFFERENCE, ("true_positives", "false_positives")),
    ],
)
def test_a_measurement_that_lacks_a_count_in_one_group_is_not_recomputable(
    metric: Metric, lacking: tuple[str, ...]
) -> None:
    """Partial counts are no counts: the value stays a declared one."""
    one, two = groups_of((150, 50, 30, 270), (60, 40, 30, 270))
    measurement = Measurement(metric, 0.0, groups=(one, two))
    partial = replace(measurement, groups=(one, without(two, *lacking)))
    assert (metrics.recomputable(measurement), metrics.recomputable(partial)) == (True, False)
    assert (metrics.values(partial), metrics.disparity(partial)) == ((), None)


@pytest.mark.parametrize("metric", list(Metric))
def test_without_two_groups_nothing_is_recomputable(metric: Metric) -> None:
    """A single group compares nothing, and an empty one is none."""
    alone = counted(metric, 0.0, (500, 200, 150, 30))
    beside_an_empty_one = counted(metric, 0.0, (500, 200, 150, 30), (0, 0, 0, 0))
    for measurement in (alone, beside_an_empty_one, Measurement(metric, 0.0)):
        assert not metrics.recomputable(measurement)


@pytest.mark.parametrize("metric", [metric for metric in Metric if metric.is_ratio])
def test_a_ratio_to_zero_is_not_computed(metric: Metric) -> None:
    """0 / 0 and 1 / 0 are no numbers; a difference of the same counts is one."""
    none = counted(metric, 0.0, (500, 200, 0, 0), (400, 100, 0, 0))
    assert metrics.recomputable(none)
    assert metrics.values(none) == ()
    some = counted(Metric.DISPARATE_IMPACT, 0.0, (500, 0), (400, 100), reference="a")
    assert metrics.values(some) == ()
    assert metrics.values(replace(some, reference_group="b")) == (0.0,)
    assert metrics.values(replace(some, reference_group=None)) == (0.0,)


counts = st.none() | st.integers(-5, 10**320)
wild = st.builds(GroupCount, st.sampled_from("abc"), st.integers(-5, 10**320), st.none(), *[counts] * 4)


@given(st.lists(wild, max_size=4).map(tuple), st.sampled_from(Metric), st.sampled_from([None, "a", "z"]))
def test_no_counts_make_the_arithmetic_raise(
    stated: tuple[GroupCount, ...], metric: Metric, reference: str | None
) -> None:
    """Negative counts, parts above their wholes, numbers beyond every float: there is a value, or none."""
    measurement = Measurement(metric, 0.0, groups=stated, reference_group=reference)
    size = metrics.disparity(measurement)
    assert size is None or 0 <= size <= 1
    assert (size is None) is (metrics.values(measurement) == ())
