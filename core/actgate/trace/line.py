"""A line of the inference log: a record, its number and time, and a hash of the line before.

``{"event":"inference","prev":"1f0c37a2","record":{...},"seq":17,"time":"2026-11-27T08:00:00.123456Z"}`` is
canonical JSON as a whole (RFC 8785), so that what stands before and behind the record is known to the byte,
and is checked without parsing. The leaf of the Merkle tree is the line without its line break. ``prev`` is no
proof, it has 32 bits: it says which line was changed where the tree can only say that one was.
"""

import re
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson

from actgate.api.times import timestamp

FIRST: Final = "00000000"
"""``prev`` of the first line."""
USES: Final = ("inference", "stream.start")
"""The events that are one use of a model each."""
WRITER: Final = "writer"
"""``actor`` of a gap that counts what could not be written, whether or not the answers left; without it a
gap counts answers that left without a record."""

_TIME: Final = len("2026-11-27T08:00:00.123456Z")
_BEGIN: Final = re.compile(rb'\{"event":"([a-z.]{1,32})","prev":"([0-9a-f]{8})","record":\{')
_KEYS: Final = frozenset({"event", "prev", "record", "seq", "time"})


class Line(NamedTuple):
    """A line that was read."""

    event: str
    prev: str
    record: dict[str, Any]
    seq: int
    time: str


def compose(event: str, record: bytes, seq: int, prev: str, time: str) -> bytes:
    """Return the line of a record, without a line break.

    Args:
        event: One of ``record.EVENTS``.
        record: Canonical JSON of an object, without its event.
        seq: Number of the line in its log, from 0.
        prev: ``link`` of the leaf hash of the line before; ``FIRST`` in the first line.
        time: As ``time_of`` writes it.
    """
    return b'{"event":"%b","prev":"%b","record":%b,"seq":%d,"time":"%b"}' % (
        event.encode(),
        prev.encode(),
        record,
        seq,
        time.encode(),
    )


def link(leaf: bytes) -> str:
    """Return what the next line has as ``prev``: the first four bytes of a leaf hash."""
    return leaf[:4].hex()


def time_of(moment: datetime) -> str:
    """Return an aware moment as lines have it: UTC, microseconds, always of the same length."""
    return timestamp(moment, "microseconds")


def read(line: bytes) -> Line | None:
    """Return what a line says; None where it is no line of an inference log."""
    try:
        found = orjson.loads(line)
        if found.keys() != _KEYS or not isinstance(found["record"], dict) or type(found["seq"]) is not int:
            return None
        if any(type(found[name]) is not str for name in ("event", "prev", "time")):
            return None
    except (ValueError, AttributeError):
        return None
    return Line(**found)
