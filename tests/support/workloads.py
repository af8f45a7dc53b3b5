"""The test plays the cluster: it says what became of a Deployment and of its pods.

For tests on the plain control plane, with the same words on both engines as controllers, scheduler and
kubelet write them. Nothing happens by itself: a pod is what was last said of it, and so is a Deployment.
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

from actgate_sandbox.nodes import running, unschedulable
from actgate_sandbox.rest import MERGE_PATCH, Reply, Rest

Json = dict[str, Any]

_numbers = itertools.count()


class Workloads:
    """The Deployments and pods of one namespace, as the cluster would report them.

    Every call raises an AssertionError where the API server does not take it.
    """

    def __init__(self, rest: Rest, namespace: str) -> None:
        self._rest = rest
        self._deployments = f"/apis/apps/v1/namespaces/{namespace}/deployments"
        self._pods = f"/api/v1/namespaces/{namespace}/pods"

    def available(self, deployment: str) -> None:
        """Say that every replica serves, and that the rollout is over."""
        wanted = self._live(deployment)["spec"]["replicas"]
        self._counted(deployment, ready=wanted, progressing=("True", "NewReplicaSetAvailable"))

    def rolling_out(self, deployment: str, ready: int = 0) -> None:
        """Say that the replicas are made, and that some of them serve."""
        self._counted(deployment, ready=ready, progressing=("True", "ReplicaSetUpdated"))

    def unavailable(self, deployment: str) -> None:
        """Say that no replica serves, although the rollout was over once."""
        self._counted(deployment, ready=0, progressing=("True", "NewReplicaSetAvailable"))

    def scaling(self, deployment: str, ready: int, made: int) -> None:
        """Say that more replicas are wanted than serve, as after a count was raised."""
        self._counted(deployment, ready=ready, progressing=("True", "NewReplicaSetAvailable"), made=made)

    def overdue(self, deployment: str) -> None:
        """Say that the rollout has exceeded its progress deadline."""
        self._counted(deployment, ready=0, progressing=("False", "ProgressDeadlineExceeded"))

    def refused(self, deployment: str, message: str) -> None:
        """Say that the pods cannot be created: quota, Pod Security, a webhook."""
        failure = ("ReplicaFailure", "True", "FailedCreate", message)
        self._counted(deployment, ready=0, progressing=("True", "ReplicaSetUpdated"), made=0, more=[failure])

    def pod(self, deployment: str, **labels: str) -> str:
        """Create a pod of a Deployment's template, pending and not yet observed; return its name."""
        live = self._live(deployment)
        template, name = live["spec"]["template"], f"{deployment[:40]}-{next(_numbers)}"
        owner = {"apiVersion": "apps/v1", "kind": "Deployment", "controller": True}
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                **template["metadata"],
                "name": name,
                "labels": {**template["metadata"]["labels"], **labels},
                "ownerReferences": [owner | {"name": deployment, "uid": live["metadata"]["uid"]}],
            },
            "spec": template["spec"],
        }
        _taken(self._rest("POST", self._pods, body), 201)
        return name

    def delete(self, pod: str) -> None:
        """Let a pod go."""
        _taken(self._rest("DELETE", f"{self._pods}/{pod}"), 200)

    def running(self, pod: str) -> None:
        """Say that every container of a pod runs and is ready."""
        self._tell(pod, running(self._spec(pod), _now()))

    def unschedulable(self, pod: str, message: str | None = None) -> None:
        """Say that no node takes a pod."""
        status = unschedulable(_now())
        if message is not None:
            status["conditions"][0]["message"] = message
        self._tell(pod, status)

    def crashing(self, pod: str, exit_code: int = 1, reason: str = "Error", restarts: int = 3) -> None:
        """Say that a pod's container ended again and again, and waits to be restarted."""
        name = self._spec(pod)["containers"][0]["name"]
        message = f"back-off 40s restarting failed container={name} pod={pod}"
        state = {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
        self._containers(pod, "Running", state, _ended(exit_code, reason), restarts)

    def out_of_memory(self, pod: str) -> None:
        """Say that a pod's container was just killed for its use of memory."""
        self._containers(pod, "Running", _ended(137, "OOMKilled"))

    def waiting(self, pod: str, reason: str, message: str) -> None:
        """Say why a pod's container cannot start, such as CreateContainerConfigError."""
        self._containers(pod, "Pending", {"waiting": {"reason": reason, "message": message}})

    def not_pulled(self, pod: str, reason: str = "ImagePullBackOff") -> None:
        """Say that a pod's image cannot be pulled: ErrImagePull, then ImagePullBackOff."""
        image = self._spec(pod)["containers"][0]["image"]
        words = {
            "ErrImagePull": f'failed to pull and unpack image "{image}": not found',
            "ImagePullBackOff": f'Back-off pulling image "{image}"',
        }
        self.waiting(pod, reason, words[reason])

    def misconfigured(self, pod: str) -> None:
        """Say that a pod's container asks for a secret that does not exist."""
        self.waiting(pod, "CreateContainerConfigError", 'secret "credentials" not found')

    def status(self, pod: str) -> Json:
        """Return what is said of a pod."""
        status: Json = self._rest("GET", f"{self._pods}/{pod}").body["status"]
        return status

    def _counted(
        self,
        deployment: str,
        *,
        ready: int,
        progressing: tuple[str, str],
        made: int | None = None,
        more: list[tuple[str, str, str, str]] | None = None,
    ) -> None:
        live = self._live(deployment)
        wanted = live["spec"]["replicas"]
        served = ready >= wanted
        available = (
            ("True", "MinimumReplicasAvailable") if served else ("False", "MinimumReplicasUnavailable")
        )
        conditions = [
            ("Available", *available, f"Deployment has {'' if served else 'no '}minimum availability."),
            ("Progressing", *progressing, f'ReplicaSet "{deployment}-1" said so.'),
            *(more or ()),
        ]
        made = wanted if made is None else made
        counts = {
            "replicas": made,
            "updatedReplicas": made,
            "readyReplicas": ready,
            "availableReplicas": ready,
            "unavailableReplicas": max(0, wanted - ready),
        }
        status = {
            "observedGeneration": live["metadata"]["generation"],
            **{name: count or None for name, count in counts.items()},
            "conditions": [_condition(*condition) for condition in conditions],
        }
        self._patch(f"{self._deployments}/{deployment}", status, "kube-controller-manager")

    def _containers(
        self, pod: str, phase: str, state: Json, last: Json | None = None, restarts: int = 0
    ) -> None:
        spec = self._spec(pod)
        status = running(spec, _now()) | {"phase": phase}
        for condition in status["conditions"]:
            if condition["type"] in ("ContainersReady", "Ready"):
                condition |= {"status": "False", "reason": "ContainersNotReady"}
        container = status["containerStatuses"][0]
        container |= {"ready": False, "started": False, "restartCount": restarts, "state": state}
        if last is not None:
            container["lastState"] = last
        self._tell(pod, status)

    def _tell(self, pod: str, status: Json) -> None:
        self._patch(f"{self._pods}/{pod}", status, "kubelet")

    def _patch(self, path: str, status: Json, manager: str) -> None:
        reply = self._rest("PATCH", f"{path}/status", {"status": status}, MERGE_PATCH, fieldManager=manager)
        _taken(reply, 200)

    def _live(self, deployment: str) -> Json:
        reply = self._rest("GET", f"{self._deployments}/{deployment}")
        _taken(reply, 200)
        live: Json = reply.body
        return live

    def _spec(self, pod: str) -> Json:
        reply = self._rest("GET", f"{self._pods}/{pod}")
        _taken(reply, 200)
        spec: Json = reply.body["spec"]
        return spec


def _taken(reply: Reply, status: int) -> None:
    assert reply.status == status, reply


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _ended(exit_code: int, reason: str) -> Json:
    moment = _now()
    times = {"startedAt": moment, "finishedAt": moment}
    return {"terminated": {"exitCode": exit_code, "reason": reason, **times}}


def _condition(kind: str, status: str, reason: str, message: str) -> Json:
    moment = _now()
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastUpdateTime": moment,
        "lastTransitionTime": moment,
    }
