"""Anchors: the keys and root certificates that policies trust, by their fingerprints.

``cryptography`` is imported with the first authority: ``actgate check`` of a manifest without attestations
under a policy without authorities never pays for it. An authority of another kind, such as keyless signing
under an own trusted root, would add its anchors here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from actgate.api.compliance_policy import Authority, CompliancePolicySpec
from actgate.attestations.errors import AttestationError

if TYPE_CHECKING:
    from actgate.attestations.certificates import Root
    from actgate.attestations.keys import PublicKey


class Anchors:
    """Public keys and root certificates, and which key ids hint at which key."""

    def __init__(self, keys: Mapping[str, PublicKey], roots: Mapping[str, Root]) -> None:
        self.keys = dict(keys)
        """By fingerprint."""
        self.roots = dict(roots)
        """By fingerprint."""
        self.fingerprints = frozenset({*keys, *roots})
        self.hints: dict[str, list[PublicKey]] = {}
        for key in keys.values():
            for hint in key.hints:
                self.hints.setdefault(hint, []).append(key)

        self._named: dict[bytes, list[Root]] = {}
        for root in roots.values():
            self._named.setdefault(root.subject, []).append(root)

    def roots_named(self, name: bytes) -> list[Root]:
        """Return the roots of a name (DER); a root that was issued again shares it with its predecessor."""
        return self._named.get(name, [])

    @classmethod
    def of(cls, specs: Iterable[CompliancePolicySpec]) -> Anchors:
        """Return the anchors of all authorities of some policies.

        An authority that cannot be read adds none; ``authority_anchors`` says what is wrong with it.
        """
        keys: dict[str, PublicKey] = {}
        roots: dict[str, Root] = {}
        for authority in (authority for spec in specs for authority in spec.evidence.authorities):
            try:
                own_keys, own_roots = _read(authority)
            except AttestationError:
                continue
            keys |= own_keys
            roots |= own_roots
        return cls(keys, roots)

    def __bool__(self) -> bool:
        return bool(self.fingerprints)


NO_ANCHORS: Final = Anchors({}, {})


def authority_anchors(authority: Authority) -> frozenset[str]:
    """Return the fingerprints of an authority's key, or of its root certificates.

    Raises:
        AttestationError: Its key or one of its certificates cannot be used; one sentence that begins with the
            field within the authority, such as ``key.data: Invalid value: is RSA of 1024 bits: must be ...``.
    """
    keys, roots = _read(authority)
    return frozenset({*keys, *roots})


def _read(authority: Authority) -> tuple[dict[str, PublicKey], dict[str, Root]]:
    keys: dict[str, PublicKey] = {}
    roots: dict[str, Root] = {}
    if authority.key is not None:
        key = _key(authority.key.data)
        keys[key.fingerprint] = key
    if authority.certificate is not None:
        roots |= {root.fingerprint: root for root in _roots(authority.certificate.roots)}
    return keys, roots


def _key(pem: str) -> PublicKey:
    from actgate.attestations import keys  # see above

    try:
        return keys.from_pem(pem)
    except AttestationError as error:
        raise AttestationError(f"key.data: Invalid value: {error}") from None


@lru_cache(maxsize=256)
def _roots(pem: str) -> tuple[Root, ...]:
    from actgate.attestations import certificates

    try:
        return certificates.roots_from_pem(pem)
    except AttestationError as error:
        raise AttestationError(f"certificate.roots: Invalid value: {error}") from None
