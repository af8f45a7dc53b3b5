"""Certificate chains of signers, as they are given beside a private key.

What a chain proves is found in ``actgate.attestations.certificates``, under the roots of a policy. Here a
chain is refused that no policy could accept: of another key, in another order, or not for signing code.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from actgate.attestations import certificates, keys
from actgate.attestations.errors import AttestationError
from actgate.manifests.errors import EvidenceError

_ORDER: Final = "the signer's certificate must be the first, and its issuer the next"
_USES: Final = frozenset({ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE})


class ChainError(EvidenceError):
    """Certificates that cannot speak for a key: a clause that goes on after the file's name."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Certificates that speak for a key."""

    pem: str
    """The signer's own and the intermediate ones, for ``chain`` of an attestation."""
    root: str | None
    """The root in PEM, for a policy, where it was given along."""
    identities: tuple[tuple[str, str], ...]
    """Subject alternative names of the signer: (``uri``, ``email`` or ``dns``; value)."""


def load(pem: str, key: keys.PublicKeyType) -> Chain:
    """Return the chain of a key.

    Args:
        pem: The signer's certificate, then each that issued the one before; a root may be the last.
        key: The signer's public key.

    Raises:
        ChainError: It is none.
    """
    try:
        found = certificates.from_pem(pem)
    except AttestationError as error:
        raise ChainError(str(error)) from None
    _require_owner(found, key)
    for place, (one, above) in enumerate(pairwise(found), 1):
        if not _issued(one, above):
            raise ChainError(
                f"is in the wrong order: certificate {place + 1} did not issue certificate {place}; {_ORDER}"
            )
    identities = _identities(found[0])
    root = found[-1] if len(found) > 1 and found[-1].issuer == found[-1].subject else None
    below = found if root is None else found[:-1]
    if root is not None:
        _require_verified(below, root)
    return Chain("".join(map(_pem, below)), None if root is None else _pem(root), identities)


def _require_owner(found: tuple[x509.Certificate, ...], key: keys.PublicKeyType) -> None:
    own = [one.public_key() == key for one in found]
    if not any(own):
        raise ChainError("has no certificate of the key: name the chain that was issued for this key")
    if not own[0]:
        raise ChainError(f"is in the wrong order: {_ORDER}")


def _require_verified(below: tuple[x509.Certificate, ...], root: x509.Certificate) -> None:
    try:
        (trusted,) = certificates.roots_from_pem(_pem(root))
        certificates.verify(certificates.paths(below)[-1], trusted)
    except AttestationError as error:
        raise ChainError(str(error)) from None


def _identities(certificate: x509.Certificate) -> tuple[tuple[str, str], ...]:
    try:
        found = certificates.names_of(certificate)
        uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        found, uses = (), x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    except ValueError:
        raise ChainError("has a certificate that cannot be read") from None
    if not _USES & set(uses):
        raise ChainError("cannot sign: the certificate must be for code signing (extended key usage)")
    if not found:
        raise ChainError(
            "cannot sign: the certificate must name its signer: a URI, e-mail address or DNS name"
        )
    return found


def _issued(one: x509.Certificate, above: x509.Certificate) -> bool:
    try:
        one.verify_directly_issued_by(above)
    except Exception:
        return False
    return True


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
