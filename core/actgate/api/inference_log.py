"""``spec.logging`` of a ModelDeployment: how the use of the model is recorded, and where the log is kept.

The words of a policy about the same things stand beside them, so that each list of values has one home.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from actgate.api.base import Duration, Model, ObjectName, ShortText

SIX_MONTHS = "4416h"
"""Six months are 184 days at most. Source: Regulation (EU) 2024/1689, Art. 19(1) and 26(6)."""


class LogMode(StrEnum):
    """Who writes the log."""

    RECORDER = "Recorder"
    """A sidecar before the model's port, which the operator puts there."""
    LIBRARY = "Library"
    """The server itself, by ``actgate.trace.asgi.Recorder``."""
    EXTERNAL = "External"
    """Something else, such as a gateway; it is taken to lose records without notice."""
    NONE = "None"


class LogDurability(StrEnum):
    """What a record has survived before the answer that it is about is released."""

    PROCESS = "Process"
    """The kernel has it: the recorder and the server may be killed."""
    NODE = "Node"
    """The disk has it (fdatasync): the node may lose power, where the volume outlives it."""


class RequiredDurability(StrEnum):
    """What a policy asks of durability, the least first."""

    AT_MOST_ONCE = "AtMostOnce"
    """A record can get lost without notice."""
    PROCESS = "Process"
    NODE = "Node"


class LogFailure(StrEnum):
    """What becomes of a request whose record cannot be written."""

    REFUSE = "Refuse"
    """It is answered with 503."""
    SERVE = "Serve"
    """It is served, and the gap is recorded once that is possible."""


class LogPayload(StrEnum):
    """What a record holds of request and answer, beside the fields that are named."""

    NONE = "None"
    DIGEST = "Digest"
    """Keyed digests (HMAC-SHA256), by which the holder of the key can recognise a payload."""


class MaxPayload(StrEnum):
    """The most that a policy lets a log hold, the least first."""

    NONE = "None"
    DIGEST = "Digest"
    FULL = "Full"
    """Whole payloads, too."""


class Side(StrEnum):
    """The two bodies of a use."""

    REQUEST = "Request"
    RESPONSE = "Response"


JsonPointer = Annotated[str, Field(pattern=r"^(/([^/~]|~[01])*)+$", max_length=512)]
"""A JSON Pointer (RFC 6901) that is not empty."""
Route = Annotated[str, Field(pattern=r"^/[^?#\s]*$", max_length=256)]
"""A path, such as /v2/health/ready."""


class LoggedField(Model):
    """A value that is copied into each record."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,62}$", max_length=63)]
    """What it is called in the record."""
    from_: Annotated[Side, Field(strict=False, alias="from")]
    """The body that it is in, Request or Response; JSON."""
    pointer: JsonPointer
    """Where it is in there, such as /outputs/0/data/0."""


class LoggedSubject(Model):
    """What distinguishes the persons that decisions are about; only its keyed digest is recorded."""

    from_: Annotated[Side, Field(strict=False, alias="from")]
    """The body that it is in, Request or Response; JSON."""
    pointer: JsonPointer
    """Where it is in there, such as /id."""


class LogSecretReference(Model):
    """Names a Secret in the same namespace. The user makes and rotates it; it is mounted, never read."""

    name: ObjectName
    """Name of the Secret."""


class AccessMode(StrEnum):
    """Access modes of a PersistentVolumeClaim in which it can be written."""

    READ_WRITE_ONCE = "ReadWriteOnce"
    READ_WRITE_ONCE_POD = "ReadWriteOncePod"
    READ_WRITE_MANY = "ReadWriteMany"


class LogClaim(Model):
    """A PersistentVolumeClaim that keeps the log."""

    claim_name: ObjectName
    """Name of the PersistentVolumeClaim, in the same namespace."""
    access_mode: Annotated[AccessMode, Field(strict=False)] = AccessMode.READ_WRITE_ONCE
    """Its access mode; more than one replica needs ReadWriteMany."""


class LogUpload(Model):
    """S3-compatible storage to which finished segments of the log are uploaded."""

    endpoint: Annotated[str, Field(pattern=r"^https?://[^\s/?#]+/?$", max_length=512)]
    """URL of the storage, such as https://s3.eu-west-3.amazonaws.com."""
    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", max_length=63)]
    """Name of the bucket."""
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9!_.*'()/-]*$", max_length=512)] = ""
    """What the names of the objects begin with."""
    signing_region: ShortText = "us-east-1"
    """Region for which requests are signed (AWS Signature Version 4)."""
    credentials_secret_ref: LogSecretReference
    """Secret with the keys AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."""


