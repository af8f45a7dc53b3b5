"""From ``spec.attestations`` to facts: each item read, compared with ``spec``, its signatures verified.

Nothing is raised for any content, and the work is bounded: sizes and numbers are checked before anything is
parsed, and of ``MOST_WORK`` units each signature has an equal share. So a manifest takes 0.3 s at the worst,
with eight attestations of eight signatures that nothing made, under policies with hundreds of keys; there
keys that do not fit into the share are only tried where a key id names them. A manifest of three signatures
may be tried with 600 keys of P-256. Who reads manifests on an event loop does it in a thread:
``cryptography`` releases the GIL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from actgate.api.canonical import sha256
from actgate.api.compliance_manifest import MOST_ATTESTATIONS, MOST_PAYLOAD
from actgate.api.quoting import invalid, quoted
from actgate.attestations import bundle, envelope, statement, view
from actgate.attestations.anchors import Anchors
from actgate.attestations.cache import SignatureCache
from actgate.attestations.envelope import Envelope
from actgate.attestations.errors import UnreadableError
from actgate.attestations.parties import Found, with_parties
from actgate.attestations.signers import Material, check
from actgate.decision.attestation import Attestation
from actgate.decision.problem import Problem

MOST_WORK: Final = 2048
"""Units of about 0.15 ms of CPU time, one verification with P-256, that one manifest may take."""
_MOST_CHAIN: Final = 32_768
_MOST_NAME: Final = 63
_NO_MATERIAL: Final = Material()


def read(
    items: Sequence[Any], spec: Mapping[str, Any], anchors: Anchors, known: SignatureCache
) -> tuple[Attestation, ...]:
    """Return what is known of each attestation, as ``Verifier.read`` describes it."""
    parts = list(_opened(items))
    signatures = sum(len(part.signed.signatures) for part in parts if part.signed is not None)
    tried = _Tried(anchors, known, MOST_WORK // max(signatures, 1))
    read = [_read(part, spec, tried) for part in parts]
    signers = with_parties([found for _, found in read])
    return tuple(
        replace(fact, signers=who) if who else fact for (fact, _), who in zip(read, signers, strict=True)
    )


@dataclass(frozen=True, slots=True)
class _Tried:
    """What each signature is tried with, and how many units of work it may take."""

    anchors: Anchors
    known: SignatureCache
    work: int


def _read(part: _Opened, spec: Mapping[str, Any], tried: _Tried) -> tuple[Attestation, Sequence[Found]]:
    if part.signed is None:
        return Attestation(part.name, unreadable=part.problem), ()
    digest = sha256(part.signed.payload)
    try:
        stated = statement.read(part.signed, part.path)
        at = f"{part.path}.payload"
        checked = check(part.signed, part.material, tried.anchors, tried.known, tried.work)
        fact = Attestation(
            part.name,
            stated.predicate_type,
            digest,
            stated.subjects,
            unverified=checked.unverified,
            invalid=checked.invalid,
            mismatch=view.difference(stated, spec, at),
            planned=view.plan(stated, at),
            approves=view.approved(stated, at),
            planned_tests=view.planned_tests(stated, at),
        )
    except UnreadableError as error:
        return Attestation(part.name, payload_digest=digest, unreadable=error.problem), ()
    return fact, checked.found


@dataclass(frozen=True, slots=True)
class _Opened:
    """An item whose envelope was read, or the problem that it has."""

    name: str
    path: str = ""
    signed: Envelope | None = None
    material: Material = _NO_MATERIAL
    problem: Problem | None = None


def _opened(items: Sequence[Any]) -> Iterator[_Opened]:
    left = MOST_PAYLOAD
    names: set[str] = set()
    for index, item in enumerate(items[: MOST_ATTESTATIONS + 1]):
        name = _name(item)
        left -= _size(item)
        problem = None
        if index == MOST_ATTESTATIONS:
            message = f"Too many: {len(items)}: must have at most {MOST_ATTESTATIONS} items"
            problem = Problem("", message, "remove attestations that no policy asks for")
        elif name in names:
            problem = Problem("name", f"Duplicate value: {quoted(name)}", "give each another name")
        elif left < 0:
            message = f"Too long: all payloads together must have at most {MOST_PAYLOAD} characters"
            problem = Problem("", message, "keep full reports outside, and sign their digests")
        names.add(name)
        yield _Opened(name, problem=problem) if problem else _open(name, item)


def _open(name: str, item: object) -> _Opened:
    try:
        return _parsed(name, item)
    except UnreadableError as error:
        return _Opened(name, problem=error.problem)


def _parsed(name: str, item: object) -> _Opened:
    if not isinstance(item, Mapping) or ("envelope" in item) == ("bundle" in item):
        message = invalid(item, "an object with either an envelope or a bundle")
        raise UnreadableError("", message, "write what `actgate attest` or cosign made")
    chain = item.get("chain", "")
    if not isinstance(chain, str) or len(chain) > _MOST_CHAIN:
        message = invalid(chain, f"certificates in PEM, at most {_MOST_CHAIN} characters")
        raise UnreadableError("chain", message, "write the signer's certificate and the intermediate ones")
    if "envelope" in item:
        signed = envelope.read(item["envelope"], "envelope")
        return _Opened(name, "envelope", signed, Material(chain=chain))
    held = bundle.read(item["bundle"], "bundle")
    material = Material(held.hint, held.certificates, chain)
    return _Opened(name, "bundle.dsseEnvelope", held.envelope, material)


def _name(item: object) -> str:
    name = item.get("name") if isinstance(item, Mapping) else None
    return name[:_MOST_NAME] if isinstance(name, str) else ""


def _size(item: object) -> int:
    """Return the characters of an item that count for the limit, as in the CRD."""
    if not isinstance(item, Mapping):
        return 0
    signed = item.get("envelope")
    held = signed.get("payload") if isinstance(signed, Mapping) else item.get("bundle")
    return len(held) if isinstance(held, str) else 0
