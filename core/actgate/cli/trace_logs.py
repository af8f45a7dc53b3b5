"""Inference logs in directories: which there are, and their files, for ``actgate trace``."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

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
    segments: tuple[tuple[int, int | None, tuple[str, ...]], ...]
    """First and last record, and the names of the files that have them: first the one to read."""


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
            listed = _segments(names)
            if listed:
                path = Path(folder)
                name = path.relative_to(root).as_posix() if path != root else path.name
                found.setdefault(path.resolve(), Log(path, name, listed))
    return list(found.values())


def parts(log: Log) -> Iterator[Part]:
    """Yield the segments of a log in their order."""
    for first, last, names in log.segments:
        after = _after(log.path, first, last)
        if not names:
            yield Part("", first, last, None, "", after)
            continue
        content, problem = _content(log.path / names[0])
        yield Part(names[0], first, last, content, problem, after)


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


def _segments(names: Iterable[str]) -> tuple[tuple[int, int | None, tuple[str, ...]], ...]:
    files: dict[int, list[str]] = {}
    lasts: dict[int, int | None] = {}
    for file in sorted(names, reverse=True):
        name = segments.parse_name(file)
        if name is None:
            continue
        if name.last is not None:
            lasts[name.first] = name.last
        listed = files.setdefault(name.first, [])
        if name.suffix.startswith("jsonl"):
            listed.append(file)
    # Of a compressed and a plain file the compressed one is whole: it is put there in one step.
    return tuple(
        (first, lasts.get(first), tuple(sorted(files[first], key=lambda file: not file.endswith(".zst"))))
        for first in sorted(files)
    )


def _content(path: Path) -> tuple[bytes | None, str]:
    content = read(path)
    if path.suffix != ".zst":
        return content, ""
    try:
        return segments.decompress(content), ""
    except ValueError as error:
        return None, str(error)


def _after(folder: Path, first: int, last: int | None) -> merkle.Tree | None:
    if last is None:
        return None
    try:
        return segments.parse_subtrees((folder / segments.sealed_name(first, last, "subtrees")).read_bytes())
    except (OSError, ValueError):
        return None


def _fail(error: OSError) -> None:
    raise UnusableError(f"{error.filename} cannot be read: {streams.reason(error)}")
