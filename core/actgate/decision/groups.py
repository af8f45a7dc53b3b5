"""What the groups of a bias measurement say about its value: arithmetic on printed numbers.

A printed number stands for every number that is rounded to it: 0.53 for 0.525 to 0.535. A value is
refuted when no selection rates that are printed like these have it; the rate of a group that counts its
selected persons is exact. The metrics that selection rates determine are those of demographic parity:
Fairlearn takes the largest and the smallest rate, AIF360 compares two groups in a direction that a
manifest need not state, so that any two of them may be meant.
"""

import math
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import permutations
from typing import Final, NamedTuple

from actgate.api.compliance_manifest import Metric
from actgate.decision.manifest import GroupCount, Measurement

PARITY: Final = frozenset(
    {
        Metric.DEMOGRAPHIC_PARITY_DIFFERENCE,
        Metric.DEMOGRAPHIC_PARITY_RATIO,
        Metric.STATISTICAL_PARITY_DIFFERENCE,
        Metric.DISPARATE_IMPACT,
    }
)
"""Metrics that selection rates determine; the others need more than that."""
_DIRECTED: Final = frozenset(
    {Metric.STATISTICAL_PARITY_DIFFERENCE, Metric.DISPARATE_IMPACT, Metric.AVERAGE_ODDS_DIFFERENCE}
)
_PERCENT: Final = 2
"""Decimals of a share at least: JSON writes 0.50 as 0.5 and 0.00 as 0."""
_SINGLE: Final = 6
"""Decimals at most: further ones of a number in single precision are noise."""
_FINEST: Final = 10**_SINGLE
"""Among more persons than this every rate that can be printed is some number of them."""
_NOISE: Final = 1e-9
"""What the arithmetic here may be off by."""


class Interval(NamedTuple):
    """The numbers that a printed number stands for, ends included."""

    low: float
    high: float

    def meets(self, other: "Interval") -> bool:
        """Return whether they have a number in common; never for NaN."""
        return self.low <= other.high + _NOISE and other.low <= self.high + _NOISE


