"""The recorder of a model: a native sidecar before its port, by which no answer leaves without its record.

It starts before the server and ends after it (an init container with ``restartPolicy: Always``, Kubernetes
1.31 or newer). Its settings are variables that begin with ``ACTGATE_RECORDER_``; their names and forms are
those of ``actgate_recorder.settings``. A user's container, volume or annotation by one of our names is
refused or dropped: what the gate reads on the pods has to be what ``spec.logging`` says.
"""

import json
from dataclasses import dataclass
from typing import Final

from actgate.api.inference_log import (
    AccessMode,
    LogBuffer,
    LoggedField,
    LoggedSubject,
    LoggingSpec,
    LogMode,
    LogPayload,
    LogUpload,
)
from actgate.api.names import LOGGING_ANNOTATION, RECORDER_CONTAINER
from actgate_operator.plan.shape import Object, Order, PlanError

OLDEST_KUBERNETES: Final = (1, 31)
_PREFIX: Final = "ACTGATE_RECORDER_"
_POD_UID: Final = "ACTGATE_POD_UID"
_LOG: Final = "actgate-log"
_KEYS: Final = "actgate-log-keys"
_UPLOAD: Final = "actgate-log-upload"
_LOG_DIR: Final = "/var/log/actgate"
_KEYS_DIR: Final = "/etc/actgate/keys"
_UPLOAD_DIR: Final = "/etc/actgate/upload"
_FIRST_PORT: Final = 18080
"""The recorder takes this port and the next, or the first pair after them that no container names."""
_GROUP: Final = 65532
"""Group of the recorder's image, to which the kubelet gives the volume of the log."""
_PROBE_SECONDS: Final = 5
_RESOURCES: Final = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}}
"""An autoscaler by CPU takes a request of every container."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What the operator brings to a recorder."""

    image: str = ""
    """Image of the recorder; empty where the operator has none."""
    kubernetes: tuple[int, int] | None = None
    """Version of the API server; None where it was not asked, since no model needs it."""


def asks_for_recorder(logging: LoggingSpec | None) -> bool:
    """Return whether the operator puts a recorder into the pods."""
    return logging is not None and logging.mode is LogMode.RECORDER


def annotation(logging: LoggingSpec | None) -> dict[str, str]:
    """Return the annotation by which the gate reads on pods how their model's use is logged."""
    if logging is None:
        return {}
    judged: Object = {
        "mode": logging.mode.value,
        "durability": logging.durability.value,
        "payload": logging.payload.value,
        "retention": logging.retention,
    }
    storage: Object = {}
    if logging.storage is not None:
        if logging.storage.pvc is not None:
            storage["pvc"] = {"claimName": logging.storage.pvc.claim_name}
        if logging.storage.region is not None:
            storage["region"] = logging.storage.region.model_dump(exclude_none=True)
    return {LOGGING_ANNOTATION: json.dumps(judged | ({"storage": storage} if storage else {}))}


def recorded(order: Order, pod: Object, recording: Recording) -> Object:
    """Return the spec of a pod with its recorder, where the model asks for one.

    Raises:
        PlanError: It cannot have one.
    """
    logging = order.spec.logging
    if logging is None or not asks_for_recorder(logging):
        return pod
    _check(order, logging, recording)
    upstream = _served_port(pod)
    port = _free_port(pod)
    for field in ("containers", "initContainers", "volumes"):
        for item in pod.get(field, []):
            if isinstance(item, dict) and item.get("name") in (RECORDER_CONTAINER, _LOG, _KEYS, _UPLOAD):
                raise PlanError(
                    f"spec.podTemplate.spec.{field}: Invalid value: {item['name']}: must be another name, "
                    "the recorder has this one; fix: rename it"
                )
    mounts: list[Object] = [{"name": _LOG, "mountPath": _LOG_DIR}]
    volumes: list[Object] = [{"name": _LOG, **_volume(logging)}]
    if logging.payload is not LogPayload.NONE and logging.key_secret_ref is not None:
        mounts.append({"name": _KEYS, "mountPath": _KEYS_DIR, "readOnly": True})
        volumes.append({"name": _KEYS, "secret": {"secretName": logging.key_secret_ref.name}})
    if (upload := upload_of(logging)) is not None:
        mounts.append({"name": _UPLOAD, "mountPath": _UPLOAD_DIR, "readOnly": True})
        volumes.append({"name": _UPLOAD, "secret": {"secretName": upload.credentials_secret_ref.name}})
    sidecar = {
        "name": RECORDER_CONTAINER,
        "image": recording.image,
        "restartPolicy": "Always",
        "env": _environment(order, logging, pod["containers"][0], port, upstream),
        "ports": [
            {"name": "recorder", "containerPort": port},
            {"name": "recorder-health", "containerPort": port + 1},
        ],
        "readinessProbe": {
            "httpGet": {"path": "/readyz", "port": port + 1},
            "periodSeconds": _PROBE_SECONDS,
        },
        "resources": _RESOURCES,
        "securityContext": {"readOnlyRootFilesystem": True},
        "volumeMounts": mounts,
    }
    return {
        **pod,
        "initContainers": [*pod.get("initContainers", []), sidecar],
        "volumes": [*pod.get("volumes", []), *volumes],
        "securityContext": {"fsGroup": _GROUP, **pod.get("securityContext", {})},
    }


def port_of(pod: Object) -> int | None:
    """Return the port of the recorder in the spec of a planned pod; None where it has none."""
    for container in pod.get("initContainers", []):
        if container.get("name") == RECORDER_CONTAINER:
            return int(container["ports"][0]["containerPort"])
    return None


