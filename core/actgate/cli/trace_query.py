"""``actgate trace query`` and ``export --parquet``: the records of logs, asked with SQL.

The logs are verified while they are copied into a Parquet file, which goes with the command: the log stays
the one place where a record is. DuckDB installs nothing and reads no other file.
"""

import csv
import json
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import duckdb

from actgate.api.quoting import counted, printable
from actgate.cli import streams, trace_logs
from actgate.cli.exits import Exit, UnusableError
from actgate.cli.trace_logs import Log
from actgate.trace.digests import Digester, Purpose
from actgate.trace.verify import LogVerifier

_MEMORY: Final = "512MB"
_COLUMNS: Final = """\
log, seq, time, event,
record->>'$.id' AS id,
record->>'$.decision' AS decision,
record->>'$.method' AS method,
record->>'$.route' AS route,
CAST(record->>'$.status' AS INTEGER) AS status,
record->>'$.error' AS error,
CAST(record->>'$.dur_us' AS BIGINT) AS dur_us,
CAST(record->>'$.in.bytes' AS BIGINT) AS in_bytes,
CAST(record->>'$.out.bytes' AS BIGINT) AS out_bytes,
record->>'$.subject.mac' AS subject,
record->'$.fields' AS fields,
record->>'$.action' AS action,
record->>'$.actor' AS actor,
record->>'$.trace_id' AS trace_id,
record"""
_SHOWN: Final = "log, seq, time, event, id, decision, status, dur_us, fields, action, actor"
_TIMES: Final = "%Y-%m-%dT%H:%M:%S.%fZ"


def query(options: Namespace) -> Exit:
    """Print the records that are asked for.

    Raises:
        UnusableError: Something cannot be read, or the question is none.
    """
    with tempfile.TemporaryDirectory(prefix="actgate-trace-") as scratch:
        copy = Path(scratch, "records.parquet")
        sound = _copy(options.paths, copy)
        with _asking(copy) as connection:
            statement, parameters = _statement(options)
            try:
                asked = connection.execute(statement, parameters)
                names = [column[0] for column in asked.description or ()]
                rows = asked.fetchall()
            except duckdb.Error as error:
                raise UnusableError(f"the question cannot be answered: {_words(error)}") from None
    lines = {"text": _text, "json": _json, "csv": _csv}[options.output](names, rows)
    streams.write(lambda: sys.stdout.writelines(lines))
    if not rows:
        streams.note(["no record is like that"], "error")
        return Exit.NOTHING
    return Exit.PASSED if sound else Exit.DENIED


def to_parquet(options: Namespace) -> Exit:
    """Write all records to a Parquet file; raises like ``query``."""
    target = Path(options.parquet)
    sound = _copy(options.paths, target)
    with _asking(target) as connection:
        (count,) = connection.execute("SELECT count(*) FROM records").fetchall()[0]
    streams.write(lambda: sys.stdout.write(f"{counted(count, 'record')} in {options.parquet}\n"))
    return Exit.PASSED if sound else Exit.DENIED


def _copy(paths: Sequence[str], target: Path) -> bool:
    """Write the records of logs to a Parquet file, and return whether all of them verify.

    Raises:
        UnusableError: They cannot be read, or the file cannot be written.
    """
    logs = trace_logs.find(paths)
    if not logs:
        raise UnusableError(f"there is no inference log in {', '.join(paths)}")
    with tempfile.TemporaryDirectory(prefix="actgate-trace-") as scratch, _engine() as connection:
        faults: list[str] = []
        connection.execute("CREATE TABLE files (path VARCHAR, log VARCHAR)")
        for log in logs:
            for path in _plain(log, Path(scratch), faults):
                connection.execute("INSERT INTO files VALUES (?, ?)", [str(path), log.name])
        connection.execute(
            f"CREATE VIEW lines AS SELECT * FROM read_json('{scratch}/*.jsonl', "  # noqa: S608 - our own name
            "format = 'newline_delimited', filename = true, maximum_object_size = 1048576, "
            "columns = {event: 'VARCHAR', record: 'JSON', seq: 'BIGINT', time: 'TIMESTAMP'})"
        )
        try:
            connection.execute(
                f"COPY (SELECT {_COLUMNS} FROM lines JOIN files ON filename = path ORDER BY time, log, seq) "  # noqa: S608
                f"TO '{str(target).replace(chr(39), chr(39) * 2)}' (FORMAT parquet)"
            )
        except duckdb.Error as error:
            raise UnusableError(f"{target} cannot be made of the logs: {_words(error)}") from None
    if faults:
        streams.note([f"{fault}: see actgate trace verify" for fault in faults[:1]])
        if len(faults) > 1:
            streams.note([f"and {counted(len(faults) - 1, 'more fault')}"])
    return not faults


