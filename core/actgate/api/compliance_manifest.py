"""ComplianceManifest: the evidence that speaks for one model, written by its training pipeline.

Evidence is immutable: a new training run, a new assessment or a longer validity is a new object.
"""

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, JsonValue

from actgate.api.base import (
    CloudRegion,
    Counter,
    Digest,
    ImageDigestReference,
    LongText,
    Model,
    Name,
    Resource,
    ShortText,
    Text,
    Timestamp,
)
from actgate.api.model_deployment import ReportedFinding
from actgate.api.names import LABEL


class RiskCategory(StrEnum):
    """The tiers of Regulation (EU) 2024/1689 as the pipeline or an assessor states them."""

    PROHIBITED = "Prohibited"
    HIGH_RISK = "HighRisk"
    LIMITED_RISK = "LimitedRisk"
    MINIMAL_RISK = "MinimalRisk"


class Metric(StrEnum):
    """Group fairness metrics known by name; ratios end in ``_ratio`` or are disparate impact."""

    DEMOGRAPHIC_PARITY_DIFFERENCE = "demographic_parity_difference"
    EQUALIZED_ODDS_DIFFERENCE = "equalized_odds_difference"
    EQUAL_OPPORTUNITY_DIFFERENCE = "equal_opportunity_difference"
    STATISTICAL_PARITY_DIFFERENCE = "statistical_parity_difference"
    AVERAGE_ODDS_DIFFERENCE = "average_odds_difference"
    DEMOGRAPHIC_PARITY_RATIO = "demographic_parity_ratio"
    EQUALIZED_ODDS_RATIO = "equalized_odds_ratio"
    DISPARATE_IMPACT = "disparate_impact"

    def __init__(self, value: str) -> None:
        self.is_ratio = value.endswith(("_ratio", "_impact"))
        """Whether 1 is the fair value (a ratio) rather than 0 (a difference)."""


class DigestDomain(StrEnum):
    """What a model's digest is taken over, so that two parties compute the same one."""

    OMS_V1 = "oms-v1"
    """OpenSSF Model Signing 1.0: SHA-256 over the SHA-256 of each file, in the order of their paths."""
    FILE = "file"
    """SHA-256 of the bytes of one file."""
    OCI_IMAGE = "oci-image"
    """Digest of an OCI image manifest."""


ModelUri = Annotated[str, Field(pattern=r"^[^\s]+$", min_length=1, max_length=512)]
"""What a model is loaded from: a URI such as ``s3://models/credit/3``, or the name of a repository such as
``bank/credit-scorer``; one that ends in ``/`` stands for all below it."""


class AssessedModel(Model):
    """The model that this manifest speaks of."""

    name: Name
    """Name of the model, as the deployment names it."""
    version: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """Version of the model; compared where the deployment states one too."""
    digest: Digest | None = None
    """SHA-256 of the model artefact, sha256:<64 hex digits>."""
    digest_domain: Annotated[DigestDomain, Field(strict=False)] | None = None
    """What the digest is taken over: oms-v1 (a directory), file, or oci-image."""
    resources_digest: Digest | None = None
    """SHA-256 over the names and digests of the files of a directory: oms-v1 covers no names."""
    images: Annotated[list[ImageDigestReference], Field(max_length=64)] | None = None
    """Images by digest. Where listed, every container of the workload must run one of them."""
    uris: Annotated[list[ModelUri], Field(max_length=32)] | None = None
    """What the model is loaded from. Where listed, every URI and model name that a workload states must be
    covered: equal, or below an entry that ends in /."""


class Classification(Model):
    """Why the system is in its risk category; AI Act Art. 6."""

    basis: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    """Point of the Act that decides: III.5.b (Annex III), 5.1.c (Art. 5), I (Annex I), or none."""
    profiling: bool | None = None
    """Whether it profiles natural persons; Annex III systems that do are always high-risk."""
    rationale: LongText | None = None
    """The reasoning, or where it is kept. Needed to leave an Annex III use below high-risk."""
    assessed_by: ShortText | None = None
    """Role or person that classified the system."""
    assessed_at: Timestamp | None = None
    """When it was classified."""


class Training(Model):
    """When and where the model was trained."""

    finished_at: Timestamp | None = None
    """End of the training run; the evidence's age counts from here."""
    regions: Annotated[list[CloudRegion], Field(max_length=32)] | None = None
    """Every region in which training data was processed."""


def _at_most(part: str, whole: str, bound: str, words: str) -> dict[str, JsonValue]:
    """Return the CEL rule that a count is no larger than what it is part of."""
    absent = [f"!has(self.{field}) || " for field in (part, whole) if field != "count"]
    return {
        "rule": f"{''.join(absent)}self.{part} <= {bound}",
        "message": f"must be at most {words}",
        "fieldPath": f".{part}",
    }


