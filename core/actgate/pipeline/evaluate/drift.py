"""A baseline of the input, and how far other data is from it.

Of a number the deciles are stored, rounded to three digits, and how many rows each bin has; of text the
categories that at least ten rows have, the others together. So no single person's value is stored.
"""

import bisect
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import Field, ValidationError

from actgate.api.base import Model, Name
from actgate.pipeline.evaluate.errors import EvaluationError
from actgate.pipeline.evaluate.scores import BINS, rounded, stability
from actgate.pipeline.evaluate.table import Data

_MOST_CATEGORIES: Final = 50
_SMALLEST: Final = 10
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]


class Column(Model):
    """One column of a baseline: counts between edges, or of categories; missing values by themselves."""

    name: Name
    edges: list[Annotated[float, Field(allow_inf_nan=False)]] | None = None
    categories: list[str] | None = None
    counts: list[Count]
    """One more than edges or categories: the last is above all edges, or of other categories."""
    missing: Count


class _Baseline(Model):
    columns: list[Column]


def baseline(data: Data, names: Iterable[str]) -> list[Column]:
    """Return the baseline of columns, but of those whose values are names rather than categories."""
    found = []
    for name in names:
        values = [one for one in data.columns[name] if one is not None]
        if data.is_numeric(name):
            ordered = sorted(values)
            tenths = (ordered[len(ordered) * part // BINS] for part in range(1, BINS))
            column = Column(
                name=name, edges=sorted({float(f"{one:.3g}") for one in tenths}), counts=[], missing=0
            )
        else:
            often = Counter(map(str, values))
            if len(often) > _MOST_CATEGORIES:
                continue
            kept = sorted(one for one, count in often.items() if count >= _SMALLEST)
            column = Column(name=name, categories=kept, counts=[], missing=0)
        counts = _counts(column, data.columns[name])
        found.append(column.model_copy(update={"counts": counts[:-1], "missing": counts[-1]}))
    return found


def compare(columns: Iterable[Column], data: Data) -> dict[str, float]:
    """Return the population stability index of each column of a baseline that the data has, too."""
    return {
        one.name: rounded(stability([*one.counts, one.missing], _counts(one, data.columns[one.name])))
        for one in columns
        if one.name in data.columns
    }


def document(columns: Iterable[Column]) -> list[dict[str, Any]]:
    """Return a baseline as the result has it."""
    return [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in columns]


def read(stated: object, source: str) -> list[Column]:
    """Return the baseline of an earlier result.

    Raises:
        EvaluationError: It has none, or one that cannot be used.
    """
    try:
        columns = _Baseline.model_validate({"columns": stated}).columns
    except ValidationError:
        raise EvaluationError(f"{source}: driftBaseline: must be that of an evaluation") from None
    for one in columns:
        bins = one.edges if one.categories is None else one.categories
        if bins is None or len(one.counts) != len(bins) + 1 or one.edges != (one.edges and sorted(one.edges)):
            raise EvaluationError(f"{source}: driftBaseline: edges or categories and counts do not fit")
    return columns


def stored(document: Mapping[str, Any], source: str) -> list[Column]:
    """Return the baseline that a result holds; raises like ``read``."""
    return read(document.get("driftBaseline"), source)


def _counts(column: Column, values: Sequence[Any]) -> list[int]:
    """Return the count of each bin, then of the missing values. What is no number is beyond all edges."""
    known = [one for one in values if one is not None]
    if column.edges is not None:
        width = len(column.edges)
        edges = column.edges
        places = [bisect.bisect_right(edges, one) if isinstance(one, int | float) else width for one in known]
    else:
        at = {name: place for place, name in enumerate(column.categories or ())}
        width = len(at)
        places = [at.get(str(one), width) for one in known]
    counts = Counter(places)
    return [*(counts[place] for place in range(width + 1)), len(values) - len(known)]
