"""Counts that were made elsewhere: the result of the printed query, from each site or partition a file.

CSV with a header or JSON (a list of objects), as any database writes them; case of column names aside.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from actgate.api.quoting import got, quoted
from actgate.pipeline.audit.errors import AuditError
from actgate.pipeline.audit.sql import COLUMNS, TOTALS, Question
from actgate.pipeline.audit.tally import Counts, Grouping, Tally, attribute

_LARGEST: Final = 2**53
_MOST: Final = 64 * 1024 * 1024
Row = tuple[str, tuple[str | None, ...], Counts]
"""Attribute, its values, and the counts."""


def of_rows(rows: Iterable[Row], question: Question) -> Tally:
    """Return the counts that the rows of a query's result hold; a blank group is a missing one."""
    known = {attribute(grouping): grouping for grouping in question.groupings}
    first = {name: next(one for one in question.groupings if name in one) for name in question.attributes}
    tally = Tally(question.groupings)
    for called, values, counts in rows:
        if called == TOTALS:
            _total(tally, values, counts.persons)
            continue
        grouping = known.get(called)
        if grouping is None:
            continue  # The query counted more than is asked for here.
        group = tuple((value or "").strip() and (value or "") for value in values[: len(grouping)])
        blank = [name for name, value in zip(grouping, group, strict=True) if not value]
        for name in blank:
            tally.missing[name] += counts.persons if first[name] == grouping else 0
        if not blank:
            tally.add(grouping, group, counts)
    return tally


def read(path: str, question: Question) -> Tally:
    """Read the counts of one site.

    Raises:
        AuditError: The file cannot be read, is no result of the query, or lacks one of the groupings.
    """
    rows = [_row(item, path, number) for number, item in enumerate(_items(path), 1)]
    stated = {called for called, _, _ in rows}
    if TOTALS not in stated:
        raise AuditError(
            f'{path}: has no row with the attribute "*": must be the whole result of the printed query'
        )
    missing = [one for one in question.groupings if attribute(one) not in stated]
    tally = of_rows(rows, question)
    if missing and tally.rows:
        raise AuditError(
            f"{path}: has no counts by {quoted(attribute(missing[0]))}: print the query with the same --by"
        )
    _require_columns(rows, question, path)
    return tally


def _require_columns(rows: Iterable[Row], question: Question, path: str) -> None:
    """Refuse counts of other columns: each one that is asked for has a row that says how many are missing."""
    known = {values[1] for called, values, _ in rows if called == TOTALS and values[0] == "missing"}
    for name in question.columns:
        if name not in known:
            raise AuditError(
                f"{path}: says nothing of column {quoted(name)}: print the query with the same --label, "
                "--prediction and --by"
            )


def _total(tally: Tally, values: Sequence[str | None], number: int) -> None:
    what, name = values[0], values[1]
    if what == "rows":
        tally.rows += number
    elif what == "missing" and name is not None:
        tally.missing[name] += number
    elif what == "other" and name is not None:
        tally.other[name] += number


def _items(path: str) -> list[Mapping[str, Any]]:
    try:
        raw = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise AuditError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    try:
        text = raw[: _MOST + 1].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AuditError(f"{path} is not UTF-8 from byte {error.start} on: save it as UTF-8") from None
    if len(raw) > _MOST:
        raise AuditError(f"{path} is larger than the result of a query can be: name the counts, not the data")
    if not text.lstrip().startswith("["):
        return [*csv.DictReader(io.StringIO(text, newline=""))]
    try:
        items = json.loads(text)
    except ValueError:
        raise AuditError(f"{path} is not valid JSON: write the result of the query again") from None
    if not all(isinstance(item, Mapping) for item in items):
        raise AuditError(f"{path}: must be a list of objects, a row of the result each")
    return [*items]


def _row(item: Mapping[str, Any], path: str, number: int) -> Row:
    fields = {str(key).strip().lower(): value for key, value in item.items()}
    for name in ("attribute", "value1", "value2", *COLUMNS):
        if name not in fields:
            raise AuditError(
                f"{path}: row {number} has no column {quoted(name)}: must be the result of the printed query"
            )
    width = sum(name.startswith("value") for name in fields)
    values = tuple(_value(fields.get(f"value{place}")) for place in range(1, width + 1))
    counts = Counts(*(_whole(fields[name], path, number, name) for name in COLUMNS))
    if not 0 <= counts.true_positives <= min(counts.selected, counts.positives) <= counts.persons or (
        max(counts.selected, counts.positives) > counts.persons
        or counts.selected - counts.true_positives > counts.persons - counts.positives
    ):
        raise AuditError(f"{path}: row {number}: a count is larger than the one that it is part of")
    return str(fields["attribute"]), values, counts


def _value(value: object) -> str | None:
    return None if value is None or value == "" else str(value)


def _whole(value: object, path: str, number: int, name: str) -> int:
    text = value.strip() if isinstance(value, str) else None
    whole = int(text) if text is not None and text.isascii() and text.isdigit() else value
    if isinstance(whole, bool) or not isinstance(whole, int) or not 0 <= whole < _LARGEST:
        raise AuditError(f"{path}: row {number}: {name}: must be a whole number, got {got(value)}")
    return whole


def of_files(paths: Iterable[str], question: Question) -> Tally:
    """Add up the counts of several sites; raises like ``read``, and for a site that is named twice."""
    tally, seen = Tally(question.groupings), set[Path]()
    for path in paths:
        if (where := Path(path).resolve()) in seen:
            raise AuditError(f"{path} is named twice: its persons would count twice")
        seen.add(where)
        tally.merge(read(path, question))
    return tally


def groupings_of(arguments: Iterable[str]) -> tuple[Grouping, ...]:
    """Return the groupings that ``--by`` names: columns with commas, in quotes where a name has one.

    Raises:
        AuditError: One of them names nothing, or a column twice.
    """
    found: dict[Grouping, None] = {}
    for argument in arguments:
        names = tuple(name.strip() for name in next(csv.reader([argument], skipinitialspace=True), []))
        if not names or not all(names):
            raise AuditError(f"--by: {quoted(argument)} must name columns, such as sex or sex,race")
        if len(set(names)) < len(names):
            raise AuditError(f"--by: {quoted(argument)} names a column twice")
        if TOTALS in names:
            raise AuditError(f"--by: {quoted(TOTALS)} cannot be the name of an attribute: rename the column")
        found[names] = None
    called: dict[str, Grouping] = {}
    for grouping in found:
        if called.setdefault(attribute(grouping), grouping) != grouping:
            raise AuditError(
                f"--by: two groupings are called {quoted(attribute(grouping))}: rename the column"
            )
    return tuple(found)
