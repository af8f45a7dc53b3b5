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
from collections.abc import Iterable, Sequence
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
    intermediates: tuple[x509.Certificate, ...]
    key: keys.PublicKey
    digest: bytes
    """SHA-256 over all of them."""

    @property
    def issuer(self) -> bytes:
        """Return the name of the root that it needs, DER."""
        return (self.leaf, *self.intermediates)[-1].issuer.public_bytes()


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
        AttestationError: There is none, there are more than 32, or one is no certificate of an authority.
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


def path(certificates: Sequence[x509.Certificate]) -> Path:
    """Return the one way up from the first certificate, as far as the others lead.

    It is followed by name before any signature is verified, so that no set of certificates makes much work.

    Raises:
        AttestationError: The signer's key is of a kind that is not supported, two certificates have the same
            subject, or the chain is too long.
    """
    try:
        leaf = certificates[0]
        key = keys.wrap(leaf.public_key())
        above = _above(leaf, _by_name(certificates[1:]))
        der = b"".join(one.public_bytes(Encoding.DER) for one in (leaf, *above))
    except AttestationError:
        raise
    except Exception:  # parts of a certificate are parsed when they are asked for
        raise AttestationError("has a certificate that cannot be read") from None
    return Path(leaf, above, key, hashlib.sha256(der).digest())


def verify(chain: Path, root: Root) -> Verified:
    """Verify a chain up to one root, at a moment at which all of its certificates are valid.

    Raises:
        AttestationError: It does not lead to this root, or a certificate in it may not do what it does.
    """
    try:
        return _verify(chain, root)
    except verification.VerificationError as error:
        raise AttestationError(f"does not verify: {cut(str(error), 200)}") from None
    except AttestationError:
        raise
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
    return tuple(sorted(found))


def _verify(chain: Path, root: Root) -> Verified:
    certificates = (chain.leaf, *chain.intermediates, root.certificate)
    not_before = max(one.not_valid_before_utc for one in certificates)
    not_after = min(one.not_valid_after_utc for one in certificates)
    if not_before > not_after:
        raise AttestationError("is of certificates that are never valid at the same time")
    verifier = (
        verification.PolicyBuilder()
        .store(verification.Store([root.certificate]))
        .time(not_before)
        .max_chain_depth(MOST_INTERMEDIATES)
        .extension_policies(ca_policy=_of_authorities(), ee_policy=_of_signers())
        .build_client_verifier()
    )
    verifier.verify(chain.leaf, list(chain.intermediates))
    identities = names_of(chain.leaf)
    if not identities:
        raise AttestationError("has no subject alternative name: must have a URI, e-mail address or DNS name")
    return Verified(identities, not_before, not_after)


def _of_signers() -> verification.ExtensionPolicy:
    agnostic = verification.Criticality.AGNOSTIC
    return (
        verification.ExtensionPolicy.permit_all()
        .require_present(x509.SubjectAlternativeName, agnostic, None)
        .require_present(x509.ExtendedKeyUsage, agnostic, _for_code_signing)
        .may_be_present(x509.KeyUsage, agnostic, _for_signatures)
        .may_be_present(x509.BasicConstraints, agnostic, _not_an_authority)
    )


def _of_authorities() -> verification.ExtensionPolicy:
    return verification.ExtensionPolicy.webpki_defaults_ca().may_be_present(
        x509.ExtendedKeyUsage, verification.Criticality.AGNOSTIC, _if_any_for_code_signing
    )


def _for_code_signing(_: verification.Policy, __: x509.Certificate, usage: x509.ExtendedKeyUsage) -> None:
    if not _CODE_SIGNING & set(usage):
        raise ValueError("the certificate is not for code signing (extended key usage)")


def _if_any_for_code_signing(
    policy: verification.Policy, certificate: x509.Certificate, usage: x509.ExtendedKeyUsage | None
) -> None:
    if usage is not None:
        _for_code_signing(policy, certificate, usage)


def _for_signatures(_: verification.Policy, __: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.digital_signature:
        raise ValueError("the certificate is not for digital signatures (key usage)")


def _not_an_authority(
    _: verification.Policy, __: x509.Certificate, constraints: x509.BasicConstraints | None
) -> None:
    if constraints is not None and constraints.ca:
        raise ValueError("the signer's certificate is one of an authority (basic constraints)")


def _by_name(certificates: Iterable[x509.Certificate]) -> dict[bytes, x509.Certificate]:
    found: dict[bytes, x509.Certificate] = {}
    for certificate in certificates:
        if found.setdefault(certificate.subject.public_bytes(), certificate) != certificate:
            raise AttestationError(f"has two certificates of {_name(certificate.subject)}: must have one")
    return found


def _above(leaf: x509.Certificate, by_name: dict[bytes, x509.Certificate]) -> tuple[x509.Certificate, ...]:
    found: list[x509.Certificate] = []
    current = leaf
    while (above := by_name.get(current.issuer.public_bytes())) is not None:
        if above.issuer == above.subject:
            break  # a root that the signer put along: only the policy's own counts
        if len(found) == MOST_INTERMEDIATES or above in found:
            raise AttestationError(
                f"is too long: must have at most {MOST_INTERMEDIATES} certificates between"
            )
        found.append(above)
        current = above
    return tuple(found)


def _root(certificate: x509.Certificate) -> Root:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        authority = constraints.ca
    except x509.ExtensionNotFound:
        authority = False
    except Exception:
        raise AttestationError("has a certificate that cannot be read") from None
    if not authority:
        raise AttestationError(f"{_name(certificate.subject)} is no certificate of an authority")
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
