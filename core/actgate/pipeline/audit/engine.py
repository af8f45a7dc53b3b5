"""DuckDB as the audit uses it: bounded memory and threads, nothing installed, no value in an error.

Names of files and columns reach DuckDB as parameters or quoted.
"""

import csv
import gzip
import os
import posixpath
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Self

import duckdb

from actgate.api.quoting import quoted
from actgate.pipeline.audit.errors import AuditError
from actgate.pipeline.audit.files import Data, DataFile, Kind
from actgate.pipeline.audit.reading_errors import in_our_words, no_utf8
from actgate.pipeline.audit.sql import identifier, literal

MEMORY: Final = "256MB"
"""What DuckDB may hold; beyond that it writes to a folder of its own."""
_THREADS: Final = 4
_DELIMITERS: Final = (",", ";", "\t", "|")
_PATTERN: Final = re.compile(r"([*?\[])")
_MAGIC: Final = b"PAR1"


class Table:
    """Data that can be asked: a table expression and its columns."""

    def __init__(self, data: Data, source: str, types: Mapping[str, str]) -> None:
        self.data = data
        self.source = source
        """A table expression of SQL, complete in itself."""
        self.types = types
        """DuckDB's type of each column."""

    def require(self, columns: Mapping[str, str]) -> None:
        """Refuse columns that the data does not have.

        Args:
            columns: What each wanted column is, such as ``label``, for messages.

        Raises:
            AuditError: A line for each.
        """
        known = ", ".join(map(quoted, self.types))
        missing = [f"{role} {quoted(name)}" for name, role in columns.items() if name not in self.types]
        if missing:
            raise AuditError(
                "\n".join(f"{one}: not found: {self.data.arguments[0]} has {known}" for one in missing)
            )


class Engine:
    """A DuckDB of its own, in memory, which spills to a folder that it removes again."""

    def __init__(self, memory: str = MEMORY, threads: int | None = None) -> None:
        self._folder = tempfile.mkdtemp(prefix="actgate-")
        settings: dict[str, Any] = {
            "memory_limit": memory,
            "threads": threads or min(_THREADS, os.cpu_count() or 1),
            "temp_directory": self._folder,
            "preserve_insertion_order": False,
            # Nothing is fetched by itself: what reads s3:// is installed by the user.
            "autoinstall_known_extensions": False,
        }
        try:
            self._connection = duckdb.connect(":memory:", config=settings)
        except duckdb.Error:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise AuditError(f"--memory: {quoted(memory)} must be a size such as 256MB") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def progress(self) -> float:
        """Return how much of the running query is done, in percent; below 0 where nothing is known."""
        return float(self._connection.query_progress())

    def open(self, data: Data) -> Table:
        """Return the data as a table.

        Raises:
            AuditError: It cannot be read, or its files have different columns.
        """
        if data.kind is Kind.PARQUET:
            if not data.remote:
                _require_parquet(data.paths)
            return self._alike(data, f"read_parquet({_listed(data.paths)})")
        if data.kind is Kind.CSV and not data.remote:
            delimiter, header = _csv_shape(data.paths)
            names = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
            options = f"delim={literal(delimiter)}, quote='\"', escape='\"', columns={{{names}}}"
            source = f"read_csv({_listed(data.paths)}, auto_detect=false, header=true, {options})"
            return Table(data, source, dict.fromkeys(header, "VARCHAR"))
        if data.kind is Kind.CSV:
            return self._alike(data, f"read_csv({_listed(data.paths)}, header=true, all_varchar=true)")
        options = "sample_size=-1, union_by_name=true, maximum_depth=1"
        return self._alike(data, f"read_json({_listed(data.paths)}, {options})")

    def rows(self, table: Table, query: str) -> list[tuple[Any, ...]]:
        """Return the result of a query over a table.

        Raises:
            AuditError: The data cannot be read to its end.
        """
        with in_our_words(table.data):
            return self._connection.execute(query).fetchall()

    def remote_files(self, data: Data) -> list[DataFile]:
        """Return the files at addresses, each read as a whole, with their digests.

        Raises:
            AuditError: One cannot be read, or is too large to be held.
        """
        found: dict[str, DataFile] = {}
        query = "SELECT filename, 'sha256:' || sha256(content), size FROM read_blob(?)"
        with in_our_words(data):
            for address in data.paths:
                for name, *rest in self._connection.execute(query, [address]).fetchall():
                    found[name] = DataFile(name, *rest)
        # Named as a copy on a disk is, so that both have one digest.
        folders = {name: name.rpartition("/")[0] for name in found}
        top = posixpath.commonpath(folders.values()) if len(folders) > 1 else next(iter(folders.values()), "")
        named = [replace(file, name=posixpath.relpath(name, top)) for name, file in found.items()]
        return sorted(named, key=lambda file: file.name)

    def _alike(self, data: Data, source: str) -> Table:
        """Return a table, after each file was found to have the same columns."""
        with in_our_words(data):
            types = self._types(source)
        for path in data.paths if data.kind is Kind.PARQUET and not data.remote else ():
            with in_our_words(data, path):
                own = self._types(f"read_parquet({_listed([path])})")
            if own != types:
                other = sorted({*own.items()} ^ {*types.items()})[0][0]
                raise AuditError(
                    f"{path}: its columns are not those of {data.paths[0]}: column {quoted(other)} is "
                    "missing or of another type"
                )
        return Table(data, source, types)

    def _types(self, source: str) -> dict[str, str]:
        return {
            row[0]: row[1] for row in self._connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
        }


