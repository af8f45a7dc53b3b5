"""Keys and their one signature scheme: nothing that an envelope says chooses another."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA224, SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from actgate.attestations import AttestationError, keys
from tests.support.attested import Party, ed25519_key, p256, p384, rsa_pss

P256, P384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
RSA = rsa.generate_private_key(65537, 2048)
ED25519 = ed25519.Ed25519PrivateKey.generate()
MESSAGE = b"DSSEv1 1 a 1 b"
PSS = padding.PSS(padding.MGF1(SHA256()), 32)


@pytest.mark.parametrize("make", [p256, p384, ed25519_key, rsa_pss])
def test_what_a_key_signs_is_verified_with_it_and_no_other(make: Callable[[], keys.PrivateKeyType]) -> None:
    own, other = make(), make()
    signature = keys.sign(own, MESSAGE)
    assert keys.wrap(own.public_key()).verifies(signature, MESSAGE)
    assert not keys.wrap(own.public_key()).verifies(signature, MESSAGE + b"c")
    assert not keys.wrap(other.public_key()).verifies(signature, MESSAGE)


CONFUSED: dict[str, tuple[keys.PrivateKeyType, bytes]] = {
    "P-256 with SHA-384": (P256, P256.sign(MESSAGE, ec.ECDSA(SHA384()))),
    "P-256 with SHA-224": (P256, P256.sign(MESSAGE, ec.ECDSA(SHA224()))),
    "P-384 with SHA-256": (P384, P384.sign(MESSAGE, ec.ECDSA(SHA256()))),
    "P-384 with SHA-512": (P384, P384.sign(MESSAGE, ec.ECDSA(SHA512()))),
    "P-256 by P-384": (P256, P384.sign(MESSAGE, ec.ECDSA(SHA384()))),
    "P-384 by P-256": (P384, P256.sign(MESSAGE, ec.ECDSA(SHA256()))),
    "ECDSA for Ed25519": (ED25519, P256.sign(MESSAGE, ec.ECDSA(SHA256()))),
    "Ed25519 for ECDSA": (P256, ED25519.sign(MESSAGE)),
    "Ed25519 for RSA": (RSA, ED25519.sign(MESSAGE)),
    "RSA for ECDSA": (P256, RSA.sign(MESSAGE, PSS, SHA256())),
    "RSA with PKCS 1 v1.5": (RSA, RSA.sign(MESSAGE, padding.PKCS1v15(), SHA256())),
    "RSA with SHA-512": (RSA, RSA.sign(MESSAGE, padding.PSS(padding.MGF1(SHA512()), 32), SHA512())),
    "RSA with another mask": (RSA, RSA.sign(MESSAGE, padding.PSS(padding.MGF1(SHA224()), 20), SHA256())),
    "the digest for the message": (
        P256,
        P256.sign(hashlib.sha256(MESSAGE).digest(), ec.ECDSA(SHA256())),
    ),
    "nothing": (P256, b""),
    "zeros in DER": (P256, encode_dss_signature(0, 0)),
    "zeros": (ED25519, bytes(64)),
    "the order of the curve": (P256, encode_dss_signature(0, 1)),
}


@pytest.mark.parametrize(("key", "signature"), CONFUSED.values(), ids=CONFUSED.keys())
def test_a_signature_of_another_scheme_is_none(key: keys.PrivateKeyType, signature: bytes) -> None:
    assert not keys.wrap(key.public_key()).verifies(signature, MESSAGE)


def test_a_signature_has_no_second_form() -> None:
    """Bytes after it, r and s side by side (JOSE), and longer DER are refused."""
    key, signature = keys.wrap(P256.public_key()), keys.sign(P256, MESSAGE)
    r, s = decode_dss_signature(signature)
    assert not key.verifies(signature + b"\0", MESSAGE)
    assert not key.verifies(r.to_bytes(32, "big") + s.to_bytes(32, "big"), MESSAGE)
    long_form = b"\x30\x81" + signature[1:]
    assert not key.verifies(long_form, MESSAGE)


def test_a_digest_that_was_signed_beforehand_is_the_same_signature() -> None:
    """What a KMS does: it gets the digest, and its signature is verified like any other."""
    digest = hashlib.sha256(MESSAGE).digest()
    assert keys.wrap(P256.public_key()).verifies(P256.sign(digest, ec.ECDSA(Prehashed(SHA256()))), MESSAGE)


@pytest.mark.parametrize("salt", [0, 20, 32])
def test_rsa_takes_a_salt_of_any_length(salt: int) -> None:
    signature = RSA.sign(MESSAGE, padding.PSS(padding.MGF1(SHA256()), salt), SHA256())
    assert keys.wrap(RSA.public_key()).verifies(signature, MESSAGE)


def test_a_fingerprint_is_the_digest_of_the_key_in_der() -> None:
    party = Party("training")
    assert keys.from_pem(party.pem).fingerprint == party.anchor
    key = party.key.public_key()
    assert keys.fingerprint(key) == party.anchor


def test_two_spellings_of_a_key_are_one_key() -> None:
    """A point of a curve can be written compressed; the key would else count twice."""
    point = P256.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    algorithm = bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107")
    body = algorithm + b"\x03\x22\x00" + point
    der = b"\x30" + bytes([len(body)]) + body
    pem = f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(der).decode()}\n-----END PUBLIC KEY-----\n"
    assert keys.from_pem(pem).fingerprint == keys.fingerprint(P256.public_key())


def pem_of(key: keys.PublicKeyType | ed448.Ed448PublicKey | x25519.X25519PublicKey) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


SECRET = P256.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
UNUSABLE = {
    "nothing": ("", "must be one public key in PEM, BEGIN PUBLIC KEY"),
    "two keys": (pem_of(P256.public_key()) * 2, "must be one public key in PEM, BEGIN PUBLIC KEY"),
    "a key that is cut off": (pem_of(P256.public_key())[:80], "must be a public key in PEM"),
    "a private key": (SECRET, "must be a public key in PEM"),
    "a small RSA key": (
        pem_of(rsa_pss(1024).public_key()),
        "is RSA of 1024 bits: must be ECDSA P-256 or P-384",
    ),
    "P-521": (
        pem_of(ec.generate_private_key(ec.SECP521R1()).public_key()),
        "is ECDSA secp521r1: must be ECDSA P-256 or P-384",
    ),
    "a curve of Bitcoin": (
        pem_of(ec.generate_private_key(ec.SECP256K1()).public_key()),
        "is ECDSA secp256k1: must be ECDSA P-256 or P-384",
    ),
    "Ed448": (pem_of(ed448.Ed448PrivateKey.generate().public_key()), "is a Ed448PublicKey: must be"),
    "a key that does not sign": (
        pem_of(x25519.X25519PrivateKey.generate().public_key()),
        "is a X25519PublicKey: must be",
    ),
    "RSA with a slow exponent": (
        pem_of(rsa.RSAPublicNumbers(2**1024 + 1, RSA.public_key().public_numbers().n).public_key()),
        "is RSA of 2048 bits",
    ),
}


@pytest.mark.parametrize(("pem", "reason"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_a_key_that_cannot_be_used_says_why(pem: str, reason: str) -> None:
    with pytest.raises(AttestationError) as raised:
        keys.from_pem(pem)
    assert str(raised.value).startswith(reason)
    assert "PRIVATE" not in str(raised.value)
