"""CompliancePolicy: what a cluster or some of its namespaces ask of the evidence."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from actgate.api.base import Digest, Duration, ImageDigestReference, Model, Resource, ShortText, Timestamp
from actgate.api.inference_log import SIX_MONTHS, MaxPayload, RequiredDurability
from actgate.api.names import LABEL, LABEL_VALUE

_LABEL_KEY = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
LabelKey = Annotated[str, Field(pattern=_LABEL_KEY, max_length=317)]
LabelValue = Annotated[str, Field(pattern=f"^{LABEL_VALUE}$", max_length=63)]


class Enforcement(StrEnum):
    """What a finding does: refuse, warn the user, or only be recorded."""

    DENY = "Deny"
    WARN = "Warn"
    AUDIT = "Audit"


class Tier(StrEnum):
    """The risk categories that a model may have and still run."""

    HIGH_RISK = "HighRisk"
    LIMITED_RISK = "LimitedRisk"
    MINIMAL_RISK = "MinimalRisk"


class Requirement(StrEnum):
    """How firmly a declaration is asked for."""

    REQUIRE = "Require"
    IF_DECLARED = "IfDeclared"
    IGNORE = "Ignore"


class OversightField(StrEnum):
    """Fields of a manifest's humanOversight that a policy can require."""

    ROLE = "role"
    CONTACT = "contact"
    OVERRIDE = "override"
    STOP = "stop"


class OnViolation(StrEnum):
    """What the operator does with a model that runs when its evidence stops passing."""

    KEEP = "Keep"
    SCALE_TO_ZERO = "ScaleToZero"


class SelectorOperator(StrEnum):
    """Operators of a Kubernetes label selector requirement."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class SelectorRequirement(Model):
    """One expression of a label selector."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "self.operator in ['In', 'NotIn']"
                    " ? (has(self.values) && size(self.values) > 0)"
                    " : (!has(self.values) || size(self.values) == 0)",
                    "message": "values must be set for In and NotIn, and only for them",
                }
            ]
        }
    )

    key: LabelKey
    """Label key that the expression is about."""
    operator: Annotated[SelectorOperator, Field(strict=False)]
    """How the label relates to the values."""
    values: Annotated[list[LabelValue], Field(max_length=64)] | None = None
    """Values for In and NotIn; must be absent for Exists and DoesNotExist."""


class LabelSelector(Model):
    """A Kubernetes label selector; an empty one selects everything."""

    match_labels: Annotated[dict[str, LabelValue], Field(max_length=32)] | None = None
    """Labels that must all be there with these values."""
    match_expressions: Annotated[list[SelectorRequirement], Field(max_length=32)] | None = None
    """Expressions that must all hold."""


Tiers = Annotated[list[Annotated[Tier, Field(strict=False)]], Field(max_length=3)]
_EVERY_TIER = list(Tier)


class BiasPolicy(Model):
    """What is asked of bias measurements."""

    required_for: Tiers = _EVERY_TIER
    """Tiers for which a passing bias check is required."""
    max_difference: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Largest absolute value of a difference metric that passes. House policy: no law sets it."""
    min_ratio: Annotated[float, Field(ge=0, le=1)] = 0.8
    """Smallest ratio that passes, its reciprocal included; 0.8 is the four-fifths rule."""
    min_group_count: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    """Smallest group that counts as evidence; 0 asks for no group sizes."""
    attributes: Annotated[list[ShortText], Field(max_length=32)] = []
    """Protected attributes that must each be measured."""
    confidence: Annotated[float, Field(ge=0, le=0.9999)] = 0.0
    """Confidence, such as 0.95, with which every measurement has to hold its limit: its interval over the
    counts must lie within. 0 asks for the value alone."""


class ResidencyPolicy(Model):
    """Where training and serving may happen. House policy: the AI Act asks for no residency."""

    required_for: Tiers = _EVERY_TIER
    """Tiers for which residency is judged."""
    countries: Annotated[
        list[Annotated[str, Field(pattern=r"^(EU|EEA|[A-Z]{2})$", max_length=3)]],
        Field(max_length=64),
    ] = ["EU"]
    """Allowed countries: EU, EEA, or ISO 3166-1 alpha-2 codes."""
    training: Annotated[Requirement, Field(strict=False)] = Requirement.REQUIRE
    """Whether training regions must be declared."""
    serving: Annotated[Requirement, Field(strict=False)] = Requirement.IF_DECLARED
    """Whether the deployment's placement must be declared."""


