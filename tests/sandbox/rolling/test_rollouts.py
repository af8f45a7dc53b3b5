"""Where workloads run, a Deployment's status and pods are what a cluster's would be, on both engines."""

from __future__ import annotations

from typing import Any

import pytest

from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import MERGE_PATCH, Rest
from tests.sandbox.conformance.samples import Object, deployment
from tests.support.engines import ROLLING_REGIONS
from tests.support.kubectl import Kubectl
from tests.support.waiting import wait_until


class Rolling:
    """The Deployment `web` in a test's namespace."""

    def __init__(self, rest: Rest, namespace: str) -> None:
        self.rest = rest
        self.path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web"
        self.pods_path = f"/api/v1/namespaces/{namespace}/pods"

    def create(self, replicas: int = 1) -> None:
        """Create it."""
        body = deployment("web", replicas=replicas)
        reply = self.rest("POST", self.path.removesuffix("/web"), body)
        assert reply.status == 201, reply

    def change(self, spec: Object) -> None:
        """Change its spec."""
        reply = self.rest("PATCH", self.path, {"spec": spec}, MERGE_PATCH)
        assert reply.status == 200, reply

    def pods(self) -> list[Object]:
        """Its pods."""
        found: list[Object] = self.rest("GET", self.pods_path, labelSelector="app=web").body["items"]
        return found

    def live(self) -> Object:
        """The Deployment as it is."""
        body: Object = self.rest("GET", self.path).body
        return body

    def available(self, replicas: int) -> Object:
        """Return the Deployment when its last spec has so many available replicas, and no other pods."""
        return wait_until(lambda: _in_sync(self.live(), replicas))


def _in_sync(obj: Object, replicas: int) -> Object:
    status = obj["status"]
    counts = [status.get(f"{kind}eplicas", 0) for kind in ("r", "updatedR", "readyR", "availableR")]
    seen = status.get("observedGeneration") == obj["metadata"]["generation"]
    in_sync = seen and counts == [replicas] * 4 and "unavailableReplicas" not in status
    return obj if in_sync else {}


def reasons(obj: Object) -> dict[str, tuple[str, str]]:
    """Return status and reason of each condition."""
    return {item["type"]: (item["status"], item["reason"]) for item in obj["status"]["conditions"]}


AVAILABLE = {
    "Available": ("True", "MinimumReplicasAvailable"),
    "Progressing": ("True", "NewReplicaSetAvailable"),
}


@pytest.fixture
def rolling(rolling_rest: Rest, rolling_namespace: str) -> Rolling:
    """The Deployment, not yet there."""
    return Rolling(rolling_rest, rolling_namespace)


def test_a_deployment_becomes_available(rolling: Rolling) -> None:
    """Its pods run and are ready, and its conditions say so."""
    rolling.create(replicas=2)
    assert reasons(rolling.available(2)) == AVAILABLE
    pods = rolling.pods()
    assert [pod["status"]["phase"] for pod in pods] == ["Running", "Running"]
    assert all(pod["status"]["containerStatuses"][0]["ready"] for pod in pods)


def test_replicas_follow_the_spec(rolling: Rolling) -> None:
    """Up, down, to zero and back; what was complete once does not count as progressing again."""
    rolling.create(replicas=1)
    rolling.available(1)
    for replicas in (3, 1, 0, 2):
        rolling.change({"replicas": replicas})
        assert reasons(rolling.available(replicas)) == AVAILABLE
        wait_until(lambda wanted=replicas: len(rolling.pods()) == wanted)  # type: ignore[misc]


def test_a_deployment_of_none_is_available(rolling: Rolling) -> None:
    """Nothing is missing."""
    rolling.create(replicas=0)
    status = rolling.available(0)["status"]
    assert reasons({"status": status}) == AVAILABLE
    # The real controller also counts terminating pods, which no reader of the stand-in needs.
    assert status.keys() - {"terminatingReplicas"} == {"conditions", "observedGeneration"}


def test_a_changed_template_replaces_the_pods(rolling: Rolling) -> None:
    """The old pods go, and the revision counts the template."""
    rolling.create(replicas=2)
    first = rolling.available(2)
    before = {pod["metadata"]["uid"] for pod in rolling.pods()}
    rolling.change({"template": {"metadata": {"labels": {"version": "2"}}}})
    second = rolling.available(2)
    wait_until(lambda: len(rolling.pods()) == 2)
    assert before.isdisjoint(pod["metadata"]["uid"] for pod in rolling.pods())
    assert [_revision(first), _revision(second)] == ["1", "2"]