def _listed(paths: list[str]) -> str:
    return f"[{', '.join(literal(_exact(path)) for path in paths)}]"


def _exact(path: str) -> str:
    """Return a path in which no character stands for others: DuckDB takes every name for a pattern."""
    if "://" in path or not _PATTERN.search(path):
        return path
    if "\\" in path:
        raise AuditError(f"{path}: a name with a backslash and one of * ? [ cannot be read: rename it")
    return _PATTERN.sub(r"[\1]", path)


def _require_parquet(paths: list[str]) -> None:
    for path in paths:
        with Path(path).open("rb") as file:
            first = file.read(len(_MAGIC))
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - len(_MAGIC)))
            last = file.read()
        if first != _MAGIC:
            raise AuditError(f"{path} is not a Parquet file: name it by its format, or write it again")
        if last != _MAGIC or size < 12:
            raise AuditError(f"{path} is cut off: a Parquet file ends with its index; write or copy it again")


def _csv_shape(paths: list[str]) -> tuple[str, list[str]]:
    """Return delimiter and column names, which every file must have in one order."""
    lines = {path: _first_line(path) for path in paths}
    first = lines[paths[0]]
    delimiter = max(_DELIMITERS, key=lambda one: len(_split(first, one)))
    header = _split(first, delimiter)
    if repeated := [name for name in header if header.count(name) > 1]:
        raise AuditError(f"{paths[0]}: has two columns {quoted(repeated[0])}: rename one")
    if not all(header):
        raise AuditError(f"{paths[0]}: a column has no name: the first line must name every column")
    for path, line in lines.items():
        if _split(line, delimiter) != header:
            raise AuditError(
                f"{path}: its first line does not name the columns of {paths[0]} in the same order"
            )
    return delimiter, header


def _first_line(path: str) -> str:
    opened: Callable[..., Any] = gzip.open if path.lower().endswith(".gz") else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            line = str(file.readline(1024 * 1024)).rstrip("\r\n")
    except UnicodeDecodeError:
        raise AuditError(no_utf8(path)) from None
    except (OSError, EOFError) as error:
        raise AuditError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not line:
        raise AuditError(f"{path} is empty: the first line must name the columns")
    return line


def _split(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])


__all__ = ["MEMORY", "Engine", "Table", "identifier"]
