"""DSSE envelopes: signed bytes, their type and their signatures.

Source: https://github.com/secure-systems-lab/dsse, ``envelope.md`` and ``protocol.md`` (v1.0). What is signed
is the pre-authentication encoding of payload type and payload, so that no reader has to agree on a form of
JSON.
"""

import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from actgate.api.compliance_manifest import MOST_PAYLOAD
from actgate.api.quoting import invalid
from actgate.attestations.errors import UnreadableError

MOST_SIGNATURES: Final = 8
_MOST_SIGNATURE: Final = 2048
"""Characters of a signature in base64: that of RSA with 8192 bits has 1368."""
_MOST_KEY_ID: Final = 256
_MOST_TYPE: Final = 128
_URL_SAFE: Final = str.maketrans("-_", "+/")
_SIGN_AGAIN: Final = "write the envelope as `actgate attest` or `cosign attest-blob` made it, unchanged"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature over an envelope."""

    value: bytes
    keyid: str = ""
    """Hint at the key that nothing authenticates; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A DSSE envelope, decoded."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as it is written, in standard base64."""
        return {
            "payloadType": self.payload_type,
            "payload": _encoded(self.payload),
            "signatures": [{"keyid": one.keyid, "sig": _encoded(one.value)} for one in self.signatures],
        }


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that are signed: the pre-authentication encoding, DSSE ``protocol.md``."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def read(value: object, path: str) -> Envelope:
    """Read a DSSE envelope.

    Args:
        value: The envelope as it is read from JSON; further fields are ignored, as DSSE asks.
        path: Where it stands within the attestation, for messages.

    Raises:
        UnreadableError: A field is missing, has the wrong type, is too large, or is no base64.
    """
    if not isinstance(value, Mapping):
        raise UnreadableError(path, invalid(value, "a DSSE envelope"), _SIGN_AGAIN)
    payload_type = _text(value.get("payloadType"), f"{path}.payloadType", _MOST_TYPE)
    payload = decode(value.get("payload"), f"{path}.payload", MOST_PAYLOAD)
    return Envelope(payload_type, payload, _signatures(value.get("signatures"), f"{path}.signatures"))


def decode(value: object, path: str, most: int) -> bytes:
    """Decode base64, standard or URL-safe, with its padding and nothing else in it.

    Raises:
        UnreadableError: It is no such text, mixes both alphabets, or has more than ``most`` characters.
    """
    text = _text(value, path, most)
    standard = text.translate(_URL_SAFE) if "-" in text or "_" in text else text
    try:
        raw = binascii.a2b_base64(standard)
    except ValueError:  # binascii.Error is one, and so is what a text raises that is not ASCII
        raw = b""
    # Encoding it again is the strictest check: line ends, other characters, spare bits, missing padding.
    if not raw or _encoded(raw) != standard or (standard is not text and ("+" in text or "/" in text)):
        raise UnreadableError(path, invalid(value, "base64 with padding, on one line"), _SIGN_AGAIN)
    return raw


def _signatures(value: object, path: str) -> tuple[Signature, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_SIGNATURES:
        message = invalid(value, f"a list of 1 to {MOST_SIGNATURES} signatures")
        raise UnreadableError(path, message, _SIGN_AGAIN)
    return tuple(_signature(item, f"{path}[{index}]") for index, item in enumerate(value))


def _signature(value: object, path: str) -> Signature:
    if not isinstance(value, Mapping):
        raise UnreadableError(path, invalid(value, "an object with sig"), _SIGN_AGAIN)
    keyid = value.get("keyid")
    if keyid is not None and (not isinstance(keyid, str) or len(keyid) > _MOST_KEY_ID):
        message = invalid(keyid, f"text of at most {_MOST_KEY_ID} characters")
        raise UnreadableError(f"{path}.keyid", message, "leave it out: it is a hint only")
    return Signature(decode(value.get("sig"), f"{path}.sig", _MOST_SIGNATURE), keyid or "")


def _text(value: object, path: str, most: int) -> str:
    if not isinstance(value, str) or not value:
        raise UnreadableError(path, invalid(value, "text that is not empty"), _SIGN_AGAIN)
    if len(value) > most:
        message = f"Too long: {len(value)} characters: must have at most {most}"
        raise UnreadableError(path, message, "keep full reports outside, and sign their digests")
    return value


def _encoded(raw: bytes) -> str:
    return binascii.b2a_base64(raw, newline=False).decode("ascii")