def _plain(log: Log, scratch: Path, faults: list[str]) -> Iterator[Path]:
    """Yield a file of lines for each segment of a log, and add what is wrong with the log."""
    known, bad = trace_logs.checkpoints(log)
    verifier = LogVerifier(log.name, known)
    for part in trace_logs.parts(log):
        verifier.add(part)
        if part.content:
            path = scratch / f"{len(list(scratch.iterdir())):09}.jsonl"
            whole, _, _ = part.content.rpartition(b"\n")
            path.write_bytes(whole + b"\n")
            yield path
    faults += [f"{log.name}/{file}: the checkpoint {problem}" for file, problem in bad]
    faults += [f"{fault.log}: {fault.sentence}" for fault in verifier.finish().faults]


@contextmanager
def _engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open DuckDB in memory, with bounds, and nothing fetched by itself."""
    with tempfile.TemporaryDirectory(prefix="actgate-trace-") as spill:
        settings: dict[str, Any] = {
            "memory_limit": _MEMORY,
            "temp_directory": spill,
            "autoinstall_known_extensions": False,
        }
        connection = duckdb.connect(":memory:", config=settings)
        try:
            yield connection
        finally:
            connection.close()


@contextmanager
def _asking(copy: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open DuckDB on a copy, of which ``records`` is the table; no question reaches another file."""
    with _engine() as connection:
        place = str(copy.resolve()).replace("'", "''")
        connection.execute(f"SET allowed_paths = ['{place}']")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        connection.execute(f"CREATE VIEW records AS SELECT * FROM read_parquet('{place}')")  # noqa: S608
        yield connection


def _statement(options: Namespace) -> tuple[str, list[Any]]:
    """Return the question in SQL, with its parameters."""
    if options.sql is not None:
        return options.sql, []
    terms, parameters = ["true"], []
    for term, value in (
        ("(id = ? OR decision = ?)", options.id and [options.id, options.id]),
        ("time >= ?", options.since and [_naive(options.since)]),
        ("time < ?", options.until and [_naive(options.until)]),
        ("list_contains(?, event)", options.event and [options.event]),
        ("list_contains(?, subject)", options.subject and [_macs(options)]),
    ):
        if value:
            terms.append(term)
            parameters += value
    if options.where is not None:
        terms.append(f"({options.where}\n)")
    limit = f" LIMIT {options.limit}" if options.limit is not None else ""
    chosen = _SHOWN if options.output == "text" else "*"
    order = f"ORDER BY time, log, seq{limit}"
    return f"SELECT {chosen} FROM records WHERE {' AND '.join(terms)} {order}", parameters  # noqa: S608


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _macs(options: Namespace) -> list[str]:
    """Return the digests of a person's id under each key that is left.

    Raises:
        UnusableError: There is no key.
    """
    if options.keys_dir is None:
        raise UnusableError(
            "--subject needs --keys-dir: records hold keyed digests of persons, not their ids"
        )
    try:
        keys = [path for path in sorted(Path(options.keys_dir).iterdir()) if not path.name.startswith(".")]
        digesters = [Digester(path.name, path.read_bytes()) for path in keys]
    except OSError as error:
        raise UnusableError(f"{options.keys_dir} cannot be read: {streams.reason(error)}") from None
    if not digesters:
        raise UnusableError(
            f"{options.keys_dir} has no key: digests under keys that are gone are of no person"
        )
    person = options.subject.encode("utf-8", "surrogatepass")
    return [digester.of(Purpose.SUBJECT, person)["mac"] for digester in digesters]


def _words(error: duckdb.Error) -> str:
    return printable(str(error).partition("\n")[0])


def _shown(value: object) -> str:
    if isinstance(value, datetime):
        return value.strftime(_TIMES)
    return "" if value is None else printable(str(value))


def _text(names: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    """Yield a table whose columns are as wide as what is in them; empty ones are left out."""
    kept = [place for place in range(len(names)) if any(row[place] is not None for row in rows)]
    table = [
        [names[place].upper() for place in kept],
        *([_shown(row[place]) for place in kept] for row in rows),
    ]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for cells in table if rows else ():
        yield "  ".join(map(str.ljust, cells, widths)).rstrip() + "\n"


def _json(names: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    """Yield a line of JSON for each row, what holds JSON as such."""
    for row in rows:
        found = {
            name: json.loads(str(value)) if name in ("fields", "record") and value is not None else value
            for name, value in zip(names, row, strict=True)
        }
        yield json.dumps(found, default=_shown) + "\n"


def _csv(names: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    written: list[str] = []
    target = type("Lines", (), {"write": staticmethod(written.append)})()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow(map(_shown, row))
    yield from written
