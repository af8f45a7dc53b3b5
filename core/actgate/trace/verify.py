"""The proof that one log is what was written, or where it is not.

Each line is hashed into the tree, and the frame around its record compared with the only bytes that can stand
there (``scan``). The root of the tree is compared with every signed checkpoint. A segment in which something
does not fit is read anew by ``diagnosis``, which names the records.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from actgate.api.quoting import quoted
from actgate.trace import diagnosis, merkle, segments
from actgate.trace.checkpoint import Checkpoint
from actgate.trace.faults import Fault, records
from actgate.trace.line import FIRST, USES, WRITER, read
from actgate.trace.note import Key, Note, NoteError
from actgate.trace.record import FORMAT
from actgate.trace.scan import scan


class Stated(NamedTuple):
    """A checkpoint that the log is compared with."""

    source: str
    checkpoint: Checkpoint
    note: Note


class Part(NamedTuple):
    """A segment, in whatever state it is."""

    file: str
    first: int
    last: int | None
    content: bytes | None
    """Its lines, decompressed; None where they cannot be read, or were deleted."""
    problem: str
    """Why they cannot be read; empty where the segment was deleted."""
    after: merkle.Tree | None
    """The tree behind it, of the file beside it; it counts where a checkpoint confirms it."""


class Proof(NamedTuple):
    """What is known of one log."""

    log: str
    origin: str
    size: int
    uses: int
    """Records of uses of the model."""
    lost: int
    """Answers that left without a record, as the log itself says."""
    unwritten: int
    """Records that could not be written at first, as the log itself says, whether or not the answers left."""
    signed: int
    """How many records the last checkpoint covers that fits."""
    stopped: bool
    """Whether the log was ended, and not interrupted."""
    start: Mapping[str, Any]
    key: str
    """The key that its checkpoints are verified with."""
    first_time: str
    last_time: str
    root: str
    """In hexadecimal; empty where it could not be computed."""
    deleted: int
    """Records whose segments were deleted."""
    faults: tuple[Fault, ...]
    roots: Mapping[int, bytes]
    """Roots at the sizes of all checkpoints, and at the end."""


class LogVerifier:
    """Verifies one log: ``add`` for each segment in its order, then ``finish``."""

    def __init__(
        self, log: str, checkpoints: Iterable[Stated], key: Key | None = None, sizes: Iterable[int] = ()
    ) -> None:
        """Begin.

        Args:
            log: Name of its directory, for sentences.
            checkpoints: All that are known of it, also those that were kept elsewhere.
            key: Has to have signed them; by default the key that the log's start names.
            sizes: Further sizes at which the root is asked for.
        """
        self._log = log
        self._stated = sorted(checkpoints, key=lambda stated: (stated.checkpoint.size, stated.source))
        self._sizes = sorted({stated.checkpoint.size for stated in self._stated} | set(sizes))
        self._key = key
        self._faults: list[Fault] = []
        self._roots: dict[int, bytes] = {}
        self._tree: merkle.Tree | None = merkle.Tree()
        self._size = 0
        self._prev: bytes | None = FIRST.encode()
        self._time = b""
        self._first_time = ""
        self._events: Counter[bytes] = Counter()
        self._start: dict[str, Any] = {}
        self._lost = self._unwritten = self._deleted = 0
        self._stopped = False

    def add(self, part: Part) -> None:
        """Verify a segment."""
        if part.first < self._size:
            self._fault(
                part.file, part.first, f"{records(part.first, self._size - 1)}: two segments have them"
            )
            return
        if part.first > self._size:
            gone = records(self._size, part.first - 1)
            self._fault(part.file, self._size, f"{gone} missing: there is no segment that has them")
            self._unknown(part.first)
        if part.content is not None:
            self._lines(part, part.content)
        elif part.problem or part.last is None:
            which = records(part.first, part.last) if part.last is not None else f"records from {part.first}"
            self._fault(part.file, part.first, f"{which}: the segment {part.problem}")
            self._unknown(part.last + 1 if part.last is not None else self._size)
        else:
            self._deleted += part.last + 1 - part.first
            self._unknown(part.last + 1)
        if self._tree is None:
            self._resume(part)

    def finish(self) -> Proof:
        """Compare with all checkpoints, and return what is known."""
        key = self._known_key()
        if self._tree is not None:
            self._roots[self._size] = self._tree.root()
        fitting = [0]
        for stated in self._stated:
            if self._fits(stated, key):
                fitting.append(stated.checkpoint.size)
        return Proof(
            log=self._log,
            origin=key.name if key is not None else "",
            size=self._size,
            uses=sum(self._events[name.encode()] for name in USES),
            lost=self._lost,
            unwritten=self._unwritten,
            signed=max(fitting),
            stopped=self._stopped,
            start=self._start,
            key=key.text if key is not None else "",
            first_time=self._first_time,
            last_time=self._time.decode("ascii", "replace"),
            root=self._roots[self._size].hex() if self._size in self._roots else "",
            deleted=self._deleted,
            faults=tuple(self._faults),
            roots=self._roots,
        )

    def _lines(self, part: Part, content: bytes) -> None:
        lines, torn = segments.split(content)
        begin, time = self._size, self._time
        prev = self._prev if self._prev is not None else _prev_of(lines)
        found = scan(lines, begin, prev, time)
        if begin == 0 and lines:
            self._take_start(part.file, lines[0])
        if not found.fits:
            for each in diagnosis.diagnose(lines, begin, prev.decode(), time.decode("ascii", "replace")):
                self._fault(part.file, each.record, each.sentence)
        if torn:
            number = begin + len(lines)
            self._fault(part.file, number, f"record {number} is cut off after {len(torn)} bytes")
        self._events += found.events
        if found.events[b"gap"]:
            for count, is_lost in map(_gap_in, lines):
                self._lost += count if is_lost else 0
                self._unwritten += 0 if is_lost else count
        self._stopped = bool(lines) and lines[-1].startswith(b'{"event":"stop"')
        self._size += len(lines)
        self._prev, self._time = found.link, found.time or time
        if part.last is not None and self._size != part.last + 1 and found.fits:
            gone = records(self._size, part.last)
            self._fault(part.file, self._size, f"{gone} missing at the end of the segment")
        if self._tree is not None:
            self._roots |= segments.roots_at(self._tree, found.leaves, self._sizes)
            if part.last is not None and self._size != part.last + 1:
                self._unknown(part.last + 1)
            elif any(self._roots.get(size, root) != root for size, root in self._confirmed(begin)):
                self._tree = None  # The tree behind it may be known; later segments are verified from there.

    def _confirmed(self, begin: int) -> list[tuple[int, bytes]]:
        """Return size and root of what a good checkpoint states behind a size."""
        key = self._known_key()
        return [
            (stated.checkpoint.size, stated.checkpoint.root)
            for stated in self._stated
            if stated.checkpoint.size > begin and key is not None and key.signed(stated.note)
        ]

    def _unknown(self, size: int) -> None:
        self._tree, self._prev, self._size = None, None, size

    def _resume(self, part: Part) -> None:
        """Go on from the tree behind a segment, where a checkpoint confirms it."""
        after = part.after
        if after is None or after.size < self._size:
            return
        if (after.size, after.root()) in self._confirmed(after.size - 1):
            if after.size != self._size:
                self._prev = None
            self._tree, self._size = after.copy(), after.size

    def _take_start(self, file: str, raw: bytes) -> None:
        line = read(raw)
        if line is None or line.event != "start":
            self._fault(file, 0, "record 0 is not the start of a log")
            return
        self._start, self._first_time = line.record, line.time
        if line.record.get("format") != FORMAT:
            self._fault(file, 0, f"record 0: format is {quoted(line.record.get('format'))}: must be {FORMAT}")

    def _known_key(self) -> Key | None:
        if self._key is None and self._start:
            try:
                self._key = Key.parse(str(self._start.get("log_key")))
            except NoteError as error:
                self._fault("", 0, f"record 0: log_key {error}")
                self._start = {}
        return self._key

    def _fits(self, stated: Stated, key: Key | None) -> bool:
        size, source = stated.checkpoint.size, stated.source
        if key is None or not key.signed(stated.note) or stated.checkpoint.origin != key.name:
            self._fault(
                source, None, f"the checkpoint of {size} records is not signed by the key of this log"
            )
            return False
        if size > self._size:
            gone = records(self._size, size - 1)
            self._fault(
                source,
                self._size,
                f"{gone} missing: the end was cut off",
            )
            return False
        root = self._roots.get(size)
        if root == stated.checkpoint.root:
            return True
        if root is not None:
            self._mismatch(stated)
        elif size and not self._faults and not self._deleted:
            self._fault(source, None, f"the checkpoint of {size} records cannot be compared")
        return False

    def _mismatch(self, stated: Stated) -> None:
        """Name what no link and no number shows: a last record that was changed, or a log that forks."""
        size = stated.checkpoint.size
        below = max((good for good in self._sizes if good < size and self._agrees(good)), default=0)
        if not any(fault.record is not None and below <= fault.record < size for fault in self._faults):
            which = records(below, size - 1)
            self._fault(
                stated.source,
                size - 1,
                f"{which}: the checkpoint states another root. Record {size - 1} was changed, or the log "
                "forks: what was signed is not what is here",
            )

    def _agrees(self, size: int) -> bool:
        root = self._roots.get(size)
        return root is not None and all(
            stated.checkpoint.root == root for stated in self._stated if stated.checkpoint.size == size
        )

    def _fault(self, file: str, record: int | None, sentence: str) -> None:
        self._faults.append(Fault(self._log, file, record, sentence))


def _prev_of(lines: list[bytes]) -> bytes:
    line = read(lines[0]) if lines else None
    return line.prev.encode("ascii", "replace") if line is not None else b""


def _gap_in(raw: bytes) -> tuple[int, bool]:
    """Return how many records a gap counts, and whether they are answers that left."""
    line = read(raw) if raw.startswith(b'{"event":"gap"') else None
    if line is None:
        return 0, False
    count = line.record.get("count")
    return count if type(count) is int else 0, line.record.get("actor") != WRITER
