"""An option: Deployments become available by themselves, as in a cluster that has nodes.

No pods are made. Only the status says what it would say a moment after a successful rollout.
"""

from __future__ import annotations

from actgate_sandbox.stand_in.call import Call
from actgate_sandbox.stand_in.chores import Chores, Work
from actgate_sandbox.stand_in.managers import now
from actgate_sandbox.stand_in.patches import MERGE_PATCH
from actgate_sandbox.stand_in.resources import Registry
from actgate_sandbox.stand_in.status import ApiError, Object
from actgate_sandbox.stand_in.store import Event, Key, Place, Store
from actgate_sandbox.stand_in.writes import Writer

_DEPLOYMENTS = Place("apps", "deployments")
_USER = {
    "username": "system:serviceaccount:kube-system:deployment-controller",
    "groups": ["system:serviceaccounts", "system:authenticated"],
}


class Rollouts:
    """Follows the Deployments of one store."""

    def __init__(self, store: Store, registry: Registry, writer: Writer) -> None:
        self._store = store
        self._registry = registry
        self._writer = writer
        self.chores = Chores(store, self._wanted, self._roll_out)

    def _wanted(self, place: Place, event: Event) -> list[Work]:
        if place != _DEPLOYMENTS or event.current is None:
            return []
        metadata = event.current.obj["metadata"]
        return [(place, Key(metadata["namespace"], metadata["name"]))]

    async def _roll_out(self, place: Place, key: Key) -> None:
        stored = self._store.get(place, key)
        resource = self._registry.of_place(place)
        if stored is None or resource is None:
            return
        wanted = _status(stored.obj)
        if _settled(stored.obj, wanted):
            return
        call = Call(resource, key.namespace, key.name, _USER, "status")
        try:
            await self._writer.patch(call, MERGE_PATCH, {"status": wanted})
        except ApiError as error:
            if error.code != 404:
                raise


def _status(deployment: Object) -> Object:
    replicas = deployment["spec"].get("replicas", 1)
    return {
        "observedGeneration": deployment["metadata"].get("generation", 1),
        "replicas": replicas,
        "updatedReplicas": replicas,
        "readyReplicas": replicas,
        "availableReplicas": replicas,
        "conditions": [
            _condition("Available", "MinimumReplicasAvailable"),
            _condition("Progressing", "NewReplicaSetAvailable"),
        ],
    }


def _condition(kind: str, reason: str) -> Object:
    moment = now()
    return {
        "type": kind,
        "status": "True",
        "reason": reason,
        "message": "as in a cluster that has nodes",
        "lastUpdateTime": moment,
        "lastTransitionTime": moment,
    }


def _settled(deployment: Object, wanted: Object) -> bool:
    status = deployment.get("status") or {}
    return all(status.get(key) == wanted[key] for key in wanted if key != "conditions")