class Group(Model):
    """One group of persons within a bias measurement."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                _at_most("selected", "count", "self.count", "count"),
                _at_most("positives", "count", "self.count", "count"),
                _at_most("truePositives", "positives", "self.positives", "positives"),
                _at_most(
                    "falsePositives", "positives", "self.count - self.positives", "count less positives"
                ),
                {
                    "rule": "!has(self.selected) || !has(self.truePositives) || !has(self.falsePositives)"
                    " || self.selected == self.truePositives + self.falsePositives",
                    "message": "must be truePositives and falsePositives together",
                    "fieldPath": ".selected",
                },
            ]
        }
    )

    name: Name
    """Name of the group, such as female; each group stands once."""
    count: Annotated[int, Field(ge=0, le=2**53 - 1)]
    """Number of persons of the group in the evaluated data; a group without any is refused."""
    selection_rate: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of the group that got the favourable result, 0 to 1; it must agree with count and value."""
    selected: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = None
    """Number of persons that got the favourable result: true positives and false positives."""
    positives: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = None
    """Number of persons for whom the favourable result was the right one."""
    true_positives: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = None
    """Number of persons that got the favourable result, rightly."""
    false_positives: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = None
    """Number of persons that got the favourable result, wrongly."""


class Interval(Model):
    """A confidence interval as the pipeline computed it, for information: the gate computes its own."""

    low: float
    """Lower end."""
    high: float
    """Upper end."""
    level: Annotated[float, Field(ge=0, le=1)]
    """Confidence level, such as 0.95."""
    method: ShortText | None = None
    """How it was computed, such as newcombe or bootstrap."""


class EvaluatedData(Model):
    """The data on which a measurement was made."""

    digest: Digest
    """SHA-256 of all of its bytes."""


class BiasMeasurement(Model):
    """One fairness metric for one protected attribute; AI Act Art. 10(2)(f)."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "self.metric in ['demographic_parity_ratio', 'equalized_odds_ratio',"
                    " 'disparate_impact'] ? self.value >= 0.0"
                    " : (self.value >= -1.0 && self.value <= 1.0)",
                    "message": "a difference must be between -1 and 1, and a ratio >= 0",
                    "fieldPath": ".value",
                },
                {
                    "rule": "!has(self.referenceGroup) || (has(self.groups)"
                    " && self.groups.exists(group, group.name == self.referenceGroup))",
                    "message": "must be the name of one of the groups",
                    "fieldPath": ".referenceGroup",
                },
            ]
        }
    )

    attribute: Name | None = None
    """Protected attribute or intersection that was measured, such as gender."""
    metric: Annotated[Metric, Field(strict=False)]
    """Name of the metric."""
    value: float
    """Measured value: a difference from -1 to 1, or a ratio from 0 upwards."""
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    """Limit that the pipeline set itself, 0 to 1; it can tighten the policy's limit and never loosen it."""
    compliant: bool | None = None
    """The pipeline's own verdict. It is recomputed, and a contradiction is refused."""
    groups: Annotated[list[Group], Field(max_length=64)] | None = None
    """The groups compared, with their sizes: at least two, each once, none of them empty."""
    reference_group: Name | None = None
    """Group that a directional metric compares the others with; the name of one of the groups."""
    interval: Interval | None = None
    """Confidence interval of the value, for information."""
    dataset: EvaluatedData | None = None
    """Data on which it was measured."""
    plan_digest: Digest | None = None
    """SHA-256 of the payload of the plan that fixed this measurement and its limit before the run."""
    library: ShortText | None = None
    """Library and version that computed it, such as fairlearn 0.15.0."""


class HumanOversight(Model):
    """How natural persons oversee the system; AI Act Art. 14."""

    enabled: bool
    """Whether human oversight is in place. Only the boolean true counts."""
    role: ShortText | None = None
    """Role of the overseeing person, such as Credit officer."""
    contact: Text | None = None
    """How to reach that role."""
    override: Text | None = None
    """How a person disregards or reverses an output; AI Act Art. 14(4)(d)."""
    stop: Text | None = None
    """How a person stops the system; AI Act Art. 14(4)(e)."""


class Comparator(StrEnum):
    """How a value has to stand to its threshold."""

    AT_MOST = "<="
    AT_LEAST = ">="
    BELOW = "<"
    ABOVE = ">"


