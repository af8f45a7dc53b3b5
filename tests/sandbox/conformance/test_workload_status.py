"""What a test says of Deployments and pods is taken, kept and read back alike by both engines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from actgate_sandbox.rest import MERGE_PATCH, Rest
from tests.sandbox.conformance.paths import Paths
from tests.sandbox.conformance.samples import deployment
from tests.support.workloads import Workloads

Say = Callable[[Workloads, str], None]


@pytest.fixture
def cluster(rest: Rest, paths: Paths) -> Workloads:
    """The test as the cluster, with a Deployment `web` of two replicas."""
    assert rest("POST", paths.deployments, deployment("web", replicas=2)).status == 201
    return Workloads(rest, paths.namespace)


def status_of(rest: Rest, paths: Paths) -> dict[str, Any]:
    """Return the status of the Deployment."""
    status: dict[str, Any] = rest("GET", f"{paths.deployments}/web").body["status"]
    return status


def conditions(status: dict[str, Any]) -> dict[str, str]:
    """Return the conditions of a status as `Status/Reason`."""
    return {item["type"]: f"{item['status']}/{item.get('reason')}" for item in status["conditions"]}


def test_a_plain_plane_leaves_a_deployment_as_it_was_written(
    cluster: Workloads, rest: Rest, paths: Paths
) -> None:
    """No controller rolls it out, and no status appears."""
    assert status_of(rest, paths) == {}
    assert "annotations" not in rest("GET", f"{paths.deployments}/web").body["metadata"]


@pytest.mark.parametrize(
    ("say", "available", "progressing", "ready"),
    [
        (Workloads.available, "True/MinimumReplicasAvailable", "True/NewReplicaSetAvailable", 2),
        (Workloads.rolling_out, "False/MinimumReplicasUnavailable", "True/ReplicaSetUpdated", None),
        (Workloads.unavailable, "False/MinimumReplicasUnavailable", "True/NewReplicaSetAvailable", None),
        (Workloads.overdue, "False/MinimumReplicasUnavailable", "False/ProgressDeadlineExceeded", None),
    ],
)
def test_a_deployment_is_what_was_said_of_it(
    cluster: Workloads,
    rest: Rest,
    paths: Paths,
    say: Say,
    available: str,
    progressing: str,
    ready: int | None,
) -> None:
    """Conditions and counts are read back; what is zero is left out."""
    say(cluster, "web")
    status = status_of(rest, paths)
    assert conditions(status) == {"Available": available, "Progressing": progressing}
    assert (status["observedGeneration"], status["replicas"], status.get("readyReplicas")) == (1, 2, ready)


def test_what_was_said_is_taken_back(cluster: Workloads, rest: Rest, paths: Paths) -> None:
    """A Deployment that was available is rolling out again, with what still serves."""
    cluster.available("web")
    cluster.rolling_out("web", ready=1)
    status = status_of(rest, paths)
    assert (status["readyReplicas"], status["unavailableReplicas"]) == (1, 1)
    cluster.available("web")
    assert "unavailableReplicas" not in status_of(rest, paths)


def test_a_deployment_whose_pods_are_refused_says_why(cluster: Workloads, rest: Rest, paths: Paths) -> None:
    """The message of the refusal is in a condition of its own."""
    cluster.refused("web", "exceeded quota")
    status = status_of(rest, paths)
    [failure] = [item for item in status["conditions"] if item["type"] == "ReplicaFailure"]
    assert (failure["status"], failure["reason"], failure["message"]) == (
        "True",
        "FailedCreate",
        "exceeded quota",
    )
    assert "replicas" not in status


def test_a_new_pod_is_pending(cluster: Workloads, rest: Rest, paths: Paths) -> None:
    """It has the template's labels and the Deployment as its owner, and no status yet."""
    name = cluster.pod("web", extra="yes")
    pod = rest("GET", f"/api/v1/namespaces/{paths.namespace}/pods/{name}").body
    assert pod["metadata"]["labels"] == {"app": "web", "extra": "yes"}
    assert [owner["name"] for owner in pod["metadata"]["ownerReferences"]] == ["web"]
    assert pod["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


def waiting(reason: str) -> dict[str, Any]:
    """Return the status of a pod whose container waits for this reason."""
    return {"phase": "Pending", "waiting": reason}


@pytest.mark.parametrize(
    ("say", "expected"),
    [
        (Workloads.running, {"phase": "Running", "ready": True}),
        (Workloads.crashing, {"phase": "Running", "waiting": "CrashLoopBackOff", "last": 1}),
        (Workloads.out_of_memory, {"phase": "Running", "terminated": "OOMKilled"}),
        (Workloads.not_pulled, waiting("ImagePullBackOff")),
        (lambda cluster, pod: cluster.not_pulled(pod, "ErrImagePull"), waiting("ErrImagePull")),
        (Workloads.misconfigured, waiting("CreateContainerConfigError")),
    ],
)
def test_a_pod_is_what_was_said_of_it(cluster: Workloads, say: Say, expected: dict[str, Any]) -> None:
    """State, exit code and readiness of its container are read back."""
    pod = cluster.pod("web")
    say(cluster, pod)
    status = cluster.status(pod)
    [container] = status["containerStatuses"]
    state, last = container["state"], container.get("lastState") or {}
    ready = conditions(status)["Ready"].startswith("True")
    found = {
        "phase": status["phase"],
        "ready": ready and container["ready"],
        "waiting": state.get("waiting", {}).get("reason"),
        "terminated": state.get("terminated", {}).get("reason"),
        "last": last.get("terminated", {}).get("exitCode"),
    }
    assert {key: value for key, value in found.items() if value} == expected


def test_an_unschedulable_pod_has_the_scheduler_s_words(cluster: Workloads) -> None:
    """No container has a state yet."""
    pod = cluster.pod("web")
    cluster.unschedulable(pod, "0/3 nodes are available")
    status = cluster.status(pod)
    [condition] = status["conditions"]
    assert (condition["reason"], condition["message"]) == ("Unschedulable", "0/3 nodes are available")
    assert "containerStatuses" not in status


def test_a_pod_recovers(cluster: Workloads) -> None:
    """Nothing of its bad times is left but the last state of its container."""
    pod = cluster.pod("web")
    cluster.crashing(pod, 137, "OOMKilled")
    assert cluster.status(pod)["containerStatuses"][0]["lastState"]["terminated"]["reason"] == "OOMKilled"
    cluster.running(pod)
    assert conditions(cluster.status(pod))["Ready"].startswith("True")


def test_a_deleted_pod_is_gone_at_once(cluster: Workloads, rest: Rest, paths: Paths) -> None:
    """It was never bound to a node, so no kubelet has to be waited for."""
    pod = cluster.pod("web")
    cluster.running(pod)
    cluster.delete(pod)
    assert rest("GET", f"/api/v1/namespaces/{paths.namespace}/pods/{pod}").status == 404


def test_a_status_write_changes_nothing_but_the_status(cluster: Workloads, rest: Rest, paths: Paths) -> None:
    """A spec that is sent along is dropped, and the generation does not count."""
    path = f"{paths.deployments}/web"
    reply = rest("PATCH", f"{path}/status", {"spec": {"replicas": 9}, "status": {"replicas": 1}}, MERGE_PATCH)
    assert (reply.body["spec"]["replicas"], reply.body["metadata"]["generation"]) == (2, 1)
