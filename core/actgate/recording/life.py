"""One log, from the start of a writer to its end: segments, tree and checkpoints, without an event loop.

It has a directory of its own, ``NAME/NUMBER-RANDOM``, and a lock on it, so that two writers on one volume
never share a file. A log that was not ended is finished by the next start: ``recovery``.
"""

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from actgate.recording import files
from actgate.recording.recovery import Previous, finish
from actgate.recording.sealing import Sealed, Sealing, logs_in
from actgate.recording.settings import Durability, Settings
from actgate.trace import checkpoint, line, merkle, note, segments

ORIGIN: Final = "actgate.dev/inference-log"


class Entry(NamedTuple):
    """A record that is to be written."""

    event: str
    record: bytes
    time: str


class Life:
    """An open log."""

    def __init__(self, folder: Path, lock: files.Lock, previous: Previous | None, settings: Settings) -> None:
        self.folder = folder
        self.origin = f"{ORIGIN}/{settings.name}/{folder.name}"
        self.previous = previous
        self.tree = merkle.Tree()
        self.durable = self.tree
        """The tree as it was when the disk last had all of it; only with ``Node``."""
        self._unsynced: list[files.AppendFile] = []
        self._settings = settings
        self._lock = lock
        self._prev = line.FIRST
        key = settings.private_key
        self.signer = note.new_signer(self.origin) if key is None else note.Signer(self.origin, key)
        self.file = files.AppendFile(folder / segments.open_name(0))
        self._first = 0
        self.opened_at = settings.monotonic()

    @classmethod
    def open(cls, settings: Settings) -> "Life":
        """Finish former logs of that name, and make a new one.

        Raises:
            OSError: The directory cannot be read or written.
        """
        home = settings.directory / settings.name
        home.mkdir(parents=True, exist_ok=True)
        previous = finish(home)
        while True:
            number = 1 + max((int(path.name[:6]) for path in logs_in(home)), default=0)
            folder = home / f"{number:06}-{secrets.token_hex(4)}"
            folder.mkdir()
            lock = files.Lock(folder)
            try:
                life = cls(folder, lock, previous, settings)
            except OSError:
                lock.release()
                raise
            if settings.durability is Durability.NODE:
                for path in (folder, home):
                    files.sync_directory(path)
            return life

    @property
    def is_full(self) -> bool:
        """Whether the segment that is written has as much as one holds."""
        return (
            self.tree.size - self._first >= self._settings.max_records
            or self.file.length >= self._settings.max_bytes
        )

    @property
    def in_segment(self) -> int:
        """How many records the segment that is written has."""
        return self.tree.size - self._first

    def append(self, entries: Sequence[Entry]) -> None:
        """Write records, all or none.

        Raises:
            OSError: None was written.
        """
        prev = self._prev
        leaves, lines = [], []
        for size, entry in enumerate(entries, self.tree.size):
            composed = line.compose(entry.event, entry.record, size, prev, entry.time)
            leaf = merkle.leaf_hash(composed)
            prev = line.link(leaf)
            leaves.append(leaf)
            lines.append(composed + b"\n")
        self.file.append(b"".join(lines))
        self._prev = prev
        for leaf in leaves:
            self.tree.add(leaf)

    def rotate(self) -> Sealing:
        """Begin a new segment, and return the full one, which is to be sealed.

        Raises:
            OSError: No file can be made; the segment goes on.
        """
        full, first, last = self.file, self._first, self.tree.size - 1
        self.file = files.AppendFile(self.folder / segments.open_name(last + 1))
        self._first = last + 1
        self.opened_at = self._settings.monotonic()
        if self._settings.durability is Durability.NODE:
            self._unsynced.append(full)
        else:
            full.close()
        return self._sealing(full.path, first, last)

    def sync(self) -> None:
        """Return once the disk has all records that were written before; for a thread.

        Raises:
            OSError: It may have any part of them.
        """
        full, self._unsynced = self._unsynced, []
        for file in full:
            file.sync()
            file.close()
        self.file.sync()

    def is_in_place(self) -> bool:
        """Return whether the file that is written is still the one of its name, not deleted or moved."""
        return self.file.is_in_place()

    def abandon(self) -> None:
        """Leave a log that has failed as it is; the next one finishes it."""
        for file in (*self._unsynced, self.file):
            file.close()
        self.release()

    def end(self) -> Sealing | None:
        """Close the log, and return its last segment, which is to be sealed; None where that is empty."""
        self.file.close()
        if self.in_segment == 0:
            self.file.path.unlink()
            return None
        return self._sealing(self.file.path, self._first, self.tree.size - 1)

    def release(self) -> None:
        """Say that the log has no writer any more."""
        self._lock.release()

    def checkpoint(self, tree: merkle.Tree) -> bytes:
        """Return the signed checkpoint of the tree as it is, or as it was."""
        return checkpoint.sign(checkpoint.Checkpoint(self.origin, tree.size, tree.root()), self.signer)

    def _sealing(self, path: Path, first: int, last: int) -> Sealing:
        sealed = Sealed(self.folder, first, last)
        return Sealing(path, sealed, self.checkpoint(self.tree), segments.subtrees_text(self.tree))
