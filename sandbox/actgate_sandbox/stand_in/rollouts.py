"""An option: Deployments roll out and pods run, as in a cluster that has nodes.

Controller, scheduler and kubelet in one. It is smaller than the real ones where no client could see it, and
in two things that one could: pods belong to their Deployment without a ReplicaSet in between, and a
rollout that makes no progress is never given up. A pod that has left the phase Pending is left alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson

from actgate_sandbox.nodes import Nodes, running, unschedulable
from actgate_sandbox.stand_in.call import Call, Options
from actgate_sandbox.stand_in.chores import Chores, Work
from actgate_sandbox.stand_in.managers import now
from actgate_sandbox.stand_in.patches import MERGE_PATCH
from actgate_sandbox.stand_in.resources import Registry
from actgate_sandbox.stand_in.store import Event, Key, Place, Store
from actgate_sandbox.stand_in.writes import Writer
from actgate_sandbox.status import ApiError, Object

_DEPLOYMENTS = Place("apps", "deployments")
_PODS = Place("", "pods")
_HASH_LABEL = "pod-template-hash"
_COMPLETE = "NewReplicaSetAvailable"
_REVISION = "deployment.kubernetes.io/revision"
_USER = {
    "username": "system:serviceaccount:kube-system:deployment-controller",
    "groups": ["system:serviceaccounts", "system:authenticated"],
}
_CONTROLLER = Options(manager="kube-controller-manager")
_KUBELET = Options(manager="kubelet")


class Rollouts:
    """Follows the Deployments and pods of one store."""

    def __init__(self, store: Store, registry: Registry, writer: Writer, nodes: Nodes) -> None:
        self._store = store
        self._registry = registry
        self._writer = writer
        self._nodes = nodes
        self._rolled_out: dict[str, str] = {}
        """By the Deployment's uid, the hash of the template that its revision stands for."""
        self.chores = Chores(store, self._wanted, self._reconcile)
        self._resume()

    def _resume(self) -> None:
        for stored in self._store.all_of(_DEPLOYMENTS):
            metadata = stored.obj["metadata"]
            if _REVISION in (metadata.get("annotations") or {}):
                self._rolled_out[metadata["uid"]] = _template_hash(stored.obj)
        for place in (_DEPLOYMENTS, _PODS):
            for stored in self._store.all_of(place):
                self.chores.add(place, _key(stored.obj))

    def _wanted(self, place: Place, event: Event) -> list[Work]:
        if place == _DEPLOYMENTS:
            if event.current is None:
                self._rolled_out.pop(event.last.obj["metadata"]["uid"], None)
                return []
            return [(place, _key(event.current.obj))]
        if place != _PODS:
            return []
        owners = event.last.obj["metadata"].get("ownerReferences") or ()
        known = (self._store.by_uid.get(owner["uid"]) for owner in owners)
        found = [work for work in known if work is not None and work[0] == _DEPLOYMENTS]
        return found if event.current is None else [(place, _key(event.current.obj)), *found]

    async def _reconcile(self, place: Place, key: Key) -> None:
        stored = self._store.get(place, key)
        if stored is None:
            return
        try:
            await (self._run(stored.obj) if place == _PODS else self._roll_out(stored.obj))
        except ApiError as error:
            if error.code != 404:
                raise

    async def _run(self, pod: Object) -> None:
        """Do to a new pod what scheduler and kubelet do."""
        state = pod.get("status") or {}
        if state.get("phase") != "Pending":
            return
        if self._nodes.place(pod["spec"]):
            await self._patch(_PODS, pod, {"status": running(pod["spec"], now())}, "status", _KUBELET)
        elif "conditions" not in state:
            await self._patch(_PODS, pod, {"status": unschedulable(now())}, "status", _KUBELET)

    async def _roll_out(self, deployment: Object) -> None:
        """Make the pods what the Deployment asks for, and say in its status what they are."""
        if not deployment["metadata"].get("deletionTimestamp"):
            await self._count_revision(deployment)
            await self._make_and_remove_pods(deployment)
        patch = {"status": _status(deployment, self._pods(deployment), now())}
        await self._patch(_DEPLOYMENTS, deployment, patch, "status")

    async def _count_revision(self, deployment: Object) -> None:
        metadata, current = deployment["metadata"], _template_hash(deployment)
        if self._rolled_out.get(metadata["uid"]) != current:
            last = int((metadata.get("annotations") or {}).get(_REVISION, 0))
            revision = {"metadata": {"annotations": {_REVISION: str(last + 1)}}}
            await self._patch(_DEPLOYMENTS, deployment, revision)
            self._rolled_out[metadata["uid"]] = current

    async def _make_and_remove_pods(self, deployment: Object) -> None:
        current, wanted = _template_hash(deployment), deployment["spec"]["replicas"]
        pods = self._pods(deployment)
        new = [pod for pod in pods if pod["metadata"]["labels"].get(_HASH_LABEL) == current]
        old = [pod for pod in pods if pod not in new]
        new.sort(key=_is_ready, reverse=True)
        for _ in range(wanted - len(new)):
            pod = _pod(deployment, current)
            await self._writer.create(self._call(_PODS, pod, options=_CONTROLLER), pod)
        # An old pod goes when a new one has taken its place.
        spared = 0 if _recreates(deployment) else max(0, wanted - sum(map(_is_ready, new)))
        for pod in (*new[wanted:], *old[spared:]):
            await self._writer.delete(self._call(_PODS, pod), {})

    def _pods(self, deployment: Object) -> list[Object]:
        works = sorted(self._store.dependents.get(deployment["metadata"]["uid"], ()))
        found = (self._store.get(place, key) for place, key in works if place == _PODS)
        return [stored.obj for stored in found if stored is not None]

    async def _patch(
        self, place: Place, obj: Object, patch: Object, subresource: str = "", options: Options = _CONTROLLER
    ) -> None:
        same = {"metadata": {"uid": obj["metadata"]["uid"], **patch.pop("metadata", {})}}
        await self._writer.patch(self._call(place, obj, subresource, options), MERGE_PATCH, {**same, **patch})

    def _call(self, place: Place, obj: Object, subresource: str = "", options: Options = _CONTROLLER) -> Call:
        resource = self._registry.of_place(place)
        assert resource is not None  # noqa: S101 - both are built in
        metadata: dict[str, Any] = obj["metadata"]
        return Call(resource, metadata["namespace"], metadata.get("name", ""), _USER, subresource, options)


