from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from actgate_operator.certificates import pki
from tests.operator.certificates.cluster import NAMES, START

AUTHORITY = pki.new_authority(START)
LEAF = pki.new_leaf(AUTHORITY, (*NAMES, "10.0.0.1", "0::1"), START)


@pytest.mark.parametrize("name", NAMES)
def test_a_leaf_is_accepted_by_an_independent_verifier(name: str) -> None:
    """For each of its names, at the beginning, in the middle and at the end of its life."""
    store = Store([AUTHORITY.certificate])
    for when in (START, START + timedelta(days=45), LEAF.ends - timedelta(seconds=1)):
        verifier = PolicyBuilder().store(store).time(when).build_server_verifier(x509.DNSName(name))
        assert len(verifier.verify(LEAF.certificate, [])) == 2
        stranger = Store([pki.new_authority(START).certificate])
        with pytest.raises(VerificationError):
            PolicyBuilder().store(stranger).time(when).build_server_verifier(x509.DNSName(name)).verify(
                LEAF.certificate, []
            )


def test_lives_are_as_promised() -> None:
    """Five years and 90 days, from before any clock that is less than a year behind."""
    assert AUTHORITY.ends == START + timedelta(days=5 * 365)
    assert LEAF.ends == START + timedelta(days=90)
    assert LEAF.certificate.not_valid_before_utc == AUTHORITY.certificate.not_valid_before_utc
    assert AUTHORITY.certificate.not_valid_before_utc < START - timedelta(days=366)
    assert isinstance(LEAF.key, ec.EllipticCurvePrivateKey)
    assert isinstance(LEAF.key.curve, ec.SECP256R1)


def test_a_leaf_never_outlives_its_authority() -> None:
    """Else it would be refused while it says that it is valid."""
    late = AUTHORITY.ends - timedelta(days=1)
    assert pki.new_leaf(AUTHORITY, NAMES, late).ends == AUTHORITY.ends


def test_names_come_back_in_one_spelling() -> None:
    """Addresses too, so that they can be compared with what is asked for."""
    assert pki.names_of(LEAF.certificate) == {*NAMES, "10.0.0.1", "::1"}
    assert pki.canonical("0:0::1") == "::1"


def test_each_authority_has_a_name_and_a_key_of_its_own() -> None:
    """Two with one name in a caBundle would be taken for each other."""
    other = pki.new_authority(START)
    assert other.certificate.subject != AUTHORITY.certificate.subject
    assert not pki.issued_by(LEAF.certificate, other.certificate)
    assert pki.issued_by(LEAF.certificate, AUTHORITY.certificate)


def test_a_leaf_signs_nothing() -> None:
    """The holder of a leaf's key cannot make other certificates."""
    forged = pki.new_leaf(LEAF, NAMES, START)
    assert not pki.issued_by(forged.certificate, LEAF.certificate)
    assert not pki.trusted(forged.certificate, [LEAF.certificate, AUTHORITY.certificate], START)


def test_trust_ends_with_either_life() -> None:
    """An expired authority vouches for no certificate."""
    assert pki.trusted(LEAF.certificate, [AUTHORITY.certificate], START)
    assert not pki.trusted(LEAF.certificate, [AUTHORITY.certificate], LEAF.ends)
    assert not pki.trusted(LEAF.certificate, [], START)


def test_what_is_written_is_read() -> None:
    """A pair, and a set of authorities whose text depends on nothing but the set."""
    assert pki.Pair.read(AUTHORITY.certificate_pem, AUTHORITY.key_pem).certificate == AUTHORITY.certificate
    both = [AUTHORITY.certificate, pki.new_authority(START).certificate]
    text = pki.write_certificates(both)
    assert text == pki.write_certificates(reversed(both))
    assert set(pki.read_certificates(text)) == set(both)
    assert pki.read_certificates(b"\n") == ()


def test_a_leaf_with_an_rsa_key_can_be_read() -> None:
    """cert-manager makes such ones by default, and we may take over from it."""
    key = rsa.generate_private_key(65537, 2048)
    pair = pki.Pair.read(_self_signed(key), _pem(key))
    assert pair.key.public_key() == key.public_key()


@pytest.mark.parametrize(
    ("certificate", "key", "words"),
    [
        (b"", AUTHORITY.key_pem, "no certificate"),
        (b"garbage", AUTHORITY.key_pem, "no certificates"),
        (AUTHORITY.certificate_pem[:300], AUTHORITY.key_pem, "no certificates"),
        (AUTHORITY.certificate_pem, b"", "no private key"),
        (AUTHORITY.certificate_pem, b"garbage", "no private key"),
        (AUTHORITY.certificate_pem, LEAF.key_pem, "key is that of another certificate"),
        (
            AUTHORITY.certificate_pem,
            AUTHORITY.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pass")),
            "no private key",
        ),
        (
            AUTHORITY.certificate_pem,
            ed25519.Ed25519PrivateKey.generate().private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ),
            "key of a kind that is not used",
        ),
    ],
)
def test_what_is_no_pair_is_refused_in_words(certificate: bytes, key: bytes, words: str) -> None:
    """Whatever a user has put into a Secret."""
    with pytest.raises(pki.UnusableError, match=words):
        pki.Pair.read(certificate, key)


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _self_signed(key: rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "of cert-manager")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    dated = builder.serial_number(1).not_valid_before(START).not_valid_after(START + timedelta(days=1))
    return dated.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
