"""The query of an audit: one for any engine that speaks standard SQL, one for DuckDB.

Both have the same result, a row per group and some about rows that cannot be counted:

    attribute  value1  value2  count  selected  positives  true_positives
    sex        female  NULL    310    180       ...
    sex,race   female  black   31     ...
    *          rows    NULL    1000   0         0          0
    *          missing y       3      0         0          0
    *          other   y       2      0         0          0

Column and file names are foreign text: every one is quoted, with its quotes doubled, and every column is
written as one of a table, since some engines read a quoted name that they do not know as text.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from actgate.api.quoting import quoted
from actgate.pipeline.audit.errors import AuditError
from actgate.pipeline.audit.tally import LONGEST_NAME, MOST_GROUPS, Grouping, attribute

COLUMNS: Final = ("count", "selected", "positives", "true_positives")
"""Columns of the result beside the attribute and its values."""
TOTALS: Final = "*"
"""In place of an attribute: the row is about all rows."""
_WHOLE: Final = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER")
_NUMBERS: Final = (*_WHOLE, "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL")
_FRACTIONS: Final = ("FLOAT", "DOUBLE")
_JSON: Final = "JSON"


@dataclass(frozen=True, slots=True)
class Question:
    """What is counted."""

    label: str
    prediction: str
    groupings: tuple[Grouping, ...]
    positive: str | None = None
    """The favourable value as text; without it 1 and true are."""

    @property
    def attributes(self) -> tuple[str, ...]:
        """Columns of groups, each once."""
        return tuple(dict.fromkeys(name for grouping in self.groupings for name in grouping))

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read, each once."""
        return tuple(dict.fromkeys((self.label, self.prediction, *self.attributes)))