class Evaluation(Model):
    """A test of accuracy, robustness or cybersecurity; AI Act Art. 15."""

    kind: ShortText
    """What was tested, such as robustness, accuracy or cybersecurity."""
    metric: ShortText | None = None
    """Name of the metric."""
    value: float | None = None
    """Measured value."""
    comparator: Annotated[Comparator, Field(strict=False)] | None = None
    """How the value has to stand to the threshold."""
    threshold: float | None = None
    """Limit set before the test ran; AI Act Art. 9(8)."""
    samples: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = None
    """Number of samples that were tested."""
    plan_digest: Digest | None = None
    """SHA-256 of the payload of the plan that fixed this test and its threshold before the run."""
    report_digest: Digest | None = None
    """SHA-256 of the full report."""
    report_format: ShortText | None = None
    """Format of the report, such as lm-eval or pointblank."""

    @property
    def met(self) -> bool | None:
        """Whether the value meets the threshold; None where value, comparator or threshold is not stated."""
        if self.value is None or self.threshold is None or self.comparator is None:
            return None
        match self.comparator:
            case Comparator.AT_MOST:
                return self.value <= self.threshold
            case Comparator.AT_LEAST:
                return self.value >= self.threshold
            case Comparator.BELOW:
                return self.value < self.threshold
            case Comparator.ABOVE:
                return self.value > self.threshold


class DataQualityCheck(Model):
    """One check of a data set; AI Act Art. 10(3). Counts only, never rows or values."""

    dataset: ShortText
    """Name of the data set, as under datasets."""
    check: ShortText
    """What was checked, such as completeness or duplicates."""
    definition: Text | None = None
    """What exactly counts as a failure."""
    checked: Annotated[int, Field(ge=0, le=2**53 - 1)]
    """Number of rows or values that were checked."""
    failed: Annotated[int, Field(ge=0, le=2**53 - 1)]
    """How many of them failed."""
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    """Largest share of failures that was accepted before the check ran."""


class Dataset(Model):
    """Data that trained, validated or tested the model; AI Act Art. 10."""

    name: ShortText
    """Name of the data set."""
    version: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """Version of the data set."""
    digest: Digest | None = None
    """SHA-256 of the data set or of its manifest."""
    license: ShortText | None = None
    """Licence, as an SPDX identifier where there is one."""


class Lineage(Model):
    """Where the model comes from."""

    code_commit: ShortText | None = None
    """Commit of the training code."""
    run_id: ShortText | None = None
    """Identifier of the training run in the tracking system."""
    base_models: Annotated[list[ShortText], Field(max_length=32)] | None = None
    """Models that this one was derived from."""


class Validity(Model):
    """The period in which the evidence counts, notBefore included and notAfter excluded."""

    not_before: Timestamp | None = None
    """The evidence is not valid before this moment."""
    not_after: Timestamp | None = None
    """The evidence does not count from this moment on."""


class Approval(Model):
    """A recorded human decision on this evidence."""

    role: ShortText
    """Role in which the person decided."""
    by: ShortText
    """Who decided."""
    at: Timestamp
    """When."""


MOST_ATTESTATIONS: Final = 8
MOST_PAYLOAD: Final = 160 * 1024
"""Characters that the attestations of one manifest may have together: client-side kubectl apply, which copies
the whole object into an annotation, fails near 256 KiB."""


class EnvelopeSignature(Model):
    """One signature of a DSSE envelope."""

    keyid: Annotated[str, Field(max_length=256)] | None = None
    """Hint at the key; it is not authenticated, and proves nothing."""
    sig: Annotated[str, Field(min_length=1, max_length=2048)]
    """The signature in base64."""


class Envelope(Model):
    """A DSSE envelope: signed bytes and their signatures (https://github.com/secure-systems-lab/dsse)."""

    payload_type: Annotated[str, Field(min_length=1, max_length=128)]
    """Media type of the payload: application/vnd.in-toto+json."""
    payload: Annotated[str, Field(min_length=1, max_length=MOST_PAYLOAD)]
    """The signed bytes in base64: an in-toto Statement v1."""
    signatures: Annotated[list[EnvelopeSignature], Field(min_length=1, max_length=8)]
    """Signatures over payload type and payload, at most 8."""


