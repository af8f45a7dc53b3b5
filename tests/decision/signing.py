"""Signed evidence as facts, and policies that trust its signers: no cryptography, only who, what and when."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from actgate.api.compliance_policy import CompliancePolicySpec
from actgate.api.predicates import APPROVAL, BIAS_AUDIT, COMPLIANCE_MANIFEST, PLAN
from actgate.decision import Manifest, Policy
from actgate.decision.attestation import Attestation, PlannedMeasurement, PlannedTest, Signer
from actgate.decision.manifest import GroupCount
from tests.decision.build import FAIR, MODEL, NOW, PASSING

Json = dict[str, Any]
DAY: Final = timedelta(days=1)


def sha(text: str) -> str:
    """Return a digest, the same for the same words."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def key(owner: str) -> Signer:
    """Return a signer by the key of that party."""
    return Signer(sha(owner), sha(owner), sha(owner))


ROOT: Final = sha("root certificate")


def certificate(
    *names: str, root: str = ROOT, not_before: datetime | None = None, not_after: datetime | None = None
) -> Signer:
    """Return a signer by a certificate with these names, such as ``uri:spiffe://bank.example/training``."""
    identities = tuple((kind, value) for kind, _, value in (name.partition(":") for name in sorted(names)))
    party = sha(" ".join((root, *sorted(names))))
    return Signer(root, party, ", ".join(names), identities, not_before, not_after)


TRAINING: Final = key("training")
RISK: Final = key("model-risk")
OFFICE: Final = key("risk-office")
STRANGER: Final = key("a stranger")


def statement(name: str, predicate_type: str, *signers: Signer, **changes: Any) -> Attestation:  # noqa: ANN401
    """Return an attestation about the passing manifest's model; other fields of it as keywords."""
    facts = Attestation(name, predicate_type, sha(name), frozenset({str(MODEL.digest)}), signers)
    return replace(facts, **changes)


def whole(*signers: Signer, name: str = "training", **changes: Any) -> Attestation:  # noqa: ANN401
    """Return an attestation of the whole manifest."""
    return statement(name, COMPLIANCE_MANIFEST, *signers, **changes)


def audit(*signers: Signer, name: str = "audit", **changes: Any) -> Attestation:  # noqa: ANN401
    """Return an attestation of the bias measurements."""
    return statement(name, BIAS_AUDIT, *signers, **changes)


def approval(*signers: Signer, name: str = "approval", approves: str = sha("audit")) -> Attestation:
    """Return an approval of the audit."""
    return statement(name, APPROVAL, *signers, approves=approves)


def plan(
    *planned: PlannedMeasurement, name: str = "plan", tests: tuple[PlannedTest, ...] = ()
) -> Attestation:
    """Return a plan that fixes these measurements and tests, signed by training."""
    return statement(name, PLAN, TRAINING, planned=planned, planned_tests=tests)


def authority(name: str, *may_attest: str, **more: Any) -> Json:  # noqa: ANN401 - fields of an authority
    """Return an authority as in YAML, by a key unless ``certificate`` is given; it may attest all of ours."""
    types = list(may_attest) or [COMPLIANCE_MANIFEST, BIAS_AUDIT, APPROVAL, PLAN]
    by_key = {} if "certificate" in more else {"key": {"data": "-----BEGIN PUBLIC KEY-----"}}
    return {"name": name, "mayAttest": types, **by_key, **more}


def issued(*identities: Json) -> Json:
    """Return what an authority says of its certificates."""
    return {"roots": "-----BEGIN CERTIFICATE-----", "identities": list(identities)}


def trusting(
    *authorities: Json,
    anchors: dict[str, frozenset[str]] | None = None,
    name: str = "high-risk",
    enforcement: str = "Deny",
    bias: Json | None = None,
    **evidence: Any,  # noqa: ANN401 - fields of an evidence policy
) -> Policy:
    """Return a policy with these authorities; each has the key of its name, or the root of certificates."""
    spec = {
        "enforcement": enforcement,
        "bias": bias or {},
        "evidence": {"authorities": list(authorities), **evidence},
    }
    read = CompliancePolicySpec.model_validate(spec)
    return Policy(name, read, anchors_of(read) if anchors is None else anchors)


def anchors_of(spec: CompliancePolicySpec) -> dict[str, frozenset[str]]:
    """Return the anchors of a policy whose authorities have the keys of their names."""
    return {
        item.name: frozenset({sha(item.name) if item.certificate is None else ROOT})
        for item in spec.evidence.authorities
    }


def requires(predicate_type: str, *authorities: str, **more: Any) -> Json:  # noqa: ANN401
    """Return a requirement of a policy."""
    return {"predicateType": predicate_type, "authorities": list(authorities), **more}


COUNTED: Final = replace(
    FAIR,
    value=0.03125,
    groups=(GroupCount("female", 4096, selected=896), GroupCount("male", 4096, selected=1024)),
)
"""A measurement that has its counts."""


def signed(*attestations: Attestation, created_at: datetime | None = NOW - DAY, **changes: Any) -> Manifest:  # noqa: ANN401
    """Return the passing manifest with counts and these attestations, stored by the API server a day ago."""
    evidence = {"bias": (COUNTED,), "attestations": attestations, "created_at": created_at, **changes}
    return replace(PASSING, **evidence)
