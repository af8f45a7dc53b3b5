"""in-toto Statements v1: what was signed, about which artefacts.

Source: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md; v0.1 is read alike. Subjects
match by digest alone; their names are hints, and unknown fields are ignored, as the specification asks.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from actgate.api.canonical import canonical
from actgate.api.predicates import STATEMENT, STATEMENT_MEDIA_TYPE, STATEMENT_V0_1
from actgate.api.quoting import invalid
from actgate.attestations import strict_json
from actgate.attestations.envelope import Envelope
from actgate.attestations.errors import UnreadableError

MOST_SUBJECTS: Final = 1024
"""A model with an image for each platform has a dozen."""
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_TYPES: Final = frozenset({STATEMENT, STATEMENT_V0_1})
_WRITE: Final = "sign an in-toto Statement v1, as `actgate attest` writes it"


@dataclass(frozen=True, slots=True)
class Statement:
    """An in-toto Statement v1."""

    predicate_type: str
    subjects: frozenset[str]
    """SHA-256 digests of what it is about, ``sha256:<hex>``; of other algorithms none."""
    predicate: Any
    """As JSON has it; None where there is none."""


def build(subjects: Iterable[tuple[str, str]], predicate_type: str, predicate: object) -> bytes:
    """Return a Statement v1 in canonical JSON (RFC 8785): the payload to sign.

    Args:
        subjects: Name and digest (``sha256:<hex>``) of each artefact that it is about.
        predicate_type: URI, one of ``actgate.api.predicates`` or another.
        predicate: What the statement says about the subjects.

    Raises:
        ValueError: The predicate has no canonical form.
    """
    statement = {
        "_type": STATEMENT,
        "subject": [
            {"name": name, "digest": {"sha256": digest.removeprefix("sha256:")}} for name, digest in subjects
        ],
        "predicateType": predicate_type,
        "predicate": predicate,
    }
    return canonical(statement)


def read(envelope: Envelope, path: str) -> Statement:
    """Read the statement in an envelope.

    Args:
        envelope: The envelope; its signatures are not verified.
        path: Where the envelope stands within the attestation, for messages.

    Raises:
        UnreadableError: The payload is of another type, no strict JSON, or no Statement v1.
    """
    if envelope.payload_type != STATEMENT_MEDIA_TYPE:
        message = invalid(envelope.payload_type, STATEMENT_MEDIA_TYPE)
        raise UnreadableError(f"{path}.payloadType", message, _WRITE)
    at = f"{path}.payload"
    try:
        value = strict_json.loads(envelope.payload)
    except ValueError as error:
        raise UnreadableError(at, f"Invalid value: {error}", _WRITE) from None
    if not isinstance(value, dict):
        raise UnreadableError(at, invalid(value, "a Statement"), _WRITE)
    kind = value.get("_type")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise UnreadableError(at, f"_type: {invalid(kind, STATEMENT)}", _WRITE)
    predicate_type = value.get("predicateType")
    if not isinstance(predicate_type, str) or not predicate_type:
        raise UnreadableError(at, f"predicateType: {invalid(predicate_type, 'a URI')}", _WRITE)
    return Statement(predicate_type, _subjects(value.get("subject"), at), value.get("predicate"))


def _subjects(value: object, path: str) -> frozenset[str]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_SUBJECTS:
        message = f"subject: {invalid(value, f'a list of 1 to {MOST_SUBJECTS} artefacts')}"
        raise UnreadableError(path, message, _WRITE)
    digests = (_digest(item, f"subject[{index}]", path) for index, item in enumerate(value))
    return frozenset(f"sha256:{digest}" for digest in digests if digest is not None)


def _digest(value: object, at: str, path: str) -> str | None:
    digests = value.get("digest") if isinstance(value, Mapping) else None
    if not isinstance(digests, Mapping) or not digests:
        raise UnreadableError(path, f"{at}.digest: {invalid(digests, 'an object with sha256')}", _WRITE)
    digest = digests.get("sha256")
    if digest is not None and (not isinstance(digest, str) or not _SHA256.fullmatch(digest)):
        message = f"{at}.digest.sha256: {invalid(digest, '64 hexadecimal digits in lower case')}"
        raise UnreadableError(path, message, _WRITE)
    return digest
