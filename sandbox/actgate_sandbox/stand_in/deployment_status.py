"""What a deployment controller says of a Deployment, from the Deployment and its pods."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import orjson

from actgate_sandbox.stand_in.status import Object

HASH_LABEL = "pod-template-hash"
_COMPLETE = "NewReplicaSetAvailable"


class Count(NamedTuple):
    """How many pods there shall be and are."""

    wanted: int
    all: int
    updated: int
    ready: int

    @property
    def complete(self) -> bool:
        """Whether the rollout has ended well."""
        return self.wanted == self.all == self.updated == self.ready


def template_hash(deployment: Object) -> str:
    """Return the value by which pods of the current template are told from those of older ones."""
    template = orjson.dumps(deployment["spec"]["template"], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(template).hexdigest()[:10]


def is_ready(pod: Object) -> bool:
    """Tell whether a pod says that it is ready."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any((item["type"], item["status"]) == ("Ready", "True") for item in conditions)


def status(deployment: Object, pods: Sequence[Object], moment: str) -> Object:
    """Return the status as a merge patch: most counts are left out when they are zero, and so null here."""
    current = template_hash(deployment)
    updated = [pod for pod in pods if pod["metadata"]["labels"].get(HASH_LABEL) == current]
    ready = sum(map(is_ready, pods))
    count = Count(deployment["spec"]["replicas"], len(pods), len(updated), ready)
    before = {item["type"]: item for item in (deployment.get("status") or {}).get("conditions") or ()}
    conditions = [
        _condition(before, moment, *_available(deployment, count)),
        _condition(before, moment, *_progressing(deployment, before, count)),
    ]
    return {
        "observedGeneration": deployment["metadata"]["generation"],
        "replicas": count.all or None,
        "updatedReplicas": count.updated or None,
        "readyReplicas": count.ready or None,
        "availableReplicas": count.ready or None,
        "unavailableReplicas": max(0, max(count.all, count.wanted) - count.ready) or None,
        "terminatingReplicas": 0,
        "conditions": conditions,
    }


def _available(deployment: Object, count: Count) -> tuple[str, str, str, str]:
    if count.ready >= count.wanted - _may_be_unavailable(deployment, count.wanted):
        return "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability."
    why = "Deployment does not have minimum availability."
    return "Available", "False", "MinimumReplicasUnavailable", why


def _may_be_unavailable(deployment: Object, wanted: int) -> int:
    """Percentages of the surge are rounded up, of unavailability down; both cannot be zero."""
    rolling = deployment["spec"]["strategy"].get("rollingUpdate")
    if rolling is None:
        return 0
    unavailable = _resolved(rolling["maxUnavailable"], wanted)
    if unavailable == 0 and str(rolling["maxSurge"]) in ("0", "0%"):
        unavailable = 1
    return min(unavailable, wanted)


def _resolved(value: int | str, wanted: int) -> int:
    return wanted * int(value[:-1]) // 100 if isinstance(value, str) else value


def _progressing(deployment: Object, before: dict[str, Object], count: Count) -> tuple[str, str, str, str]:
    name = f'ReplicaSet "{deployment["metadata"]["name"]}-{template_hash(deployment)}"'
    was_complete = before.get("Progressing", {}).get("reason") == _COMPLETE and count.all == count.updated
    if count.complete or was_complete:
        return "Progressing", "True", _COMPLETE, f"{name} has successfully progressed."
    return "Progressing", "True", "ReplicaSetUpdated", f"{name} is progressing."


def _condition(
    before: dict[str, Object], moment: str, kind: str, state: str, reason: str, message: str
) -> Object:
    known = before.get(kind)
    if known is not None and (known["status"], known["reason"]) == (state, reason):
        return known
    since = known["lastTransitionTime"] if known is not None and known["status"] == state else moment
    return {
        "type": kind,
        "status": state,
        "reason": reason,
        "message": message,
        "lastUpdateTime": moment,
        "lastTransitionTime": since,
    }
