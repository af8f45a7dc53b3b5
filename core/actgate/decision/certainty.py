"""Whether the counts of a measurement are enough to say on which side of its limit it is.

Two rules ask: ``bias/limit`` of a value beyond the limit, and ``bias/interval`` of any value. Where too few
persons were counted, both give the same remediation, so that a refusal has one.
"""

from bisect import bisect_left
from dataclasses import replace
from typing import Final

from actgate.decision import groups, intervals, limits
from actgate.decision.intervals import Bounds
from actgate.decision.limits import BiasOutcome
from actgate.decision.manifest import GroupCount, Measurement

MOST_TIMES: Final = 1000
"""No larger sample is worked out: a value so close to its limit is a matter of the disparity."""
_MOST_GROUPS: Final = 8
"""Comparisons grow with the square of the groups, and a refusal must not take longer than a verdict may."""


def straddling(measurement: Measurement, limit: float, confidence: float) -> Bounds | None:
    """Return the interval if the limit lies within it; None too where no confidence is asked for."""
    found = intervals.interval(measurement, confidence) if confidence else None
    if found is None:
        return None
    outcome = limits.outcome_within(found, limit, measurement.metric)
    return found if outcome is BiasOutcome.INCONCLUSIVE else None


def remediation(measurement: Measurement, limit: float, confidence: float) -> str:
    """Return what to do about an inconclusive measurement, with the size of sample where one can be named."""
    more = (
        "the sample is too small to show either: evaluate on more data, of the smallest groups first, or "
        "reduce the disparity"
    )
    times = times_as_many(measurement, limit, confidence)
    if times is None:
        return more
    if limits.holds(measurement, limit):
        return f"{more}; at these rates it takes {times} times as many"
    return f"{more}; at these rates {times} times as many show it beyond"


def times_as_many(measurement: Measurement, limit: float, confidence: float) -> int | None:
    """Return how many times as many persons, at the same rates, it takes for a conclusive interval.

    The same interval is computed over the multiplied counts, so that the answer is no approximation. But it
    is one for these rates, and a larger sample will have others.

    Returns:
        The least multiple; None above ``MOST_TIMES``, or with more than eight groups.
    """
    if len(groups.non_empty(measurement)) > _MOST_GROUPS:
        return None
    multiples = range(2, MOST_TIMES + 1)
    at = bisect_left(
        multiples, True, key=lambda times: straddling(_times(measurement, times), limit, confidence) is None
    )
    return multiples[at] if at < len(multiples) else None


def _times(measurement: Measurement, times: int) -> Measurement:
    """Return the measurement with each count multiplied."""
    return replace(
        measurement,
        groups=tuple(
            GroupCount(group.name, times * group.count, None, *_multiplied(group, times))
            for group in measurement.groups
        ),
    )


def _multiplied(group: GroupCount, times: int) -> list[int | None]:
    stated = (group.selected, group.positives, group.true_positives, group.false_positives)
    return [None if count is None else times * count for count in stated]
