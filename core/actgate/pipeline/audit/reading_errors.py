"""What DuckDB says when it cannot read data, in our words.

Its own messages quote lines and values of the data. They are replaced by one sentence with the file, and the
line where it is known. Of an address it says whether the server, the object or the right to it is missing.
"""

import gzip
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import duckdb

from actgate.pipeline.audit.errors import AuditError
from actgate.pipeline.audit.files import Data, Kind

_LINE: Final = re.compile(r"CSV Error on Line: (\d+)")
_EXTENSION: Final = re.compile(r'INSTALL (\w+)"')
_STATUS: Final = re.compile(r"HTTP (\d{3})\b")
_UNREACHABLE: Final = ("Could not connect", "Could not resolve", "Could not establish", "Timeout")
_COPY: Final = "or copy the data here"


@contextmanager
def in_our_words(data: Data, path: str | None = None) -> Iterator[None]:
    """Raise AuditError for what DuckDB raises while the block reads data, or one file of it."""
    try:
        yield
    except duckdb.Error as error:
        raise AuditError(_words(str(error), type(error).__name__, data, path)) from None
    except OSError as error:
        raise AuditError(f"{path or data.arguments[0]} cannot be read: {error.strerror}") from None


def no_utf8(path: str) -> str:
    """Return the sentence about a file in another encoding."""
    return f"{path}: is not UTF-8 throughout: save it as UTF-8, all of it in one encoding"


def _words(text: str, kind: str, data: Data, path: str | None) -> str:
    """Return a sentence about an error, without anything that DuckDB quotes of the data."""
    where = path or _file_in(text, data) or (data.paths[0] if len(data.paths) == 1 else data.arguments[0])
    if kind == "OutOfMemoryException":
        return (
            f"{where}: needs more memory than DuckDB was given: raise it with --memory, such as --memory 1GB"
        )
    if data.remote and (fetching := _of_address(text, kind, where)) is not None:
        return fetching
    line = _LINE.search(text)
    at = f"{where}, line {line[1]}" if line else where
    if data.kind is not Kind.PARQUET and not data.remote and (bad := _not_utf8(data)) is not None:
        return no_utf8(bad)
    match data.kind:
        case Kind.CSV if "Number of Columns" in text:
            return f"{at}: has more or fewer values than the first line has columns: write the file again"
        case Kind.CSV if "quote" in text:
            return f"{at}: a value in quotes does not end: write the file again"
        case Kind.PARQUET:
            return (
                f"{at}: is damaged or of a kind of Parquet that DuckDB does not read: write or copy it again"
            )
    return f"{at}: is not valid {data.kind}, or cannot be read to its end: write or copy it again"


def _of_address(text: str, kind: str, where: str) -> str | None:
    """Return a sentence about an address that cannot be fetched, None where what it holds is at fault."""
    if extension := _EXTENSION.search(text):
        name = extension[1]
        return (
            f"{where}: DuckDB reads it with its extension {name}, which is not installed: run INSTALL {name} "
            f"in DuckDB once, {_COPY}"
        )
    if "No files found" in text:
        return f"{where}: not found: name an address that is there, {_COPY}"
    status = _STATUS.search(text)
    match status[1] if status else "":
        case "404":
            return f"{where}: not found (HTTP 404): name an address that is there, {_COPY}"
        case "401" | "403":
            return (
                f"{where}: access was denied (HTTP {status and status[1]}): give DuckDB a secret, or "
                f"AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, {_COPY}"
            )
    if any(one in text for one in _UNREACHABLE):
        return f"{where}: its server cannot be reached: check address, region and endpoint, {_COPY}"
    if kind == "HTTPException":
        stated = f" (HTTP {status[1]})" if status else ""
        return f"{where}: its server gave no usable answer{stated}: check address and credentials, {_COPY}"
    return None


def _file_in(text: str, data: Data) -> str | None:
    return next((path for path in data.paths if len(data.paths) > 1 and path in text), None)


def _not_utf8(data: Data) -> str | None:
    """Return the first file that is no UTF-8."""
    for path in data.paths:
        opened: Callable[..., Any] = gzip.open if path.lower().endswith(".gz") else open
        try:
            with opened(path, "rt", encoding="utf-8", newline="") as file:
                while file.read(1024 * 1024):
                    pass
        except UnicodeDecodeError:
            return path
        except (OSError, EOFError):
            return None
    return None
