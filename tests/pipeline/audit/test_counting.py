"""The same persons have the same counts: in every format, as Python values, and through any engine."""

import csv
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import pytest

from actgate.pipeline.audit import files, run, sequences, site_counts, sql
from actgate.pipeline.audit.errors import AuditError
from actgate.pipeline.audit.tally import Counts, Tally
from tests.pipeline.audit.support import audited, persons, request, write_csv, write_parquet

BY = ("sex", "race", "sex,race")


def counted(rows: list[dict[str, Any]]) -> Tally:
    """Return the counts of rows by plain Python."""
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    groups = {name: columns[name] for name in ("sex", "race")}
    groupings = site_counts.groupings_of(BY)
    return sequences.of_sequences(columns["y"], columns["yhat"], groups, groupings, names_of=("y", "yhat"))


@pytest.mark.system
@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".csv.gz", ".tsv", ".jsonl", ".json"])
def test_every_format_has_the_counts_of_its_rows(tmp_path: Path, suffix: str) -> None:
    """One pass with grouping sets, and no type of a file leads to another number."""
    rows = persons()
    path = tmp_path / f"data{suffix}"
    if suffix == ".parquet":
        write_parquet(path, rows)
    elif "json" in suffix:
        lines = [json.dumps(row) for row in rows]
        path.write_text("\n".join(lines) if suffix == ".jsonl" else f"[{', '.join(lines)}]")
    else:
        write_csv(tmp_path / "plain", rows)
        text = (tmp_path / "plain").read_text()
        text = text.replace(",", "\t") if suffix == ".tsv" else text
        if suffix.endswith(".gz"):
            import gzip

            path.write_bytes(gzip.compress(text.encode()))
        else:
            path.write_text(text)
    found, expected = audited(path, of=request(*BY)).tally, counted(rows)
    assert (found.rows, found.groups) == (expected.rows, expected.groups)


@pytest.mark.system
def test_partitions_add_up(tmp_path: Path) -> None:
    """A folder, a glob and the files themselves are one data set, with one digest."""
    rows = persons()
    for place in range(4):
        write_parquet(tmp_path / f"part-{place}.parquet", rows[place::4])
    (tmp_path / "_SUCCESS").touch()
    whole = counted(rows)
    named = [str(path) for path in sorted(tmp_path.glob("*.parquet"))]
    found = [audited(*paths, of=request(*BY)) for paths in ([tmp_path], [f"{tmp_path}/*.parquet"], named)]
    assert all(one.tally.groups == whole.groups for one in found)
    assert len({one.digest for one in found}) == 1


def values_of(rows: Iterable[dict[str, Any]], name: str, to: dict[object, object]) -> list[dict[str, Any]]:
    """Return rows with other values in a column."""
    return [{**row, name: to.get(row[name], row[name])} for row in rows]


@pytest.mark.system
@pytest.mark.parametrize(
    ("values", "positive"),
    [
        ({0: False, 1: True}, None),
        ({0: 0.0, 1: 1.0}, None),
        ({0: "0", 1: "1"}, None),
        ({0: "False", 1: "true"}, None),
        ({0: "<=50K", 1: ">50K"}, ">50K"),
        ({0: 2, 1: 1}, "1"),
        ({0: "it's bad", 1: "it's good"}, "it's good"),
    ],
)
def test_the_favourable_value_is_what_the_columns_hold(
    tmp_path: Path, values: dict[object, object], positive: str | None
) -> None:
    """0 and 1, false and true in every spelling, or what is named."""
    rows = persons()
    written = values_of(values_of(rows, "y", values), "yhat", values)
    path = write_parquet(tmp_path / "data.parquet", written)
    found = audited(path, of=request(*BY, positive=positive))
    assert found.tally.groups == counted(rows).groups


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
@pytest.mark.parametrize("output", ["csv", "json"])
def test_the_standard_query_has_the_same_counts_elsewhere(tmp_path: Path, engine: str, output: str) -> None:
    """Unchanged on SQLite and DuckDB, with missing values, and through CSV and JSON of the result."""
    rows = persons()
    rows[3]["sex"] = rows[5]["y"] = rows[8]["yhat"] = None
    query = sql.ansi(request(*BY).question, "scores.predictions")
    names, found = asked(engine, query, rows)
    path = tmp_path / f"counts.{output}"
    items = [dict(zip(names, row, strict=True)) for row in found]
    if output == "json":
        path.write_text(json.dumps(items))
    else:
        write_csv(path, items)
    given = site_counts.of_files([str(path)], request(*BY).question)
    expected = counted(rows)
    assert (given.rows, given.groups) == (expected.rows, expected.groups)
    assert given.missing == expected.missing == Counter({"sex": 1, "y": 1, "yhat": 1})


