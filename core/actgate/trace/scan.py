"""The fast pass over the lines of a segment: leaf hashes, and whether every frame is the one that is due."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

_BEGIN: Final = re.compile(rb'\{"event":"([a-z.]{1,32})","prev":"([0-9a-f]{8})","record":\{')
_TIME: Final = len("2026-11-27T08:00:00.123456Z")
_STEP_BACK: Final = b'"record":{"step_us":-'


class Scan(NamedTuple):
    """What a pass has found."""

    leaves: list[bytes]
    fits: bool
    """Whether all numbers, links and times are those that are due."""
    link: bytes
    """What the next line has as ``prev``, in hexadecimal."""
    time: bytes
    """Of the last line; empty without lines."""
    events: Counter[bytes]


def scan(lines: Sequence[bytes], seq: int, prev: bytes, time: bytes) -> Scan:
    """Pass over lines, of which the first has to be number ``seq``, after a line with that link and time.

    A line is ``{"event":E,"prev":P,"record":{...},"seq":N,"time":T}``; of it E and T are free, and T never
    goes back but in a ``clock`` record that says so.
    """
    sha256 = hashlib.sha256
    leaves: list[bytes] = []
    events: Counter[bytes] = Counter()
    inferences, fits = 0, True
    for number, raw in enumerate(lines, seq):
        leaf = sha256(b"\0" + raw).digest()
        leaves.append(leaf)
        if raw.startswith(b'{"event":"inference","prev":"%b","record":{' % prev):
            inferences += 1
        elif (begin := _BEGIN.match(raw)) and begin[2] == prev:
            events[begin[1]] += 1
        else:
            fits = False
        prev = leaf[:4].hex().encode()
        now = raw[-_TIME - 2 : -2]
        if now < time and _STEP_BACK not in raw:
            fits = False
        time = now
        if not raw.endswith(b'},"seq":%d,"time":"%b"}' % (number, now)) or len(now) != _TIME:
            fits = False
    if inferences:
        events[b"inference"] += inferences
    return Scan(leaves, fits, prev, time, events)
