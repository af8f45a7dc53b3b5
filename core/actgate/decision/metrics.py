"""Fairness metrics recomputed from the counts of their groups, by the formulas of the usual libraries.

Fairlearn's, with ``agg="worst_case"`` and ``method="between_groups"``: demographic parity, equalized odds and
equal opportunity, over all groups (https://fairlearn.org/main/api_reference, ``fairlearn.metrics``).
AIF360's, each group against the reference group, which is its privileged group: statistical parity
difference, average odds difference and disparate impact (https://aif360.readthedocs.io,
``ClassificationMetric``). Among several groups the value is that of the one farthest from the reference.

Here are no limits and no findings: what cannot be computed is None or empty, and the rules say why.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Final, NamedTuple

from actgate.api.compliance_manifest import Metric
from actgate.decision import groups
from actgate.decision.manifest import GroupCount, Measurement

NOISE: Final = 1e-9
"""What the arithmetic on rates may be off by: counts of five in a hundred hold a limit of 0.05."""


class Share(NamedTuple):
    """So many persons of so many."""

    part: int
    whole: int

    @property
    def is_proper(self) -> bool:
        """Whether it is a rate: some persons, and no more of them than there are."""
        return 0 <= self.part <= self.whole and self.whole > 0


class Rate(Enum):
    """A rate that metrics compare between groups; its value says what it counts."""

    SELECTION = "selected person"
    TRUE_POSITIVE = "true positive"
    FALSE_POSITIVE = "false positive"


_ODDS: Final = (Rate.TRUE_POSITIVE, Rate.FALSE_POSITIVE)
_COMPARED: Final[Mapping[Metric, tuple[Rate, ...]]] = {
    **dict.fromkeys(groups.PARITY, (Rate.SELECTION,)),
    Metric.EQUAL_OPPORTUNITY_DIFFERENCE: (Rate.TRUE_POSITIVE,),
    Metric.EQUALIZED_ODDS_DIFFERENCE: _ODDS,
    Metric.EQUALIZED_ODDS_RATIO: _ODDS,
    Metric.AVERAGE_ODDS_DIFFERENCE: _ODDS,
}


def _selection(group: GroupCount) -> Share | None:
    selected = groups.selected(group)
    return None if selected is None else Share(selected, group.count)


def _true_positive(group: GroupCount) -> Share | None:
    _, found, _ = groups.completed(group)
    return None if found is None or group.positives is None else Share(found, group.positives)


def _false_positive(group: GroupCount) -> Share | None:
    _, _, found = groups.completed(group)
    return None if found is None or group.positives is None else Share(found, group.count - group.positives)


_COUNTED: Final[Mapping[Rate, Callable[[GroupCount], Share | None]]] = {
    Rate.SELECTION: _selection,
    Rate.TRUE_POSITIVE: _true_positive,
    Rate.FALSE_POSITIVE: _false_positive,
}


def compared(metric: Metric) -> tuple[Rate, ...]:
    """Return the rates that a metric compares."""
    return _COMPARED[metric]


def shares(measurement: Measurement) -> tuple[tuple[Share, ...], ...] | None:
    """Return each rate that the metric compares, for each group that has persons, in their order.

    None where there are fewer than two of them, or one lacks a count that the metric needs.
    """
    stated = groups.non_empty(measurement)
    if len(stated) < 2:
        return None
    rows = []
    for rate in _COMPARED[measurement.metric]:
        count = _COUNTED[rate]
        row = []
        for group in stated:
            share = count(group)
            if share is None:
                return None
            row.append(share)
        rows.append(tuple(row))
    return tuple(rows)


def recomputable(measurement: Measurement) -> bool:
    """Return whether the groups state every count that the metric is computed from."""
    return shares(measurement) is not None


def proper_shares(measurement: Measurement) -> tuple[tuple[Share, ...], ...] | None:
    """Return the ``shares``, or None where one of them is no rate, as of a group without positives."""
    rows = shares(measurement)
    return rows if rows is not None and all(share.is_proper for row in rows for share in row) else None


def pairs(measurement: Measurement) -> tuple[int, Sequence[int]] | None:
    """Return which groups a directional metric compares: the reference, and those that are held against it.

    They are places among the groups that have persons. Of two groups without a reference either may be it,
    and the first one is taken. None where more of them name no reference, or one that is no group.
    """
    names = [group.name for group in groups.non_empty(measurement)]
    if measurement.reference_group is not None:
        if measurement.reference_group not in names:
            return None
        reference = names.index(measurement.reference_group)
    elif len(names) == 2:
        reference = 0
    else:
        return None
    return reference, [place for place in range(len(names)) if place != reference]


def is_defined(measurement: Measurement, rows: Sequence[Sequence[Share]]) -> bool:
    """Return whether the metric divides by no rate of zero, given the proper shares of its groups."""
    if not measurement.metric.is_ratio:
        return True
    if measurement.reference_group is None or not groups.is_directed(measurement.metric):
        return all(any(share.part for share in row) for row in rows)
    chosen = pairs(measurement)
    return chosen is not None and all(row[chosen[0]].part for row in rows)


def values(measurement: Measurement) -> tuple[float, ...]:
    """Return what the metric is by its counts: by its formula first, then what passes for the same.

    A difference without a reference may be stated with either sign, and a ratio either way up; of groups
    that are equally far from the reference any may be meant. Empty where nothing can be computed: counts
    are missing or contradictory, a group has no positives, several groups name no reference, or a ratio
    divides by zero.
    """
    rows = proper_shares(measurement)
    if rows is None or not is_defined(measurement, rows):
        return ()
    rates = [[share.part / share.whole for share in row] for row in rows]
    if not groups.is_directed(measurement.metric):
        return _either_way(_of_all(rates, measurement.metric), measurement.metric)
    chosen = pairs(measurement)
    if chosen is None:
        return ()
    reference, others = chosen
    found = [_against(rates, other, reference, measurement.metric) for other in others]
    if measurement.reference_group is None:
        return _either_way(found[0], measurement.metric)
    return _farthest(found, measurement.metric)


def disparity(measurement: Measurement) -> float | None:
    """Return the size of the recomputed value: a difference without its sign, or a ratio up to 1.

    None where nothing can be computed.
    """
    found = values(measurement)
    return _size(found[0], measurement.metric) if found else None


def is_one_of(stated: float, found: Iterable[float]) -> bool:
    """Return whether a value, as it is printed, is one of those that were computed."""
    printed = groups.printed(stated)
    return any(printed.meets(groups.Interval(value, value)) for value in found)


def without_cases(measurement: Measurement) -> Iterator[tuple[int, Rate]]:
    """Yield which groups, by their place, have no person on whom a rate of the metric could be measured."""
    needed = _COMPARED[measurement.metric]
    for index, group in enumerate(measurement.groups):
        if group.count > 0 and group.positives == 0 and Rate.TRUE_POSITIVE in needed:
            yield index, Rate.TRUE_POSITIVE
        if group.count > 0 and group.positives == group.count and Rate.FALSE_POSITIVE in needed:
            yield index, Rate.FALSE_POSITIVE


def _of_all(rates: Sequence[Sequence[float]], metric: Metric) -> float:
    """Return the largest difference of a rate, or its smallest ratio."""
    if metric.is_ratio:
        return min(min(row) / max(row) for row in rates)
    return max(max(row) - min(row) for row in rates)


def _against(rates: Sequence[Sequence[float]], other: int, reference: int, metric: Metric) -> float:
    """Return the mean of the differences of a group from the reference, or its ratio to it."""
    if not metric.is_ratio:
        return sum(row[other] - row[reference] for row in rates) / len(rates)
    (row,) = rates
    return row[other] / row[reference] if row[reference] else math.inf


def _either_way(value: float, metric: Metric) -> tuple[float, ...]:
    if not metric.is_ratio:
        return value, -value
    if value == 0 or math.isinf(value):
        return (0.0,)
    return value, 1 / value


def _farthest(found: Sequence[float], metric: Metric) -> tuple[float, ...]:
    sizes = [_size(value, metric) for value in found]
    largest = min(sizes) if metric.is_ratio else max(sizes)
    return tuple(value for value, size in zip(found, sizes, strict=True) if abs(size - largest) <= NOISE)


def _size(value: float, metric: Metric) -> float:
    if not metric.is_ratio:
        return abs(value)
    return value if value <= 1 else 1 / value
