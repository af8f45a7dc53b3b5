"""Where a segment differs from what was written: which line was changed, moved, doubled or dropped.

Only called for a segment in which something does not fit. A line is known by its number and by the hash of it
in the next line; where both links of a line are broken, or the one behind it, that line was changed.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from actgate.trace import merkle
from actgate.trace.faults import records
from actgate.trace.line import Line, compose, link, read


class Found(NamedTuple):
    """One finding: the number of the record that it concerns first, and what it is."""

    record: int
    sentence: str


class _Placed(NamedTuple):
    raw: bytes
    line: Line | None
    link: str


def diagnose(lines: Sequence[bytes], first: int, prev: str, time: str) -> list[Found]:
    """Return what is wrong with the lines of a segment.

    Args:
        lines: They, without line breaks.
        first: Number that the first one has to have.
        prev: What the first one has to have as ``prev``.
        time: Of the line before; empty where there is none.
    """
    placed = [_Placed(raw, read(raw), link(merkle.leaf_hash(raw))) for raw in lines]
    found = [*_order(placed, first), *_links(placed, first, prev), *_times(placed, time)]
    return sorted(set(found))


def _order(placed: Sequence[_Placed], first: int) -> Iterator[Found]:
    """Compare the numbers of the lines with their places."""
    places: dict[int, int] = {}
    for place, at in enumerate(placed):
        if at.line is not None:
            places.setdefault(at.line.seq, place)
    expected = first
    seen: set[int] = set()
    for place, at in enumerate(placed):
        if at.line is None:
            yield Found(expected, f"record {expected} was changed: it cannot be read as a line of the log")
            expected += 1
            continue
        seq = at.line.seq
        if seq == expected:
            expected += 1
        elif seq in seen or (seq < expected and places[seq] < place):
            yield Found(seq, f"record {seq} is a duplicate, where record {expected} is due")
            continue
        elif _goes_on(placed, place, expected):
            yield Found(expected, f"record {expected} was changed: it says that it is record {seq}")
            expected += 1
            continue
        elif seq > expected and expected not in places:
            yield Found(expected, f"{records(expected, seq - 1)} missing before record {seq}")
            expected = seq + 1
        else:
            yield Found(seq, f"record {seq} was moved to where {expected} is due")
            expected += 1
        seen.add(seq)


def _goes_on(placed: Sequence[_Placed], place: int, expected: int) -> bool:
    """Return whether the next line has the number after the expected one: only this one's is wrong."""
    after = placed[place + 1].line if place + 1 < len(placed) else None
    return after is not None and after.seq == expected + 1


def _links(placed: Sequence[_Placed], first: int, prev: str) -> Iterator[Found]:
    """Compare each line's ``prev`` with the line before, where both have the right numbers."""
    broken: set[int] = set()
    pairs: set[int] = set()
    for place, at in enumerate(placed):
        before = placed[place - 1] if place else None
        if at.line is None:
            continue
        seq = at.line.seq
        if before is None:
            expected = prev if seq == first else ""
        elif before.line is None or before.line.seq == seq - 1:
            expected = before.link
        else:
            continue
        if expected:
            pairs.add(seq)
            if at.line.prev != expected:
                broken.add(seq)
        if at.raw != _canonical(at.raw, at.line):
            yield Found(seq, f"record {seq} was changed: it is not in canonical form")
    last = first + len(placed) - 1
    for seq in broken:
        if seq - 1 in broken and seq + 1 not in broken:
            continue  # Both links of the line before are broken: it is named by the other one.
        if seq + 1 in broken:
            yield Found(seq, f"record {seq} was changed: neither its neighbours' hashes nor its own fit")
        elif seq == last and seq + 1 not in pairs:
            yield Found(seq, f"record {seq - 1} or record {seq} was changed: the hash between them differs")
        else:
            yield Found(seq - 1, f"record {seq - 1} was changed: record {seq} has another hash of it")


def _canonical(raw: bytes, line: Line) -> bytes:
    """Return a line as it is composed; only its frame, since its record is compared by hash."""
    begin, end = raw.find(b'"record":') + len(b'"record":'), raw.rfind(b',"seq":')
    return compose(line.event, raw[begin:end], line.seq, line.prev, line.time)


def _times(placed: Sequence[_Placed], time: str) -> Iterator[Found]:
    """Find times that go back where no record says that the clock was set."""
    for at in placed:
        if at.line is None:
            continue
        if at.line.time < time and not _is_step_back(at.line):
            yield Found(
                at.line.seq,
                f"record {at.line.seq}: the clock goes back, from {time} to {at.line.time}, unstated",
            )
        time = at.line.time


def _is_step_back(line: Line) -> bool:
    step = line.record.get("step_us")
    return line.event == "clock" and type(step) is int and step < 0
