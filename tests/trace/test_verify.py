from __future__ import annotations

import random

import pytest

from actgate.trace import merkle
from tests.trace.build import PART, in_parts, log, named, stated, verified, verified_parts

LINES = log(12)
STATED = stated(LINES)


def test_an_untouched_log_is_verified() -> None:
    """Start, uses and stop, all of it covered by the checkpoint."""
    proof = verified(LINES, STATED)
    assert proof.faults == ()
    assert (proof.size, proof.uses, proof.signed, proof.stopped) == (14, 12, 14, True)
    assert proof.root == merkle.root_of([merkle.leaf_hash(raw) for raw in LINES]).hex()


def test_every_changed_byte_of_every_record_is_found_and_the_record_is_named() -> None:
    """Each byte of a log, to each of two other bytes; the name is right to the record, or its neighbour."""
    lines = log(3)
    last = stated(lines)
    for seq, raw in enumerate(lines):
        for place in range(len(raw)):
            for flip in (1, 0x80):
                byte = raw[place] ^ flip
                if byte == ord("\n"):
                    continue
                changed = raw[:place] + bytes([byte]) + raw[place + 1 :]
                proof = verified([*lines[:seq], changed, *lines[seq + 1 :]], last)
                assert {seq, seq + 1} & named(proof) or (seq == 0 and proof.faults), (seq, place, byte)


def test_every_cut_is_found_and_named() -> None:
    """Each run of records taken out of the middle, or off the end."""
    for first in range(1, len(LINES)):
        for last in range(first, len(LINES)):
            proof = verified([*LINES[:first], *LINES[last + 1 :]], STATED)
            sentences = " ".join(fault.sentence for fault in proof.faults)
            assert first in named(proof), (first, last)
            assert "missing" in sentences or last == len(LINES) - 1, sentences


def test_every_swap_and_every_duplicate_is_found_and_named() -> None:
    """Each two records that change places, and each one that is put in again at each place."""
    for first in range(1, len(LINES)):
        for second in range(first + 1, len(LINES)):
            swapped = list(LINES)
            swapped[first], swapped[second] = swapped[second], swapped[first]
            assert {first, second} & named(verified(swapped, STATED)), (first, second)
            doubled = [*LINES[:second], LINES[first], *LINES[second:]]
            proof = verified(doubled, STATED)
            assert any(fault.record == first and "duplicate" in fault.sentence for fault in proof.faults)


def test_a_clock_that_goes_back_is_found_and_named() -> None:
    """Even where all later hashes were computed anew and nothing is signed."""
    lines = log(3)
    forged = [raw.replace(b"00:00:02.", b"00:00:00.") for raw in lines]
    proof = verified(forged)
    assert any(fault.record == 2 and "the clock goes back" in fault.sentence for fault in proof.faults)


def test_a_cut_tail_is_found_by_a_later_checkpoint_alone() -> None:
    """Without one the rest is a whole log that was interrupted, and is reported as that."""
    rest = LINES[:-3]
    assert verified(rest).faults == ()
    assert not verified(rest).stopped
    [fault] = verified(rest, STATED).faults
    assert fault.sentence.startswith("records 11 to 13 missing")


def test_a_fork_is_found_by_a_checkpoint_that_was_kept() -> None:
    """The same key signed both: a log that was written anew from some record on."""
    forked = log(13)
    [fault] = verified(forked, stated(forked, "new"), stated(LINES, "kept")).faults
    assert (fault.file, fault.record) == ("kept", 13)
    assert "the log forks" in fault.sentence


def test_a_torn_tail_is_named() -> None:
    """A record that is cut off is not dropped without a word."""
    [fault] = verified(LINES[:-1], cut=LINES[-1][:20]).faults
    assert fault.sentence == "record 13 is cut off after 20 bytes"


@pytest.mark.system
def test_changes_of_a_long_log_are_found_and_named() -> None:
    """Of 100,000 records in segments: bytes, cuts, swaps and duplicates at random places, each named."""
    lines = log(99_998)
    parts = list(in_parts(lines))
    last = stated(lines)
    assert verified_parts(parts, last).faults == ()
    chance = random.Random(15)  # noqa: S311 - places, no secrets
    for change in ("byte", "cut", "swap", "duplicate"):
        at = chance.randrange(1, len(parts) - 1)
        changed = lines[at * PART : (at + 1) * PART]
        place = chance.randrange(PART - 1)
        seq = at * PART + place
        if change == "byte":
            middle = len(changed[place]) // 2
            changed[place] = changed[place][:middle] + b"~" + changed[place][middle + 1 :]
        elif change == "cut":
            del changed[place]
        elif change == "swap":
            changed[place], changed[place + 1] = changed[place + 1], changed[place]
        else:
            changed.insert(place + 1, changed[place])
        content = b"".join(raw + b"\n" for raw in changed)
        proof = verified_parts([*parts[:at], parts[at]._replace(content=content), *parts[at + 1 :]], last)
        assert {seq, seq + 1} & named(proof), (change, seq)