def _key(obj: Object) -> Key:
    return Key(obj["metadata"]["namespace"], obj["metadata"]["name"])


def _recreates(deployment: Object) -> bool:
    return bool(deployment["spec"]["strategy"]["type"] == "Recreate")


def _template_hash(deployment: Object) -> str:
    """Return the label value that distinguishes pods of the current template from older ones."""
    template = orjson.dumps(deployment["spec"]["template"], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(template).hexdigest()[:10]


def _is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any((item["type"], item["status"]) == ("Ready", "True") for item in conditions)


def _status(deployment: Object, pods: Sequence[Object], moment: str) -> Object:
    """Return the status as a merge patch: most counts are left out when they are zero, and so null here.

    A quarter of the pods may be missing from an available Deployment, as is the default.
    """
    current, wanted = _template_hash(deployment), deployment["spec"]["replicas"]
    updated = sum(pod["metadata"]["labels"].get(_HASH_LABEL) == current for pod in pods)
    ready = sum(map(_is_ready, pods))
    before = {item["type"]: item for item in (deployment.get("status") or {}).get("conditions") or ()}
    was_complete = before.get("Progressing", {}).get("reason") == _COMPLETE and updated == len(pods)
    if was_complete or wanted == len(pods) == updated == ready:
        progress = (_COMPLETE, "ReplicaSet has successfully progressed.")
    else:
        progress = ("ReplicaSetUpdated", "ReplicaSet is progressing.")
    if ready >= wanted - (0 if _recreates(deployment) else wanted // 4):
        available = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        why = "Deployment does not have minimum availability."
        available = ("False", "MinimumReplicasUnavailable", why)
    return {
        "observedGeneration": deployment["metadata"]["generation"],
        "replicas": len(pods) or None,
        "updatedReplicas": updated or None,
        "readyReplicas": ready or None,
        "availableReplicas": ready or None,
        "unavailableReplicas": max(0, max(len(pods), wanted) - ready) or None,
        "conditions": [
            _condition(before, moment, "Available", *available),
            _condition(before, moment, "Progressing", "True", *progress),
        ],
    }


def _condition(
    before: dict[str, Object], moment: str, kind: str, state: str, reason: str, message: str
) -> Object:
    known = before.get(kind)
    if known is not None and (known["status"], known["reason"]) == (state, reason):
        return known
    since = known["lastTransitionTime"] if known is not None and known["status"] == state else moment
    times = {"lastUpdateTime": moment, "lastTransitionTime": since}
    return {"type": kind, "status": state, "reason": reason, "message": message, **times}


def _pod(deployment: Object, current: str) -> Object:
    owner, template = deployment["metadata"], deployment["spec"]["template"]
    made = template.get("metadata") or {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **({"annotations": made["annotations"]} if made.get("annotations") else {}),
            "generateName": f"{owner['name']}-{current}-",
            "namespace": owner["namespace"],
            "labels": {**made.get("labels", {}), _HASH_LABEL: current},
            "ownerReferences": [
                {
                    "apiVersion": deployment["apiVersion"],
                    "kind": deployment["kind"],
                    "name": owner["name"],
                    "uid": owner["uid"],
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "spec": template["spec"],
    }