class LogBuffer(Model):
    """The emptyDir in which segments wait for their upload; it goes with the pod."""

    size_limit: Annotated[str, Field(pattern=r"^[0-9]{1,9}(Ki|Mi|Gi|Ti)$", max_length=12)] = "1Gi"
    """Most bytes in it, such as 1Gi; what fills it up is a failure to write."""


class LogRegion(Model):
    """Where the log is kept, in the words of the cloud provider."""

    provider: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    """Cloud provider, such as aws, azure, gcp, ovhcloud."""
    region: ShortText
    """Region or zone code of that provider, such as eu-west-3."""


class LogStorage(Model):
    """Where the log is kept: a volume of the cluster, or an emptyDir with upload to S3-compatible storage."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "!(has(self.pvc) && has(self.s3))",
                    "message": "set pvc or s3, not both",
                    "fieldPath": ".s3",
                },
                {
                    "rule": "!has(self.emptyDir) || has(self.s3)",
                    "message": "an emptyDir goes with its pod, and needs s3 beside it",
                    "fieldPath": ".emptyDir",
                },
            ]
        }
    )

    pvc: LogClaim | None = None
    """A PersistentVolumeClaim that keeps the log."""
    s3: LogUpload | None = None
    """S3-compatible storage to which the log is uploaded."""
    empty_dir: LogBuffer | None = None
    """The emptyDir in which it waits for that."""
    region: LogRegion | None = None
    """Where that storage is. Of a PersistentVolumeClaim it is the placement of the model, if not stated."""


class LoggingSpec(Model):
    """How the use of a model is recorded."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "self.mode != 'Recorder'"
                    " || (has(self.storage) && (has(self.storage.pvc) || has(self.storage.s3)))",
                    "message": "mode Recorder needs storage.pvc or storage.s3",
                    "fieldPath": ".storage",
                },
                {
                    "rule": "self.mode != 'Recorder' || self.payload == 'None' || has(self.keySecretRef)",
                    "message": "digests need the key of keySecretRef",
                    "fieldPath": ".keySecretRef",
                },
                {
                    "rule": "!has(self.subject) || self.payload != 'None'",
                    "message": "a subject is recorded as a keyed digest, and needs payload Digest",
                    "fieldPath": ".payload",
                },
            ]
        }
    )

    mode: Annotated[LogMode, Field(strict=False)]
    """Who writes the log: Recorder (a sidecar), Library (the server itself), External, or None."""
    durability: Annotated[LogDurability, Field(strict=False)] = LogDurability.PROCESS
    """What a record survives before its answer is released: the end of a process, or of the node."""
    on_failure: Annotated[LogFailure, Field(strict=False)] = LogFailure.REFUSE
    """Whether a request is refused or served whose record cannot be written."""
    payload: Annotated[LogPayload, Field(strict=False)] = LogPayload.NONE
    """What a record holds of the bodies: nothing but their size, or keyed digests."""
    fields: Annotated[
        list[LoggedField],
        Field(
            max_length=32,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = []
    """Values that are copied into each record as they are; choose none that identifies a person."""
    subject: LoggedSubject | None = None
    """What distinguishes persons; only its keyed digest is recorded."""
    exclude: Annotated[list[Route], Field(max_length=32)] = []
    """Paths of probes: a GET or HEAD of one, without query and body, is no use, and not recorded."""
    retention: Duration = "8760h"
    """How long the log is kept."""
    storage: LogStorage | None = None
    """Where the log is kept."""
    key_secret_ref: LogSecretReference | None = None
    """Secret with the keys of the digests."""