def asked(engine: str, query: str, rows: list[dict[str, Any]]) -> tuple[list[str], list[Any]]:
    """Return the columns and rows of a query over a table of persons in another engine."""
    table = "CREATE TABLE scores.predictions (sex TEXT, race TEXT, y INTEGER, yhat INTEGER)"
    insert = "INSERT INTO scores.predictions VALUES (?, ?, ?, ?)"
    parameters = [tuple(row.values()) for row in rows]
    connection: Any
    if engine == "sqlite":
        connection = sqlite3.connect(":memory:")
        connection.execute("ATTACH ':memory:' AS scores")
    else:
        connection = duckdb.connect()
        connection.execute("CREATE SCHEMA scores")
    try:
        connection.execute(table)
        connection.executemany(insert, parameters)
        cursor = connection.execute(query)
        return [column[0] for column in cursor.description], cursor.fetchall()
    finally:
        connection.close()


def test_the_standard_query_knows_a_missing_column(tmp_path: Path) -> None:
    """SQLite reads an unknown name in quotes as text; as a column of the table it is an error."""
    question = sql.Question("nothing", "yhat", (("sex",),))
    with pytest.raises(sqlite3.OperationalError):
        asked("sqlite", sql.ansi(question, "scores.predictions"), persons(5))


def test_a_favourable_text_is_counted_elsewhere_too() -> None:
    """With its quotes doubled; blanks are missing and not the other class."""
    question = sql.Question("y", "yhat", (("sex",),), "o'k")
    rows = [("f", "o'k", "o'k"), ("f", "no", "o'k"), ("m", "o'k", "no"), ("m", " ", "no"), ("m", "no", "no")]
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (sex TEXT, y TEXT, yhat TEXT)")
    connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
    found = connection.execute(sql.ansi(question, "t")).fetchall()
    connection.close()
    counts = site_counts.of_rows(((r[0], r[1:-4], Counts(*r[-4:])) for r in found), question)
    assert counts.groups == {("sex",): {("f",): Counts(2, 2, 1, 1), ("m",): Counts(2, 0, 1, 0)}}
    assert counts.missing["y"] == 1


def test_the_query_for_duckdb_is_what_the_audit_runs(tmp_path: Path) -> None:
    """Printed, run by hand and read again it has the audit's own counts."""
    path = write_parquet(tmp_path / "data.parquet", persons())
    query = run.printed(request(*BY).question, "", files.listed([str(path)]))
    with duckdb.connect() as connection:
        rows = connection.execute(query).fetchall()
    found = site_counts.of_rows(((r[0], r[1:-4], Counts(*r[-4:])) for r in rows), request(*BY).question)
    assert found.groups == audited(path, of=request(*BY)).tally.groups


@pytest.mark.system
def test_counts_of_several_sites_add_up(tmp_path: Path) -> None:
    """What two sites counted is what one would have counted of all persons; a site counts once."""
    rows = persons()
    paths = []
    for place in range(2):
        names, found = asked("sqlite", sql.ansi(request(*BY).question, "scores.predictions"), rows[place::2])
        paths.append(
            str(write_csv(tmp_path / f"{place}.csv", [dict(zip(names, one, strict=True)) for one in found]))
        )
    assert run.of_counts(request(*BY), paths).tally.groups == counted(rows).groups
    with pytest.raises(AuditError, match="named twice"):
        run.of_counts(request(*BY), [paths[0], paths[0]])


HOSTILE = (
    'x"; DROP TABLE data; --',
    "x'); COPY (SELECT 1) TO 'stolen.csv'; --",
    '" OR 1=1 --',
    "$1; ?",
    'a""b',
    "se\\x",
    "{sex}",
)


