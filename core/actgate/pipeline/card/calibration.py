"""Calibration tables of an evaluation: per group, bins of predicted scores and what came true in them.

They are no field of the manifest: ``evaluation.json`` in the folder of a run has them, as::

    {"calibration": [{"group": "sex=female",
                      "bins": [{"low": 0.0, "high": 0.1, "count": 120, "positives": 7, "meanScore": 0.05}]}]}

``group`` is left out for all persons together; without ``meanScore`` the middle of the bin stands for it.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError

from actgate.api.base import Model, Name
from actgate.api.quoting import invalid
from actgate.decision.problem import Problem
from actgate.manifests.errors import UnreadableError
from actgate.manifests.shape import problem

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]


class Bin(Model):
    """Persons whose score was between two numbers."""

    low: Share
    high: Share
    count: Count
    positives: Count
    """Number of them for whom the favourable result was the right one."""
    mean_score: Share | None = None

    @property
    def predicted(self) -> float:
        """The score that they had on average."""
        return (self.low + self.high) / 2 if self.mean_score is None else self.mean_score


class Curve(Model):
    """The calibration of one group of persons, or of all."""

    group: Name | None = None
    bins: Annotated[list[Bin], Field(min_length=1, max_length=100)]

    @property
    def error(self) -> float:
        """Expected calibration error: the mean distance of predicted and observed, weighted by persons."""
        whole = sum(one.count for one in self.bins)
        apart = sum(abs(one.positives - one.predicted * one.count) for one in self.bins)
        return apart / whole if whole else 0.0


class _Report(Model):
    calibration: Annotated[list[Curve], Field(max_length=65)]


def read(evaluation: object) -> tuple[Curve, ...]:
    """Return the curves of an evaluation, none where it has no calibration.

    Raises:
        UnreadableError: It has some, and they cannot be read.
    """
    if not isinstance(evaluation, Mapping):
        raise UnreadableError([Problem("evaluation", invalid(evaluation, "an object"), "run it again")])
    stated: dict[str, Any] = {"calibration": evaluation.get("calibration")}
    if stated["calibration"] is None:
        return ()
    try:
        curves = _Report.model_validate(stated, by_alias=True, by_name=False).calibration
    except ValidationError as error:
        raise UnreadableError(
            problem(item, item["loc"]) for item in error.errors(include_url=False)
        ) from None
    wrong = [
        Problem(
            f"calibration[{at}].bins[{place}].positives",
            f"Invalid value: {one.positives}: must be at most count",
            "run the evaluation again",
        )
        for at, curve in enumerate(curves)
        for place, one in enumerate(curve.bins)
        if one.positives > one.count
    ]
    if wrong:
        raise UnreadableError(wrong)
    return tuple(curves)
