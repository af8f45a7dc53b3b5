"""The signatures of one envelope: which of the trusted keys and certificates made them.

A key id is a hint: the key that it names is tried first, and every other one after it. ``cryptography`` is
imported where there is a certificate to read; keys that are known have imported it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actgate.api.quoting import printable, quoted
from actgate.attestations.anchors import Anchors
from actgate.attestations.cache import SignatureCache
from actgate.attestations.envelope import Envelope, Signature, pae
from actgate.attestations.errors import AttestationError, UnreadableError
from actgate.attestations.parties import Found
from actgate.decision.attestation import Signer

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from actgate.attestations.certificates import Path, Root, Verified
    from actgate.attestations.keys import PublicKey


@dataclass(frozen=True, slots=True)
class Material:
    """What an attestation holds beside its envelope."""

    hint: str = ""
    """At a key, from a bundle."""
    certificates: tuple[bytes, ...] = ()
    """From a bundle, DER."""
    chain: str = ""
    """PEM."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of the signatures of an envelope, as ``decision.attestation.Attestation`` has it."""

    found: tuple[Found, ...] = ()
    unverified: tuple[str, ...] = ()
    invalid: str | None = None


def check(
    signed: Envelope, material: Material, anchors: Anchors, known: SignatureCache, work: int
) -> Checked:
    """Find who made the signatures of an envelope.

    Args:
        signed: The envelope.
        material: What comes with it.
        anchors: What signatures are tried with.
        known: Results of former verifications.
        work: How many units may be spent on each signature.

    Raises:
        UnreadableError: A certificate cannot be read.
    """
    return _Check(signed, material, anchors, known, work).result()


class _Check:
    def __init__(
        self, signed: Envelope, material: Material, anchors: Anchors, known: SignatureCache, work: int
    ) -> None:
        self._signed = signed
        self._hint = material.hint
        self._anchors = anchors
        self._known = known
        self._work = work
        self._message = pae(signed.payload_type, signed.payload)
        self._digest = hashlib.sha256(self._message)
        self._certificates = _certificates(material)
        self._paths: list[Path] = []
        self._invalid: str | None = None
        self._certificate_signed = False

    def result(self) -> Checked:
        self._paths = self._paths_of_certificates()
        found: dict[str, Found] = {}
        unverified: list[str] = []
        for signature in self._signed.signatures:
            signers = [*self._by_key(signature), *self._by_certificate(signature)]
            found |= {one.signer.anchor + one.key: one for one in signers}
            if not signers:
                unverified.append(self._claim(signature))
        if self._paths and not self._certificate_signed:
            self._fail(f"no signature was made with the key of the {self._described()}")
        return Checked(tuple(found.values()), tuple(unverified), self._invalid)

    def _by_key(self, signature: Signature) -> Iterator[Found]:
        hinted = self._hinted(signature)
        work = self._work
        for key in dict.fromkeys((*hinted, *self._anchors.keys.values())):
            if key.fits(signature.value):
                work -= key.cost
                if work < 0:
                    return
                if self._made_with(key, signature):
                    name = f"{key.kind} key {key.fingerprint}"
                    yield Found(Signer(key.fingerprint, key.fingerprint, name), key.fingerprint)
                    return
        if hinted:
            self._fail(f"the key {hinted[0].fingerprint} did not make the signature that names it")

    def _by_certificate(self, signature: Signature) -> list[Found]:
        if not self._paths or not self._made_with(self._paths[0].key, signature):
            return []
        self._certificate_signed = True
        work = self._work
        found: list[Found] = []
        reasons: list[str] = []
        for path, root in self._ways_up():
            work -= root.cost
            if work >= 0:
                verified = self._verified(path, root)
                if isinstance(verified, str):
                    reasons.append(verified)
                else:
                    found.append(_certified(verified, path, root))
        if reasons and not found:
            self._fail(f"the {self._described()}, {reasons[0]}")
        return found

    def _ways_up(self) -> Iterator[tuple[Path, Root]]:
        for path in self._paths:
            for root in self._anchors.roots_named(path.issuer):
                yield path, root

    def _made_with(self, key: PublicKey, signature: Signature) -> bool:
        digest = self._digest.copy()
        digest.update(signature.value)
        return self._known.get(
            (digest.digest(), key.fingerprint), lambda: key.verifies(signature.value, self._message)
        )

    def _verified(self, path: Path, root: Root) -> Verified | str:
        from actgate.attestations import certificates

        def verify() -> Verified | str:
            try:
                return certificates.verify(path, root)
            except AttestationError as error:
                return str(error)

        return self._known.get((path.digest, root.fingerprint), verify)

    def _paths_of_certificates(self) -> list[Path]:
        if not self._certificates:
            return []
        from actgate.attestations import certificates

        try:
            return certificates.paths(self._certificates)
        except AttestationError as error:
            self._fail(f"the {self._described()}, {error}")
            return []

    def _hinted(self, signature: Signature) -> list[PublicKey]:
        return self._anchors.hints.get(signature.keyid or self._hint, [])

    def _claim(self, signature: Signature) -> str:
        if self._certificates:
            return self._described()
        hint = signature.keyid or self._hint
        return f"key id {quoted(hint, 80)}" if hint else "no key id"

    def _described(self) -> str:
        from actgate.attestations import certificates

        return certificates.describe(self._certificates[0])

    def _fail(self, reason: str) -> None:
        self._invalid = self._invalid or reason


def _certified(verified: Verified, path: Path, root: Root) -> Found:
    signer = Signer(
        anchor=root.fingerprint,
        party=root.fingerprint,
        name=printable(verified.identities[0][1]),
        identities=verified.identities,
        not_before=verified.not_before,
        not_after=verified.not_after,
    )
    return Found(signer, path.key.fingerprint, root.key)


def _certificates(material: Material) -> tuple[Certificate, ...]:
    if not material.certificates and not material.chain:
        return ()
    from actgate.attestations import certificates

    try:
        found = tuple(certificates.from_der(raw) for raw in material.certificates)
    except AttestationError as error:
        raise UnreadableError("bundle.verificationMaterial", f"Invalid value: {error}", _WRITE) from None
    try:
        chain = certificates.from_pem(material.chain) if material.chain else ()
    except AttestationError as error:
        raise UnreadableError("chain", f"Invalid value: {error}", _WRITE) from None
    return (*found, *chain)


_WRITE = "write the signer's certificate first, then the intermediate ones, in PEM"
