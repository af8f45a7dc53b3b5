"""ModelDeployment: a model that runs if and only if its evidence holds."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from actgate.api.base import (
    CloudRegion,
    Counter,
    Digest,
    LongText,
    Model,
    ObjectName,
    Resource,
    ShortText,
    Text,
    Timestamp,
)
from actgate.api.inference_log import LoggingSpec, LogMode

# A structural schema needs no list of a foreign type's fields: the API server checks the
# container and the pod template when the operator applies the Deployment.
OpenObject = Annotated[
    dict[str, Any], Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})
]
Port = Annotated[int, Field(ge=1, le=65535)]
Replicas = Annotated[int, Field(ge=0, le=10_000, json_schema_extra={"format": "int32"})]
PositiveReplicas = Annotated[int, Field(ge=1, le=10_000, json_schema_extra={"format": "int32"})]

MOST_NOT_UPLOADED = 16
"""Pods that a status lists."""


class ServedModel(Model):
    """Which model is served."""

    name: ShortText
    """Name of the model; the manifest must speak of the same one."""
    version: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """Version of the model."""
    digest: Digest | None = None
    """SHA-256 of the model artefact, sha256:<64 hex digits>."""
    uri: Text | None = None
    """Where the server loads the model from, such as s3://models/credit/2."""


class ManifestReference(Model):
    """Names a ComplianceManifest in the same namespace."""

    name: ObjectName
    """Name of the ComplianceManifest."""


class Placement(Model):
    """Where the model may be served."""

    regions: Annotated[list[CloudRegion], Field(min_length=1, max_length=32)]
    """Regions in which pods may run."""


class Autoscaling(Model):
    """Bounds and target of a HorizontalPodAutoscaler."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "!has(self.minReplicas) || self.minReplicas <= self.maxReplicas",
                    "message": "minReplicas must not exceed maxReplicas",
                    "fieldPath": ".minReplicas",
                }
            ]
        }
    )

    min_replicas: PositiveReplicas = 1
    """Fewest replicas."""
    max_replicas: PositiveReplicas
    """Most replicas."""
    target_cpu_utilization_percentage: Annotated[
        int, Field(ge=1, le=1000, alias="targetCPUUtilizationPercentage")
    ] = 80
    """Average CPU use, in percent of the request, that the autoscaler aims at."""


class EnvVar(Model):
    """An environment variable of the server."""

    name: ShortText
    """Name of the variable."""
    value: Annotated[str, Field(max_length=32768)] | None = None
    """Its value."""
    value_from: OpenObject | None = None
    """Source of the value, as in a core/v1 Container."""


class ContainerPort(Model):
    """A port that the server listens on; takes every field of a core/v1 ContainerPort."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})

    name: Annotated[str, Field(min_length=1, max_length=15)] | None = None
    """Name of the port."""
    container_port: Port
    """Number of the port."""
    protocol: Annotated[str, Field(pattern="^(TCP|UDP|SCTP)$", max_length=4)] | None = None
    """TCP, UDP or SCTP."""


class Server(Model):
    """The container that serves the model; takes every field of a core/v1 Container but name."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})

    image: Annotated[str, Field(min_length=1, max_length=1024)]
    """Container image, best by digest."""
    command: Annotated[list[LongText], Field(max_length=128)] | None = None
    """Entry point."""
    args: Annotated[list[Annotated[str, Field(max_length=4096)]], Field(max_length=256)] | None = None
    """Arguments of the entry point."""
    env: (
        Annotated[
            list[EnvVar],
            Field(
                max_length=256,
                json_schema_extra={
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                },
            ),
        ]
        | None
    ) = None
    """Environment variables."""
    ports: Annotated[list[ContainerPort], Field(max_length=32)] | None = None
    """Ports that the server listens on; the first one is the Service's."""
    resources: OpenObject | None = None
    """Requests and limits, as in a core/v1 Container."""
    readiness_probe: OpenObject | None = None
    """When the server is ready, as in a core/v1 Container."""


