"""What an owner says of the pods that it makes: by which template, and what its status says of them.

Only fields that the API server or a controller writes: status is a subresource of its own, which the usual
roles of users do not write. What is not there, or is of another shape, says nothing.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from actgate.api.canonical import canonical_of_json, sha256
from actgate.api.times import parse_timestamp
from actgate.subjects.fields import MAPS, Json, map_at

_ADDED_LABELS: Final = frozenset({"pod-template-hash", "rollouts-pod-template-hash"})
"""Labels that a controller adds to the template of a ReplicaSet, beside what it copies."""
_ROLLED_OUT: Final = re.compile(r'(?:ReplicaSet|(?:Created new|Found new) replica set) "([^"]+)"')
"""How the controller of Deployments begins to say of which ReplicaSet it reports progress."""


class Running(NamedTuple):
    """What the status of an owner says of its pods."""

    pods: bool = False
    """Whether it has some, of its template as it is now."""
    since: datetime | None = None
    """Since when at the latest, where that is said."""
    revision: str = ""
    """Name of the object that holds this template: a ReplicaSet, or a ControllerRevision; empty for any."""


class Revision(NamedTuple):
    """What is kept of a ControllerRevision, which the API server never lets change."""

    name: str
    uid: str
    """Of the object whose revision it is."""
    template: str | None
    """Digest of the pod template that it holds, as ``template_digest`` returns it."""
    created: datetime | None


def running(obj: Json) -> Running:
    """Return what the status of an owner says of its pods."""
    status, metadata = map_at(obj, "status"), map_at(obj, "metadata")
    match obj.get("kind"):
        case "Deployment":
            return _progress(status)
        case "ReplicaSet":
            return Running(_any(status, "replicas", "terminatingReplicas"))
        case "StatefulSet":
            # Equal again once a changed template has reached every pod.
            now, next_one = status.get("currentRevision"), status.get("updateRevision")
            same = isinstance(now, str) and now == next_one
            return Running(same and _any(status, "replicas"), None, str(now) if same else "")
        case "DaemonSet":
            # Before its controller has seen a changed template the number is about the former one.
            seen = status.get("observedGeneration") == metadata.get("generation")
            return Running(seen and _any(status, "updatedNumberScheduled"))
        case "Job":
            had = _any(status, "active", "terminating", "failed", "succeeded")
            return Running(had, moment(status.get("startTime")))
    return Running()


def _progress(status: Json) -> Running:
    """Return of which ReplicaSet a Deployment reported progress last, and when.

    A ReplicaSet that was rolled back to is older than that; only this moment is not before the rollback.
    While a Deployment is paused none is rolled out at all.
    """
    conditions = status.get("conditions")
    for condition in conditions if isinstance(conditions, list) else ():
        if isinstance(condition, MAPS) and condition.get("type") == "Progressing":
            since = moment(condition.get("lastUpdateTime"))
            found = _ROLLED_OUT.match(str(condition.get("message")))
            if found is not None:
                return Running(True, since, found[1])
            if condition.get("reason") == "DeploymentPaused":
                return Running(True, since)
    return Running()


def _any(status: Json, *counts: str) -> bool:
    return any(isinstance(count := status.get(field), int) and count > 0 for field in counts)


def revision(obj: Json) -> Revision:
    """Return what is kept of a ControllerRevision."""
    metadata = map_at(obj, "metadata")
    references = metadata.get("ownerReferences")
    uid = ""
    for stated in references if isinstance(references, list) else ():
        if isinstance(stated, MAPS) and stated.get("controller") is True:
            uid = str(stated.get("uid") or "")
    template = map_at(map_at(obj, "data"), "spec").get("template")
    created = moment(metadata.get("creationTimestamp"))
    return Revision(str(metadata.get("name")), uid, template_digest(template), created)


def template_digest(template: Any) -> str | None:  # noqa: ANN401 - as it came
    """Return the digest of a pod template, but for what controllers add to it; None where there is none."""
    if not isinstance(template, MAPS):
        return None
    metadata = {key: value for key, value in map_at(template, "metadata").items() if value is not None}
    labels = {key: value for key, value in map_at(metadata, "labels").items() if key not in _ADDED_LABELS}
    bare: Mapping[str, Any] = {key: value for key, value in template.items() if key != "$patch"}
    try:
        return sha256(canonical_of_json({**bare, "metadata": {**metadata, "labels": labels}}))
    except ValueError:
        return None


def moment(text: object) -> datetime | None:
    """Return the moment of a timestamp; None for anything else."""
    try:
        return parse_timestamp(text)
    except ValueError:
        return None
