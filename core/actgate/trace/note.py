"""Signed notes with Ed25519 (C2SP signed-note): text, an empty line, and lines of signatures.

A signature line names a key and begins with the key's id, so that several keys can sign one note: the log,
and later its witnesses. The border: text and keys in, text or values out.
"""

import base64
import hashlib
from collections.abc import Iterable
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

MAX_BYTES: Final = 64 * 1024
_DASH: Final = "\u2014"
_ED25519: Final = b"\x01"
_ID: Final = 4


class NoteError(ValueError):
    """A note or a key that cannot be used: a clause that says what is wrong."""


class Signature(NamedTuple):
    """A line of signature, not verified."""

    name: str
    key_id: bytes
    value: bytes


class Note(NamedTuple):
    """A note that was read; its signatures are not verified."""

    text: str
    """With its last line break; what is signed."""
    signatures: tuple[Signature, ...]


class Key:
    """A public key by its name, as ``NAME+ID+KEY`` writes it."""

    __slots__ = ("_key", "key_id", "name", "text")

    def __init__(self, name: str, public: bytes) -> None:
        """Take the 32 bytes of an Ed25519 key.

        Raises:
            NoteError: The name has a space or a plus sign, or is empty; or the key is none.
        """
        if not name or "+" in name or any(character.isspace() for character in name):
            raise NoteError("the name of a key must have no space and no +, and not be empty")
        try:
            self._key = Ed25519PublicKey.from_public_bytes(public)
        except ValueError:
            raise NoteError("is not the public key of Ed25519") from None
        self.name = name
        self.key_id = hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:_ID]
        self.text = f"{name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + public).decode()}"

    @classmethod
    def parse(cls, text: str) -> "Key":
        """Read ``NAME+ID+KEY``.

        Raises:
            NoteError: It is something else.
        """
        name, _, rest = text.strip().partition("+")
        given, _, encoded = rest.partition("+")
        try:
            content = base64.b64decode(encoded, validate=True)
        except ValueError:
            content = b""
        if content[:1] != _ED25519:
            raise NoteError("must be NAME+ID+KEY of an Ed25519 key (C2SP signed-note)")
        key = cls(name, content[1:])
        if given != key.key_id.hex():
            raise NoteError(f"has the key id {given[:16]}: must be {key.key_id.hex()}")
        return key

    def signed(self, note: Note) -> bool:
        """Return whether this key signed the note."""
        return any(
            self._verifies(signature.value, note.text.encode())
            for signature in note.signatures
            if (signature.name, signature.key_id) == (self.name, self.key_id)
        )

    def _verifies(self, signature: bytes, text: bytes) -> bool:
        try:
            self._key.verify(signature, text)
        except InvalidSignature:
            return False
        return True


class Signer:
    """A private key by its name."""

    __slots__ = ("_private", "key")

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.key = Key(name, private.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """Return a text, which ends with a line break, as a note with one signature."""
        value = self.key.key_id + self._private.sign(text.encode())
        return f"{text}\n{_DASH} {self.key.name} {base64.b64encode(value).decode()}\n"


def new_signer(name: str) -> Signer:
    """Return a signer with a new key."""
    return Signer(name, Ed25519PrivateKey.generate())


def read(content: bytes) -> Note:
    """Read a note.

    Raises:
        NoteError: It is none.
    """
    if len(content) > MAX_BYTES:
        raise NoteError(f"must have at most {MAX_BYTES} bytes")
    try:
        whole = content.decode()
    except UnicodeDecodeError:
        raise NoteError("is not UTF-8") from None
    if any(character < " " and character != "\n" for character in whole):
        raise NoteError("has control characters")
    text, separator, lines = whole.rpartition("\n\n")
    if not separator or not lines.endswith("\n"):
        raise NoteError("is not a signed note: text, an empty line, signatures")
    return Note(f"{text}\n", tuple(_signatures(lines.split("\n")[:-1])))


def _signatures(lines: Iterable[str]) -> Iterable[Signature]:
    for line in lines:
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        try:
            value = base64.b64decode(encoded, validate=True)
        except ValueError:
            value = b""
        if dash != _DASH or not name or len(value) <= _ID:
            raise NoteError("has a line of signature that cannot be read")
        yield Signature(name, value[:_ID], value[_ID:])
