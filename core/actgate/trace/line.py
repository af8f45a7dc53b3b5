"""A line of the inference log: a record, its number and time, and a hash of the line before.

``{"prev":"1f0c37a2","record":{...},"seq":17,"time":"2026-11-27T08:00:00.123456Z"}`` is canonical JSON as a
whole (RFC 8785), so that the bytes before and behind the record have fixed lengths, and one comparison checks
them. The leaf of the Merkle tree is the line without its line break. ``prev`` is no proof, it has 32 bits: it
says which line was changed where the tree can only say that one was.
"""

from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson

from actgate.api.times import timestamp

FIRST: Final = "00000000"
"""``prev`` of the first line."""
TIME_LENGTH: Final = len("2026-11-27T08:00:00.123456Z")
_END: Final = TIME_LENGTH + len(b'"}')


class Line(NamedTuple):
    """A line that was read."""

    seq: int
    prev: str
    time: str
    record: dict[str, Any]


def compose(record: bytes, seq: int, prev: str, time: str) -> bytes:
    """Return the line of a record, without a line break.

    Args:
        record: Canonical JSON of an object.
        seq: Number of the line in its log, from 0.
        prev: ``link`` of the leaf hash of the line before; ``FIRST`` in the first line.
        time: As ``time_of`` writes it.
    """
    return b'{"prev":"%b","record":%b,"seq":%d,"time":"%b"}' % (prev.encode(), record, seq, time.encode())


def link(leaf: bytes) -> str:
    """Return what the next line has as ``prev``: the first four bytes of a leaf hash."""
    return leaf[:4].hex()


def time_of(moment: datetime) -> str:
    """Return an aware moment as lines have it: UTC, microseconds, always of the same length."""
    return timestamp(moment, "microseconds")


def begins(line: bytes, prev: str) -> bool:
    """Return whether a line begins as the one behind ``prev`` has to."""
    return line.startswith(b'{"prev":"%b","record":{' % prev.encode())


def time_in(line: bytes, seq: int) -> bytes:
    """Return the time of a line that ends as line ``seq`` has to; nothing where it does not."""
    if line.endswith(b'"}') and line[:-_END].endswith(b'},"seq":%d,"time":"' % seq):
        return line[-_END:-2]
    return b""


def read(line: bytes) -> Line | None:
    """Return what a line says; None where it is no line of an inference log."""
    try:
        found = orjson.loads(line)
        if found.keys() != {"prev", "record", "seq", "time"} or not isinstance(found["record"], dict):
            return None
        if type(found["seq"]) is not int or type(found["prev"]) is not str or type(found["time"]) is not str:
            return None
    except (ValueError, AttributeError):
        return None
    return Line(found["seq"], found["prev"], found["time"], found["record"])
