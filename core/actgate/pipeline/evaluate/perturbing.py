"""What the predictions do when the input changes: noise, missing and unknown values, the protected attribute.

Flips are reported beside accuracy: a model can lose as many right results as it gains. Random numbers come
from the seed, the check and the column, so that a further column changes no other one's.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from actgate.api.compliance_manifest import Evaluation
from actgate.api.quoting import quoted
from actgate.pipeline.evaluate.errors import ModelFailedError
from actgate.pipeline.evaluate.loading import Model
from actgate.pipeline.evaluate.scores import agreement, measured
from actgate.pipeline.evaluate.table import Data

LEVELS: Final = (0.05, 0.1, 0.25)
"""Noise in standard deviations of the column."""
REPEATS: Final = 5
SHARE: Final = 0.1
"""Share of a column's values that go missing or are replaced."""
UNKNOWN: Final = "actgate-unknown"
"""A category that no training data has."""
_MOST_VALUES: Final = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """The model, the data, and what it predicts for the data as they are."""

    model: Model
    data: Data
    features: Sequence[str]
    labels: Sequence[str]
    predicted: Sequence[str]
    seed: int

    @property
    def input(self) -> dict[str, list[Any]]:
        """Columns of the model."""
        return {name: self.data.columns[name] for name in self.features}

    @property
    def accuracy(self) -> float:
        """Share of right predictions."""
        return agreement(self.predicted, self.labels)

    def random(self, *about: object) -> Random:
        """Return the random numbers of a check."""
        return Random(":".join(map(str, (self.seed, *about))))  # noqa: S311 - a fixed seed, no secret

    def changed(self, columns: dict[str, list[Any]]) -> tuple[float, float]:
        """Return share of flips and drop of accuracy where some columns hold other values."""
        found = self.model.classes({**self.input, **columns})
        return 1 - agreement(found, self.predicted), self.accuracy - agreement(found, self.labels)


def noise(asked: Asked) -> Iterator[Evaluation]:
    """Yield flips and drop for normal noise on every numeric column of more than two values.

    Raises:
        ModelFailedError: There is no such column, or the model fails.
    """
    numeric = [
        name
        for name in asked.features
        if asked.data.is_numeric(name) and len(set(asked.data.columns[name]) - {None}) > 2
    ]
    if not numeric:
        raise ModelFailedError("no feature is a number of more than two values")
    for level in LEVELS:
        found = [asked.changed(_noisy(asked, numeric, level, turn)) for turn in range(REPEATS)]
        yield from _pair(asked, f"noise_{level:g}", found)


def missing(asked: Asked) -> Iterator[Evaluation]:
    """Yield flips and drop where a tenth of each column's values is missing.

    Raises:
        ModelFailedError: The model takes no missing values.
    """
    yield from _pair(asked, "missing", [asked.changed(_replaced(asked, "missing", asked.features, None))])


def unknown(asked: Asked) -> Iterator[Evaluation]:
    """Yield flips and drop where a tenth of each text column is a category that is not known.

    Raises:
        ModelFailedError: No feature is text, or the model takes no other category.
    """
    text = [name for name in asked.features if any(isinstance(one, str) for one in asked.data.columns[name])]
    if not text:
        raise ModelFailedError("no feature is text")
    yield from _pair(asked, "unknown", [asked.changed(_replaced(asked, "unknown", text, UNKNOWN))])


def counterfactual(asked: Asked, attribute: str) -> Evaluation:
    """Return the share of persons whose prediction changes with another value of a protected attribute.

    Raises:
        ModelFailedError: It is no feature, has one value or too many, or the model fails.
    """
    if attribute not in asked.features:
        raise ModelFailedError(f"{quoted(attribute)} is not a feature of the model, so it cannot be flipped")
    values = sorted({one for one in asked.data.columns[attribute] if one is not None}, key=str)
    if not 2 <= len(values) <= _MOST_VALUES:
        raise ModelFailedError(f"{quoted(attribute)} must have 2 to {_MOST_VALUES} values")
    flipped = [False] * asked.data.rows
    for value in values:
        found = asked.model.classes({**asked.input, attribute: [value] * asked.data.rows})
        flipped = [f or a != b for f, a, b in zip(flipped, found, asked.predicted, strict=True)]
    name = f"counterfactual_flip_rate[{attribute}]"
    return measured("fairness", name, sum(flipped) / len(flipped), len(flipped))


def _noisy(asked: Asked, names: Sequence[str], level: float, turn: int) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for name in names:
        values = asked.data.columns[name]
        known = [one for one in values if one is not None]
        middle = math.fsum(known) / len(known)
        deviation = math.sqrt(math.fsum((one - middle) ** 2 for one in known) / len(known))
        dice = asked.random("noise", level, turn, name)
        found[name] = [None if one is None else one + dice.gauss(0, level * deviation) for one in values]
    return found


def _replaced(asked: Asked, check: str, names: Sequence[str], value: object) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for name in names:
        dice = asked.random(check, name)
        found[name] = [value if dice.random() < SHARE else one for one in asked.data.columns[name]]
    return found


def _pair(asked: Asked, name: str, found: Sequence[tuple[float, float]]) -> Iterator[Evaluation]:
    flips, drops = (math.fsum(values) / len(found) for values in zip(*found, strict=True))
    yield measured("robustness", f"flip_rate_{name}", flips, asked.data.rows)
    yield measured("robustness", f"accuracy_drop_{name}", drops, asked.data.rows)
