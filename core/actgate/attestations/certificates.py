"""Certificate chains: from a signer's certificate to a root that a policy trusts.

``cryptography.x509.verification`` does the work (RFC 5280: signatures, names, basic constraints, key usage,
path length, name constraints). On top of it a signer's certificate must be for code signing and must have a
subject alternative name: a URI, an e-mail address or a DNS name. Nothing is fetched: no AIA, no CRL, no OCSP.

Whether a certificate was valid when it signed is not judged here, since that takes a time. A chain is
verified at a moment at which all of its certificates are valid, and that period is reported. Certificates of
Fulcio, and keyless signing with them, need that time from the bundle; ``Signer.not_after`` is where it will
be compared.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID

from actgate.api.quoting import cut, quoted
from actgate.attestations import keys
from actgate.attestations.errors import AttestationError

MOST_CERTIFICATES: Final = 8
MOST_INTERMEDIATES: Final = 4
MOST_ROOTS: Final = 32
_COST: Final = 5 * (MOST_INTERMEDIATES + 1)
_BEGIN: Final = "-----BEGIN CERTIFICATE-----"
_ANY: Final = verification.Criticality.AGNOSTIC
_NOISE: Final = re.compile(r"validation failed: |candidates exhausted: | \(encountered processing .*")
"""What the library puts around its reasons."""
_Policy = verification.Policy
_Certificate = x509.Certificate
_CODE_SIGNING: Final = frozenset(
    {ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
)


@dataclass(frozen=True, slots=True)
class Root:
    """A root certificate that a policy trusts."""

    fingerprint: str
    """``sha256:<hex>`` over its DER."""
    key: str
    """Fingerprint of its public key, which stays when a root is issued again."""
    subject: bytes
    """Its name, DER."""
    certificate: x509.Certificate
    cost: int
    """What the verification of a chain up to it costs at most, in the units of keys."""


@dataclass(frozen=True, slots=True)
class Path:
    """A signer's certificate and the intermediate ones that lead from it to a root, by their names."""

    leaf: x509.Certificate
    key: keys.PublicKey
    """Of the leaf."""
    intermediates: tuple[x509.Certificate, ...]
    digest: bytes
    """SHA-256 over all of these certificates."""
    issuer: bytes
    """Name of the root that it needs, DER."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a chain proves: names under a root, for a period."""

    identities: tuple[tuple[str, str], ...]
    """(``uri``, ``email`` or ``dns``; value), sorted."""
    not_before: datetime
    not_after: datetime


def roots_from_pem(pem: str) -> tuple[Root, ...]:
    """Read root certificates.

    Raises:
        AttestationError: There is none, there are more than 32, or one is not a certificate of an authority.
    """
    found = tuple(_root(certificate) for certificate in from_pem(pem, MOST_ROOTS))
    if not found:
        raise AttestationError("must be root certificates in PEM, BEGIN CERTIFICATE")
    return found


def from_pem(pem: str, most: int = MOST_CERTIFICATES) -> tuple[x509.Certificate, ...]:
    """Read certificates in PEM; text between them is ignored.

    Raises:
        AttestationError: One of them cannot be read, or there are more than ``most``.
    """
    count = pem.count(_BEGIN)
    if count > most:
        raise AttestationError(f"has {count} certificates: must have at most {most}")
    try:
        found = tuple(x509.load_pem_x509_certificates(pem.encode("utf-8")))
    except Exception:  # the library has several types for it
        raise AttestationError("must be certificates in PEM, BEGIN CERTIFICATE") from None
    return found


def from_der(raw: bytes) -> x509.Certificate:
    """Read one certificate.

    Raises:
        AttestationError: It cannot be read.
    """
    try:
        return x509.load_der_x509_certificate(raw)
    except Exception:
        raise AttestationError("must be a certificate in DER") from None


def paths(certificates: Sequence[x509.Certificate]) -> list[Path]:
    """Return the way up from the first certificate: to its issuer, the issuer of that, and so on.

    Any of the issuers may be what a policy trusts as a root. The way is followed by name before any signature
    is verified, so that no set of certificates makes much work.

    Raises:
        AttestationError: The signer's key is of a kind that is not supported, two certificates have the same
            subject, or the chain is too long.
    """
    try:
        return list(_paths(certificates[0], _by_name(certificates[1:])))
    except AttestationError:
        raise
    except Exception:  # parts of a certificate are parsed when they are asked for
        raise AttestationError("has a certificate that cannot be read") from None


def verify(chain: Path, root: Root) -> Verified:
    """Verify a chain up to one root, at a moment at which all of its certificates are valid.

    Raises:
        AttestationError: It does not lead to this root, or a certificate in it may not do what it does.
    """
    rules = _Rules()
    try:
        return _verify(chain, root, rules)
    except AttestationError:
        raise
    except verification.VerificationError as error:
        reason = rules.broken or _NOISE.sub("", cut(str(error), 500))
        raise AttestationError(f"does not verify: {cut(reason, 200)}") from None
    except Exception as error:  # whatever it is, the chain proves nothing
        raise AttestationError(f"does not verify: {cut(type(error).__name__, 64)}") from None


def describe(certificate: x509.Certificate) -> str:
    """Return what a certificate claims to be, for people: its first name and its issuer."""
    try:
        names = names_of(certificate)
        name = quoted(names[0][1]) if names else _name(certificate.subject)
        return f"certificate of {name}, issued by {_name(certificate.issuer)}"
    except Exception:
        return "a certificate that cannot be read"


