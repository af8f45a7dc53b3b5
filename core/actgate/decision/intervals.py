"""How certain a recomputed metric is: confidence intervals over counts, in closed form.

A rate has Wilson's score limits (method 3 of Newcombe 1998, Statistics in Medicine 17: 857-872). They are
put together by MOVER, which recovers variances from limits:

- a difference of two rates: Newcombe's hybrid score interval (method 10 of Newcombe 1998, Statistics in
  Medicine 17: 873-890);
- a mean of differences, for average odds: the same for a linear combination (Zou & Donner 2008, Statistics
  in Medicine 27: 1693-1702);
- a ratio of two rates: MOVER-R (Donner & Zou 2012, Statistical Methods in Medical Research 21: 347-359).

A metric over several groups or rates may be that of any comparison, so each of them gets an interval at
the level of Bonferroni, and all of them hold together with the confidence that is asked for.

No random numbers and no dependency: the same counts have the same interval everywhere and for ever.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, permutations
from statistics import NormalDist
from typing import Final, NamedTuple

from actgate.decision import groups, metrics
from actgate.decision.manifest import Measurement
from actgate.decision.metrics import Share

_LARGEST: Final = 2**53
"""No group that the schema accepts is larger, and a float holds it exactly."""


class Bounds(NamedTuple):
    """The ends of a confidence interval."""

    low: float
    high: float


class Estimate(NamedTuple):
    """A measured rate and its confidence interval."""

    rate: float
    low: float
    high: float


def interval(measurement: Measurement, confidence: float) -> Bounds | None:
    """Return the interval of the size of a metric: a difference without its sign, or a ratio up to 1.

    Args:
        measurement: A measurement with counts.
        confidence: Two-sided confidence level, above 0 and below 1, such as 0.95.

    Returns:
        Lowest and highest size; None where nothing can be computed, as ``metrics.values`` says.
    """
    rows = metrics.proper_shares(measurement)
    if rows is None or not metrics.is_defined(measurement, rows):
        return None
    if groups.is_directed(measurement.metric):
        chosen = metrics.pairs(measurement)
        if chosen is None:
            return None
        found = _against(_estimates(rows, confidence, len(chosen[1])), *chosen, measurement.metric.is_ratio)
    else:
        comparisons = len(rows) * math.comb(len(rows[0]), 2)
        of_pairs = _ratios if measurement.metric.is_ratio else _differences
        found = [end for row in _estimates(rows, confidence, comparisons) for end in of_pairs(row)]
    # Each comparison was made both ways round, so that the largest size is the least lower end, turned.
    if measurement.metric.is_ratio:
        most = max(found)
        return Bounds(min(found), 1 / most if most > 1 else 1.0)
    return Bounds(max(0.0, *found), min(1.0, -min(found)))


def wilson(share: Share, z: float) -> Estimate:
    """Return a rate with its score limits, z being the normal quantile of the level."""
    part, persons = share
    rate, whole = part / persons, float(min(persons, _LARGEST))
    square = z * z
    middle = 2 * whole * rate + square
    half = z * math.sqrt(square + 4 * whole * rate * (1 - rate))
    width = 2 * (whole + square)
    # At 0 and 1 the limit is the rate itself, which rounding must not move.
    low, high = (middle - half) / width, (middle + half) / width
    return Estimate(rate, low if part else 0.0, high if part < persons else 1.0)


def difference(one: Estimate, other: Estimate) -> Bounds:
    """Return the interval of the difference of two independent rates (Newcombe's method 10)."""
    return Bounds(lower_difference(one, other), -lower_difference(other, one))


def ratio(one: Estimate, other: Estimate) -> Bounds:
    """Return the interval of the ratio of two independent rates (MOVER-R); without an end it is infinite."""
    turned = lower_ratio(other, one)
    return Bounds(lower_ratio(one, other), 1 / turned if turned > 0 else math.inf)


def lower_difference(one: Estimate, other: Estimate) -> float:
    """Return the lower end of the interval of a difference; the upper end is that of the other way round."""
    return one.rate - other.rate - math.hypot(one.rate - one.low, other.high - other.rate)


def lower_ratio(one: Estimate, other: Estimate) -> float:
    """Return the lower end of the interval of a ratio; its reciprocal is the upper one, turned."""
    return next(iter(_ratios((one, other))))


@lru_cache(maxsize=256)
def quantile(confidence: float, comparisons: int) -> float:
    """Return the normal quantile of two-sided intervals of which so many hold together (Bonferroni)."""
    return NormalDist().inv_cdf(1 - (1 - confidence) / (2 * comparisons))


def _estimates(rows: Sequence[Sequence[Share]], confidence: float, comparisons: int) -> list[list[Estimate]]:
    z = quantile(confidence, comparisons)
    return [[wilson(share, z) for share in row] for row in rows]


def _differences(row: Iterable[Estimate]) -> Iterator[float]:
    """Yield the lower end for every two of the rates, both ways round."""
    hypot = math.hypot
    parts = [(rate, rate - low, high - rate) for rate, low, high in row]
    for (one, below, _), (other, _, above) in permutations(parts, 2):
        yield one - other - hypot(below, above)


def _ratios(row: Iterable[Estimate]) -> Iterator[float]:
    """Yield the lower end for every two of the rates, both ways round.

    It solves (p - r q)^2 = (p - l)^2 + r^2 (u - q)^2 for r, where p has the lower limit l, and q the upper
    limit u; written so that it holds as well where u exceeds 2 q, as it does for few persons, and for q = 0.
    """
    sqrt = math.sqrt
    parts = [(rate, low * (2 * rate - low), high * (2 * rate - high)) for rate, low, high in row]
    for (one, below, _), (other, _, above) in permutations(parts, 2):
        product = one * other
        yield below and below / (product + sqrt(max(0.0, product * product - below * above)))


def _against(
    rows: Sequence[Sequence[Estimate]], reference: int, others: Iterable[int], is_ratio: bool
) -> list[float]:
    """Return the lower ends of each group against the reference, and of the reference against it."""
    if is_ratio:
        return [end for other in others for end in _ratios((rows[0][other], rows[0][reference]))]
    return [
        _lower_mean([(row[one], row[two]) for row in rows])
        for other in others
        for one, two in ((other, reference), (reference, other))
    ]


def _lower_mean(compared: Sequence[tuple[Estimate, Estimate]]) -> float:
    """Return the lower end of the interval of the mean of independent differences."""
    found = sum(one.rate - other.rate for one, other in compared)
    widths = [(one.rate - one.low, other.high - other.rate) for one, other in compared]
    return (found - math.hypot(*chain(*widths))) / len(compared)
