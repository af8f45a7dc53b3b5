"""Private keys as openssl and cosign write them: PKCS#8, SEC 1 and PKCS#1 in PEM, and cosign's own form.

Which keys can sign is known in ``actgate.attestations.keys``. The border: bytes and a password in, a key out.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Final

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

from actgate.attestations import keys
from actgate.attestations.errors import AttestationError
from actgate.manifests.errors import EvidenceError
from actgate.pipeline import secretbox

PASSWORD: Final = "ACTGATE_KEY_PASSWORD"  # noqa: S105 - the variable's name
"""Environment variable: password of the private key."""
PasswordSource = Callable[[], bytes]
"""Called where the key is encrypted, and only there."""

_BEGIN: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----")
_BODY: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_SUPPORTED: Final = "must be ECDSA P-256 or P-384, Ed25519, or RSA of 2048 bits or more"
_OF_COSIGN: Final = (b"ENCRYPTED SIGSTORE PRIVATE KEY", b"ENCRYPTED COSIGN PRIVATE KEY")
_MAKE: Final = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem makes one"
_OTHERS: Final = {
    b"PUBLIC KEY": "is a public key: name the private key that belongs to it",
    b"CERTIFICATE": "is a certificate: name its private key here, and the certificate with --chain",
    b"OPENSSH PRIVATE KEY": "is a key of OpenSSH: ssh-keygen -p -m PKCS8 -f FILE writes it as PKCS#8",
}
_MOST_LANES: Final = 64
_MOST_WORK: Final = 2**20
"""Largest N of scrypt; cosign writes 2**15 or 2**16, and memory of 128 * N * r bytes is taken."""


class KeyFileError(EvidenceError):
    """A file that holds no private key to sign with: a clause that goes on after the file's name."""


def load(content: bytes, password: PasswordSource) -> keys.PrivateKeyType:
    """Return the private key of a file.

    Args:
        content: What the file holds.
        password: Returns the password of an encrypted key.

    Raises:
        KeyFileError: It holds none, the password is wrong, or no signature of this kind of key is read.
    """
    names = _BEGIN.findall(content)
    if any(name in _OF_COSIGN for name in names):
        key = _of_cosign(content, password)
    elif any(name.endswith(b"PRIVATE KEY") for name in names if name not in _OTHERS):
        key = _of_pem(content, password)
    else:
        known = (text for name, text in _OTHERS.items() if name in names)
        raise KeyFileError(next(known, f"is not a private key in PEM: {_MAKE}"))
    try:
        return _supported(key)
    except AttestationError as error:
        raise KeyFileError(str(error)) from None


def password_from(environ: Mapping[str, str]) -> bytes:
    """Return the password that the environment has.

    Raises:
        KeyFileError: It has none.
    """
    if PASSWORD not in environ:
        raise KeyFileError(f"is encrypted: set {PASSWORD} to its password")
    return environ[PASSWORD].encode()


def _supported(key: object) -> keys.PrivateKeyType:
    if not isinstance(key, keys.PrivateKeyType):
        raise AttestationError(f"is a {type(key).__name__}: {_SUPPORTED}")
    keys.wrap(key.public_key())
    return key


def _of_pem(content: bytes, password: PasswordSource) -> object:
    # Parameters of the curve, which openssl ecparam writes before the key, stand in the key as well.
    text = b"".join(found[0] for found in _blocks(content) if found[1] != b"EC PARAMETERS")
    try:
        return load_pem_private_key(text, None)
    except TypeError:  # It is encrypted.
        given = password()
    except Exception:
        raise KeyFileError("is not a private key that can be read: is the file complete?") from None
    try:
        return load_pem_private_key(text, given)
    except Exception:
        raise KeyFileError("cannot be decrypted: the password is wrong") from None


def _of_cosign(content: bytes, password: PasswordSource) -> object:
    (body,) = [found[2] for found in _blocks(content) if found[1] in _OF_COSIGN][:1] or [b""]
    try:
        stored = json.loads(base64.b64decode(body))
        kdf, cipher = stored["kdf"], stored["cipher"]
        work, size, lanes = (kdf["params"][name] for name in ("N", "r", "p"))
        salt, nonce, box = (
            base64.b64decode(text, validate=True)
            for text in (kdf["salt"], cipher["nonce"], stored["ciphertext"])
        )
        known = (kdf["name"], cipher["name"]) == ("scrypt", "nacl/secretbox")
        bounded = known and work <= _MOST_WORK and size * lanes <= _MOST_LANES
        kept = Scrypt(salt, secretbox.KEY_SIZE, work if bounded else 0, size, lanes)
    except (ValueError, LookupError, TypeError, RecursionError):
        raise KeyFileError("is not a key of cosign that can be read: is the file complete?") from None
    opened = secretbox.open_box(kept.derive(password()), nonce, box)
    if opened is None:
        raise KeyFileError("cannot be decrypted: the password is wrong")
    try:
        return load_der_private_key(opened, None)
    except Exception:
        raise KeyFileError("holds no PKCS#8 key: make another with cosign generate-key-pair") from None


def _blocks(content: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """Return (block, name, body) of each PEM block."""
    return [(match[0] + b"\n", match[1], match[2]) for match in _BODY.finditer(content)]