class HumanOversightPolicy(Model):
    """What is asked of human oversight."""

    required_for: Tiers = _EVERY_TIER
    """Tiers for which human oversight is required."""
    fields: Annotated[list[Annotated[OversightField, Field(strict=False)]], Field(max_length=4)] = []
    """Fields of humanOversight that must be filled in."""


class AssuranceLevel(StrEnum):
    """How far evidence proves itself."""

    DECLARED = "Declared"
    """Values as the pipeline states them."""
    RECOMPUTABLE = "Recomputable"
    """Every bias measurement has the counts from which the gate computes it again."""
    ATTESTED = "Attested"
    """Recomputable, and every part that a rule used is signed by an authority that may attest it."""


class EvidenceLevels(Model):
    """The assurance level that each tier needs."""

    high_risk: Annotated[AssuranceLevel, Field(strict=False, alias=Tier.HIGH_RISK.value)] = (
        AssuranceLevel.DECLARED
    )
    """For high-risk systems."""
    limited_risk: Annotated[AssuranceLevel, Field(strict=False, alias=Tier.LIMITED_RISK.value)] = (
        AssuranceLevel.DECLARED
    )
    """For systems of limited risk."""
    minimal_risk: Annotated[AssuranceLevel, Field(strict=False, alias=Tier.MINIMAL_RISK.value)] = (
        AssuranceLevel.DECLARED
    )
    """For systems of minimal risk."""


PredicateType = Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=253)]
"""URI of what a statement attests, as in-toto names it."""
AuthorityName = Annotated[str, Field(pattern=f"^{LABEL}$", min_length=1, max_length=63)]


class AuthorityKey(Model):
    """A public key. It is no secret, and so stands in the policy."""

    data: Annotated[str, Field(pattern=r"^\s*-----BEGIN PUBLIC KEY-----[\s\S]*$", max_length=8192)]
    """The key, PEM (SubjectPublicKeyInfo): ECDSA P-256 or P-384, Ed25519, or RSA of 2048 bits or more."""


class CertificateIdentity(Model):
    """A subject alternative name that a signer's certificate has; exactly one field is set."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "[has(self.uri), has(self.uriRegExp), has(self.email), has(self.emailRegExp),"
                    " has(self.dns), has(self.dnsRegExp)].filter(x, x).size() == 1",
                    "message": "must have exactly one of uri, uriRegExp, email, emailRegExp, dns, dnsRegExp",
                }
            ]
        }
    )

    uri: ShortText | None = None
    """The URI, such as spiffe://bank.example/ml-platform."""
    uri_reg_exp: Annotated[ShortText | None, Field(alias="uriRegExp")] = None
    """A regular expression (Python's re) that the whole URI matches."""
    email: ShortText | None = None
    """The e-mail address."""
    email_reg_exp: Annotated[ShortText | None, Field(alias="emailRegExp")] = None
    """A regular expression (Python's re) that the whole e-mail address matches."""
    dns: ShortText | None = None
    """The DNS name."""
    dns_reg_exp: Annotated[ShortText | None, Field(alias="dnsRegExp")] = None
    """A regular expression (Python's re) that the whole DNS name matches."""


class AuthorityCertificate(Model):
    """Certificates of some identities, issued under some roots."""

    roots: Annotated[str, Field(pattern=r"^\s*-----BEGIN CERTIFICATE-----[\s\S]*$", max_length=32768)]
    """Root certificates, PEM."""
    identities: Annotated[list[CertificateIdentity], Field(min_length=1, max_length=32)]
    """Whose certificates count; any of them."""