@pytest.mark.system
@pytest.mark.parametrize(("name", "suffix"), [*product(HOSTILE, [".parquet", ".csv"])])
def test_no_name_of_a_column_or_file_is_run_as_sql(tmp_path: Path, name: str, suffix: str) -> None:
    """Names are foreign text: each is quoted, in the audit and in what it prints."""
    rows = [{name if key == "sex" else key: value for key, value in row.items()} for row in persons(60)]
    path = tmp_path / f"{name.replace(chr(92), '')}[1]*{suffix}"
    plain = tmp_path / f"plain{suffix}"
    (write_parquet if suffix == ".parquet" else write_csv)(plain, rows)
    plain.rename(path)
    # What the name would match as a pattern is another file, and is not read.
    like = tmp_path / f"{name.replace(chr(92), '')}1x{suffix}"
    (write_parquet if suffix == ".parquet" else write_csv)(like, rows[:9])
    quoted_name = '"' + name.replace('"', '""') + '"'
    found = audited(path, of=request(quoted_name))
    expected = sequences.of_sequences(
        [row["y"] for row in rows],
        [row["yhat"] for row in rows],
        {name: [row[name] for row in rows]},
        [(name,)],
    )
    assert found.tally.groups == expected.groups
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted([path.name, like.name])
    connection = sqlite3.connect(":memory:")
    connection.execute(f'CREATE TABLE "data" ({sql.identifier(name)} TEXT, y INTEGER, yhat INTEGER)')
    connection.executemany("INSERT INTO data VALUES (?, ?, ?)", [(r[name], r["y"], r["yhat"]) for r in rows])
    query = sql.ansi(sql.Question("y", "yhat", ((name,),)), "data")
    answered = connection.execute(query).fetchall()
    connection.close()
    counts = site_counts.of_rows(
        ((r[0], r[1:-4], Counts(*r[-4:])) for r in answered), sql.Question("y", "yhat", ((name,),))
    )
    assert counts.groups == expected.groups


@pytest.mark.system
def test_a_name_that_could_be_taken_for_another_is_refused(tmp_path: Path) -> None:
    """Of a backslash beside a wildcard DuckDB has no exact form."""
    path = write_csv(tmp_path / "a\\*.csv", persons(20))
    with pytest.raises(AuditError, match="rename it"):
        audited(path)
    assert audited(write_csv(tmp_path / "a\\b.csv", persons(20))).tally.rows == 20


def test_a_grouping_is_read_as_csv_reads_a_line() -> None:
    """Columns with commas in their names are written in quotes; a grouping that is repeated counts once."""
    assert site_counts.groupings_of(["sex", "sex, race", '"a,b",sex', "sex"]) == (
        ("sex",),
        ("sex", "race"),
        ("a,b", "sex"),
    )
    for wrong in ("", "sex,", "sex,sex", "*"):
        with pytest.raises(AuditError):
            site_counts.groupings_of([wrong])


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([], 'no row with the attribute "*"'),
        ([{"attribute": "sex"}], "has no column"),
        ([{"count": "1.5"}], "count: must be a whole number"),
        ([{"count": "-1"}], "count: must be a whole number"),
        ([{"count": "1", "selected": "2"}], "larger than the one that it is part of"),
        ([{"attribute": "race"}], "has no counts by"),
        ([{"count": "0"}], "says nothing of column"),
    ],
)
def test_counts_that_cannot_be_are_refused(tmp_path: Path, rows: list[dict[str, str]], sentence: str) -> None:
    """What another engine or a person wrote is not believed; one sentence with the file and the row."""
    base = {"attribute": "*", "value1": "rows", "value2": "", "count": "3"}
    sums = dict.fromkeys(("selected", "positives", "true_positives"), "0")
    path = tmp_path / "counts.csv"
    if rows and rows[0] == {"attribute": "sex"}:
        path.write_text("attribute\nsex\n")
    else:
        written = [{**base, **sums, **row} for row in rows]
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, [*base, *sums])
            writer.writeheader()
            writer.writerows([*written, *([{**base, **sums}] if rows == [{"attribute": "race"}] else [])])
    with pytest.raises(AuditError, match=sentence.replace("*", r"\*")) as caught:
        site_counts.read(str(path), request("sex").question)
    assert str(caught.value).startswith(str(path))
