"""Logs that were not ended: a torn tail is cut, what is whole is sealed, and the next start says so.

No key is left that could sign what was written after the last checkpoint. The next log of that name has size
and root of the former one in its first record, and signs it with that.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from actgate.recording import files
from actgate.recording.sealing import Sealed, logs_in, seal_unsigned, sealed_in
from actgate.trace import merkle, segments


class Previous(NamedTuple):
    """The log before, as the first record of the next one has it."""

    log: str
    """Name of its directory."""
    size: int
    root: str
    """In hexadecimal."""
    torn: int
    """Bytes of a record that was being written when the process ended."""


def finish(home: Path) -> Previous | None:
    """Finish the logs of one name that have no writer any more, and return the state of the last.

    Raises:
        OSError: One cannot be read or written.
    """
    last = None
    for folder in logs_in(home):
        try:
            lock = files.Lock(folder)
        except BlockingIOError:
            continue  # Another writer is at work there.
        try:
            last = _finish(folder) or last
        finally:
            lock.release()
    return last


def _finish(folder: Path) -> Previous | None:
    sealed = sealed_in(folder)
    done = {segment.first for segment in sealed}
    tree = _state(sealed)
    size = sealed[-1].last + 1 if sealed else 0
    torn = 0
    for first, path in _open_in(folder):
        if first in done:
            path.unlink()  # The process ended between two steps of sealing.
            continue
        lines, rest = segments.split(path.read_bytes())
        if rest:
            torn += len(rest)
            os.truncate(path, path.stat().st_size - len(rest))
        if not lines:
            path.unlink()
            continue
        if tree is not None and tree.size == first:
            tree.extend([merkle.leaf_hash(line) for line in lines])
            segment = Sealed(folder, first, first + len(lines) - 1)
            seal_unsigned(path, segment, segments.subtrees_text(tree), sync=True)
        size = first + len(lines)
    if size == 0:
        shutil.rmtree(folder)  # It ended before its first record.
        return None
    is_known = tree is not None and tree.size == size
    return Previous(folder.name, size, tree.root().hex() if tree is not None and is_known else "", torn)


def _open_in(folder: Path) -> Iterator[tuple[int, Path]]:
    for path in sorted(folder.iterdir()):
        name = segments.parse_name(path.name)
        if name is not None and name.suffix == "jsonl":
            yield name.first, path


def _state(sealed: list[Sealed]) -> merkle.Tree | None:
    """Return the tree after the last sealed segment; None where its state cannot be read."""
    if not sealed:
        return merkle.Tree()
    try:
        tree = segments.parse_subtrees(sealed[-1].file("subtrees").read_bytes())
    except (OSError, ValueError):
        return None
    return tree if tree.size == sealed[-1].last + 1 else None