class Attestation(Model):
    """A signed statement about the model, from which the fields that it covers are taken as proven."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "has(self.envelope) != has(self.bundle)",
                    "message": "must have either an envelope or a bundle",
                }
            ]
        }
    )

    name: Annotated[str, Field(pattern=f"^{LABEL}$", min_length=1, max_length=63)]
    """Name of the attestation within the manifest, such as training or model-risk."""
    envelope: Envelope | None = None
    """The statement in a DSSE envelope."""
    bundle: Annotated[str, Field(min_length=1, max_length=MOST_PAYLOAD)] | None = None
    """The statement in a Sigstore bundle (v0.1 to v0.3), as JSON text."""
    chain: Annotated[str, Field(min_length=1, max_length=32768)] | None = None
    """Certificate of the signer and the intermediate ones, PEM, where a certificate signed."""


class ComplianceManifestSpec(Model):
    """Evidence about one model. It cannot be changed: a new training run is a new object."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "self == oldSelf",
                    "message": "evidence is immutable: create a new ComplianceManifest and point"
                    " the deployment's reference at it",
                },
                {
                    "rule": "!has(self.attestations) || self.attestations.map(a, has(a.envelope) ?"
                    f" size(a.envelope.payload) : size(a.bundle)).sum() <= {MOST_PAYLOAD}",
                    "message": f"the payloads of all attestations must have at most {MOST_PAYLOAD} characters"
                    " together",
                    "fieldPath": ".attestations",
                },
            ]
        }
    )

    model: AssessedModel
    """The model that this manifest speaks of."""
    risk_category: Annotated[RiskCategory, Field(strict=False)] | None = None
    """Tier of the AI Act. Where it is missing the system is judged as HighRisk."""
    classification: Classification | None = None
    """Why the system is in that tier."""
    training: Training | None = None
    """When and where the model was trained."""
    bias: Annotated[list[BiasMeasurement], Field(max_length=64)] | None = None
    """Bias measurements, one per protected attribute and metric."""
    human_oversight: HumanOversight | None = None
    """How natural persons oversee the system."""
    evaluations: Annotated[list[Evaluation], Field(max_length=64)] | None = None
    """Tests of accuracy, robustness and cybersecurity."""
    datasets: Annotated[list[Dataset], Field(max_length=64)] | None = None
    """Data sets used."""
    data_quality: Annotated[list[DataQualityCheck], Field(max_length=256)] | None = None
    """Checks of the data sets."""
    lineage: Lineage | None = None
    """Where the model comes from."""
    validity: Validity | None = None
    """The period in which this evidence counts."""
    approvals: Annotated[list[Approval], Field(max_length=32)] | None = None
    """Human decisions on this evidence."""
    attestations: (
        Annotated[
            list[Attestation],
            Field(
                max_length=MOST_ATTESTATIONS,
                json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
            ),
        ]
        | None
    ) = None
    """Signed statements about this evidence, collected before it is applied; the digest leaves them out."""


class ReportedAppraisal(Model):
    """What the evidence is worth by itself, whatever refers to it."""

    outcome: Annotated[str, Field(pattern="^(Pass|Warn|Fail)$", max_length=4)]
    """Pass, Warn (findings that do not refuse) or Fail."""
    reason: Text | None = None
    """The rules of the strongest findings, the first ones by name."""
    policies: Annotated[list[ShortText], Field(max_length=64)]
    """Names of the policies that applied."""
    ruleset: ShortText
    """Version of the rules and facts."""
    valid_until: Timestamp | None = None
    """When time alone will change it."""
    findings: Annotated[list[ReportedFinding], Field(max_length=32)] | None = None
    """The reasons, strongest first."""
    omitted_findings: Counter | None = None
    """How many more findings there are."""


class ReportedAttestation(Model):
    """What the gate found of one attestation."""

    name: ShortText
    """Name of the attestation."""
    predicate_type: ShortText | None = None
    """What it attests; absent where the statement cannot be read."""
    authority: ShortText | None = None
    """Authority of the policy whose key or certificate signed; absent where none did."""
    signer: ShortText | None = None
    """Key or identity that signed."""
    signed_no_later_than: Timestamp | None = None
    """The moment from which on the signature is known to exist."""
    payload_digest: Digest | None = None
    """SHA-256 of the signed bytes, by which a policy can withdraw them."""
    result: Annotated[str, Field(pattern="^(Accepted|Refused|Ignored)$", max_length=8)]
    """Accepted, Refused, or Ignored where no policy asks for it."""
    reason: Text | None = None
    """Why it was not accepted."""


class ComplianceManifestStatus(Model):
    """What the operator found, for people to read: no decision depends on it."""

    observed_generation: Counter | None = None
    """Generation of the spec that this status speaks of."""
    verdict: ReportedAppraisal | None = None
    """What the evidence is worth under the policies of its namespace; what a model adds to it, such as
    another name or a place where it is served, is in the status of the ModelDeployment."""
    attestations: Annotated[list[ReportedAttestation], Field(max_length=MOST_ATTESTATIONS)] | None = None
    """Each attestation and what was found of it, in the order of spec.attestations."""


class ComplianceManifest(Resource):
    """Evidence about one AI model: bias, residency, oversight and risk. Immutable."""

    kind: Literal["ComplianceManifest"]
    spec: ComplianceManifestSpec
    status: ComplianceManifestStatus | None = None
