"""Data at addresses: its digest is that of all bytes, and what cannot be fetched is one sentence.

DuckDB fetches objects itself; here its file systems are replaced by one of fsspec in memory. The last test
runs on a real server, where ACTGATE_TEST_S3 names an object that DuckDB can read.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import fsspec
import pytest

from actgate.pipeline.audit import engine, files
from actgate.pipeline.audit.errors import AuditError
from actgate.pipeline.audit.reading_errors import in_our_words
from tests.pipeline.audit.support import audited, persons, request, write_csv, write_parquet

_MISSING = 'Extension "{0}" is an existing extension.\n\nInstall it first using "INSTALL {0}".'
_REFUSALS = [
    (duckdb.Error(_MISSING.format("httpfs")), "extension httpfs, which is not installed: run INSTALL httpfs"),
    (duckdb.Error(_MISSING.format("azure")), "extension azure, which is not installed"),
    (duckdb.IOException('IO Error: No files found that match the pattern "s3://b/x"'), "not found"),
    (duckdb.HTTPException("HTTP GET error reading 's3://b/x' (HTTP 404 Not Found)"), "not found (HTTP 404)"),
    (duckdb.HTTPException("HTTP GET error (HTTP 403 Forbidden) key=Qx7"), "access was denied (HTTP 403)"),
    (duckdb.IOException("IO Error: Could not resolve hostname error for HTTP HEAD"), "cannot be reached"),
    (duckdb.IOException("IO Error: Could not connect to server error"), "cannot be reached"),
    (duckdb.HTTPException("Request returned HTTP 500 for HTTP HEAD"), "no usable answer (HTTP 500)"),
    (duckdb.InvalidInputException("Invalid Input Error: no magic Qx7 bytes"), "is damaged"),
    (duckdb.OutOfMemoryException("could not allocate"), "raise it with --memory"),
]
"""DuckDB's words, as 1.5 and 2.0 write them, and ours."""


def test_each_reason_why_an_address_is_not_read_is_one_sentence() -> None:
    """It says what to change, and holds nothing that DuckDB quotes."""
    data = files.listed(["s3://bucket/scores.parquet"])
    for error, sentence in _REFUSALS:
        with pytest.raises(AuditError) as refused, in_our_words(data):
            raise error
        line = str(refused.value)
        assert sentence in line, (error, line)
        assert line.startswith("s3://bucket/scores.parquet: ")
        assert "\n" not in line
        assert "Qx7" not in line


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Let every engine read ``memory://``, and return that file system."""
    memory = fsspec.filesystem("memory")
    connect = duckdb.connect

    def connected(*arguments: Any, **options: Any) -> duckdb.DuckDBPyConnection:  # noqa: ANN401
        connection = connect(*arguments, **options)
        connection.register_filesystem(memory)
        return connection

    monkeypatch.setattr(duckdb, "connect", connected)
    yield memory
    memory.store.clear()


def put(bucket: Any, name: str, path: Path) -> str:  # noqa: ANN401 - a file system of fsspec
    """Put a file into the bucket, and return its address."""
    bucket.pipe(f"/bucket/{name}", path.read_bytes())
    return f"memory://bucket/{name}"


def test_the_digest_of_an_object_is_that_of_its_bytes(tmp_path: Path, bucket: Any) -> None:  # noqa: ANN401
    """What ``sha256sum`` says of a copy; several objects are a list of digests, as local files are."""
    for write, name in ((write_parquet, "scores.parquet"), (write_csv, "scores.csv")):
        path = write(tmp_path / name, persons())
        found, here = audited(put(bucket, name, path)), audited(path)
        assert found.digest == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        assert found.files == here.files
        assert found.tally == here.tally
    more = tmp_path / "part" / "more.parquet"
    more.parent.mkdir()
    put(bucket, "part/more.parquet", write_parquet(more, persons(100, seed=3)))
    both, here = audited("memory://bucket/**/*.parquet"), audited(str(tmp_path / "**/*.parquet"))
    assert (both.tally.rows, both.digest) == (500, here.digest)


def test_an_object_that_changes_while_it_is_read_is_refused(
    tmp_path: Path,
    bucket: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is read once for the digest and once for the counts: both have to be of the same bytes."""
    address = put(bucket, "scores.csv", write_csv(tmp_path / "scores.csv", persons()))
    rows = engine.Engine.rows

    def meddling(self: engine.Engine, *arguments: Any) -> Any:  # noqa: ANN401
        put(bucket, "scores.csv", write_csv(tmp_path / "other.csv", persons(seed=8)))
        return rows(self, *arguments)

    monkeypatch.setattr(engine.Engine, "rows", meddling)
    with pytest.raises(AuditError, match=r"scores\.csv changed while it was read"):
        audited(address)


@pytest.mark.system
def test_an_object_on_a_real_server() -> None:
    """DuckDB's own httpfs, and its credentials: columns y, yhat and sex."""
    address = os.environ.get("ACTGATE_TEST_S3")
    if not address:
        pytest.skip("ACTGATE_TEST_S3 names no object, such as s3://bucket/scores.parquet")
    (found,) = audited(address, of=request("sex")).files
    assert (found.name, found.size > 0) == (address.rpartition("/")[2], True)
