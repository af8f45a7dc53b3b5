from __future__ import annotations

import json
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from actgate.api.canonical import canonical_of_json, sha256
from tests.records.build import chain, hash_of, interleaved, lost, prove, sentences

POSITIONS = st.integers(0, 6)
ONE = chain()


def test_an_untouched_log_is_proven() -> None:
    """Start, decisions, checkpoint and stop, in their order."""
    proof = prove(chain(decisions=4))
    assert sentences(proof) == ""
    [seen] = proof.chains
    assert (seen.lines, seen.decisions, seen.stopped, seen.replica) == (7, 4, True, "webhook-1")
    assert (seen.first, seen.last) == ("2026-11-23T12:00:00.000000Z", "2026-11-23T12:00:06.000000Z")


@given(st.lists(st.integers(0, 8), max_size=60), st.integers(1, 4))
def test_mixed_chains_are_proven_one_by_one(order: list[int], count: int) -> None:
    """The logs of several replicas in one file, in whatever way they were mixed."""
    chains = [chain(decisions=number, replica=f"webhook-{number}") for number in range(count)]
    proof = prove(interleaved(chains, order))
    assert sentences(proof) == ""
    assert sorted(seen.decisions for seen in proof.chains) == list(range(count))


@given(st.data())
def test_any_change_of_a_byte_is_found(data: st.DataObject) -> None:
    """Whatever one character becomes, unless the JSON says the same as before."""
    lines = chain()
    at = data.draw(POSITIONS)
    place = data.draw(st.integers(0, len(lines[at]) - 2))
    character = data.draw(st.characters(codec="utf-8", exclude_characters="\n\r"))
    changed = lines[at][:place] + character + lines[at][place + 1 :]
    assume(not _says_the_same(changed, lines[at]))
    lines[at] = changed
    proof = prove(lines)
    # A last line that is not valid JSON any more cannot be distinguished from one that was cut off.
    assert proof.faults or (at == len(lines) - 1 and not proof.chains[0].stopped and proof.others == 1)


@given(st.data())
def test_any_changed_value_is_found(data: st.DataObject) -> None:
    """In each line, of each field, to each other value; and a field more or less."""
    lines = chain()
    at = data.draw(POSITIONS)
    entry = json.loads(lines[at])
    name = data.draw(st.sampled_from([*sorted(entry.keys() - {"format"}), "more"]))
    value = data.draw(st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")))
    removed = data.draw(st.booleans()) and name in entry
    changed = {key: kept for key, kept in entry.items() if key != name} | ({} if removed else {name: value})
    assume(changed != entry or type(changed.get(name)) is not type(entry.get(name)))
    lines[at] = json.dumps(changed) + "\n"
    assert prove(lines).faults


@given(POSITIONS)
def test_any_dropped_line_is_found(at: int) -> None:
    """All but the last: a log without its stop has an open end, which the proof says."""
    lines = chain()
    del lines[at]
    proof = prove(lines)
    assert proof.faults or (at == 6 and not proof.chains[0].stopped)


@given(POSITIONS, POSITIONS)
def test_any_swap_is_found(one: int, other: int) -> None:
    """Two lines that changed places."""
    assume(one != other)
    lines = chain()
    lines[one], lines[other] = lines[other], lines[one]
    assert prove(lines).faults


@given(POSITIONS, st.integers(0, 7))
def test_any_doubled_line_is_found(one: int, to: int) -> None:
    """A duplicate line."""
    lines = chain()
    lines.insert(to, lines[one])
    assert prove(lines).faults


@given(POSITIONS, st.integers(0, 7), st.booleans())
def test_any_inserted_line_is_found(one: int, to: int, adopted: bool) -> None:
    """A line of another chain, also one that claims to be of this chain, with a hash that fits."""
    lines = chain()
    entry = json.loads(chain()[one])
    if adopted:
        entry |= {"chain": json.loads(lines[0])["chain"], "hash": ""}
        entry["hash"] = sha256(canonical_of_json({key: item for key, item in entry.items() if key != "hash"}))
    lines.insert(to, json.dumps(entry) + "\n")
    assume(adopted or one != 0)  # Another chain's start alone is a chain of its own with an open end.
    assert prove(lines).faults


@given(st.integers(1, 6))
def test_a_rewritten_tail_does_not_have_the_head_that_was_kept(at: int) -> None:
    """Computing all later hashes anew makes a sound chain, and not the one that others know of."""
    lines = chain()
    kept = hash_of(lines[-1])
    assert not prove(lines, kept).faults
    forged = _forged(lines, at)
    assert not prove(forged).faults
    assert f"no line has the hash {kept}" in sentences(prove(forged, kept))


@given(st.integers(1, 6))
def test_a_cut_end_is_said_and_found_by_a_head(length: int) -> None:
    """Without a stop the end is open; a hash that was kept elsewhere shows what is missing."""
    lines = chain()
    cut = prove(lines[:length])
    assert not cut.faults
    assert not cut.chains[0].stopped
    assert prove(lines[:length], hash_of(lines[length])).faults
    assert not prove(lines[:length], hash_of(lines[length - 1])).faults


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (ONE[1:], r"log:1: line 0 of chain \w{32} is missing before line 1"),
        (ONE[:2] + ONE[4:], r"log:3: lines 2 to 3 of chain \w{32} are missing before line 4"),
        ([*ONE, ONE[3]], r"log:8: line 3 of .* moved or duplicated"),
        (["{}\n", ONE[0].replace("webhook-1", "webhook-2")], r"log:2: line 0 of .* was changed"),
        ([ONE[0].replace('"sequence":0', '"sequence":"0"')], "its sequence is not a whole number"),
        ([ONE[0].replace('"kind":"Start"', '"kind":"Begin"')], "its kind is unknown"),
    ],
)
def test_a_fault_is_reported_with_its_place(lines: list[str], sentence: str) -> None:
    """File, line, chain and what is wrong."""
    assert re.search(sentence, sentences(prove(lines)))


def test_each_fault_is_reported_once() -> None:
    """After a fault the chain is followed on, so that a second one is found and nothing else is blamed."""
    lines = chain(decisions=8)
    lines[2] = lines[2].replace("uid-1", "uid-9")
    del lines[8]
    proof = prove(lines)
    assert [fault.number for fault in proof.faults] == [3, 9]


def test_strictness_takes_nothing_on_trust() -> None:
    """Other lines, lost decisions and an open end are faults then, and only then."""
    for lines in (["hello\n", *chain()], lost(3), chain(stop=False)):
        assert not prove(lines).faults
        assert len(prove(lines, strict=True).faults) == 1
    assert prove(lost(3)).chains[0].lost == 3
    assert not prove(chain(), strict=True).faults


def _forged(lines: list[str], at: int) -> list[str]:
    forged = list(lines)
    for number in range(at, len(lines)):
        entry = json.loads(lines[number])
        del entry["hash"]
        entry |= {"previous": hash_of(forged[number - 1])} | ({"forged": True} if number == at else {})
        forged[number] = json.dumps({**entry, "hash": sha256(canonical_of_json(entry))})
    return forged


def _says_the_same(changed: str, line: str) -> bool:
    try:
        return bool(json.loads(changed) == json.loads(line))
    except ValueError:
        return False
