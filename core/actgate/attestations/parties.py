"""Who is one party: signers that share a key or an identity count once.

One signature can be verified in several ways: with a key that a policy trusts as it is, and with certificates
for the same key under two roots. Taken for two parties, one person could sign for two. So signers are one
party when they share the public key, or a subject alternative name under the same root key: what is not shown
to be distinct is not counted as such.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from actgate.decision.attestation import Signer


@dataclass(frozen=True, slots=True)
class Found:
    """A verified signer, and what makes it one party with others."""

    signer: Signer
    key: str
    """Fingerprint of the key that made the signature."""
    root_key: str = ""
    """Fingerprint of the root's key, for a certificate."""

    @property
    def traits(self) -> frozenset[str]:
        """Return the key, and each name under its root's key."""
        return frozenset({self.key, *(self._name(kind, value) for kind, value in self.signer.identities)})

    def _name(self, kind: str, value: str) -> str:
        text = "\0".join((self.root_key, kind, value))
        return f"sha256:{hashlib.sha256(text.encode('utf-8')).hexdigest()}"


def with_parties(found: Sequence[Sequence[Found]]) -> list[tuple[Signer, ...]]:
    """Return the signers of each attestation of one manifest, each with its party.

    The party of signers that belong together is the smallest of their trusted keys, or else of their names.
    """
    everyone = [one for signers in found for one in signers]
    party: dict[str, str] = {}
    for traits in _joined(everyone):
        trusted = {one.key for one in everyone if one.key in traits and one.signer.anchor == one.key}
        names = traits - {one.key for one in everyone}
        party |= dict.fromkeys(traits, min(trusted or names))
    return [tuple(replace(one.signer, party=party[one.key]) for one in signers) for signers in found]


def _joined(found: Iterable[Found]) -> list[set[str]]:
    """Return the traits in sets that no signer links."""
    joined: list[set[str]] = []
    for one in found:
        linked = [traits for traits in joined if traits & one.traits]
        joined = [traits for traits in joined if not traits & one.traits]
        joined.append(set(one.traits).union(*linked))
    return joined
