"""What the API server would refuse of ``spec.logging`` by rules over several fields (CEL, list map keys)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from actgate.api.inference_log import AccessMode, LogMode, LogPayload
from actgate.api.model_deployment import NOT_CARRIED
from actgate.api.quoting import quoted
from actgate.decision.manifest import Problem

_NOT_CARRIED: Final = re.compile(NOT_CARRIED)


def logging_problems(spec: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what the rules beside the schema forbid, given a spec that fits the schema."""
    logging = spec.get("logging")
    if logging is None:
        return
    storage = logging.get("storage", {})
    yield from _of_storage(storage)
    if "pvc" in storage and storage["pvc"].get("accessMode") != AccessMode.READ_WRITE_MANY:
        yield from _of_replicas(spec)
    names = [field["name"] for field in logging.get("fields", ())]
    for index, name in enumerate(names):
        if name in names[:index]:
            path = f"spec.logging.fields[{index}].name"
            yield Problem(path, f"Duplicate value: {quoted(name)}", "state each field once")
    if "subject" in logging and logging.get("payload", LogPayload.NONE) == LogPayload.NONE:
        yield Problem(
            "spec.logging.payload",
            f"Invalid value: {quoted(LogPayload.NONE)}: a subject is recorded as a keyed digest",
            "set payload Digest, or leave the subject out",
        )
    if logging["mode"] == LogMode.RECORDER:
        yield from _of_recorder(spec, logging, storage)


def _of_storage(storage: Mapping[str, Any]) -> Iterator[Problem]:
    if "pvc" in storage and "s3" in storage:
        yield Problem(
            "spec.logging.storage.s3",
            "Forbidden: must not be set together with pvc",
            "set pvc or s3, not both",
        )
    if "emptyDir" in storage and "s3" not in storage:
        yield Problem(
            "spec.logging.storage.emptyDir",
            "Forbidden: must not be set without s3: an emptyDir goes with its pod",
            "set s3 beside it, or pvc in its place",
        )


def _of_replicas(spec: Mapping[str, Any]) -> Iterator[Problem]:
    scaling = spec.get("autoscaling")
    most = scaling["maxReplicas"] if scaling is not None else spec.get("replicas", 1)
    if most > 1:
        yield Problem(
            "spec.logging.storage.pvc",
            f"Invalid value: {most} replicas: a PersistentVolumeClaim that is not ReadWriteMany takes one",
            "set one replica, or use a claim with accessMode ReadWriteMany, or s3",
        )


def _of_recorder(
    spec: Mapping[str, Any], logging: Mapping[str, Any], storage: Mapping[str, Any]
) -> Iterator[Problem]:
    if "pvc" not in storage and "s3" not in storage:
        yield Problem(
            "spec.logging.storage",
            "Required value: mode Recorder needs pvc or s3",
            "set storage.pvc or storage.s3",
        )
    if logging.get("payload", LogPayload.NONE) != LogPayload.NONE and "keySecretRef" not in logging:
        yield Problem(
            "spec.logging.keySecretRef",
            "Required value: digests need a key",
            "name a Secret with the keys, or leave payload and subject out",
        )
    first: Mapping[str, Any] = next(iter(spec["server"].get("ports", ())), {})
    if _NOT_CARRIED.match(first.get("name", "")):
        yield Problem(
            "spec.logging.mode",
            f"Invalid value: {quoted(LogMode.RECORDER)}: the recorder carries HTTP/1.1 alone, and the first "
            f"port is named {quoted(first['name'])}",
            "serve HTTP/1.1 on the first port, or set mode Library or External",
        )
