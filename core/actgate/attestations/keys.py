"""Public keys: read, fingerprinted, and the one signature scheme that each kind of key has.

The scheme follows from the key alone, never from the envelope: P-256 with SHA-256, P-384 with SHA-384,
Ed25519, RSA with PSS and SHA-256. So no envelope can choose a weaker one. ``cryptography`` is imported with
this module, which is why the others import it only where there is a key.

Keys of a KMS are public keys here as well; what signs with one has its place in ``actgate.pipeline``.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from actgate.attestations.errors import AttestationError

PublicKeyType = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey
PrivateKeyType = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

_QUICK_RSA_BYTES: Final = 512
RSA_BITS: Final = range(2048, 8193)
_MOST_EXPONENT_BITS: Final = 64
"""A longer one makes verification slow; OpenSSL refuses it as well, for large keys."""
_SUPPORTED: Final = "must be ECDSA P-256 or P-384, Ed25519, or RSA of 2048 to 8192 bits"
_HASHES: Final[dict[str, HashAlgorithm]] = {"secp256r1": SHA256(), "secp384r1": SHA384()}
_SEQUENCE: Final = 0x30
"""First byte of an ECDSA signature, DER."""
_BEGIN: Final = "-----BEGIN "


@dataclass(frozen=True, slots=True, eq=False)
class PublicKey:
    """A public key that signatures can be verified with."""

    fingerprint: str
    """``sha256:<hex>`` over the DER of its SubjectPublicKeyInfo, however the key was written."""
    kind: str
    """Such as ``ECDSA P-256``, for people."""
    cost: int
    """What one verification costs, in units of about 0.15 ms of CPU time."""
    _key: PublicKeyType
    _lengths: range
    """How many bytes a signature has."""
    _verify: Callable[[bytes, bytes], None]

    @property
    def hints(self) -> frozenset[str]:
        """Return the ids by which tools name it: the SHA-256 of DER or PEM, in hexadecimal or base64."""
        pem = self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        digest = self.fingerprint.removeprefix("sha256:")
        return frozenset(
            {
                self.fingerprint,
                f"SHA256:{digest}",
                digest,
                base64.b64encode(bytes.fromhex(digest)).decode("ascii"),  # Sigstore: PublicKeyIdentifier.hint
                hashlib.sha256(pem).hexdigest(),  # OpenSSF model signing
            }
        )

    def fits(self, signature: bytes) -> bool:
        """Return whether a signature has the length, and for ECDSA the first byte, that this key makes."""
        return len(signature) in self._lengths and (len(self._lengths) == 1 or signature[0] == _SEQUENCE)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Return whether the signature over the message was made with this key."""
        if not self.fits(signature):
            return False
        try:
            self._verify(signature, message)
        except InvalidSignature:
            return False
        except Exception:  # whatever a library makes of foreign bytes, they are no signature
            return False
        return True


@lru_cache(maxsize=1024)
def from_pem(pem: str) -> PublicKey:
    """Read a public key (SubjectPublicKeyInfo, PEM).

    Raises:
        AttestationError: It is none, there are several, or it is of a kind that is not supported.
    """
    if pem.count(_BEGIN) != 1:
        raise AttestationError("must be one public key in PEM, BEGIN PUBLIC KEY")
    try:
        key = load_pem_public_key(pem.encode("utf-8"))
    except Exception:  # the library has several types for it, by release
        raise AttestationError(f"must be a public key in PEM, and {_SUPPORTED[5:]}") from None
    return wrap(key)


def wrap(key: object) -> PublicKey:
    """Return a key of ``cryptography`` as one that signatures are verified with.

    Raises:
        AttestationError: It is of a kind that is not supported.
    """
    match key:
        case ec.EllipticCurvePublicKey() if key.curve.name in _HASHES:
            scheme = ec.ECDSA(_HASHES[key.curve.name])
            most = 2 * (key.curve.key_size // 8 + 3) + 2  # DER: two integers with a sign byte, in a sequence
            small = key.curve.key_size == ec.SECP256R1.key_size
            kind, cost = ("ECDSA P-256", 1) if small else ("ECDSA P-384", 5)
            verify = partial(_verify_ecdsa, key, scheme)
            return PublicKey(fingerprint(key), kind, cost, key, range(8, most + 1), verify)
        case ed25519.Ed25519PublicKey():
            return PublicKey(fingerprint(key), "Ed25519", 1, key, range(64, 65), key.verify)
        case rsa.RSAPublicKey() if key.key_size in RSA_BITS and _is_quick(key):
            size = (key.key_size + 7) // 8
            verify = partial(_verify_rsa, key)
            cost = 1 if size <= _QUICK_RSA_BYTES else 4
            return PublicKey(
                fingerprint(key), f"RSA-{key.key_size}", cost, key, range(size, size + 1), verify
            )
        case rsa.RSAPublicKey():
            raise AttestationError(f"is RSA of {key.key_size} bits: {_SUPPORTED}")
        case ec.EllipticCurvePublicKey():
            raise AttestationError(f"is ECDSA {key.curve.name}: {_SUPPORTED}")
    raise AttestationError(f"is a {type(key).__name__}: {_SUPPORTED}")


def fingerprint(key: PublicKeyType) -> str:
    """Return ``sha256:<hex>`` over the DER of a key's SubjectPublicKeyInfo: an anchor of policies."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"sha256:{hashlib.sha256(der).hexdigest()}"


def sign(key: PrivateKeyType, message: bytes) -> bytes:
    """Sign in the one scheme that the key has; what verifies it is ``PublicKey.verifies``.

    Raises:
        AttestationError: The key is of a kind that is not supported.
    """
    wrap(key.public_key())
    match key:
        case ec.EllipticCurvePrivateKey():
            return key.sign(message, ec.ECDSA(_HASHES[key.curve.name]))
        case rsa.RSAPrivateKey():
            return key.sign(message, padding.PSS(padding.MGF1(SHA256()), SHA256.digest_size), SHA256())
        case ed25519.Ed25519PrivateKey():
            return key.sign(message)


def _is_quick(key: rsa.RSAPublicKey) -> bool:
    return key.public_numbers().e.bit_length() <= _MOST_EXPONENT_BITS


def _verify_ecdsa(key: ec.EllipticCurvePublicKey, scheme: ec.ECDSA, signature: bytes, message: bytes) -> None:
    key.verify(signature, message, scheme)


def _verify_rsa(key: rsa.RSAPublicKey, signature: bytes, message: bytes) -> None:
    key.verify(signature, message, padding.PSS(padding.MGF1(SHA256()), padding.PSS.AUTO), SHA256())
