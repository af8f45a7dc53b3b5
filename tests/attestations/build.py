"""What tests of attestations share: manifests that are read under policies that trust some parties."""

from __future__ import annotations

from typing import Any

from actgate.api.compliance_policy import CompliancePolicySpec
from actgate.attestations import Anchors, Verifier
from actgate.decision.attestation import Attestation
from tests.support.attested import COMPLIANCE_MANIFEST, Json, Party, covered, trusting


def anchors(*trusted: Party | Json) -> Anchors:
    """Return the anchors of one policy that trusts some parties or authorities."""
    spec = CompliancePolicySpec.model_validate({"evidence": trusting(*trusted)}, by_alias=True, by_name=False)
    return Anchors.of([spec])


def read(spec: Json, *trusted: Party | Json) -> tuple[Attestation, ...]:
    """Return the facts about all attestations of a spec."""
    return Verifier(anchors(*trusted)).read(spec.get("attestations", ()), covered(spec))


def read_one(item: Any, spec: Json, *trusted: Party | Json) -> Attestation:  # noqa: ANN401 - it may be anything
    """Return the facts about one attestation beside a spec."""
    (found,) = Verifier(anchors(*trusted)).read([item], covered(spec))
    return found


def names(found: Attestation, *parties: Party) -> list[str]:
    """Return the names of those parties whose keys signed, in the order of the signatures."""
    known = {party.anchor: party.name for party in parties}
    return [known[signer.anchor] for signer in found.signers]


def authority(pem: str) -> Json:
    """Return an authority that signs with a key in PEM, and may attest anything of ours."""
    return {"name": "other-tool", "key": {"data": pem}, "mayAttest": [COMPLIANCE_MANIFEST]}
