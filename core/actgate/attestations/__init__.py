"""Attestations: envelopes read, statements compared, signatures verified.

An attestation is an in-toto Statement v1 in a DSSE envelope or a Sigstore bundle. Its payload's bytes are the
truth, and ``spec`` is a view of it. What is found here are facts, ``actgate.decision.attestation``; whether a
policy trusts a signer, for this and at this time, is decided there.

The border: pure. Keys and times are passed in, no file and no network is touched, ever, and nothing is raised
for any envelope: what is wrong with one is a fact about it.
"""

from actgate.attestations.anchors import NO_ANCHORS, Anchors, authority_anchors
from actgate.attestations.cache import SignatureCache
from actgate.attestations.errors import AttestationError
from actgate.attestations.verifier import Verifier

__all__ = [
    "NO_ANCHORS",
    "Anchors",
    "AttestationError",
    "SignatureCache",
    "Verifier",
    "authority_anchors",
]
