"""Authorities and leaves: X.509 with ECDSA on P-256, and what has to hold of them.

A leaf is valid from when its authority is, and an authority from long before it was made. Of a private
authority the beginning protects no user, and what began only yesterday is refused by every clock that is two
days late: a leader with a clock that is a year ahead must not sign what no client accepts.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFETIME: Final = timedelta(days=5 * 365)
LEAF_LIFETIME: Final = timedelta(days=90)
BACKDATING: Final = timedelta(days=400)
"""By how much the clock of a signer may be ahead while every other clock accepts what it signs."""

Trust: TypeAlias = frozenset[x509.Certificate]
"""Certificates of authorities, as a ``caBundle`` holds them."""

Key: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
"""Ours are of the first kind; what cert-manager left behind may be of the second."""


class UnusableError(ValueError):
    """What was read is not what it should be; the message says why."""


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: Key

    @classmethod
    def read(cls, certificate: bytes, key: bytes) -> "Pair":
        """Read PEM; of a chain the first certificate counts.

        Raises:
            UnusableError: It is no certificate, no key, or the key of another.
        """
        found = read_certificates(certificate)
        try:
            private = load_pem_private_key(key, password=None)
        except (TypeError, ValueError) as error:
            raise UnusableError(f"no private key: {error}") from error
        if not found or not isinstance(private, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise UnusableError("no certificate, or a key of a kind that is not used here")
        if private.public_key() != found[0].public_key():
            raise UnusableError("the key is that of another certificate")
        return cls(found[0], private)

    @property
    def ends(self) -> datetime:
        """When the certificate ends."""
        return self.certificate.not_valid_after_utc

    @property
    def certificate_pem(self) -> bytes:
        """The certificate, PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    @cached_property
    def key_pem(self) -> bytes:
        """The private key, PEM without a passphrase."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read_certificates(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Read PEM; no certificates at all are fine.

    Raises:
        UnusableError: It is no PEM of certificates.
    """
    if not pem.strip():
        return ()
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except ValueError as error:
        raise UnusableError(f"no certificates: {error}") from error


def write_certificates(certificates: Iterable[x509.Certificate]) -> bytes:
    """Write PEM, in an order that depends on the certificates alone."""
    ordered = sorted(certificates, key=lambda item: item.fingerprint(hashes.SHA256()))
    return b"".join(item.public_bytes(Encoding.PEM) for item in ordered)


def new_authority(now: datetime) -> Pair:
    """Make an authority with a key of its own and a name that no other one has."""
    key = ec.generate_private_key(ec.SECP256R1())
    serial = x509.random_serial_number()
    name = _name(f"actgate webhook CA {serial:x}"[:64])
    builder = (
        _builder(name, name, key, key, serial)
        .not_valid_before(now - BACKDATING)
        .not_valid_after(now + AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(certificates=True), critical=True)
    )
    return Pair(builder.sign(key, hashes.SHA256()), key)


def new_leaf(authority: Pair, names: Sequence[str], now: datetime) -> Pair:
    """Make a serving certificate for DNS names or addresses; the authority outlives it."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(
            _name(names[0][:64]),
            authority.certificate.subject,
            key,
            authority.key,
            x509.random_serial_number(),
        )
        .not_valid_before(authority.certificate.not_valid_before_utc)
        .not_valid_after(min(now + LEAF_LIFETIME, authority.ends))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
    )
    return Pair(builder.sign(authority.key, hashes.SHA256()), key)


def valid(certificate: x509.Certificate, now: datetime) -> bool:
    """Return whether a moment lies within the life of a certificate."""
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc


def due(certificate: x509.Certificate, lifetime: timedelta, now: datetime) -> bool:
    """Return whether two thirds of a certificate's life are over.

    One that lasts longer than it should was made by a clock that was ahead; it is left to last, for the clock
    that finds it so may itself be behind, and would replace what every client accepts with what none does.
    """
    return now >= certificate.not_valid_after_utc - lifetime / 3


def issued_by(leaf: x509.Certificate, authority: x509.Certificate) -> bool:
    """Return whether an authority signed a leaf."""
    try:
        leaf.verify_directly_issued_by(authority)
    except (InvalidSignature, TypeError, ValueError):
        return False
    return is_authority(authority)


def trusted(leaf: x509.Certificate, trust: Iterable[x509.Certificate], now: datetime) -> bool:
    """Return whether a leaf is accepted now by clients that trust these authorities."""
    return valid(leaf, now) and any(valid(one, now) and issued_by(leaf, one) for one in trust)


def is_authority(certificate: x509.Certificate) -> bool:
    """Return whether a certificate may sign others."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def names_of(leaf: x509.Certificate) -> frozenset[str]:
    """Return the DNS names and addresses of a leaf."""
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return frozenset()
    addresses = (one.compressed for one in found.get_values_for_type(x509.IPAddress))
    return frozenset((*found.get_values_for_type(x509.DNSName), *addresses))


def canonical(name: str) -> str:
    """Return a DNS name or an address as a certificate gives it back."""
    try:
        return ipaddress.ip_address(name).compressed
    except ValueError:
        return name


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: Key,
    signer: Key,
    serial: int,
) -> x509.CertificateBuilder:
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(serial)
        .add_extension(identifier, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )
