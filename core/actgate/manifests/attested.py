"""The attestations of a manifest, handed to a verifier with the spec that they have to agree with."""

from collections.abc import Iterable
from typing import Any, Final

from actgate.attestations import Anchors, SignatureCache, Verifier
from actgate.decision.attestation import Attestation
from actgate.decision.policies import Policy
from actgate.manifests.digests import ATTESTATIONS, without_attestations

TRUSTING_NONE: Final = Verifier()
"""Reads envelopes and compares payloads, and finds no signer: there is no key to verify with."""


def verifier_for(policies: Iterable[Policy], known: SignatureCache | None = None) -> Verifier:
    """Return a verifier that tries the keys and root certificates of these policies.

    Args:
        policies: Whose authorities a signature may be by.
        known: What was verified before, for callers that read an envelope more than once.
    """
    return Verifier(Anchors.of(policy.spec for policy in policies), known)


def read_attestations(spec: dict[str, Any], verifier: Verifier) -> tuple[Attestation, ...]:
    """Return what is found of each attestation of a spec without nulls."""
    items = spec.get(ATTESTATIONS)
    if not isinstance(items, list) or not items:
        return ()
    return verifier.read(items, without_attestations(spec))
