"""The verifier of attestations: what signatures are tried with, and what is known of them already.

``reading`` does the work, and is imported with the first attestation: a manifest without any, which ``actgate
check`` and training code mostly see, pays for none of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from actgate.attestations.anchors import NO_ANCHORS, Anchors
from actgate.attestations.cache import SignatureCache
from actgate.decision.attestation import Attestation


class Verifier:
    """Reads attestations and verifies their signatures with the keys and roots that policies trust.

    Args:
        anchors: What signatures are tried with.
        known: Results of former verifications, which verifiers may share; by default its own.
    """

    def __init__(self, anchors: Anchors = NO_ANCHORS, known: SignatureCache | None = None) -> None:
        self.anchors = anchors
        self._known = SignatureCache() if known is None else known

    def read(self, items: Sequence[Any], spec: Mapping[str, Any]) -> tuple[Attestation, ...]:
        """Return what is known of each attestation; nothing is raised.

        Args:
            items: ``spec.attestations`` as JSON has it, without nulls.
            spec: The manifest's spec without nulls and attestations.

        Returns:
            A fact for each item, in their order; of more than eight, the ninth says that they are too many.
        """
        from actgate.attestations import reading

        return reading.read(items, spec, self.anchors, self._known)