@lru_cache(maxsize=4096)
def key(name: str) -> str:
    """Return what is left of a name once case, white space and spelling in Unicode do not count."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    kept = "".join(char for char in plain if unicodedata.category(char) != "Cf")
    return " ".join(unicodedata.normalize("NFKC", kept).split())


def non_empty(measurement: Measurement) -> list[GroupCount]:
    """Return the groups that have persons."""
    return [group for group in measurement.groups if group.count > 0]


def completed(group: GroupCount) -> tuple[int | None, int | None, int | None]:
    """Return selected, true positives and false positives; two of them say what the third one is."""
    selected, right, wrong = group.selected, group.true_positives, group.false_positives
    if selected is None and right is not None and wrong is not None:
        selected = right + wrong
    elif right is None and selected is not None and wrong is not None:
        right = selected - wrong
    elif wrong is None and selected is not None and right is not None:
        wrong = selected - right
    return selected, right, wrong


def selected(group: GroupCount) -> int | None:
    """Return how many of a group were selected; None where its counts do not say it."""
    return completed(group)[0]


def is_rate_of(rate: float, part: int, whole: int) -> bool:
    """Return whether so many of so many persons are the rate, as it is printed."""
    exact = part / whole
    return printed(rate).meets(Interval(exact, exact))


def printed(number: float) -> Interval:
    """Return what a printed number stands for, sign included."""
    return _around(number, 1)


def value_interval(value: float) -> Interval:
    """Return what a printed difference, without its sign, or ratio stands for."""
    return _around(abs(value), 1)


def is_reachable(rate: float, count: int) -> bool:
    """Return whether some number of that many persons is the rate, as it is printed."""
    if not 0 <= rate <= 1:
        return False
    low, high = _around(rate, 1)
    return count > _FINEST or math.floor(high * count + _NOISE) >= math.ceil(low * count - _NOISE)


def is_directed(metric: Metric) -> bool:
    """Return whether a metric compares two groups, one to the other."""
    return metric in _DIRECTED


def no_ratio(measurement: Measurement) -> bool:
    """Return whether a ratio of its groups is undefined: no person at all was selected."""
    compared = non_empty(measurement)
    return (
        measurement.metric.is_ratio
        and measurement.metric in PARITY
        and bool(compared)
        and not any(_may_be_selected(group) for group in compared)
    )


def expected(measurement: Measurement) -> Interval | None:
    """Return the differences or ratios that the rates allow; None where the value is one of them.

    It is None as well where nothing follows from the rates: another metric, or fewer than two groups. A
    group without a rate may have any. Among more than two groups a directional metric is that of any two.
    """
    rates = _rates(measurement)
    if not rates:
        return None
    metric = measurement.metric
    whole = _whole(rates, metric)
    stated = _either_way_up(value_interval(measurement.value), metric)
    if metric not in _DIRECTED or len(rates) == 2:
        return None if any(interval.meets(whole) for interval in stated) else whole
    any_two = Interval(whole.low, 1.0) if metric.is_ratio else Interval(0.0, whole.high)
    near = any(interval.meets(any_two) for interval in stated)
    return None if near and _of_two(rates, stated[0], metric) else any_two


def least_disparity(measurement: Measurement) -> float | None:
    """Return the smallest difference, or the largest ratio up to 1, that the rates of all groups allow.

    None where nothing follows from the rates.
    """
    rates = _rates(measurement)
    if not rates:
        return None
    whole = _whole(rates, measurement.metric)
    return whole.high if measurement.metric.is_ratio else whole.low


def _around(number: float, least: int) -> Interval:
    if not math.isfinite(number):
        return Interval(math.nan, math.nan)
    exponent = Decimal(repr(number)).as_tuple().exponent
    printed = _PERCENT if number.is_integer() else max(least, -int(exponent))
    half = 0.5 * 10.0 ** -min(printed, _SINGLE)
    return Interval(number - half, number + half)


def _rates(measurement: Measurement) -> list[Interval]:
    """Return the rates that say something about the value; none where nothing follows from them."""
    if measurement.metric not in PARITY:
        return []
    compared = non_empty(measurement)
    if len(compared) < 2 or all(
        group.selection_rate is None and selected(group) is None for group in compared
    ):
        return []
    return [_rate(group) for group in compared]


def _may_be_selected(group: GroupCount) -> bool:
    counted = selected(group)
    if counted is not None:
        return counted > 0
    return group.selection_rate is None or group.selection_rate > 0


def _rate(group: GroupCount) -> Interval:
    counted = selected(group)
    if counted is not None and 0 <= counted <= group.count:
        return Interval(counted / group.count, counted / group.count)
    if group.selection_rate is None:
        return Interval(0.0, 1.0)
    low, high = _around(group.selection_rate, _PERCENT)
    return Interval(max(low, 0.0), min(high, 1.0))


def _whole(rates: Sequence[Interval], metric: Metric) -> Interval:
    """Return the differences, or the ratios, of the smallest and the largest rate."""
    smallest = Interval(min(rate.low for rate in rates), min(rate.high for rate in rates))
    largest = Interval(max(rate.low for rate in rates), max(rate.high for rate in rates))
    found = _between(smallest, largest, metric)
    return Interval(found.low, min(found.high, 1.0))


def _between(one: Interval, other: Interval, metric: Metric) -> Interval:
    """Return the differences from a rate up to a larger one, or the ratios of the one to the other."""
    if metric.is_ratio:
        return Interval(_quotient(one.low, other.high), _quotient(one.high, other.low))
    return Interval(max(other.low - one.high, 0.0), other.high - one.low)


def _of_two(rates: Sequence[Interval], stated: Interval, metric: Metric) -> bool:
    """Return whether some two rates have the stated difference or ratio; in products, which are fast."""
    low, high = stated.low - _NOISE, stated.high + _NOISE
    if metric.is_ratio:
        return any(
            one.low <= high * other.high and one.high >= low * other.low
            for one, other in permutations(rates, 2)
        )
    return any(
        other.low - one.high <= high and other.high - one.low >= low for one, other in permutations(rates, 2)
    )


def _quotient(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.inf


def _either_way_up(stated: Interval, metric: Metric) -> tuple[Interval, ...]:
    """Return a value, and for a ratio its reciprocal: libraries report it either way up."""
    if not metric.is_ratio:
        return (stated,)
    return stated, Interval(_quotient(1.0, stated.high), _quotient(1.0, stated.low))
