"""The rules of data quality that a person writes: which checks are made, and what share may fail."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import Field, ValidationError

from actgate.api.base import Model, Name, ShortText
from actgate.api.quoting import invalid, quoted
from actgate.decision.manifest import Problem
from actgate.manifests.errors import UnreadableError
from actgate.manifests.shape import problem

Share = Annotated[float, Field(ge=0, le=1)]


class Range(Model):
    """Which values of a column are valid."""

    min: float | None = None
    """Smallest number."""
    max: float | None = None
    """Largest number."""
    values: Annotated[list[str | int | float | bool], Field(max_length=1000)] | None = None
    """All valid values, in place of numbers."""
    threshold: Share | None = None
    """Largest accepted share of invalid values."""


class Duplicates(Model):
    """How many rows repeat another one."""

    columns: Annotated[list[Name], Field(min_length=1, max_length=1000)] | None = None
    """Columns that make a row the same; all of them by default."""
    threshold: Share | None = None
    """Largest accepted share."""


class ClassBalance(Model):
    """How the two classes of the label are distributed."""

    min_share: Annotated[float, Field(ge=0, le=0.5)]
    """Smallest accepted share of the less frequent class."""


class Overlap(Model):
    """How many rows the training data has as well."""

    threshold: Share | None = None
    """Largest accepted share."""


class Freshness(Model):
    """How old rows may be."""

    column: Name
    """Column with the moment of a row."""
    not_before: ShortText
    """Date or timestamp; older rows fail, and rows without one."""
    threshold: Share | None = None
    """Largest accepted share of older rows."""


class QualityRules(Model):
    """A file of rules."""

    completeness: dict[str, Share | None] = Field(default_factory=dict)
    """Largest accepted share of missing values (null, NaN, blank) by column."""
    ranges: dict[str, Range] = Field(default_factory=dict)
    """Valid values by column."""
    duplicates: Duplicates | None = None
    class_balance: ClassBalance | None = None
    overlap: Overlap | None = None
    freshness: Freshness | None = None


def read(value: object) -> QualityRules:
    """Read a file of rules.

    Raises:
        UnreadableError: A field is unknown, of the wrong type or out of range; a line for each.
    """
    if not isinstance(value, Mapping):
        raise UnreadableError(
            [Problem("rules", invalid(value, "an object"), "write completeness: or ranges:")]
        )
    try:
        rules = QualityRules.model_validate(value)
    except ValidationError as error:
        raise UnreadableError(
            problem(item, item["loc"]) for item in error.errors(include_url=False)
        ) from None
    if rules.freshness is not None:
        _require_moment(rules.freshness.not_before)
    for name, one in rules.ranges.items():
        if (one.values is None) == (one.min is None and one.max is None):
            message = f"ranges.{name}: Invalid value: must have either values, or min or max"
            raise UnreadableError([Problem(f"ranges.{name}", message, "state what is valid")])
    return rules


def _require_moment(text: str) -> None:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        path, message = "freshness.notBefore", f"Invalid value: {quoted(text)}: must be a date or timestamp"
        raise UnreadableError([Problem(path, message, "write it as 2026-01-31")]) from None
