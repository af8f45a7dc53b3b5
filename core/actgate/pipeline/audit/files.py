"""The files of a data set: which they are, their digests, and whether one changes meanwhile.

The digest of one file is the SHA-256 of its bytes. That of several is the SHA-256 of the list of them, as
``sha256sum`` prints it, sorted by name: anyone can compute it again.
"""

import glob
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Final

from actgate.pipeline.audit.errors import AuditError
from actgate.pipeline.model_files import (
    Identity,
    ModelDigestError,
    digests,
    identity_of,
    sha256_of,
    status_of,
)

_REMOTE: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")
_TOGETHER: Final = 64
"""Files whose digests are taken in one go, between two reports of progress."""
Progress = Callable[[int], object]
"""Takes the bytes that were read since the last call."""


class Kind(StrEnum):
    """Formats of data files."""

    PARQUET = "Parquet"
    CSV = "CSV"
    JSON = "JSON"
    ANY = "any"
    """Of several formats, or of none that is audited: only its digest is taken."""


_SUFFIXES: Final = {
    ".parquet": Kind.PARQUET,
    ".pq": Kind.PARQUET,
    ".csv": Kind.CSV,
    ".tsv": Kind.CSV,
    ".csv.gz": Kind.CSV,
    ".tsv.gz": Kind.CSV,
    ".json": Kind.JSON,
    ".jsonl": Kind.JSON,
    ".ndjson": Kind.JSON,
    ".json.gz": Kind.JSON,
    ".jsonl.gz": Kind.JSON,
    ".ndjson.gz": Kind.JSON,
}


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of a data set."""

    name: str
    """Its path within the data set, as the list of digests has it."""
    digest: str
    """``sha256:<hex>`` of its bytes."""
    size: int


@dataclass(frozen=True, slots=True)
class Data:
    """The files that a command names, as they were when they were listed."""

    arguments: tuple[str, ...]
    kind: Kind
    files: dict[str, Identity]
    """What shows that a file was written, by its path; sorted."""
    remote: bool = False
    """Whether DuckDB has to fetch them: then nothing is known of them but their addresses."""

    @property
    def paths(self) -> list[str]:
        """Paths or addresses."""
        return [*self.files]

    @property
    def called(self) -> str:
        """What a data set without a name is called: the first argument without folder and suffix."""
        return PurePosixPath(self.arguments[0].rstrip("/")).name.partition(".")[0] or "data"

    def require_unchanged(self) -> None:
        """Raise if a file was written, appeared or went away since they were listed."""
        if self.remote:
            return
        now = listed(self.arguments).files
        for path in (*self.files, *now):
            if self.files.get(path) != now.get(path):
                raise AuditError(changed(path))


def changed(path: str) -> str:
    """Return the sentence about a file that was written meanwhile."""
    return f"{path} changed while it was read: audit again when nothing writes to the data"


def listed(arguments: Iterable[str], *, any_format: bool = False) -> Data:
    """Return the files that arguments name: files, directories, globs, or addresses that DuckDB reads.

    With ``any_format`` they may hold anything, and have to be local: their digest is all that is asked.

    Raises:
        AuditError: There are none, they are of several formats, or one cannot be read.
    """
    given = tuple(arguments)
    addresses = [one for one in given if _REMOTE.match(one)]
    if addresses:
        if any_format:
            raise AuditError(f"{addresses[0]}: must be local files: a digest is taken of all bytes")
        if len(addresses) < len(given):
            raise AuditError("local files and addresses cannot be one data set: name either")
        return Data(given, _one_kind(addresses), dict.fromkeys(addresses, ()), remote=True)
    paths = sorted({os.path.normpath(path) for argument in given for path in _paths(argument)})
    try:
        found = {path: identity_of(status_of(path, follow=True)) for path in paths}
    except ModelDigestError as error:
        raise AuditError(str(error)) from None
    return Data(given, Kind.ANY if any_format else _one_kind(paths), found)


def taken(data: Data, progress: Progress = lambda _: None) -> list[DataFile]:
    """Return the local files with their digests, sorted by name.

    Raises:
        AuditError: One cannot be read.
    """
    paths = data.paths
    top = os.path.dirname(paths[0]) if len(paths) == 1 else os.path.commonpath([*map(os.path.dirname, paths)])  # noqa: PTH120
    found: list[DataFile] = []
    try:
        for start in range(0, len(paths), _TOGETHER):
            some = paths[start : start + _TOGETHER]
            sizes = [data.files[path][1] for path in some]
            raw = digests(some, sum(sizes)) if len(some) > 1 else [sha256_of(some[0])]
            for path, digest, size in zip(some, raw, sizes, strict=True):
                name = Path(path).relative_to(top or ".").as_posix()
                found.append(DataFile(name, f"sha256:{digest.hex()}", size))
                progress(size)
    except ModelDigestError as error:
        raise AuditError(str(error)) from None
    return sorted(found, key=lambda file: file.name)


def digest_of(files: Iterable[DataFile]) -> str:
    """Return the digest of a data set: that of its only file, or of the list of several."""
    listed_files = sorted(files, key=lambda file: file.name)
    if len(listed_files) == 1:
        return listed_files[0].digest
    lines = "".join(f"{file.digest.removeprefix('sha256:')}  {file.name}\n" for file in listed_files)
    return f"sha256:{hashlib.sha256(lines.encode('utf-8', 'surrogateescape')).hexdigest()}"


def kind_of(path: str) -> Kind | None:
    """Return the format that a name says."""
    suffixes = [suffix.lower() for suffix in PurePosixPath(path).suffixes[-2:]]
    return _SUFFIXES.get("".join(suffixes)) or _SUFFIXES.get(suffixes[-1] if suffixes else "")


def _one_kind(paths: Iterable[str]) -> Kind:
    kinds = {path: kind_of(path) for path in paths}
    for path, kind in kinds.items():
        if kind is None:
            raise AuditError(f"{path}: must be Parquet, CSV or JSON by its name: {', '.join(_SUFFIXES)}")
    if len(set(kinds.values())) > 1:
        one, other = list({kind: path for path, kind in kinds.items()}.values())[:2]
        raise AuditError(f"{one} and {other} are of different formats: audit one format at a time")
    return next(kind for kind in kinds.values() if kind is not None)


def _paths(argument: str) -> Iterator[str]:
    path = Path(argument)
    try:
        if path.is_dir():
            found = sorted(_below(path))
        elif path.exists() or not glob.has_magic(argument):
            found = [argument]
        else:
            found = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207 - absolute patterns, too
            found = [one for one in found if not Path(one).is_dir()]
    except (OSError, ValueError) as error:
        raise AuditError(f"{argument} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not found:
        raise AuditError(f"{argument}: holds or matches no file: name Parquet, CSV or JSON files")
    yield from found


def _below(folder: Path) -> Iterator[str]:
    """Yield the files below a folder but hidden ones and marks such as Spark's ``_SUCCESS``."""
    for entry in folder.iterdir():
        if entry.name.startswith((".", "_")):
            continue
        if entry.is_dir():
            yield from _below(entry)
        else:
            yield str(entry)
