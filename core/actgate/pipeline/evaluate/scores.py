"""Numbers of an evaluation, as plain arithmetic over lists.

Calibration: Naeini, Cooper & Hauskrecht 2015, AAAI (expected calibration error); Brier 1950, Monthly Weather
Review 78: 1-3. Drift: population stability index (Siddiqi 2006, Credit Risk Scorecards), with Laplace
smoothing, so that an empty bin does not decide the value.
"""

import math
from collections.abc import Sequence
from typing import Final

from actgate.api.compliance_manifest import Evaluation
from actgate.pipeline.card.calibration import Bin, Curve

BINS: Final = 10
DIGITS: Final = 6
"""Decimal places of what is written."""


def class_of(value: object) -> str | None:
    """Return a class as text, one for all notations of it; None for a missing value.

    1, 1.0, true and "1" are the class "1", and 0, 0.0, false and "0" the class "0".
    """
    match value:
        case None:
            return None
        case bool():
            return str(int(value))
        case int():
            return str(value)
        case float():
            if math.isnan(value):
                return None
            return str(int(value)) if value.is_integer() else repr(value)
    text = str(value).strip()
    if text.lower() in ("true", "false"):
        return "1" if text.lower() == "true" else "0"
    if text.lower() in ("", "nan"):
        return None
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() else text


def agreement(one: Sequence[str | None], other: Sequence[str | None]) -> float:
    """Return the share of equal classes at the same place; of predictions and labels, the accuracy."""
    return sum(a == b for a, b in zip(one, other, strict=True)) / len(one)


def curve(scores: Sequence[float], positives: Sequence[bool], group: str | None = None) -> Curve:
    """Return the calibration table: of each tenth of the scores, how many persons and positives it has."""
    placed: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for score, positive in zip(scores, positives, strict=True):
        placed[min(BINS - 1, int(score * BINS))].append((score, positive))
    bins = [
        Bin(
            low=place / BINS,
            high=(place + 1) / BINS,
            count=len(some),
            positives=sum(positive for _, positive in some),
            mean_score=rounded(math.fsum(score for score, _ in some) / len(some)) if some else None,
        )
        for place, some in enumerate(placed)
    ]
    return Curve(group=group, bins=bins)


def brier(scores: Sequence[float], positives: Sequence[bool]) -> float:
    """Return the mean squared distance of score and result, 0 to 1."""
    return math.fsum((s - p) ** 2 for s, p in zip(scores, positives, strict=True)) / len(scores)


def stability(expected: Sequence[int], found: Sequence[int]) -> float:
    """Return the population stability index of counts in the same bins; 0 where the shares are equal."""
    width = len(expected)
    whole, other = sum(expected) + width, sum(found) + width
    shares = [((a + 1) / whole, (b + 1) / other) for a, b in zip(expected, found, strict=True)]
    return math.fsum((b - a) * math.log(b / a) for a, b in shares)


def rounded(value: float) -> float:
    """Return a value as it is written; there is no negative zero."""
    return round(value, DIGITS) + 0.0


def measured(kind: str, metric: str, value: float, n: int) -> Evaluation:
    """Return a result without a threshold."""
    return Evaluation(kind=kind, metric=metric, value=rounded(value), samples=n)
