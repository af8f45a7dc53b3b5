from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actgate.trace import checkpoint, merkle, note
from actgate.trace.checkpoint import Checkpoint

GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
"""The published example of golang.org/x/mod/sumdb/note, of which C2SP signed-note is the specification."""
STATE = Checkpoint("actgate.example/credit/scorer", 17, merkle.leaf_hash(b"root"))


def test_the_published_note_of_go_verifies() -> None:
    """Keys and notes are those of other implementations."""
    key = note.Key.parse(GO_KEY)
    assert key.text == GO_KEY
    assert key.signed(note.read(GO_NOTE.encode()))
    assert not key.signed(note.read(GO_NOTE.replace("answer", "Answer").encode()))


def test_a_checkpoint_has_the_form_of_c2sp() -> None:
    """Origin, size and root, a line each, an empty line, and the line of the signature."""
    signer = note.new_signer(STATE.origin)
    written = checkpoint.sign(STATE, signer)
    origin, size, root, empty, signature, end = written.decode().split("\n")
    assert Checkpoint(origin, int(size), base64.b64decode(root)) == STATE
    assert (empty, end) == ("", "")
    assert signature.startswith(f"— {STATE.origin} ")
    found, read = checkpoint.parse(written)
    assert found == STATE
    assert signer.key.signed(read)
    assert note.Key.parse(signer.key.text).signed(read)
    assert not note.new_signer(STATE.origin).key.signed(read)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_any_changed_byte_of_a_checkpoint_is_found(data: st.DataObject) -> None:
    """It is no checkpoint any more, or not signed; what was signed is never another state."""
    signer = note.new_signer(STATE.origin)
    written = bytearray(checkpoint.sign(STATE, signer))
    place = data.draw(st.integers(0, len(written) - 1))
    written[place] ^= data.draw(st.integers(1, 255))
    try:
        found, read = checkpoint.parse(bytes(written))
    except note.NoteError:
        return
    assert not signer.key.signed(read) or found == STATE


def test_a_second_signature_does_not_hide_the_first() -> None:
    """A witness adds a line of its own."""
    log, witness = note.new_signer(STATE.origin), note.new_signer("witness.example")
    written = checkpoint.sign(STATE, log) + checkpoint.sign(STATE, witness).rpartition(b"\n\n")[2]
    _, read = checkpoint.parse(written)
    assert log.key.signed(read)
    assert witness.key.signed(read)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GO_KEY.replace("c74f20a3", "c74f20a4"), "has the key id c74f20a4: must be c74f20a3"),
        (GO_KEY.replace("+AR", "+Ah"), "must be NAME"),
        ("", "must be NAME"),
        ("a b+00000000+" + GO_KEY.rpartition("+")[2], "must have no space"),
        ("a+00000000+AQ==", "is not the public key of Ed25519"),
    ],
)
def test_what_is_no_key_is_refused(text: str, message: str) -> None:
    """One clause that says what is wrong."""
    with pytest.raises(note.NoteError, match=message):
        note.Key.parse(text)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a signed note"),
        (b"\xff", "is not UTF-8"),
        (b"a\tb\n\n", "has control characters"),
        ("a\n\n— name !\n".encode(), "has a line of signature that cannot be read"),
        (b"a\n" * 40_000, "must have at most 65536 bytes"),
    ],
)
def test_what_is_no_note_is_refused(content: bytes, message: str) -> None:
    """One clause that says what is wrong."""
    with pytest.raises(note.NoteError, match=message):
        note.read(content)


@pytest.mark.parametrize("text", ["a\n01\nAAAA\n", "a\n1\nAAAA\n", "\n1\nAAAA\n", "a\n"])
def test_a_note_that_is_no_checkpoint_is_refused(text: str) -> None:
    """Its signature may be good all the same."""
    with pytest.raises(note.NoteError, match="is not a checkpoint"):
        checkpoint.parse(note.new_signer("a").sign(text).encode())
