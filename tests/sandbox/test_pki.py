from __future__ import annotations

import socket
import ssl
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from actgate_sandbox.pki import Authority, KeyPair
from tests.support.webhook_server import serving


def _shake_hands(pair: KeyPair, trusted: bytes, name: str) -> None:
    context = ssl.create_default_context(cadata=trusted.decode())
    with serving(pair) as server, socket.create_connection(("127.0.0.1", server.port)) as plain:
        context.wrap_socket(plain, server_hostname=name).close()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_a_serving_certificate_is_trusted_on_loopback(name: str) -> None:
    """OpenSSL's strict checks accept the chain, by name and by address."""
    authority = Authority()
    _shake_hands(authority.server(), authority.certificate, name)


def test_a_certificate_for_another_name_is_not_trusted() -> None:
    """Only the names that were asked for are in the certificate."""
    authority = Authority()
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        _shake_hands(authority.server(["other.example"]), authority.certificate, "localhost")


def test_a_certificate_of_another_authority_is_not_trusted() -> None:
    """Two authorities of one name are still two."""
    with pytest.raises(ssl.SSLCertVerificationError):
        _shake_hands(Authority().server(), Authority().certificate, "localhost")


def test_an_expired_certificate_is_not_trusted() -> None:
    """A negative lifetime makes a certificate that was valid once."""
    authority = Authority()
    pair = authority.server(lifetime=timedelta(minutes=-1))
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        _shake_hands(pair, authority.certificate, "localhost")


def test_a_client_certificate_names_user_and_groups() -> None:
    """Kubernetes reads the user from CN and the groups from O."""
    pair = Authority().client("jane", ["viewers", "editors"])
    subject = x509.load_pem_x509_certificate(pair.certificate).subject
    assert [a.value for a in subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == ["jane"]
    groups = [a.value for a in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    assert groups == ["viewers", "editors"]