def identifier(name: str) -> str:
    """Return a name as SQL has it, whatever characters it holds.

    Raises:
        AuditError: It is empty or holds a NUL, which no engine takes.
    """
    if not name or "\0" in name:
        raise AuditError(f"column {quoted(name)}: must be a name")
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return text as SQL has it; raises like ``identifier``."""
    if "\0" in text:
        raise AuditError(f"value {quoted(text)}: must be text without NUL")
    return "'" + text.replace("'", "''") + "'"


def ansi(question: Question, table: str) -> str:
    """Return the query in standard SQL, for a table named as ``schema.table``.

    Without ``positive``, label and prediction hold the numbers 0 and 1.
    """
    source = ".".join(map(identifier, table.split(".")))
    width = max(2, *map(len, question.groupings))
    positive = _ansi_value(question.positive)
    selected, right = (f"t.{identifier(name)}" for name in (question.prediction, question.label))
    stated = [f"NOT ({_ansi_missing(name, question)})" for name in (question.label, question.prediction)]
    if question.positive is None:
        stated += [f"{name} IN (0, 1)" for name in (right, selected)]
    sums = [
        "COUNT(*)",
        f"SUM(CASE WHEN {selected} = {positive} THEN 1 ELSE 0 END)",
        f"SUM(CASE WHEN {right} = {positive} THEN 1 ELSE 0 END)",
        f"SUM(CASE WHEN {selected} = {positive} AND {right} = {positive} THEN 1 ELSE 0 END)",
    ]
    parts = []
    for grouping in question.groupings:
        columns = [f"t.{identifier(name)}" for name in grouping]
        texts = [f"CAST({column} AS VARCHAR({LONGEST_NAME}))" for column in columns]
        first = _row(literal(attribute(grouping)), texts, width, sums)
        where = " AND ".join([*stated, *(f"{column} IS NOT NULL" for column in columns)])
        parts.append(f"{first}\nFROM {source} t\nWHERE {where}\nGROUP BY {', '.join(columns)}")
    parts += [f"{row}\nFROM {source} t{where}" for row, where in _ansi_totals(question, width)]
    return "\nUNION ALL\n".join(parts) + "\n"


def _ansi_totals(question: Question, width: int) -> Iterator[tuple[str, str]]:
    none = ["COUNT(*)", "0", "0", "0"]
    yield _row(literal(TOTALS), [literal("rows")], width, none), ""
    for name in question.columns:
        about = [literal("missing"), literal(name)]
        yield _row(literal(TOTALS), about, width, none), f"\nWHERE {_ansi_missing(name, question)}"
    if question.positive is None:
        for name in dict.fromkeys((question.label, question.prediction)):
            about = [literal("other"), literal(name)]
            yield _row(literal(TOTALS), about, width, none), f"\nWHERE t.{identifier(name)} NOT IN (0, 1)"


def _ansi_missing(name: str, question: Question) -> str:
    """Return the condition of a missing value; text that is blank is one, and other types have no blanks."""
    column = f"t.{identifier(name)}"
    is_class = name in (question.label, question.prediction)
    if is_class and _ansi_value(question.positive).startswith("'"):
        return f"{column} IS NULL OR TRIM({column}) = ''"
    return f"{column} IS NULL"


def _row(about: str, values: Sequence[str], width: int, sums: Iterable[str]) -> str:
    padded = [*values, *[f"CAST(NULL AS VARCHAR({LONGEST_NAME}))"] * (width - len(values))]
    named = [f"CAST({about} AS VARCHAR({LONGEST_NAME})) AS attribute"]
    named += [f"{text} AS value{number}" for number, text in enumerate(padded, 1)]
    named += [f'{text} AS "{name}"' for text, name in zip(sums, COLUMNS, strict=True)]
    return "SELECT " + ",\n  ".join(named)


def _ansi_value(positive: str | None) -> str:
    if positive is None:
        return "1"
    if positive.lower() in ("true", "false"):
        return positive.upper()
    try:
        float(positive)
    except ValueError:
        return literal(positive)
    return (
        literal(positive) if positive.strip().lower().lstrip("+-") in ("nan", "inf", "infinity") else positive
    )


def duckdb(question: Question, source: str, types: Mapping[str, str]) -> str:
    """Return the query for DuckDB: one pass over the data with grouping sets.

    Of a grouping with more groups than a measurement can have, no more than one too many are returned.

    Args:
        question: What is counted.
        source: Table expression that is read.
        types: Type of each column as DuckDB's ``DESCRIBE`` has it.
    """
    names = {name: f"g{place}" for place, name in enumerate(question.attributes)}
    columns = [
        f"{_class(question.label, types, question.positive)} AS l",
        f"{_class(question.prediction, types, question.positive)} AS p",
        *(f"{_text(name, types)} AS {short}" for name, short in names.items()),
    ]
    sets = [("l", "p"), *(("l", "p", *(names[name] for name in one)) for one in question.groupings)]
    mask = f"GROUPING({', '.join(names.values())})"
    grouped = ", ".join(f"({', '.join(one)})" for one in sets)
    width = max(2, *map(len, question.groupings))
    return (
        f"WITH cells AS MATERIALIZED (\n  SELECT {mask} AS s, l, p, {', '.join(names.values())}, COUNT(*) "
        "AS n\n"
        f"  FROM (SELECT {', '.join(columns)} FROM {source} t)\n"
        f"  GROUP BY GROUPING SETS ({grouped})\n)\n"
        + "\nUNION ALL\n".join(_duckdb_parts(question, names, width))
        + "\n"
    )


def _duckdb_parts(question: Question, names: Mapping[str, str], width: int) -> Iterator[str]:
    shorts = [*names.values()]
    usable = "l IN (0, 1) AND p IN (0, 1)"
    sums = ["SUM(n)", "SUM(n * p)", "SUM(n * l)", "SUM(n * l * p)"]
    counted = [f"CAST({text} AS BIGINT)" for text in sums]
    for grouping in question.groupings:
        own = [names[name] for name in grouping]
        row = _row(literal(attribute(grouping)), own, width, counted)
        known = " AND ".join(f"{name} IS NOT NULL" for name in own)
        where = f"s = {_mask(own, shorts)} AND {usable} AND {known}"
        yield f"({row}\nFROM cells WHERE {where}\nGROUP BY {', '.join(own)}\nLIMIT {MOST_GROUPS + 1})"
    whole = _mask((), shorts)
    total = ["CAST(COALESCE(SUM(n), 0) AS BIGINT)", "0", "0", "0"]

    def of(what: str, name: str, where: str) -> str:
        return (
            f"{_row(literal(TOTALS), [literal(what), literal(name)], width, total)}\nFROM cells WHERE {where}"
        )

    yield f"{_row(literal(TOTALS), [literal('rows')], width, total)}\nFROM cells WHERE s = {whole}"
    for name, short in {question.label: "l", question.prediction: "p"}.items():
        yield of("missing", name, f"s = {whole} AND {short} IS NULL")
        yield of("other", name, f"s = {whole} AND {short} = -1")
    for name, short in names.items():
        within = next(one for one in question.groupings if name in one)
        mask = _mask([names[other] for other in within], shorts)
        yield of("missing", name, f"s = {mask} AND {short} IS NULL")


def _mask(grouped: Iterable[str], shorts: Sequence[str]) -> int:
    """Return what GROUPING() is: a bit for each name that is not grouped by, the first one the highest."""
    present = set(grouped)
    return sum(1 << place for place, name in enumerate(reversed(shorts)) if name not in present)


def _class(name: str, types: Mapping[str, str], positive: str | None) -> str:
    """Return the expression of a class: 1, 0, NULL for a missing value, -1 for one that is neither."""
    column, kind = f"t.{identifier(name)}", types[name].partition("(")[0]
    if kind == "BOOLEAN":
        wanted = _truth(name, positive)
        return f"CASE WHEN {column} IS NULL THEN NULL WHEN {column} = {wanted} THEN 1 ELSE 0 END"
    if kind in _NUMBERS:
        missing = f"{column} IS NULL OR isnan({column})" if kind in _FRACTIONS else f"{column} IS NULL"
        if positive is None:
            return (
                f"CASE WHEN {column} = 1 THEN 1 WHEN {column} = 0 THEN 0 WHEN {missing} THEN NULL ELSE -1 END"
            )
        return f"CASE WHEN {column} = {_number(name, positive)} THEN 1 WHEN {missing} THEN NULL ELSE 0 END"
    text = f"trim({_plain(column, types[name])})"
    missing = f"{column} IS NULL OR lower({text}) IN ('', 'nan')"
    if positive is not None:
        return f"CASE WHEN {text} = {literal(positive.strip())} THEN 1 WHEN {missing} THEN NULL ELSE 0 END"
    return (
        f"CASE WHEN lower({text}) IN ('1', '1.0', 'true') THEN 1 WHEN lower({text}) IN ('0', '0.0', 'false') "
        f"THEN 0 WHEN {missing} THEN NULL ELSE -1 END"
    )


def _text(name: str, types: Mapping[str, str]) -> str:
    column, kind = f"t.{identifier(name)}", types[name].partition("(")[0]
    if kind in _FRACTIONS:
        return f"CASE WHEN isnan({column}) THEN NULL ELSE CAST({column} AS VARCHAR) END"
    return _plain(column, types[name])


def _plain(column: str, kind: str) -> str:
    if kind == _JSON:
        return f"({column} ->> '$')"
    return column if kind == "VARCHAR" else f"CAST({column} AS VARCHAR)"


def _truth(name: str, positive: str | None) -> str:
    wanted = "true" if positive is None else positive.strip().lower()
    if wanted not in ("true", "false", "1", "0"):
        raise AuditError(
            f"--positive: column {quoted(name)} holds true and false, and {quoted(positive)} is neither"
        )
    return "TRUE" if wanted in ("true", "1") else "FALSE"


def _number(name: str, positive: str) -> str:
    try:
        number = float(positive)
    except ValueError:
        raise AuditError(
            f"--positive: column {quoted(name)} holds numbers, and {quoted(positive)} is none"
        ) from None
    if number != number or number in (float("inf"), float("-inf")):
        raise AuditError(f"--positive: {quoted(positive)} must be a finite number")
    return repr(int(number)) if number.is_integer() else repr(number)
