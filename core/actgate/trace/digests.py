"""Keyed digests: what proves which bytes a decision was about, and says nothing to who lacks the key.

The fields of a credit application can be guessed, so that a plain hash of them is personal data for who has a
list. HMAC-SHA256 (RFC 2104) takes a key; who has record, bytes and key can confirm that they belong together,
and once the key is destroyed the digest is meaningless, while the leaf of the log stays as it was. A purpose
goes before the bytes, so that the same text as subject and as input has two digests.
"""

import hmac
from enum import StrEnum
from typing import Any, Final

ALGORITHM: Final = "HMAC-SHA256"


class Purpose(StrEnum):
    """What a digest is of."""

    INPUT = "in"
    OUTPUT = "out"
    SUBJECT = "subject"


class Digester:
    """A key by its id, and running digests with it."""

    __slots__ = ("_bases", "key_id")

    def __init__(self, key_id: str, key: bytes) -> None:
        self.key_id = key_id
        self._bases = {
            purpose: hmac.new(key, b"actgate/%b\0" % purpose.encode(), "sha256") for purpose in Purpose
        }

    def begin(self, purpose: Purpose) -> "Running":
        """Return a digest that takes bytes piece by piece."""
        return Running(self.key_id, self._bases[purpose].copy())

    def of(self, purpose: Purpose, content: bytes) -> dict[str, Any]:
        """Return the field of a record for some bytes."""
        running = self.begin(purpose)
        running.update(content)
        return running.field()


class Running:
    """A digest of bytes that come in pieces; none of them is kept."""

    __slots__ = ("_key_id", "_mac", "_size")

    def __init__(self, key_id: str, mac: hmac.HMAC) -> None:
        self._key_id = key_id
        self._mac = mac
        self._size = 0

    def update(self, piece: bytes) -> None:
        """Add a piece."""
        self._mac.update(piece)
        self._size += len(piece)

    def field(self) -> dict[str, Any]:
        """Return the field of a record: ``{"alg", "bytes", "key", "mac"}``."""
        return {"alg": ALGORITHM, "bytes": self._size, "key": self._key_id, "mac": self._mac.hexdigest()}