NOT_CARRIED = "^(grpc|h2|http2|https|tls|ws)"
"""Names of ports, by their beginning, for protocols that the recorder does not carry."""


class ModelDeploymentSpec(Model):
    """What to serve, with which evidence, where and how."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "!(has(self.replicas) && has(self.autoscaling))",
                    "message": "set replicas or autoscaling, not both",
                    "fieldPath": ".replicas",
                },
                {
                    "rule": "!has(self.logging) || !has(self.logging.storage)"
                    " || !has(self.logging.storage.pvc)"
                    " || self.logging.storage.pvc.accessMode == 'ReadWriteMany'"
                    " || (has(self.autoscaling) ? self.autoscaling.maxReplicas <= 1"
                    " : (!has(self.replicas) || self.replicas <= 1))",
                    "message": "a log on a PersistentVolumeClaim needs one replica or accessMode"
                    " ReadWriteMany",
                    "fieldPath": ".logging.storage.pvc",
                },
                {
                    "rule": "!has(self.logging) || self.logging.mode != 'Recorder'"
                    " || !has(self.server.ports) || size(self.server.ports) == 0"
                    " || !has(self.server.ports[0].name)"
                    f" || !self.server.ports[0].name.matches('{NOT_CARRIED}')",
                    "message": "the recorder carries HTTP/1.1 alone: serve that on the first port, or set"
                    " mode Library or External",
                    "fieldPath": ".logging.mode",
                },
            ]
        }
    )

    model: ServedModel
    """Which model is served."""
    compliance_manifest_ref: ManifestReference
    """The evidence that speaks for the model."""
    placement: Placement | None = None
    """Where the model may be served."""
    replicas: Replicas | None = None
    """Number of servers; must be absent when autoscaling is set."""
    autoscaling: Autoscaling | None = None
    """Lets a HorizontalPodAutoscaler choose the number of servers."""
    server: Server
    """The container that serves the model."""
    pod_template: OpenObject | None = None
    """Overlay for the pod template, as in apps/v1; checked when the Deployment is applied."""
    suspend: bool = False
    """Scales the model to zero while true."""
    logging: LoggingSpec | None = None
    """How the use of the model is recorded; without it, nothing is."""


class ConditionStatus(StrEnum):
    """Status of a condition."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Model):
    """A condition, as in meta/v1."""

    type: Annotated[str, Field(min_length=1, max_length=316)]
    """EvidenceAccepted, WorkloadAvailable, ScalingActive, LoggingHealthy, Ready, Reconciling or Stalled."""
    status: Annotated[ConditionStatus, Field(strict=False)]
    """True, False or Unknown."""
    reason: Annotated[
        str,
        Field(pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$", min_length=1, max_length=1024),
    ]
    """CamelCase reason of the last transition."""
    message: Annotated[str, Field(max_length=32768)]
    """What a person should know."""
    last_transition_time: Timestamp
    """When the status last changed."""
    observed_generation: Counter | None = None
    """Generation of the spec that the condition was set for."""


class ReportedFinding(Model):
    """One reason of the verdict."""

    rule: ShortText
    """Rule that found it."""
    basis: ShortText
    """Provision of the AI Act, or house policy."""
    path: Annotated[str, Field(max_length=1024)]
    """Field that it is about."""
    message: Annotated[str, Field(max_length=4096)]
    """What was found and what was expected."""
    remediation: Annotated[str, Field(max_length=4096)] = ""
    """How to fix it."""
    effect: Annotated[str, Field(pattern="^(Deny|Warn|Audit|Exempted)$", max_length=8)]
    """Deny, Warn or Audit; Exempted where an Exemption accepts it."""
    exemption: ShortText | None = None
    """Name of that Exemption."""


class ReportedExemption(Model):
    """An Exemption that accepts a finding."""

    name: ShortText
    """Its name."""
    not_after: Timestamp
    """When it ends."""


class JudgedManifest(Model):
    """The manifest that was judged."""

    name: ShortText
    """Its name."""
    uid: ShortText | None = None
    """Its uid."""
    digest: Digest | None = None
    """Canonical SHA-256 of its spec."""


class ReportedVerdict(Model):
    """The latest decision about the evidence."""

    outcome: Annotated[str, Field(pattern="^(Pass|Warn|Fail)$", max_length=4)]
    """Pass, Warn (findings that do not refuse) or Fail."""
    manifest: JudgedManifest | None = None
    """The manifest that was judged."""
    policies: Annotated[list[ShortText], Field(max_length=64)] | None = None
    """Names of the policies that applied."""
    ruleset: ShortText
    """Version of the rules and facts."""
    evaluated_at: Timestamp
    """When the evidence was judged."""
    valid_until: Timestamp | None = None
    """When time alone will change the verdict."""
    exemptions: Annotated[list[ReportedExemption], Field(max_length=64)] | None = None
    """The Exemptions that accept findings of it."""
    findings: Annotated[list[ReportedFinding], Field(max_length=128)] | None = None
    """The reasons."""


class NotUploaded(Model):
    """Records that went with a pod."""

    pod: Annotated[str, Field(max_length=253)]
    """Name of the pod."""
    records: Annotated[int, Field(ge=1, le=1_000_000_000)]
    """How many of its records the storage does not have."""
    observed_at: Timestamp
    """When the operator observed it."""


class ReportedLogging(Model):
    """How the use of the model is recorded, as far as the operator can see it."""

    mode: Annotated[LogMode, Field(strict=False)]
    """Who writes the log."""
    recorder: Annotated[str, Field(max_length=1024)] | None = None
    """Image of the recorder."""
    recording: Replicas | None = None
    """Number of pods whose recorder is ready."""
    model_port: Annotated[str, Field(max_length=1024)] | None = None
    """Whether the model can be asked past the recorder."""
    not_uploaded: Annotated[list[NotUploaded], Field(max_length=MOST_NOT_UPLOADED)] | None = None
    """Pods that ended before all of their log was uploaded, the latest last."""


class ReportedStop(Model):
    """A stop by ``spec.suspend`` (AI Act Art. 14(4)(e)). What it says of persons and reasons is a claim."""

    observed_at: Timestamp
    """When the operator observed it first."""
    by: Annotated[str, Field(max_length=253)] | None = None
    """Who stopped the model, by the annotation actgate.dev/stopped-by."""
    reason: Annotated[str, Field(max_length=1024)] | None = None
    """Why, by the annotation actgate.dev/stop-reason."""


class ModelDeploymentStatus(Model):
    """What the operator observed."""

    observed_generation: Counter | None = None
    """Generation of the spec that this status speaks of."""
    conditions: (
        Annotated[
            list[Condition],
            Field(
                max_length=16,
                json_schema_extra={
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["type"],
                },
            ),
        ]
        | None
    ) = None
    """Always EvidenceAccepted, WorkloadAvailable and Ready; the others only while they apply."""
    verdict: ReportedVerdict | None = None
    """The latest decision about the evidence."""
    url: Text | None = None
    """Where the model answers within the cluster."""
    replicas: Replicas | None = None
    """Number of pods."""
    ready_replicas: Replicas | None = None
    """Number of ready pods."""
    held_replicas: Replicas | None = None
    """While the evidence does not hold: the most replicas that may run, which is what ran before."""
    selector: Annotated[str, Field(max_length=1024)] | None = None
    """Label selector of the pods, for the scale subresource."""
    logging: ReportedLogging | None = None
    """How the use of the model is recorded, where spec.logging asks for it."""
    stop: ReportedStop | None = None
    """While spec.suspend is true: the stop."""


class ModelDeployment(Resource):
    """A model that runs if and only if its compliance evidence holds."""

    kind: Literal["ModelDeployment"]
    spec: ModelDeploymentSpec
    status: ModelDeploymentStatus | None = None
