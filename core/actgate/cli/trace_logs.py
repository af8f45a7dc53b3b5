"""Inference logs in directories: which there are, and their files, for ``actgate trace``.

A log may be written while it is read: a segment that is plain now is sealed a moment later, under another
name. So checkpoints are read first, and what they cover is listed after that.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn

from actgate.api.quoting import printable
from actgate.cli import streams
from actgate.cli.exits import UnusableError
from actgate.trace import checkpoint, merkle, segments
from actgate.trace.note import Key, NoteError
from actgate.trace.verify import Part, Stated


class Log(NamedTuple):
    """A directory with the files of one log."""

    path: Path
    name: str
    """For sentences: below the directory that was given."""


class _Segment(NamedTuple):
    first: int
    last: int | None
    """None for one that is not sealed."""
    names: tuple[str, ...]
    """The files that have it: first the one to read."""


def find(paths: Iterable[str]) -> list[Log]:
    """Return the logs in directories and all below them.

    Raises:
        UnusableError: One cannot be read.
    """
    found: dict[Path, Log] = {}
    for given in paths:
        root = Path(given)
        if not root.is_dir():
            raise UnusableError(f"{given} is not a directory: name the one that the recorder writes to")
        for folder, _, names in sorted(os.walk(root, onerror=_fail)):
            if any(segments.parse_name(name) for name in names):
                path = Path(folder)
                name = path.relative_to(root).as_posix() if path != root else path.name
                found.setdefault(path.resolve(), Log(path, name))
    return list(found.values())


def parts(log: Log) -> Iterator[Part]:
    """Yield the segments of a log in their order.

    Raises:
        UnusableError: One cannot be read.
    """
    for listed in _segments(log.path):
        try:
            part = _part(log, listed)
        except FileNotFoundError:  # It was sealed, or deleted, since it was listed.
            part = _part_now(log, listed)
        yield part


def checkpoints(log: Log) -> tuple[list[Stated], list[tuple[str, str]]]:
    """Return the checkpoints in a log's directory, and file and problem of those that cannot be read."""
    found, bad = [], []
    for path in sorted(log.path.iterdir()):
        name = segments.parse_name(path.name)
        if path.name == segments.CHECKPOINT or (name is not None and name.suffix == "checkpoint"):
            try:
                found.append(Stated(path.name, *checkpoint.parse(read(path))))
            except NoteError as error:
                bad.append((path.name, str(error)))
    return found, bad


def read(path: Path) -> bytes:
    """Return the content of a file.

    Raises:
        UnusableError: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnusableError(f"{path} cannot be read: {streams.reason(error)}") from None


def given_key(name: str | None) -> Key | None:
    """Return the key of ``--key``: of a file, or as it is written.

    Raises:
        UnusableError: It is none.
    """
    if name is None:
        return None
    text = name
    if "+" not in name:
        text = read(Path(name)).decode("utf-8", "replace")
    try:
        return Key.parse(text)
    except NoteError as error:
        raise UnusableError(f"--key {printable(name)} {error}") from None


def _segments(folder: Path) -> list[_Segment]:
    try:
        present = sorted((path.name for path in folder.iterdir()), reverse=True)
    except OSError as error:
        _fail(error)
    files: dict[int, list[str]] = {}
    lasts: dict[int, int | None] = {}
    for file in present:
        name = segments.parse_name(file)
        if name is None:
            continue
        if name.last is not None:
            lasts[name.first] = name.last
        listed = files.setdefault(name.first, [])
        if name.suffix.startswith("jsonl"):
            listed.append(file)
    # Of a compressed and a plain file the compressed one is whole: it is put there in one step.
    return [
        _Segment(
            first, lasts.get(first), tuple(sorted(files[first], key=lambda file: not file.endswith(".zst")))
        )
        for first in sorted(files)
    ]


def _part(log: Log, segment: _Segment) -> Part:
    """Read a segment.

    Raises:
        FileNotFoundError: The file that it was listed with is gone.
        UnusableError: It cannot be read.
    """
    after = _after(log.path, segment.first, segment.last)
    if not segment.names:
        return Part("", segment.first, segment.last, None, "", after)
    path = log.path / segment.names[0]
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        _fail(error)
    if path.suffix == ".zst":
        try:
            content = segments.decompress(content)
        except ValueError as error:
            return Part(path.name, segment.first, segment.last, None, str(error), after)
    return Part(path.name, segment.first, segment.last, content, "", after)


def _part_now(log: Log, former: _Segment) -> Part:
    """Read a segment of which a file went a moment ago; raises UnusableError."""
    try:
        for segment in _segments(log.path):
            if segment.first == former.first:
                return _part(log, segment)
    except FileNotFoundError as error:
        _fail(error)
    return Part("", former.first, former.last, None, "", None)


def _after(folder: Path, first: int, last: int | None) -> merkle.Tree | None:
    if last is None:
        return None
    try:
        return segments.parse_subtrees((folder / segments.sealed_name(first, last, "subtrees")).read_bytes())
    except (OSError, ValueError):
        return None


def _fail(error: OSError) -> NoReturn:
    raise UnusableError(f"{error.filename} cannot be read: {streams.reason(error)}")
