import base64
import json
import shutil
import subprocess
from collections.abc import Callable, Mapping

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from actgate.attestations import keys
from actgate.pipeline import secretbox
from actgate.pipeline.private_keys import KeyFileError, load

MESSAGE = b"what is signed"
OPENSSL = shutil.which("openssl")


def never() -> bytes:
    """Fail where a password is asked for that is not needed."""
    raise AssertionError("no password is needed")


def same(one: keys.PrivateKeyType, other: keys.PrivateKeyType) -> bool:
    """Return whether two private keys belong to one public key."""
    return keys.fingerprint(one.public_key()) == keys.fingerprint(other.public_key())


def verifies(key: keys.PrivateKeyType) -> bool:
    """Return whether what a key signs is verified by its public key."""
    return keys.wrap(key.public_key()).verifies(keys.sign(key, MESSAGE), MESSAGE)


MAKERS: dict[str, Callable[[], keys.PrivateKeyType]] = {
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_every_kind_of_key_is_read_and_signs(kind: str) -> None:
    """PKCS#8 and the older form of each, with and without a password."""
    made = MAKERS[kind]()
    forms = [PrivateFormat.PKCS8] + ([] if kind == "Ed25519" else [PrivateFormat.TraditionalOpenSSL])
    for form in forms:
        assert same(load(made.private_bytes(Encoding.PEM, form, NoEncryption()), never), made)
        sealed = made.private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"secret"))
        assert same(load(sealed, lambda: b"secret"), made)
    assert verifies(made)


@pytest.mark.system
@pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")
@pytest.mark.parametrize(
    "command",
    [
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -aes256 -pass pass:secret",
        "genpkey -algorithm ED25519",
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048",
        "genrsa -traditional 2048",
        "ecparam -name prime256v1 -genkey",
        "ecparam -name secp384r1 -genkey -noout",
    ],
)
def test_keys_that_openssl_made_are_read_as_they_are(command: str) -> None:
    """Also where ecparam writes the parameters of the curve before the key."""
    program = [OPENSSL or "openssl", *command.split()]
    made = subprocess.run(program, check=True, capture_output=True).stdout  # noqa: S603 - a program of the system
    assert verifies(load(made, lambda: b"secret"))


BOX = base64.b64decode(
    "E0Yr1eyVuTV9bICl2jwk0gldl3nLtLlL2Wx+KNAx36loJ/VNXHwCM+jWg0NDsQMCMIPkOaNrQfd72fLfj9ufxvP3OyjVmmaQHpOg9EQw"
    "9lLPSe49KLGWgHiEHm/Mk4oGWfSYNDnJawcVUJrikMEfRCHXfPK6GSoCQgyx5sWLoKoyNKtfpFD5dPrERfwaYPma8OdVpC0JflDXLw=="
)
"""A PKCS#8 key that PyNaCl 1.5 sealed, under scrypt of "password" as cosign does."""


def of_cosign(label: str = "SIGSTORE", changed: Mapping[str, object] | None = None) -> bytes:
    """Return a key as ``cosign generate-key-pair`` writes it."""
    stored = {
        "kdf": {
            "name": "scrypt",
            "params": {"N": 2**15, "r": 8, "p": 1},
            "salt": base64.b64encode(bytes(range(32))).decode(),
        },
        "cipher": {"name": "nacl/secretbox", "nonce": base64.b64encode(bytes(range(24))).decode()},
        "ciphertext": base64.b64encode(BOX).decode(),
        **(changed or {}),
    }
    body = base64.encodebytes(json.dumps(stored).encode()).decode()
    name = f"ENCRYPTED {label} PRIVATE KEY"
    return f"-----BEGIN {name}-----\n{body}-----END {name}-----\n".encode()


@pytest.mark.parametrize("label", ["SIGSTORE", "COSIGN"])
def test_a_key_of_cosign_is_read_with_its_password(label: str) -> None:
    """Either label; older releases wrote the second."""
    key = load(of_cosign(label), lambda: b"password")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert verifies(key)
    with pytest.raises(KeyFileError, match="the password is wrong"):
        load(of_cosign(label), lambda: b"passwort")


