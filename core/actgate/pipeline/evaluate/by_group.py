"""Accuracy and calibration of each group of persons, and of the worst one that is large enough."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from actgate.api.compliance_manifest import Evaluation
from actgate.api.quoting import quoted
from actgate.pipeline.audit.tally import Grouping, attribute
from actgate.pipeline.card.calibration import Curve
from actgate.pipeline.evaluate import scores
from actgate.pipeline.evaluate.errors import EvaluationError, ModelFailedError
from actgate.pipeline.evaluate.perturbing import Asked

MIN_COUNT: Final = 100
"""Smallest group that can be the worst one, else groups of a few rows always are."""
MOST_GROUPS: Final = 64
"""Most groups of an evaluation, as a manifest has for a measurement."""
_LONGEST: Final = 253


@dataclass(frozen=True, slots=True)
class Groups:
    """The rows of each group of one grouping."""

    grouping: Grouping
    rows: Mapping[str, Sequence[int]]
    """Places of rows by the name of the group, such as ``sex=female``."""

    def large(self, min_count: int) -> dict[str, Sequence[int]]:
        """Return the groups that count.

        Raises:
            ModelFailedError: There are none.
        """
        found = {name: rows for name, rows in self.rows.items() if len(rows) >= min_count}
        if not found:
            raise ModelFailedError(f"no group of {quoted(attribute(self.grouping))} has {min_count} rows")
        return found


def grouped(asked: Asked, groupings: Sequence[Grouping]) -> list[Groups]:
    """Return the groups of each grouping; rows without a value belong to none.

    Raises:
        EvaluationError: There are more groups than evidence can hold.
    """
    found = []
    for grouping in groupings:
        rows: dict[str, list[int]] = {}
        for place, values in enumerate(zip(*(asked.data.columns[one] for one in grouping), strict=True)):
            if None not in values:
                pairs = zip(grouping, values, strict=True)
                rows.setdefault(",".join(f"{name}={_text(value)}" for name, value in pairs), []).append(place)
        if any(len(name) > _LONGEST for name in rows):
            raise EvaluationError(f"--by {attribute(grouping)}: a group's name is longer than {_LONGEST}")
        found.append(Groups(grouping, {name: rows[name] for name in sorted(rows)}))
    if (number := sum(len(one.rows) for one in found)) > MOST_GROUPS:
        raise EvaluationError(
            f"--by: {number} groups, and at most {MOST_GROUPS} can be held: name columns of fewer values"
        )
    return found


def accuracy(asked: Asked, groups: Groups, min_count: int) -> Iterator[Evaluation]:
    """Yield the accuracy of the worst group, and how far that is below the accuracy of all.

    Raises:
        ModelFailedError: No group is large enough.
    """
    large = groups.large(min_count)
    found = {name: _accuracy(asked, rows) for name, rows in large.items()}
    worst = min(found, key=lambda name: found[name])
    called, n = attribute(groups.grouping), len(large[worst])
    yield scores.measured("accuracy", f"worst_group_accuracy[{called}]", found[worst], n)
    yield scores.measured("accuracy", f"accuracy_gap[{called}]", asked.accuracy - found[worst], n)


def table(asked: Asked, groups: Groups, min_count: int) -> list[dict[str, Any]]:
    """Return count and accuracy of each group, as the result has them."""
    return [
        {
            "accuracy": scores.rounded(_accuracy(asked, rows)),
            "attribute": attribute(groups.grouping),
            "count": len(rows),
            "group": name,
            "largeEnough": len(rows) >= min_count,
        }
        for name, rows in groups.rows.items()
    ]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Predicted probabilities, and what came true."""

    scores: Sequence[float]
    positives: Sequence[bool]

    def overall(self) -> Iterator[Evaluation]:
        """Yield calibration error and Brier score of all."""
        yield scores.measured("calibration", "ece", self.curve(None).error, len(self.scores))
        yield scores.measured(
            "calibration", "brier", scores.brier(self.scores, self.positives), len(self.scores)
        )

    def worst(self, groups: Groups, min_count: int) -> Iterator[Evaluation]:
        """Yield the largest calibration error and Brier score of a group that is large enough.

        Raises:
            ModelFailedError: No group is.
        """
        large, called = groups.large(min_count), attribute(groups.grouping)
        for metric, of in (("ece", self._error), ("brier", self._brier)):
            found = {name: of(rows) for name, rows in large.items()}
            worst = max(found, key=lambda name: found[name])
            name = f"worst_group_{metric}[{called}]"
            yield scores.measured("calibration", name, found[worst], len(large[worst]))

    def curve(self, group: str | None, rows: Sequence[int] | None = None) -> Curve:
        """Return the table of a group, or of all."""
        chosen = range(len(self.scores)) if rows is None else rows
        return scores.curve(
            [self.scores[one] for one in chosen], [self.positives[one] for one in chosen], group
        )

    def _error(self, rows: Sequence[int]) -> float:
        return self.curve(None, rows).error

    def _brier(self, rows: Sequence[int]) -> float:
        return scores.brier([self.scores[one] for one in rows], [self.positives[one] for one in rows])


def _accuracy(asked: Asked, rows: Sequence[int]) -> float:
    return scores.agreement([asked.predicted[one] for one in rows], [asked.labels[one] for one in rows])


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