class ValidFor(Model):
    """A period, its start included and its end excluded."""

    start: Timestamp | None = None
    """Signatures count from this moment on."""
    end: Timestamp | None = None
    """Signatures count before this moment."""


class RevocationReason(StrEnum):
    """Why an authority no longer counts."""

    ROTATED = "Rotated"
    COMPROMISED = "Compromised"


class Revocation(Model):
    """The end of an authority: no signature counts that is not known to be older."""

    at: Timestamp
    """From this moment on; a signature counts that a trusted time shows to be older."""
    reason: Annotated[RevocationReason, Field(strict=False)]
    """Rotated (another key took its place) or Compromised."""


class Authority(Model):
    """One party whose signatures count, and what it may attest."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "has(self.key) != has(self.certificate)",
                    "message": "must have either a key or a certificate",
                }
            ]
        }
    )

    name: AuthorityName
    """Name of the authority, such as ml-platform or model-risk."""
    key: AuthorityKey | None = None
    """The public key that it signs with."""
    certificate: AuthorityCertificate | None = None
    """The certificates that it signs with."""
    may_attest: Annotated[list[PredicateType], Field(min_length=1, max_length=16)]
    """Predicate types that it may sign."""
    valid_for: ValidFor | None = None
    """When a signature must have been made."""
    revoked: Revocation | None = None
    """Set once its signatures no longer count."""


class AttestationRequirement(Model):
    """A statement that must be there, and who has to sign it."""

    predicate_type: PredicateType
    """What is to be attested."""
    authorities: Annotated[list[AuthorityName], Field(min_length=1, max_length=16)]
    """Authorities of which any may sign."""
    min_signers: Annotated[int, Field(ge=1, le=8)] = 1
    """How many different parties have to sign; a party counts once."""
    distinct_from: Annotated[list[AuthorityName], Field(max_length=16)] = []
    """Authorities whose signers do not count here: separation of duties."""


def _authorities_exist(field: str) -> JsonDict:
    """Return the CEL rule that requirements name authorities of the policy only."""
    return {
        "rule": f"!has(self.require) || self.require.all(r, !has(r.{field}) || r.{field}.all(n, "
        "has(self.authorities) && self.authorities.exists(a, a.name == n)))",
        "message": f"require[].{field} must be names of authorities of this policy",
        "fieldPath": ".require",
    }


class EvidencePolicy(Model):
    """What is asked of the evidence itself."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                _authorities_exist("authorities"),
                _authorities_exist("distinctFrom"),
            ]
        }
    )

    max_age: Duration = "8760h"
    """Oldest evidence that counts, from the end of training."""
    require_digest: bool = False
    """Whether model and manifest must both name the artefact by digest."""
    level: EvidenceLevels = EvidenceLevels.model_construct()
    """The assurance level that each tier needs."""
    authorities: Annotated[
        list[Authority],
        Field(
            max_length=32,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = []
    """Whose signatures count, and for what."""
    require: Annotated[list[AttestationRequirement], Field(max_length=16)] = []
    """Attestations that must be there; each of them."""
    withdrawn: Annotated[list[Digest], Field(max_length=256)] = []
    """Digests of signed payloads, or of manifests, that count no more."""
    require_uris: bool = False
    """Whether the manifest must list the URIs that the model is loaded from, so that each one that a
    workload names is covered."""
    grace_after_expiry: Duration = "168h"
    """How long replacement pods of an unchanged owner are admitted after its evidence expired, where
    onViolation is Keep; never for a prohibited practice."""


class DetectionPolicy(Model):
    """What it means to serve a model, by the signals of a workload, without a link to evidence."""

    strong: Annotated[Enforcement, Field(strict=False)] = Enforcement.AUDIT
    """For one fact that hardly anything but a model server has, such as its image or its command line."""
    likely: Annotated[Enforcement, Field(strict=False)] = Enforcement.AUDIT
    """For two hints of different kinds, one of which names a model."""
    weak: Annotated[Enforcement, Field(strict=False)] = Enforcement.AUDIT
    """For hints that training, notebooks and clients have, too."""


class InjectedContainer(Model):
    """A container that a mutating webhook or a controller adds to pods beside those of their template."""

    name: Annotated[str, Field(pattern=f"^{LABEL}$", min_length=1, max_length=63)]
    """Name of the container, such as istio-proxy."""
    image: Annotated[str, Field(pattern=r"^[^@\s]+(@sha256:[0-9a-f]{64})?$", max_length=512)]
    """Its image by digest, or the repository, such as docker.io/istio/proxyv2, of which any tag counts."""


class LoggingPolicy(Model):
    """What is asked of the log of a model's use; by default nothing.

    The Act asks a log of high-risk systems (Art. 12) that is kept for six months (Art. 19(1), 26(6)); all
    else is house policy.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": f"duration(self.minRetention) >= duration('{SIX_MONTHS}')",
                    "message": f"must be at least {SIX_MONTHS}, the six months of Art. 19(1) and 26(6)",
                    "fieldPath": ".minRetention",
                }
            ]
        }
    )

    required_for: Tiers = []
    """Tiers whose use must be logged, best HighRisk; empty asks for no log, and nothing below is judged."""
    min_retention: Duration = SIX_MONTHS
    """How long logs must be kept; six months at least."""
    countries: Annotated[
        list[Annotated[str, Field(pattern=r"^(EU|EEA|[A-Z]{2})$", max_length=3)]],
        Field(max_length=64),
    ] = []
    """Countries in which logs may be kept: EU, EEA, or ISO 3166-1 alpha-2 codes; empty for any."""
    durability: Annotated[RequiredDurability, Field(strict=False)] = RequiredDurability.AT_MOST_ONCE
    """What records must survive before the answer is released: nothing, the end of a process, of the node."""
    max_payload: Annotated[MaxPayload, Field(strict=False)] = MaxPayload.FULL
    """The most that records may hold of requests and answers: nothing, keyed digests, or all."""
    recorder_images: Annotated[list[ImageDigestReference], Field(max_length=32)] = []
    """Images of the recorder, by digest, that may run beside those that a manifest binds."""


class CompliancePolicySpec(Model):
    """What the selected namespaces ask of a model's evidence; the defaults are the baseline."""

    # Defaults need no validation: built without it, the parts' own validators are never made.

    enforcement: Annotated[Enforcement, Field(strict=False)] = Enforcement.DENY
    """Deny refuses, Warn warns the user, Audit only records."""
    namespace_selector: LabelSelector = LabelSelector.model_construct()
    """Namespaces that this policy applies to; empty selects every namespace."""
    bias: BiasPolicy = BiasPolicy.model_construct()
    """What is asked of bias measurements."""
    residency: ResidencyPolicy = ResidencyPolicy.model_construct()
    """Where training and serving may happen."""
    human_oversight: HumanOversightPolicy = HumanOversightPolicy.model_construct()
    """What is asked of human oversight."""
    evidence: EvidencePolicy = EvidencePolicy.model_construct()
    """What is asked of the evidence itself."""
    detection: DetectionPolicy = DetectionPolicy.model_construct()
    """What becomes of workloads that serve a model by their signals, and link no manifest."""
    injected_containers: Annotated[list[InjectedContainer], Field(max_length=64)] = []
    """Containers that others add to pods: a manifest's images do not bind them, only where the template of
    the pod's owner does not have them."""
    on_violation: Annotated[OnViolation, Field(strict=False)] = OnViolation.KEEP
    """What happens to a running model whose evidence stops passing."""
    logging: LoggingPolicy = LoggingPolicy.model_construct()
    """What is asked of the log of a model's use."""


class CompliancePolicy(Resource):
    """What a cluster or some of its namespaces ask of an AI model's evidence."""

    kind: Literal["CompliancePolicy"]
    spec: CompliancePolicySpec
