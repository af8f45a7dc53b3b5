"""The proof of one decision: what it shows, and that a change of any of it is found, by both verifiers."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from actgate.trace import merkle, note, proof, standalone
from tests.trace.build import ORIGIN, SIGNER, log, stated

LINES = log(20)
LEAVES = [merkle.leaf_hash(raw) for raw in LINES]
OTHER = note.new_signer(ORIGIN)


def signed(size: int, signer: note.Signer = SIGNER) -> bytes:
    """Return the checkpoint of the first lines, as it is kept."""
    text = stated(LINES[:size], signer=signer).note.text
    return signer.sign(text).encode()


def proven(seq: int = 7, size: int = 20, signer: note.Signer = SIGNER) -> dict[str, Any]:
    """Return the proof of the use that is record ``seq``, as JSON."""
    part = proof.of_log(signed(size, signer), LEAVES[:size], [(0, LINES[0]), (seq, LINES[seq])])
    found: dict[str, Any] = json.loads(proof.document(f"{seq - 1:04}", [part]))
    return found


def by_both(document: dict[str, Any], key: str | None = None) -> tuple[str, ...]:
    """Return the faults of a proof, on which the program in the pack and ours agree."""
    content = json.dumps(document).encode()
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, str(Path(standalone.__file__)), *([key] if key else [])],
        input=content,
        capture_output=True,
        check=False,
    )
    faults = proof.verify(content, note.Key.parse(key) if key else None).faults
    assert (done.returncode == 0) is (not faults), (faults, done.stderr)
    assert (b"NOT PROVEN" in done.stderr) is bool(faults)
    return faults


def test_every_record_is_proven_at_every_size() -> None:
    """Of each tree that a checkpoint may sign."""
    for size in range(2, len(LINES) + 1):
        for seq in range(1, min(size, 21)):
            part = proof.of_log(signed(size), LEAVES[:size], [(0, LINES[0]), (seq, LINES[seq])])
            shown = proof.verify(proof.document(f"{seq - 1:04}", [part]))
            assert shown.faults == ()
            assert [found.seq for _, found in shown.records] == [0, seq]
            assert shown.keys == (SIGNER.key.text,)


@pytest.mark.system
def test_what_is_changed_in_a_proof_is_found_by_both_verifiers() -> None:
    """A record, its number, a hash, the checkpoint, the key, the decision."""
    assert by_both(proven()) == ()
    assert by_both(proven(), SIGNER.key.text) == ()
    assert "is not signed by" in by_both(proven(), OTHER.key.text)[0]
    assert "is not signed by" in by_both(proven(signer=OTHER))[0]
    records = ("logs", 0, "records")
    changes: list[tuple[tuple[str | int, ...], Any]] = [
        ((*records, 1, "line"), LINES[7].decode().replace("200", "201")),
        ((*records, 1, "line"), LINES[8].decode()),
        ((*records, 1, "seq"), 6),
        ((*records, 1, "hashes", 0), base64.b64encode(LEAVES[3]).decode()),
        ((*records, 1, "hashes"), []),
        ((*records, 0, "line"), LINES[0].decode().replace("start", "begin")),
        (("logs", 0, "checkpoint"), signed(20).decode().replace("\n20\n", "\n21\n")),
        (("decision",), "0007"),
    ]
    for path, value in changes:
        document = proven()
        place: Any = document
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        assert by_both(document), path


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"format": 1}', b"\xff", b"[" * 100_000])
def test_what_is_no_proof_is_refused_in_a_sentence(content: bytes) -> None:
    with pytest.raises(proof.ProofError, match=r"is not a proof|has the format"):
        proof.verify(content)


def test_the_signatures_of_the_program_are_those_of_the_library() -> None:
    """Ed25519 written anew for the pack, held against cryptography: good ones pass, changed ones do not."""
    for number in range(8):
        private = Ed25519PrivateKey.generate()
        key, text = private.public_key().public_bytes_raw(), b"text %d" % number
        signature = private.sign(text)
        assert standalone.signed(key, text, signature)
        assert not standalone.signed(key, text + b"!", signature)
        wrong = (int.from_bytes(signature[32:], "little") + standalone.L).to_bytes(33, "little")[:32]
        assert not standalone.signed(key, text, signature[:32] + wrong), "malleable"
