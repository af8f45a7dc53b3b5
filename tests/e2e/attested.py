"""Three parties, the evidence that they sign, and a policy that asks for it; every way around it is a change.

Payloads and signatures are those of ``tests.support.attested``, which knows nothing of actgate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.support.attested import (
    APPROVAL,
    BIAS_AUDIT,
    COMPLIANCE_MANIFEST,
    MODEL,
    Party,
    attestation,
    covered,
    evidence,
    payload_digest,
    required,
)
from tests.support.crds import API_VERSION, deployment_spec

Json = dict[str, Any]

PLAN: Final = "https://actgate.dev/attestation/plan/v1alpha1"
OTHER_MODEL: Final = f"sha256:{'0' * 64}"
IDENTITY: Final = "spiffe://bank.example/ml-platform"

OVERSIGHT: Final[Json] = {
    "enabled": True,
    "role": "Credit officer",
    "contact": "credit-desk@bank.example",
    "override": "The officer can overrule every score in the case file",
    "stop": "The officer can switch the scorer off in the case system",
}
MEASURED: Final[Json] = {
    "attribute": "gender",
    "metric": "demographic_parity_difference",
    "value": 0.03125,
    "threshold": 0.05,
    "groups": [
        {"name": "female", "count": 40960, "selected": 8960},
        {"name": "male", "count": 40960, "selected": 10240},
    ],
}


@dataclass(frozen=True)
class Signed:
    """Evidence as three parties sign it, and what may be otherwise before they do."""

    by: Mapping[str, Party]
    """Who signs what: ``plan``, ``training``, ``audit`` and ``approval``."""
    measured: Json = field(default_factory=lambda: MEASURED)
    planned: float = 0.05
    """The limit in the plan."""
    about: Mapping[str, str] = field(default_factory=dict)
    """Digest of the model that a statement is about, where it is not this one."""
    chain: str | None = None
    """Certificates of who signs as ``training``."""
    stated: Json = field(default_factory=dict)
    """Other fields of the spec."""

    def but(self, *, by: Mapping[str, Party] | None = None, **changes: Any) -> Signed:  # noqa: ANN401
        """Return the same with something changed; parties that are not named stay."""
        return replace(self, by={**self.by, **(by or {})}, **changes)

    def spec(self) -> Json:
        """Return the spec of a manifest with its attestations."""
        limits = {
            "attribute": MEASURED["attribute"],
            "metric": MEASURED["metric"],
            "threshold": self.planned,
        }
        plan = self._statement("plan", PLAN, {"bias": [limits]})
        measured = {**self.measured, "planDigest": payload_digest(plan)}
        spec = evidence(**{"bias": [measured], "humanOversight": OVERSIGHT, **self.stated})
        training = self._statement("training", COMPLIANCE_MANIFEST, covered(spec))
        audit = self._statement("audit", BIAS_AUDIT, {"bias": spec["bias"]})
        decision = {
            "approves": {"digest": payload_digest(audit)},
            "role": "Head of compliance",
            "by": "compliance@bank.example",
            "at": "2026-11-03T09:00:00Z",
        }
        approval = self._statement("approval", APPROVAL, decision)
        return {**spec, "attestations": [plan, training, audit, approval]}

    def _statement(self, name: str, predicate_type: str, predicate: Json) -> Json:
        about = (self.about.get(name, MODEL),)
        item = attestation(name, predicate_type, predicate, self.by[name], subjects=about)
        return item | ({"chain": self.chain} if name == "training" and self.chain else {})


@dataclass(frozen=True)
class Parties:
    """A party that the policies trust, and one that they do not."""

    training: Party = field(default_factory=lambda: Party("ml-platform"))
    risk: Party = field(default_factory=lambda: Party("model-risk"))
    office: Party = field(default_factory=lambda: Party("compliance-office"))
    stranger: Party = field(default_factory=lambda: Party("stranger"))

    def signed(self) -> Signed:
        """Return evidence that each party signed its part of."""
        by = {"plan": self.risk, "training": self.training, "audit": self.risk, "approval": self.office}
        return Signed(by)

    def policy(self, **changes: Any) -> Json:  # noqa: ANN401 - fields of an evidence policy
        """Return the evidence part of the policy: each statement by its party, and by no other."""
        training, risk, office = self.training, self.risk, self.office
        return {
            "level": {"HighRisk": "Attested"},
            "authorities": [
                training.authority(COMPLIANCE_MANIFEST),
                risk.authority(BIAS_AUDIT, PLAN),
                office.authority(APPROVAL),
            ],
            "require": [
                required(COMPLIANCE_MANIFEST, training),
                required(PLAN, risk),
                required(BIAS_AUDIT, risk, distinctFrom=[training.name]),
                required(APPROVAL, office, distinctFrom=[training.name, risk.name]),
            ],
            **changes,
        }

    def authorities(self, name: str, **changes: Any) -> list[Json]:  # noqa: ANN401 - fields of an authority
        """Return the authorities of the policy, one of them changed."""
        items: list[Json] = self.policy()["authorities"]
        return [item | changes if item["name"] == name else item for item in items]


class Root:
    """A certificate authority of an organisation, for signers."""

    def __init__(self) -> None:
        self._party = Party("root")
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Example Bank signing")])
        ca = self._builder(self._name, self._party, timedelta(days=-1), timedelta(days=30))
        ca = ca.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        ca = ca.add_extension(_usage(certificates=True), critical=True)
        self.pem = self._issued(ca)

    def authority(self, name: str, predicate_type: str) -> Json:
        """Return the authority of a policy for certificates with ``IDENTITY``."""
        certificate = {"roots": self.pem, "identities": [{"uri": IDENTITY}]}
        return {"name": name, "mayAttest": [predicate_type], "certificate": certificate}

    def certify(self, party: Party, start: timedelta, end: timedelta) -> str:
        """Return a certificate for code signing with ``IDENTITY``, valid from and until so long from now."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, party.name)])
        leaf = self._builder(name, party, start, end)
        leaf = leaf.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        leaf = leaf.add_extension(_usage(certificates=False), critical=True)
        leaf = leaf.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
        identity = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(IDENTITY)])
        return self._issued(leaf.add_extension(identity, critical=False))

    def _builder(
        self, subject: x509.Name, party: Party, start: timedelta, end: timedelta
    ) -> x509.CertificateBuilder:
        now, key = datetime.now(UTC), party.key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + start)
            .not_valid_after(now + end)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._party.key.public_key()),
                critical=False,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )

    def _issued(self, builder: x509.CertificateBuilder) -> str:
        return builder.sign(self._party.key, SHA256()).public_bytes(Encoding.PEM).decode()


def _usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )


def manifest(name: str, spec: Json) -> Json:
    """Return a ComplianceManifest."""
    return {
        "apiVersion": API_VERSION,
        "kind": "ComplianceManifest",
        "metadata": {"name": name},
        "spec": spec,
    }


def model(name: str, evidence_name: str) -> Json:
    """Return a ModelDeployment that refers to a manifest."""
    return {
        "apiVersion": API_VERSION,
        "kind": "ModelDeployment",
        "metadata": {"name": name},
        "spec": deployment_spec(
            model={"name": "CreditRiskScorer", "version": "2", "digest": MODEL},
            complianceManifestRef={"name": evidence_name},
        ),
    }


def workload(name: str, evidence_name: str) -> Json:
    """Return a Deployment that is declared to serve a model, and links the manifest."""
    labels = {"app": name, "actgate.dev/inference": "true"}
    marks = {
        "actgate.dev/compliance-manifest": evidence_name,
        "actgate.dev/model": "CreditRiskScorer",
        "actgate.dev/model-version": "2",
        "actgate.dev/model-digest": MODEL,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": labels, "annotations": marks},
                "spec": {"containers": [{"name": "server", "image": "registry.example/server:1"}]},
            },
        },
    }
