"""Counts of columns that are in memory: lists, arrays and columns of data frames, by what they can do."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from actgate.api.quoting import quoted
from actgate.pipeline.audit.errors import AuditError
from actgate.pipeline.audit.tally import Counts, Grouping, Tally


def of_sequences(
    labels: Iterable[object],
    predictions: Iterable[object],
    groups: Mapping[str, Iterable[object]],
    groupings: Iterable[Grouping],
    positive: object = None,
    names_of: tuple[str, str] = ("y_true", "y_pred"),
) -> Tally:
    """Count Python sequences, arrays or columns, all of one length.

    Args:
        labels: The right results, each 0 or 1, false or true; or any values where ``positive`` is given.
        predictions: The model's results, in the same way.
        groups: For each attribute the group of each person.
        groupings: What to count by.
        positive: The favourable value; anything else but a missing value is then the other class.
        names_of: What messages call label and prediction.

    Raises:
        AuditError: They are of different lengths, or a grouping names an attribute that is not there.
    """
    wanted = tuple(dict.fromkeys(groupings))
    columns = {name: _listed(values) for name, values in groups.items()}
    for grouping in wanted:
        for name in grouping:
            if name not in columns:
                raise AuditError(f"group {quoted(name)}: not found: groups has {_names(columns)}")
    both = _listed(labels), _listed(predictions)
    lengths = {**dict(zip(names_of, map(len, both), strict=True)), **{n: len(c) for n, c in columns.items()}}
    if len(set(lengths.values())) > 1:
        each = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise AuditError(f"all columns must have the same number of rows: {each}")
    used = [*dict.fromkeys(name for grouping in wanted for name in grouping)]
    cells = Counter(
        zip(
            (_class(value, positive) for value in both[0]),
            (_class(value, positive) for value in both[1]),
            zip(*([_text(value) for value in columns[name]] for name in used), strict=True),
            strict=True,
        )
    )
    tally = Tally(wanted)
    for (label, prediction, values), number in cells.items():
        tally.rows += number
        _note(tally, names_of, (label, prediction), number)
        tally.missing.update(
            {name: number for name, value in zip(used, values, strict=True) if value is None}
        )
        if label >= 0 and prediction >= 0:
            of = dict(zip(used, values, strict=True))
            counts = Counts(number, number * prediction, number * label, number * label * prediction)
            for grouping in wanted:
                group = tuple(value for name in grouping if (value := of[name]) is not None)
                if len(group) == len(grouping):
                    tally.add(grouping, group, counts)
    return tally


_MISSING: Final = -1
_OTHER: Final = -2


def _note(tally: Tally, columns: Sequence[str], classes: Sequence[int], number: int) -> None:
    for name, found in zip(columns, classes, strict=True):
        if found == _MISSING:
            tally.missing[name] += number
        elif found == _OTHER:
            tally.other[name] += number


def _listed(values: Iterable[object]) -> list[object]:
    """Return a column as a list of Python's own values, by what numpy, pandas, Polars and Arrow call that."""
    for name in ("tolist", "to_list", "to_pylist"):
        convert = getattr(values, name, None)
        if callable(convert):
            return [*convert()]
    return [*values]


def _class(value: object, positive: object) -> int:
    if _is_missing(value):
        return _MISSING
    if positive is not None:
        return int(value == positive)
    # True == 1 == 1.0; text has no place here, since Python code knows its types.
    if value == 1 or value == 0:
        return int(bool(value))
    return _OTHER


def _text(value: object) -> str | None:
    return None if _is_missing(value) else str(value)


def _is_missing(value: object) -> bool:
    """Return whether a value is null, NaN (or pandas' NA and NaT, none of which equals itself) or blank."""
    if value is None:
        return True
    if isinstance(value, str):
        return not value.strip()
    try:
        return not value == value  # noqa: SIM201 - what NaN and NaT are known by
    except TypeError:  # pandas' NA is neither true nor false
        return True


def _names(columns: Iterable[str]) -> str:
    return ", ".join(map(quoted, columns)) or "none"