def names_of(certificate: x509.Certificate) -> tuple[tuple[str, str], ...]:
    """Return the subject alternative names of a certificate that are for people and services, sorted."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    found = [
        *(("uri", value) for value in names.get_values_for_type(x509.UniformResourceIdentifier)),
        *(("email", value) for value in names.get_values_for_type(x509.RFC822Name)),
        *(("dns", value) for value in names.get_values_for_type(x509.DNSName)),
    ]
    return tuple(sorted(set(found)))


def _verify(chain: Path, root: Root, rules: "_Rules") -> Verified:
    certificates = (chain.leaf, *chain.intermediates, root.certificate)
    not_before = max(one.not_valid_before_utc for one in certificates)
    not_after = min(one.not_valid_after_utc for one in certificates)
    if not_before > not_after:
        raise AttestationError("does not verify: its certificates are never all valid at the same time")
    verifier = (
        verification.PolicyBuilder()
        .store(verification.Store([root.certificate]))
        .time(not_before)
        .max_chain_depth(MOST_INTERMEDIATES)
        .extension_policies(ca_policy=rules.of_authorities(), ee_policy=rules.of_signers())
        .build_client_verifier()
    )
    verifier.verify(chain.leaf, list(chain.intermediates))
    return Verified(names_of(chain.leaf), not_before, not_after)


class _Rules:
    """What a chain must fulfil beyond RFC 5280, and in words which of it was broken last."""

    def __init__(self) -> None:
        self.broken = ""

    def of_signers(self) -> verification.ExtensionPolicy:
        return (
            verification.ExtensionPolicy.permit_all()
            .may_be_present(x509.SubjectAlternativeName, _ANY, self._has_a_name)
            .may_be_present(x509.ExtendedKeyUsage, _ANY, self._is_for_code_signing)
            .may_be_present(x509.KeyUsage, _ANY, self._is_for_signatures)
            .may_be_present(x509.BasicConstraints, _ANY, self._is_no_authority)
        )

    def of_authorities(self) -> verification.ExtensionPolicy:
        defaults = verification.ExtensionPolicy.webpki_defaults_ca()
        return defaults.may_be_present(x509.ExtendedKeyUsage, _ANY, self._may_issue)

    def _has_a_name(
        self, _: _Policy, certificate: _Certificate, names: x509.SubjectAlternativeName | None
    ) -> None:
        if names is None or not names_of(certificate):
            self._fail("it has no subject alternative name that is a URI, an e-mail address or a DNS name")

    def _is_for_code_signing(self, _: _Policy, __: _Certificate, usage: x509.ExtendedKeyUsage | None) -> None:
        if usage is None or not _CODE_SIGNING & set(usage):
            self._fail("it is not for code signing (extended key usage)")

    def _is_for_signatures(self, _: _Policy, __: _Certificate, usage: x509.KeyUsage | None) -> None:
        if usage is not None and not usage.digital_signature:
            self._fail("it is not for digital signatures (key usage)")

    def _is_no_authority(
        self, _: _Policy, __: _Certificate, constraints: x509.BasicConstraints | None
    ) -> None:
        if constraints is not None and constraints.ca:
            self._fail("it is the certificate of an authority, not of a signer (basic constraints)")

    def _may_issue(self, _: _Policy, issuer: _Certificate, usage: x509.ExtendedKeyUsage | None) -> None:
        if usage is not None and not _CODE_SIGNING & set(usage):
            self._fail(f"{_name(issuer.subject)} may not issue it for code signing (extended key usage)")

    def _fail(self, reason: str) -> None:
        self.broken = reason
        raise ValueError(reason)


def _by_name(certificates: Iterable[x509.Certificate]) -> dict[bytes, x509.Certificate]:
    found: dict[bytes, x509.Certificate] = {}
    for certificate in certificates:
        if found.setdefault(certificate.subject.public_bytes(), certificate) != certificate:
            raise AttestationError(f"has two certificates of {_name(certificate.subject)}: must have one")
    return found


def _paths(leaf: x509.Certificate, by_name: dict[bytes, x509.Certificate]) -> Iterator[Path]:
    key = keys.wrap(leaf.public_key())
    digest = hashlib.sha256(leaf.public_bytes(Encoding.DER))
    above: tuple[x509.Certificate, ...] = ()
    issuer = leaf.issuer.public_bytes()
    yield Path(leaf, key, above, digest.digest(), issuer)
    # A root that the signer put along leads no further: only the policy's own counts.
    while (following := by_name.get(issuer)) is not None and following.issuer != following.subject:
        if len(above) == MOST_INTERMEDIATES:
            raise AttestationError(
                f"is too long: must have at most {MOST_INTERMEDIATES} certificates between"
            )
        above = (*above, following)
        digest.update(following.public_bytes(Encoding.DER))
        issuer = following.issuer.public_bytes()
        yield Path(leaf, key, above, digest.digest(), issuer)


def _root(certificate: x509.Certificate) -> Root:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        authority = constraints.ca
    except x509.ExtensionNotFound:
        authority = False
    except Exception:
        raise AttestationError("has a certificate that cannot be read") from None
    if not authority:
        raise AttestationError(f"{_name(certificate.subject)} is not a certificate of an authority")
    der = certificate.public_bytes(Encoding.DER)
    try:
        key = keys.wrap(certificate.public_key()).fingerprint
    except AttestationError as error:
        raise AttestationError(f"the key of {_name(certificate.subject)} {error}") from None
    return Root(
        f"sha256:{hashlib.sha256(der).hexdigest()}",
        key,
        certificate.subject.public_bytes(),
        certificate,
        _COST,
    )


def _name(name: x509.Name) -> str:
    return quoted(name.rfc4514_string(), 128)
