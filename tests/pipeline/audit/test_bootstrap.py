"""Bootstrap intervals from counts: exact draws, the same for ever, and near the closed form."""

import math
import random
import statistics

import pytest

from actgate.api.compliance_manifest import Metric
from actgate.decision import intervals
from actgate.decision.manifest import GroupCount, Measurement
from actgate.pipeline.audit import bootstrap

GROUPS = (
    GroupCount("female", 3100, None, 2009, 2100, 1700, 309),
    GroupCount("male", 6900, None, 4990, 4800, 4100, 890),
)


@pytest.mark.parametrize(
    ("trials", "chance"), [(7, 0.4), (1000, 0.002), (50, 0.9), (400, 0.3), (10**9, 0.5), (10**12, 1e-11)]
)
def test_draws_have_the_mean_and_the_spread_of_a_binomial(trials: int, chance: float) -> None:
    """Whichever way they are drawn: within five standard errors, for a fixed seed."""
    dice = random.Random(3)  # noqa: S311 - statistics
    drawn = [bootstrap.binomial(dice, trials, chance) for _ in range(3000)]
    variance = trials * chance * (1 - chance)
    error = math.sqrt(variance / len(drawn))
    assert all(0 <= one <= trials for one in drawn)
    assert statistics.mean(drawn) == pytest.approx(trials * chance, abs=5 * error)
    assert statistics.variance(drawn) == pytest.approx(variance, rel=0.2)


def test_few_draws_have_every_value_as_often_as_they_should() -> None:
    """Three trials of one half: 1, 3, 3 and 1 of eight."""
    dice = random.Random(5)  # noqa: S311 - statistics
    drawn = [bootstrap.binomial(dice, 3, 0.5) for _ in range(8000)]
    assert [drawn.count(one) for one in range(4)] == pytest.approx([1000, 3000, 3000, 1000], rel=0.1)


def test_nothing_and_everything_need_no_dice() -> None:
    """Empty cells stay empty."""
    dice = random.Random(0)  # noqa: S311 - statistics
    assert [bootstrap.binomial(dice, *one) for one in ((0, 0.5), (9, 0.0), (9, 1.0))] == [0, 0, 9]


@pytest.mark.parametrize(
    "metric", [Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, Metric.EQUAL_OPPORTUNITY_DIFFERENCE]
)
def test_the_interval_is_that_of_the_closed_form_within_noise(metric: Metric) -> None:
    """For ten thousand persons of two groups the two methods agree to a few thousandths."""
    measured = Measurement(metric, 0.0, groups=GROUPS)
    drawn = bootstrap.intervals({metric: measured}, 0.95, seed=1, replicates=400)[metric]
    assert drawn == pytest.approx(intervals.interval(measured, 0.95), abs=0.006)


def test_a_seed_has_its_own_intervals_for_ever() -> None:
    """Python documents the sequence of random() for a seed, and nothing else is drawn."""
    measured = {Metric.DISPARATE_IMPACT: Measurement(Metric.DISPARATE_IMPACT, 0.0, groups=GROUPS)}
    one, other, third = (bootstrap.intervals(measured, 0.95, seed, 50) for seed in (1, 1, 2))
    assert one == other != third
