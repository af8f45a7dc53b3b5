"""Columns of the data, and the form in which a model takes them.

Rows are read in an order of their values, not of the file: the same rows have the same result.
"""

import datetime
import importlib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from actgate.api.quoting import quoted
from actgate.pipeline.audit.sql import identifier
from actgate.pipeline.evaluate.errors import EvaluationError

if TYPE_CHECKING:
    from actgate.pipeline.audit.engine import Engine, Table

_MISSING: Final = ("", "nan", "NaN")
_NUMBER: Final = re.compile(r"\s*[+-]?(\d{1,100}(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?\s*", re.ASCII)
_TEXT: Final = ("VARCHAR", "JSON")
Columns = Mapping[str, list[Any]]
"""Values by the name of their column, all of one length."""


class Form(StrEnum):
    """What a model is given."""

    FRAME = "pandas"
    ARRAY = "numpy"
    ROWS = "rows"
    """A list of dictionaries, by the name of the column."""


@dataclass(frozen=True, slots=True)
class Data:
    """The rows of a data set."""

    columns: dict[str, list[Any]]

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(next(iter(self.columns.values()), []))

    def is_numeric(self, name: str) -> bool:
        """Return whether a column holds numbers (true and false are none)."""
        return any(_is_number(one) for one in self.columns[name]) and all(
            one is None or _is_number(one) for one in self.columns[name]
        )


def read(engine: "Engine", table: "Table", names: Iterable[str]) -> Data:
    """Return columns of a table, text as numbers where all of a column is.

    Raises:
        AuditError: The data cannot be read to its end.
        EvaluationError: A number is infinite.
    """
    listed = [*dict.fromkeys(names)]
    text = ", ".join(f"t.{identifier(name)}" for name in listed)
    rows = engine.rows(table, f"SELECT {text} FROM {table.source} t ORDER BY ALL")
    columns = {name: [_plain(row[place]) for row in rows] for place, name in enumerate(listed)}
    for name, values in columns.items():
        if any(isinstance(one, float) and math.isinf(one) for one in values):
            raise EvaluationError(f"column {quoted(name)}: holds infinite numbers: leave these rows out")
    return Data({name: _typed(of) if table.types[name] in _TEXT else of for name, of in columns.items()})


def as_input(columns: Columns, form: Form) -> Any:  # noqa: ANN401 - numpy and pandas come with the model
    """Return columns as the model takes them.

    Raises:
        EvaluationError: numpy or pandas is missing.
    """
    if form is Form.ROWS:
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    try:
        library = importlib.import_module(form)
    except ModuleNotFoundError as error:
        raise EvaluationError(f"the model takes {form} input: pip install {form} ({error})") from None
    if form is Form.FRAME:
        return library.DataFrame(dict(columns))
    rows = [*zip(*columns.values(), strict=True)]
    numbers = all(one is None or isinstance(one, int | float) for row in rows for one in row)
    if numbers:
        rows = [tuple(math.nan if one is None else one for one in row) for row in rows]
    return library.array(rows, dtype=float if numbers else object)


def require(data: Data, name: str, role: str) -> None:
    """Refuse a column with missing values, or without rows.

    Raises:
        EvaluationError: It has some.
    """
    missing = sum(one is None for one in data.columns[name])
    if missing:
        raise EvaluationError(
            f"{role} {quoted(name)}: {missing} of {data.rows} rows have no value: leave these rows out"
        )


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever DuckDB has
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return None if math.isnan(value) else value
        case Decimal():
            return float(value)
        case datetime.date() | datetime.time():
            return value.isoformat()
    return str(value)


def _typed(values: list[Any]) -> list[Any]:
    found = [None if one is None or one in _MISSING else one for one in values]
    if not all(one is None or _NUMBER.fullmatch(one) for one in found):
        return found
    try:
        return [None if one is None else int(one) for one in found]
    except ValueError:
        return [None if one is None else float(one) for one in found]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
