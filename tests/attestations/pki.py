"""Certificate authorities of a made-up bank, and the certificates of those who sign with them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from tests.support.attested import Json, Party, p256

CODE_SIGNING: Final = ExtendedKeyUsageOID.CODE_SIGNING
SERVER: Final = ExtendedKeyUsageOID.SERVER_AUTH
SPIFFE: Final = "spiffe://bank.example/ml-platform"
SAN: Final = (x509.UniformResourceIdentifier(SPIFFE),)
_AT: Final = x509.UniformResourceIdentifier("http://127.0.0.1:1/ca")


def year(number: int) -> datetime:
    """Return the beginning of a year."""
    return datetime(number, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Issuer:
    """A certificate with its key, that issues others."""

    certificate: x509.Certificate
    key: Any

    @property
    def pem(self) -> str:
        """The certificate, PEM."""
        return pem(self.certificate)

    @property
    def anchor(self) -> str:
        """The SHA-256 of the certificate's DER."""
        return f"sha256:{hashlib.sha256(self.certificate.public_bytes(Encoding.DER)).hexdigest()}"


@dataclass(frozen=True)
class Shape:
    """What a certificate carries; by default what RFC 5280 asks of it."""

    ca: bool | None = True
    """None leaves the basic constraints out."""
    path_length: int | None = None
    usage: bool = True
    """Whether there is a key usage."""
    signs: bool = True
    """Whether the key usage allows digital signatures."""
    signs_certificates: bool = True
    """Whether the key usage allows it."""
    purposes: tuple[x509.ObjectIdentifier, ...] = ()
    names: tuple[x509.GeneralName, ...] = ()
    identifiers: bool = True
    """Whether there are key identifiers."""
    addresses: bool = False
    """Whether it says where its issuer's certificate and the revocation list are to be fetched."""
    start: datetime = field(default_factory=lambda: year(2020))
    end: datetime = field(default_factory=lambda: year(2040))


AUTHORITY: Final = Shape()


def leaf(**changes: Any) -> Shape:  # noqa: ANN401 - fields of a shape
    """Return the shape of a signer's certificate."""
    given: dict[str, Any] = {
        "ca": False,
        "signs_certificates": False,
        "purposes": (CODE_SIGNING,),
        "names": SAN,
        **changes,
    }
    return Shape(**given)


def root(name: str = "Bank Root", shape: Shape = AUTHORITY, key: Any = None) -> Issuer:  # noqa: ANN401
    """Make a root."""
    key = key or p256()
    return Issuer(_certificate(name, key, name, key, shape), key)


def under(issuer: Issuer, name: str, shape: Shape = AUTHORITY, key: Any = None) -> Issuer:  # noqa: ANN401
    """Issue a certificate, of an authority or of a signer."""
    key = key or p256()
    by = issuer.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    return Issuer(_certificate(name, key, str(by), issuer.key, shape), key)


def signer(issuer: Issuer, shape: Shape | None = None, key: Any = None) -> tuple[Party, Issuer]:  # noqa: ANN401
    """Make a party with a certificate: the party that signs with its key, and the certificate."""
    found = under(issuer, "signer", shape or leaf(), key)
    return Party("signer", found.key), found


def chain(*certificates: Issuer) -> str:
    """Return certificates as the field ``chain`` has them."""
    return "".join(one.pem for one in certificates)


def trusting_roots(*roots: Issuer, name: str = "ml-platform") -> Json:
    """Return an authority that signs with certificates under some roots."""
    certificate = {"roots": chain(*roots), "identities": [{"uri": SPIFFE}]}
    return {"name": name, "certificate": certificate, "mayAttest": ["https://any.example/type"]}


def pem(certificate: x509.Certificate) -> str:
    """Return a certificate in PEM."""
    return certificate.public_bytes(Encoding.PEM).decode()


def _certificate(subject: str, key: Any, issuer: str, issuer_key: Any, shape: Shape) -> x509.Certificate:  # noqa: ANN401
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(shape.start)
        .not_valid_after(shape.end)
    )
    if shape.ca is not None:
        constraints = x509.BasicConstraints(shape.ca, shape.path_length if shape.ca else None)
        builder = builder.add_extension(constraints, critical=True)
    if shape.usage:
        builder = builder.add_extension(_usage(shape), critical=True)
    if shape.purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(shape.purposes), critical=False)
    if shape.names:
        builder = builder.add_extension(x509.SubjectAlternativeName(shape.names), critical=False)
    if shape.identifiers:
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        by = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
        builder = builder.add_extension(own, critical=False).add_extension(by, critical=False)
    if shape.addresses:
        issuer_at = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, _AT)
        list_at = x509.DistributionPoint([_AT], None, None, None)
        builder = builder.add_extension(x509.AuthorityInformationAccess([issuer_at]), critical=False)
        builder = builder.add_extension(x509.CRLDistributionPoints([list_at]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _usage(shape: Shape) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=shape.signs,
        content_commitment=False,
        key_encipherment=not shape.signs,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=shape.signs_certificates,
        crl_sign=shape.signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