@pytest.mark.parametrize(
    "changed",
    [
        {"kdf": None},
        {"kdf": {"name": "argon2", "params": {"N": 2, "r": 8, "p": 1}, "salt": ""}},
        {"kdf": {"name": "scrypt", "params": {"N": 2**40, "r": 8, "p": 1}, "salt": ""}},
        {"kdf": {"name": "scrypt", "params": {"N": 3, "r": 8, "p": 1}, "salt": ""}},
        {"kdf": {"name": "scrypt", "params": {"N": "2", "r": 8, "p": 1}, "salt": ""}},
        {"cipher": {"name": "aes", "nonce": ""}},
        {"ciphertext": "?"},
    ],
)
def test_a_key_of_cosign_in_another_form_is_refused(changed: dict[str, object]) -> None:
    """Before any work is done that the file asks for."""
    with pytest.raises(KeyFileError, match="not a key of cosign that can be read"):
        load(of_cosign(changed=changed), lambda: b"password")
    with pytest.raises(KeyFileError, match="not a key of cosign that can be read"):
        load(b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n", never)


def test_a_changed_box_is_not_opened() -> None:
    """Nothing comes out of a box of which a byte, the key or the nonce is another one."""
    key, nonce = bytes(32), bytes(24)
    assert secretbox.open_box(key, nonce, BOX) is None
    for place in (0, 15, 16, len(BOX) - 1):
        box = bytes(one ^ (index == place) for index, one in enumerate(BOX))
        assert secretbox.open_box(key, nonce, box) is None
    for wrong in ((key[1:], nonce, BOX), (key, nonce[1:], BOX), (key, nonce, BOX[:15])):
        assert secretbox.open_box(*wrong) is None


def test_a_box_of_the_published_vector_is_opened() -> None:
    """Test vector of NaCl, tests/secretbox.c (public domain): 131 bytes under firstkey."""
    key = bytes.fromhex("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389")
    nonce = bytes.fromhex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37")
    box = bytes.fromhex(
        "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186a"
        "c0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae"
        "90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74"
        "e355a5"
    )
    opened = secretbox.open_box(key, nonce, box)
    assert opened is not None
    assert (len(opened), opened[:8].hex(), opened[-3:].hex()) == (131, "be075fc53c81f2d5", "5e0705")


def pem(key: object, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    """Return any private key of the library in PEM."""
    written: bytes = key.private_bytes(Encoding.PEM, form, NoEncryption())  # type: ignore[attr-defined]
    return written


def test_what_is_no_key_to_sign_with_is_refused_in_words_that_help() -> None:
    """Each mistake that a user makes, by its sentence."""
    made = MAKERS["P-256"]()
    public = made.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    ssh = pem(MAKERS["Ed25519"](), PrivateFormat.OpenSSH)
    for content, sentence in (
        (b"", "is not a private key in PEM: openssl genpkey"),
        (b"\xff\x00 text", "is not a private key in PEM: openssl genpkey"),
        (public, "is a public key: name the private key that belongs to it"),
        (b"-----BEGIN CERTIFICATE-----\n", "is a certificate: name its private key here"),
        (ssh, "is a key of OpenSSH: ssh-keygen -p -m PKCS8"),
        (pem(made)[:-40], "is not a private key that can be read"),
        (pem(made).replace(b"M", b"?", 1), "is not a private key that can be read"),
        (pem(ec.generate_private_key(ec.SECP521R1())), "is ECDSA secp521r1: must be ECDSA P-256 or P-384"),
        (pem(ec.generate_private_key(ec.SECP256K1())), "is ECDSA secp256k1: must be"),
        (
            pem(rsa.generate_private_key(65537, 1024)),  # noqa: S505 - it must be refused
            "is RSA of 1024 bits: must be",
        ),
        (pem(ed448.Ed448PrivateKey.generate()), "Ed448PrivateKey: must be ECDSA P-256"),
        (
            pem(dsa.generate_private_key(1024)),  # noqa: S505 - as above
            "DSAPrivateKey: must be ECDSA P-256",
        ),
    ):
        with pytest.raises(KeyFileError) as raised:
            load(content, never)
        assert sentence in str(raised.value)


def test_a_wrong_password_is_said_to_be_one() -> None:
    """And no other kind of damage."""
    made = MAKERS["P-256"]()
    sealed = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    for wrong in (b"", b"Secret"):
        with pytest.raises(KeyFileError, match="cannot be decrypted: the password is wrong"):
            load(sealed, lambda given=wrong: given)  # type: ignore[misc]


def test_the_sealed_key_is_the_one_that_was_made() -> None:
    """The test's own box: so that a change of it is seen."""
    kept = load(of_cosign(), lambda: b"password")
    assert isinstance(kept, ec.EllipticCurvePrivateKey)
    assert f"{kept.private_numbers().private_value:x}" == "1234567890abcdef" * 4
