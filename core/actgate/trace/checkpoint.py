"""Checkpoints: origin, size and root of a log, signed (C2SP tlog-checkpoint)."""

import base64
import re
from typing import Final, NamedTuple

from actgate.trace import merkle
from actgate.trace.note import Note, NoteError, Signer, read

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")


class Checkpoint(NamedTuple):
    """What a log states of itself."""

    origin: str
    """Unique name of the log; also the name of its key."""
    size: int
    root: bytes


def sign(checkpoint: Checkpoint, signer: Signer) -> bytes:
    """Return a checkpoint as a signed note."""
    root = base64.b64encode(checkpoint.root).decode()
    return signer.sign(f"{checkpoint.origin}\n{checkpoint.size}\n{root}\n").encode()


def parse(content: bytes) -> tuple[Checkpoint, Note]:
    """Read a checkpoint and the note that it is; signatures are not verified.

    Raises:
        NoteError: It is none.
    """
    note = read(content)
    origin, size, root, *_ = [*note.text.split("\n"), "", ""]
    try:
        decoded = base64.b64decode(root, validate=True)
    except ValueError:
        decoded = b""
    if not origin or not _SIZE.fullmatch(size) or len(decoded) != merkle.HASH_SIZE:
        raise NoteError("is not a checkpoint: origin, size, root")
    return Checkpoint(origin, int(size), decoded), note
