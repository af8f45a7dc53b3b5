"""Bootstrap intervals from counts, for information: resampled rows are multinomial over the cells.

A replicate draws as many rows as there are, with replacement; all that a metric sees of them is how many fall
into each cell (group, right result, prediction), which is one multinomial draw (Efron & Tibshirani 1993, An
Introduction to the Bootstrap, section 13.3: percentile intervals). It takes as long for a thousand persons as
for a billion. Only ``random()`` of Python's generator is used: its sequence for a seed never changes.
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from actgate.api.compliance_manifest import Metric
from actgate.decision import metrics
from actgate.decision.intervals import Bounds
from actgate.decision.manifest import GroupCount, Measurement

_FEW: Final = 10
"""Expected number below which draws are counted one by one."""


def intervals(
    asked: Mapping[Metric, Measurement], confidence: float, seed: int, replicates: int
) -> dict[Metric, Bounds]:
    """Return percentile intervals of the sizes of several metrics over the same groups.

    Args:
        asked: Measurements that differ in their metric alone.
        confidence: Two-sided confidence level.
        seed: What the random numbers begin with.
        replicates: Number of draws. Those in which a metric has no value do not count for it.
    """
    if not asked:
        return {}
    generator = random.Random(seed)  # noqa: S311 - statistics
    groups = next(iter(asked.values())).groups
    cells = [number for group in groups for number in _cells(group)]
    sizes: dict[Metric, list[float]] = {metric: [] for metric in asked}
    for _ in range(replicates):
        drawn = _multinomial(generator, cells)
        resampled = tuple(
            _group(group.name, drawn[place * 4 : place * 4 + 4]) for place, group in enumerate(groups)
        )
        for metric, measurement in asked.items():
            size = metrics.disparity(replace(measurement, groups=resampled))
            if size is not None:
                sizes[metric].append(size)
    return {metric: _percentiles(found, confidence) for metric, found in sizes.items() if found}


def binomial(generator: random.Random, trials: int, chance: float) -> int:
    """Return how many of so many trials succeed.

    Few successes are counted by the geometric gaps between them, many by transformed rejection (Hormann 1993,
    The generation of binomial random variates, algorithm BTRS).
    """
    if trials <= 0 or chance <= 0:
        return 0
    if chance >= 1:
        return trials
    if chance > 0.5:
        return trials - binomial(generator, trials, 1 - chance)
    if trials * chance < _FEW:
        return _by_gaps(generator, trials, chance)
    return _by_rejection(generator, trials, chance)


def _by_gaps(generator: random.Random, trials: int, chance: float) -> int:
    found, at, scale = 0, 0, math.log1p(-chance)
    while True:
        at += int(math.log(1.0 - generator.random()) / scale) + 1
        if at > trials:
            return found
        found += 1


def _by_rejection(generator: random.Random, trials: int, chance: float) -> int:
    deviation = math.sqrt(trials * chance * (1 - chance))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * chance
    c = trials * chance + 0.5
    accepted = 0.92 - 4.2 / b
    alpha = (2.83 + 5.1 / b) * deviation
    odds = math.log(chance / (1 - chance))
    mode = math.floor((trials + 1) * chance)
    height = math.lgamma(mode + 1) + math.lgamma(trials - mode + 1)
    while True:
        u = generator.random() - 0.5
        us = 0.5 - abs(u)
        v = 1.0 - generator.random()
        if us <= 0:
            continue
        found = math.floor((2 * a / us + b) * u + c)
        if not 0 <= found <= trials:
            continue
        if us >= 0.07 and v <= accepted:
            return found
        v *= alpha / (a / (us * us) + b)
        bound = height - math.lgamma(found + 1) - math.lgamma(trials - found + 1) + (found - mode) * odds
        if math.log(v) <= bound:
            return found


def _multinomial(generator: random.Random, cells: Sequence[int]) -> list[int]:
    left = whole = sum(cells)
    drawn = []
    for number in cells:
        taken = binomial(generator, left, number / whole) if whole > number else left
        drawn.append(taken)
        left -= taken
        whole -= number
    return drawn


def _cells(group: GroupCount) -> tuple[int, int, int, int]:
    """Return true and false positives, false and true negatives."""
    right, wrong, positives = group.true_positives or 0, group.false_positives or 0, group.positives or 0
    return right, wrong, positives - right, group.count - positives - wrong


def _group(name: str, cells: Sequence[int]) -> GroupCount:
    right, wrong, missed, rejected = cells
    return GroupCount(
        name,
        right + wrong + missed + rejected,
        selected=right + wrong,
        positives=right + missed,
        true_positives=right,
        false_positives=wrong,
    )


def _percentiles(found: list[float], confidence: float) -> Bounds:
    ordered = sorted(found)
    tail = (1 - confidence) / 2
    last = len(ordered) - 1
    return Bounds(ordered[math.floor(tail * last)], ordered[math.ceil((1 - tail) * last)])
