"""NaCl's secretbox, opened: XSalsa20 and Poly1305, as cosign keeps private keys.

``cryptography`` has Poly1305 and no Salsa20, and PyNaCl would be a second cryptographic library for the 100
bytes of one key, on the machine that knows the password anyway. Nothing is ever sealed here.
Sources: D. J. Bernstein, "Extending the Salsa20 nonce" (2011), and https://nacl.cr.yp.to/secretbox.html.
"""

import struct
from collections.abc import Iterator
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.poly1305 import Poly1305

KEY_SIZE: Final = 32
NONCE_SIZE: Final = 24
_TAG_SIZE: Final = 16
_BLOCK: Final = 64
_WORD: Final = 0xFFFFFFFF
_SIGMA: Final = struct.unpack("<4I", b"expand 32-byte k")
_ROUNDS: Final = (
    (4, 0, 12, 7), (8, 4, 0, 9), (12, 8, 4, 13), (0, 12, 8, 18),
    (9, 5, 1, 7), (13, 9, 5, 9), (1, 13, 9, 13), (5, 1, 13, 18),
    (14, 10, 6, 7), (2, 14, 10, 9), (6, 2, 14, 13), (10, 6, 2, 18),
    (3, 15, 11, 7), (7, 3, 15, 9), (11, 7, 3, 13), (15, 11, 7, 18),
    (1, 0, 3, 7), (2, 1, 0, 9), (3, 2, 1, 13), (0, 3, 2, 18),
    (6, 5, 4, 7), (7, 6, 5, 9), (4, 7, 6, 13), (5, 4, 7, 18),
    (11, 10, 9, 7), (8, 11, 10, 9), (9, 8, 11, 13), (10, 9, 8, 18),
    (12, 15, 14, 7), (13, 12, 15, 9), (14, 13, 12, 13), (15, 14, 13, 18),
)  # fmt: skip
"""One double round: (changed, first, second, bits): changed ^= (first + second) <<< bits."""


def open_box(key: bytes, nonce: bytes, box: bytes) -> bytes | None:
    """Return what was sealed; None where key, nonce or box are not those that were sealed together.

    Args:
        key: 32 bytes.
        nonce: 24 bytes.
        box: Poly1305 tag of 16 bytes, then the ciphertext.
    """
    if len(key) != KEY_SIZE or len(nonce) != NONCE_SIZE or len(box) < _TAG_SIZE:
        return None
    tag, sealed = box[:_TAG_SIZE], box[_TAG_SIZE:]
    stream = b"".join(_keystream(_subkey(key, nonce[:16]), nonce[16:], KEY_SIZE + len(sealed)))
    try:
        Poly1305.verify_tag(stream[:KEY_SIZE], sealed, tag)
    except InvalidSignature:
        return None
    return bytes(one ^ other for one, other in zip(sealed, stream[KEY_SIZE:], strict=False))


def _subkey(key: bytes, nonce: bytes) -> bytes:
    """Return HSalsa20: the diagonal and the nonce's words after the rounds, with nothing added."""
    mixed = _mixed(_state(key, struct.unpack("<4I", nonce)))
    return struct.pack("<8I", *(mixed[place] for place in (0, 5, 10, 15, 6, 7, 8, 9)))


def _keystream(key: bytes, nonce: bytes, length: int) -> Iterator[bytes]:
    words = struct.unpack("<2I", nonce)
    for counter in range(-(-length // _BLOCK)):
        state = _state(key, (*words, counter, 0))
        mixed = _mixed(state)
        yield struct.pack("<16I", *((one + other) & _WORD for one, other in zip(state, mixed, strict=True)))


def _state(key: bytes, middle: tuple[int, ...]) -> list[int]:
    words = struct.unpack("<8I", key)
    return [
        _SIGMA[0], *words[:4],
        _SIGMA[1], *middle,
        _SIGMA[2], *words[4:],
        _SIGMA[3],
    ]  # fmt: skip


def _mixed(state: list[int]) -> list[int]:
    mixed = [*state]
    for _ in range(10):
        for changed, first, second, bits in _ROUNDS:
            total = (mixed[first] + mixed[second]) & _WORD
            mixed[changed] ^= ((total << bits) | (total >> (32 - bits))) & _WORD
    return mixed
