"""Data quality as counts: what was checked, what exactly counts as a failure, and how many failed.

AI Act Art. 10(2) and (3). A check is an aggregate: no row and no failing value comes out of it. Completeness
and class balance follow from the counts of the audit; the others are asked for in a file of rules.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from actgate.api.compliance_manifest import DataQualityCheck
from actgate.api.quoting import quoted
from actgate.pipeline.audit.errors import AuditError
from actgate.pipeline.audit.quality_rules import Duplicates, QualityRules, Range
from actgate.pipeline.audit.sql import identifier, literal
from actgate.pipeline.audit.tally import DROP, Tally

_MOST: Final = 900
"""Characters of a definition that lists columns; the schema has 1024."""


def of_tally(
    tally: Tally, columns: Iterable[str], dataset: str, label: str, rules: QualityRules, nulls: str
) -> Iterator[DataQualityCheck]:
    """Yield the checks that follow from the counts: completeness of what was read, and class balance."""
    beside = "; these rows are left out of what they cannot be counted in" if nulls == DROP else ""
    for name in columns:
        if name not in rules.completeness:
            yield DataQualityCheck(
                dataset=dataset,
                check="completeness",
                definition=f"rows without a value (null, NaN or blank) in column {quoted(name)}{beside}",
                checked=tally.rows,
                failed=tally.missing[name],
            )
    grouping = tally.groupings[0]
    counts = tally.groups[grouping].values()
    persons, positives = sum(one.persons for one in counts), sum(one.positives for one in counts)
    balance = rules.class_balance
    yield DataQualityCheck(
        dataset=dataset,
        check="class balance",
        definition=f"rows of the more frequent of the two classes of column {quoted(label)}",
        checked=persons,
        failed=max(positives, persons - positives),
        threshold=None if balance is None else 1 - balance.min_share,
    )


class Queries:
    """The queries of a file of rules over one table."""

    def __init__(self, rules: QualityRules, dataset: str, source: str, types: Mapping[str, str]) -> None:
        self._rules = rules
        self._dataset = dataset
        self._source = source
        self._types = types

    def columns(self) -> dict[str, str]:
        """Return the columns that the rules name, and which rule."""
        rules = self._rules
        named = dict.fromkeys(rules.completeness, "completeness")
        named |= dict.fromkeys(rules.ranges, "ranges")
        if rules.duplicates is not None:
            named |= dict.fromkeys(rules.duplicates.columns or (), "duplicates")
        if rules.freshness is not None:
            named[rules.freshness.column] = "freshness"
        return named

    def conditions(self) -> list[tuple[dict[str, Any], str, str]]:
        """Return checks of single rows: their fields, and which rows are checked and which fail, in SQL."""
        found = []
        for name, threshold in self._rules.completeness.items():
            fields = {
                "check": "completeness",
                "definition": f"rows without a value (null, NaN or blank) in column {quoted(name)}",
                "threshold": threshold,
            }
            found.append((fields, "TRUE", self._missing(name)))
        for name, one in self._rules.ranges.items():
            fields = {"check": "range", "definition": _range_words(name, one), "threshold": one.threshold}
            found.append((fields, f"NOT {self._missing(name)}", f"NOT {self._valid(name, one)}"))
        fresh = self._rules.freshness
        if fresh is not None:
            moment = f"TRY_CAST({self._as_text(fresh.column)} AS TIMESTAMP)"
            since = f"CAST({literal(fresh.not_before)} AS TIMESTAMP)"
            definition = (
                f"rows whose column {quoted(fresh.column)} is before {fresh.not_before}, missing or no moment"
            )
            fields = {"check": "freshness", "definition": definition, "threshold": fresh.threshold}
            found.append((fields, "TRUE", f"COALESCE({moment} < {since}, TRUE)"))
        return found

    def of_rows(self) -> str | None:
        """Return the query of all checks of single rows: two numbers for each, in one pass."""
        asked = [
            f"COUNT(*) FILTER ({checked}), COUNT(*) FILTER (({checked}) AND ({failed}))"
            for _, checked, failed in self.conditions()
        ]
        return f"SELECT {', '.join(asked)} FROM {self._source} t" if asked else None

    def duplicates(self) -> str | None:
        """Return the query of rows, and of those that repeat an earlier one."""
        wanted = self._rules.duplicates
        if wanted is None:
            return None
        columns = wanted.columns or [*self._types]
        return (
            "SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT), CAST(COALESCE(SUM(n - 1), 0) AS BIGINT) FROM "
            f"(SELECT COUNT(*) AS n FROM {self._source} t GROUP BY {self._hash(columns)})"
        )

    def duplicates_check(self, checked: int, failed: int) -> DataQualityCheck:
        """Return the check of repeated rows."""
        wanted = self._rules.duplicates or Duplicates()
        columns = "all columns" if wanted.columns is None else _columns(wanted.columns)
        definition = (
            f"rows that repeat another one in {columns}: all rows less the distinct ones (64-bit hash)"
        )
        return self._check("duplicates", definition, checked, failed, wanted.threshold)

    def overlap(self, train: str, train_types: Mapping[str, str], prediction: str) -> tuple[str, list[str]]:
        """Return the query of rows, and of those that the training data has too; and what is compared.

        Raises:
            AuditError: They have no column in common.
        """
        common = [name for name in self._types if name in train_types and name != prediction]
        if not common:
            raise AuditError(
                "--train: has no column in common with the data: name the data that the model was trained on"
            )
        own = self._hash(common)
        cast = [f"TRY_CAST(t.{identifier(name)} AS {self._types[name]})" for name in common]
        return (
            f"SELECT COUNT(*), COUNT(*) FILTER ({own} IN (SELECT hash({', '.join(cast)}) FROM {train} t)) "
            f"FROM {self._source} t"
        ), common

    def overlap_check(self, columns: list[str], checked: int, failed: int) -> DataQualityCheck:
        """Return the check of rows that the training data has as well."""
        definition = f"rows that the training data has as well, compared in {_columns(columns)} (64-bit hash)"
        threshold = None if self._rules.overlap is None else self._rules.overlap.threshold
        return self._check("train/test overlap", definition, checked, failed, threshold)

    def checks(self, numbers: tuple[int, ...]) -> Iterator[DataQualityCheck]:
        """Yield the checks of single rows, given the result of their query."""
        for place, (fields, _, _) in enumerate(self.conditions()):
            checked, failed = numbers[2 * place : 2 * place + 2]
            yield self._check(fields["check"], fields["definition"], checked, failed, fields["threshold"])

    def _check(
        self, check: str, definition: str, checked: int, failed: int, threshold: float | None
    ) -> DataQualityCheck:
        return DataQualityCheck(
            dataset=self._dataset,
            check=check,
            definition=definition,
            checked=checked,
            failed=failed,
            threshold=threshold,
        )

    def _as_text(self, name: str) -> str:
        column = f"t.{identifier(name)}"
        return f"({column} ->> '$')" if self._types[name] == "JSON" else f"CAST({column} AS VARCHAR)"

    def _missing(self, name: str) -> str:
        return (
            f"(t.{identifier(name)} IS NULL OR lower(trim(COALESCE({self._as_text(name)}, ''))) IN ('', "
            "'nan'))"
        )

    def _valid(self, name: str, one: Range) -> str:
        if one.values is not None:
            listed = ", ".join(literal(_plain(value)) for value in one.values)
            return f"({self._as_text(name)} IN ({listed}))" if listed else "FALSE"
        number = f"TRY_CAST({self._as_text(name)} AS DOUBLE)"
        bounds = [f"{number} >= {one.min!r}"] if one.min is not None else []
        bounds += [f"{number} <= {one.max!r}"] if one.max is not None else []
        return f"COALESCE({' AND '.join(bounds)}, FALSE)"

    def _hash(self, columns: list[str]) -> str:
        return f"hash({', '.join(f't.{identifier(name)}' for name in columns)})"


def failing(checks: Iterator[DataQualityCheck] | list[DataQualityCheck]) -> Iterator[DataQualityCheck]:
    """Yield the checks of which a larger share failed than was accepted."""
    for one in checks:
        if one.threshold is not None and one.failed > one.threshold * one.checked + 1e-9 * one.checked:
            yield one


def _range_words(name: str, one: Range) -> str:
    if one.values is not None:
        return (
            f"values of column {quoted(name)} that are none of {len(one.values)} listed ones; missing "
            "ones aside"
        )
    low = f">= {one.min:g}" if one.min is not None else ""
    high = f"<= {one.max:g}" if one.max is not None else ""
    bounds = " and ".join(part for part in (low, high) if part)
    return f"values of column {quoted(name)} that are not a number {bounds}; missing ones aside"


def _columns(names: list[str]) -> str:
    text = ", ".join(quoted(name) for name in names)
    return text if len(text) <= _MOST else f"{len(names)} columns"


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
