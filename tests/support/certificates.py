"""Certificates as real clusters have them: less complete than RFC 5280 asks, or wrong."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from actgate_sandbox.pki import Authority, KeyPair


@dataclass(frozen=True, slots=True)
class Shape:
    """What an authority and the certificate that it signs carry; by default all that RFC 5280 asks for."""

    key_usage: bool = True
    """Of the authority."""
    critical: bool = True
    """Whether the authority's basic constraints are critical."""
    subject_key: bool = True
    """Of the authority."""
    authority_key: bool = True
    """Of the certificate that it signs."""
    address: str = "127.0.0.1"
    ends: timedelta = timedelta(days=1)


LESS_THAN_RFC_5280 = {
    "complete": Shape(),
    "no key usage": Shape(key_usage=False),
    "no subject key identifier": Shape(subject_key=False),
    "no authority key identifier": Shape(authority_key=False),
    "basic constraints that are not critical": Shape(critical=False),
    "nothing but basic constraints": Shape(
        key_usage=False, critical=False, subject_key=False, authority_key=False
    ),
}
"""What clients in Go trust, and Python 3.13 does not by default, but for the first."""

REFUSED = {
    "for another host": (Shape(address="192.0.2.1"), "Hostname|IP address mismatch"),
    "expired": (Shape(ends=-timedelta(hours=1)), "expired"),
}
"""What a client must refuse, and the words of OpenSSL about it."""


def make_strict(environment: pytest.MonkeyPatch) -> None:
    """Have `ssl.create_default_context` ask on every version of Python what it asks since 3.13."""
    usual = ssl.create_default_context

    def strict(*args: object, **options: object) -> ssl.SSLContext:
        context = usual(*args, **options)  # type: ignore[arg-type]
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    environment.setattr(ssl, "create_default_context", strict)


@dataclass(frozen=True, slots=True)
class Chain:
    """What a client trusts, and what a server shows."""

    trusted: bytes
    server: KeyPair


def chain(shape: Shape, *, intermediate: bool = False) -> Chain:
    """Make a self-signed authority and a server's certificate; or trust an authority below it alone."""
    root_key, root_name = ec.generate_private_key(ec.SECP256R1()), _name("kubernetes")
    root = _authority(shape, root_name, root_key, root_name, root_key)
    key, name, trusted = root_key, root_name, root
    if intermediate:
        key, name = ec.generate_private_key(ec.SECP256R1()), _name("kubernetes of one cluster")
        trusted = _authority(shape, name, key, root_name, root_key)
    return Chain(_pem(trusted), _server(shape, name, key))


def _authority(
    shape: Shape,
    name: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    builder = _builder(name, key, issuer, timedelta(days=1)).add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=shape.critical
    )
    if shape.key_usage:
        builder = builder.add_extension(_SIGNS, critical=True)
    if shape.subject_key:
        builder = builder.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
    if shape.authority_key and issuer != name:
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    return builder.sign(issuer_key, hashes.SHA256())


def _server(shape: Shape, issuer: x509.Name, issuer_key: ec.EllipticCurvePrivateKey) -> KeyPair:
    key = ec.generate_private_key(ec.SECP256R1())
    address = x509.IPAddress(ipaddress.ip_address(shape.address))
    builder = _builder(_name("kube-apiserver"), key, issuer, shape.ends).add_extension(
        x509.SubjectAlternativeName([address]), critical=False
    )
    if shape.authority_key:
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    return KeyPair(_pem(builder.sign(issuer_key, hashes.SHA256())), _private_pem(key))


def for_servers_only(authority: Authority) -> KeyPair:
    """Sign a certificate that no client may show, as a cluster's authority does for its servers."""
    issuer_key = serialization.load_pem_private_key(authority.ca.private_key_pem.bytes(), None)
    assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)
    issuer = x509.load_pem_x509_certificate(authority.certificate).subject
    key = ec.generate_private_key(ec.SECP256R1())
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    builder = _builder(_name("server"), key, issuer, timedelta(days=1)).add_extension(purpose, critical=False)
    return KeyPair(_pem(builder.sign(issuer_key, hashes.SHA256())), _private_pem(key))


def _builder(
    name: x509.Name, key: ec.EllipticCurvePrivateKey, issuer: x509.Name, ends: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + ends)
    )


_SIGNS = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