def needs_one_pod(logging: LoggingSpec | None) -> bool:
    """Return whether the volume of the log can be mounted by one pod at a time."""
    if logging is None or not asks_for_recorder(logging) or logging.storage is None:
        return False
    claim = logging.storage.pvc
    return claim is not None and claim.access_mode is not AccessMode.READ_WRITE_MANY


def upload_of(logging: LoggingSpec) -> LogUpload | None:
    """Return where the log is uploaded to; None where a claim keeps it."""
    return logging.storage.s3 if logging.storage is not None else None


def _volume(logging: LoggingSpec) -> Object:
    """Return the volume that the recorder writes to: a claim, or what holds the log until its upload."""
    storage = logging.storage
    if storage is not None and storage.pvc is not None:
        return {"persistentVolumeClaim": {"claimName": storage.pvc.claim_name}}
    buffer = storage.empty_dir if storage is not None and storage.empty_dir is not None else LogBuffer()
    return {"emptyDir": {"sizeLimit": buffer.size_limit}}


def _check(order: Order, logging: LoggingSpec, recording: Recording) -> None:
    """Refuse a recorder that cannot run, or would lose what it wrote.

    Raises:
        PlanError: Why, and how to fix it.
    """
    if not recording.image:
        raise PlanError(
            "spec.logging.mode: Invalid value: Recorder: the operator has no image of the recorder; "
            "fix: set --recorder-image of the operator, or mode Library or External"
        )
    if recording.kubernetes is not None and recording.kubernetes < OLDEST_KUBERNETES:
        found = ".".join(map(str, recording.kubernetes))
        raise PlanError(
            "spec.logging.mode: Invalid value: Recorder: native sidecars need Kubernetes 1.31 or newer, this "
            f"is {found}; fix: upgrade the cluster, or set mode Library or External"
        )
    if upload_of(logging) is not None:
        return
    claim = logging.storage.pvc if logging.storage is not None else None
    if claim is None:
        raise PlanError(
            "spec.logging.storage: Required value: an emptyDir would take the log with its pod; "
            "fix: set storage.pvc or storage.s3"
        )
    scaling = order.spec.autoscaling
    most = scaling.max_replicas if scaling is not None else (order.spec.replicas or 0)
    if claim.access_mode is not AccessMode.READ_WRITE_MANY and most > 1:
        raise PlanError(
            f"spec.logging.storage.pvc: Invalid value: {most} replicas: a PersistentVolumeClaim that is not "
            "ReadWriteMany takes one; fix: set one replica, or use a claim with accessMode ReadWriteMany"
        )


def _served_port(pod: Object) -> int:
    """Return the port of the model; a Service is planned by the same.

    Raises:
        PlanError: The recorder does not carry what it speaks.
    """
    first = pod["containers"][0]["ports"][0]
    number = first.get("containerPort")
    if first.get("protocol", "TCP") != "TCP" or type(number) is not int:
        raise PlanError(
            "spec.logging.mode: Invalid value: Recorder: the recorder carries HTTP/1.1 over TCP alone; "
            "fix: state a TCP port first in spec.server.ports, or set mode Library or External"
        )
    return int(number)


def _free_port(pod: Object) -> int:
    taken = {
        port.get("containerPort")
        for field in ("containers", "initContainers")
        for container in pod.get(field, [])
        for port in container.get("ports", [])
    }
    return next(port for port in range(_FIRST_PORT, 65535, 2) if port not in taken and port + 1 not in taken)


def _environment(
    order: Order, logging: LoggingSpec, server: Object, port: int, upstream: int
) -> list[Object]:
    model = order.spec.model
    image = str(server.get("image", ""))
    stated: dict[str, str | None] = {
        "PORT": str(port),
        "HEALTH_PORT": str(port + 1),
        "UPSTREAM": f"127.0.0.1:{upstream}",
        "LOG_DIR": _LOG_DIR,
        "DURABILITY": logging.durability.value,
        "ON_FAILURE": logging.on_failure.value,
        "KEYS_DIR": _KEYS_DIR if logging.payload is not LogPayload.NONE else None,
        "FIELDS": json.dumps([_named(field.name, field) for field in logging.fields])
        if logging.fields
        else None,
        "SUBJECT": _named("subject", logging.subject) if logging.subject is not None else None,
        "PROBE_PATHS": json.dumps(logging.exclude) if logging.exclude else None,
        "MODEL_NAME": model.name[:256],
        "MODEL_VERSION": model.version,
        "MODEL_DIGEST": model.digest,
        "IMAGE_DIGEST": image.rpartition("@")[2] if "@" in image else None,
        "MANIFEST_DIGEST": order.manifest_digest,
    }
    if (upload := upload_of(logging)) is not None:
        stated |= {
            "UPLOAD_ENDPOINT": upload.endpoint,
            "UPLOAD_BUCKET": upload.bucket,
            "UPLOAD_PREFIX": upload.prefix,
            "UPLOAD_REGION": upload.signing_region,
            "UPLOAD_CREDENTIALS_DIR": _UPLOAD_DIR,
        }
    # The kubelet reads $(NAME) in a value as a reference, and $$ as a plain $.
    literal = [
        {"name": f"{_PREFIX}{name}", "value": value.replace("$", "$$")}
        for name, value in stated.items()
        if value
    ]
    # A log is known by its pod's uid: a name can come back.
    return [
        {"name": _POD_UID, "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}},
        {"name": f"{_PREFIX}LOG_NAME", "value": f"{order.namespace}/{order.child}/$({_POD_UID})"},
        *literal,
    ]


def _named(name: str, where: LoggedField | LoggedSubject) -> str:
    return f"{name}={where.from_.value.lower()}:{where.pointer}"