def _revision(obj: Object) -> str:
    return str(obj["metadata"]["annotations"]["deployment.kubernetes.io/revision"])


def test_the_controller_owns_the_status_and_the_revision(rolling: Rolling) -> None:
    """A reader of managedFields meets a foreign manager that touches no spec."""
    rolling.create()
    entries = rolling.available(1)["metadata"]["managedFields"]
    found = [item for item in entries if item["manager"] == "kube-controller-manager"]
    fields = [item["fieldsV1"].keys() for item in found]
    assert fields
    assert all(keys <= {"f:metadata", "f:status"} for keys in fields)


def test_a_deleted_deployment_takes_its_pods_along(rolling: Rolling) -> None:
    """In the background, as everywhere."""
    rolling.create(replicas=2)
    rolling.available(2)
    assert rolling.rest("DELETE", rolling.path).status == 200
    wait_until(lambda: rolling.pods() == [])
    assert rolling.rest("GET", rolling.path).status == 404


def test_a_deleted_pod_comes_back(rolling: Rolling) -> None:
    """Another one, of the same template."""
    rolling.create()
    rolling.available(1)
    [pod] = rolling.pods()
    assert rolling.rest("DELETE", f"{rolling.pods_path}/{pod['metadata']['name']}").status == 200
    wait_until(lambda: [p for p in rolling.pods() if p["metadata"]["uid"] != pod["metadata"]["uid"]])
    rolling.available(1)


def test_a_pod_that_crashes_makes_the_deployment_unavailable(rolling: Rolling) -> None:
    """What a test says of a running pod is kept, and no controller reverts it."""
    rolling.create()
    rolling.available(1)
    [pod] = rolling.pods()
    path = f"{rolling.pods_path}/{pod['metadata']['name']}/status"
    conditions = [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}]
    assert rolling.rest("PATCH", path, {"status": {"conditions": conditions}}, MERGE_PATCH).status == 200
    wait_until(lambda: rolling.live()["status"].get("readyReplicas", 0) == 0)
    live = wait_until(lambda: _unavailable(rolling.live()))
    assert reasons(live)["Available"] == ("False", "MinimumReplicasUnavailable")
    # A rollout that was complete once is not reported as progressing again.
    assert reasons(live)["Progressing"] == ("True", "NewReplicaSetAvailable")


def _unavailable(obj: Object) -> Object:
    return obj if obj["status"].get("unavailableReplicas") == 1 else {}


def _in_regions(*regions: str) -> dict[str, Any]:
    expression = {"key": "topology.kubernetes.io/region", "operator": "In", "values": list(regions)}
    terms = [{"matchExpressions": [expression]}]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    return {"template": {"spec": {"affinity": {"nodeAffinity": required}}}}


def test_a_pod_runs_in_a_region_that_has_a_node(rolling: Rolling) -> None:
    """One of the regions that it allows is enough."""
    rolling.create(replicas=0)
    rolling.change({**_in_regions("eu-nowhere-1", ROLLING_REGIONS[0]), "replicas": 1})
    rolling.available(1)


def test_a_pod_without_a_region_stays_pending(rolling: Rolling) -> None:
    """The scheduler's words are in its status, and the Deployment stays unavailable."""
    rolling.create(replicas=0)
    rolling.change({**_in_regions("eu-nowhere-1"), "replicas": 1})
    [pod] = wait_until(lambda: [pod for pod in rolling.pods() if "conditions" in pod["status"]])
    [condition] = [item for item in pod["status"]["conditions"] if item["type"] == "PodScheduled"]
    assert (pod["status"]["phase"], condition["status"], condition["reason"]) == (
        "Pending",
        "False",
        "Unschedulable",
    )
    wait_until(lambda: _unavailable(rolling.live()))


@pytest.mark.needs_kubectl
def test_kubectl_waits_for_a_rollout(rolling: Rolling, rolling_kubectl: Kubectl) -> None:
    """`kubectl rollout status` ends when the rollout does."""
    rolling.create(replicas=2)
    outcome = rolling_kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    assert outcome.code == 0, outcome
    assert 'deployment "web" successfully rolled out' in outcome.out


def test_rollouts_go_on_after_a_restart(rolling: Rolling, rolling_plane: ControlPlane) -> None:
    """What was complete stays complete, and the next change is rolled out."""
    rolling.create()
    revision = _revision(rolling.available(1))
    rolling_plane.restart()
    rolling.change({"replicas": 2})
    assert _revision(rolling.available(2)) == revision
