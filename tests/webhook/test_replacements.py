"""Pods that a cluster's own controllers replace, under evidence that has expired since.

What controllers write into status, and when, is what the decision rests on: all but one test need the real
ones. In that one the test plays them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from actgate.api.times import timestamp
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import MERGE_PATCH, Reply, Rest, install_crds
from tests.lookup.owned import controlled_by
from tests.operator.running import operating
from tests.operator.world import World
from tests.support.waiting import wait_until
from tests.webhook.build import Json, changed, manifest_object, workload
from tests.webhook.guarding import CRDS, Guarded, registered
from tests.webhook.process import running

FINISHED = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
"""When training ended: what is asked of the age of evidence decides when it expires."""
NODE: Json = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "of-replacements", "labels": {"topology.kubernetes.io/region": "eu-west-3"}},
}


class Cluster(Guarded):
    """A namespace where controllers work and the evidence expires."""

    @property
    def policy(self) -> str:
        """The name of the policy of this namespace."""
        return f"grace-{self.namespace}"

    def read(self, kind: str, name: str) -> Json:
        """Return an object as it is."""
        found: Json = self.rest("GET", f"{self.collection(kind)}/{name}").body
        return found

    def pods(self, **labels: str) -> dict[str, Json]:
        """Return the pods that are not on their way out, by name."""
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        listed = self.rest("GET", self.collection("Pod"), labelSelector=selector).body["items"]
        return {
            item["metadata"]["name"]: item
            for item in listed
            if "deletionTimestamp" not in item["metadata"] and item["status"].get("phase") == "Running"
        }

    def drain(self) -> set[str]:
        """Evict each pod, as a drain of its node does, and return their uids."""
        gone = self.pods()
        for name in gone:
            # 429 as long as a disruption budget asks to wait for those that went before.
            wait_until(partial(self._evicted, name))
        return {pod["metadata"]["uid"] for pod in gone.values()}

    def _evicted(self, name: str) -> bool:
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
        reply = self.rest("POST", f"{self.collection('Pod')}/{name}/eviction", body)
        assert reply.status in (201, 429), reply
        return reply.status == 201

    def replaced(self, gone: set[str], count: int) -> None:
        """Wait until there are so many pods again, all of them new."""

        def new() -> bool:
            uids = {pod["metadata"]["uid"] for pod in self.pods().values()}
            return len(uids) == count and not uids & gone

        wait_until(new)

    def refused(self, words: str) -> str:
        """Wait for the Event by which a controller reports that a pod or ReplicaSet was refused."""

        def found() -> str:
            events = self.rest("GET", f"/api/v1/namespaces/{self.namespace}/events").body["items"]
            texts = [item["message"] for item in events if words in item["message"]]
            return texts[-1] if texts else ""

        return wait_until(found)

    def ask_for(self, **evidence: str) -> None:
        """Change what the policy of this namespace asks of evidence."""
        path = f"/apis/actgate.dev/v1alpha1/compliancepolicies/{self.policy}"
        reply = self.rest("PATCH", path, {"spec": {"evidence": evidence}}, MERGE_PATCH)
        assert reply.status == 200, reply

    def expire(self) -> None:
        """Let the evidence expire within a second: a pod that stands alone is refused for that."""
        age = int((datetime.now(UTC) - FINISHED).total_seconds()) + 1
        self.ask_for(maxAge=f"{age}s")

        def refused() -> bool:
            reply = self.create(workload("Pod"), "alone", dryRun="All")
            return reply.status == 403 and "evidence/age" in reply.message

        wait_until(refused)

    def change(self, kind: str, spec: Json) -> Reply:
        """Change the spec of the object on top."""
        return self.rest("PATCH", f"{self.collection(kind)}/scorer", {"spec": spec}, MERGE_PATCH)


@pytest.fixture(scope="module")
def port_and_ca(
    rolling_plane: ControlPlane, rolling_rest: Rest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[int, bytes]]:
    """A webhook process before a control plane whose controllers work."""
    if rolling_plane.engine == "stand-in":
        pytest.skip("the stand-in has no ReplicaSets")
    install_crds(rolling_rest, CRDS)
    folder = tmp_path_factory.mktemp("replacements") / "webhook"
    with running(folder, rolling_plane.kubeconfig) as process:
        process.wait_until_ready()
        yield process.port, process.authority.certificate


@pytest.fixture
def cluster(port_and_ca: tuple[int, bytes], rolling_rest: Rest, rolling_namespace: str) -> Iterator[Cluster]:
    """A guarded namespace with a policy of its own, and with evidence."""
    place = Cluster(rolling_rest, rolling_namespace)
    with registered(rolling_rest, place.namespace, *port_and_ca):
        wait_until(lambda: place.create(workload(annotations={}), "probe", dryRun="All").status == 403)
        with with_evidence(place):
            yield place


@contextmanager
def with_evidence(place: Cluster) -> Iterator[None]:
    """Give a namespace a policy of its own, and evidence, until the block ends."""
    policy = {
        "apiVersion": "actgate.dev/v1alpha1",
        "kind": "CompliancePolicy",
        "metadata": {"name": place.policy},
        "spec": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": place.namespace}}},
    }
    path = "/apis/actgate.dev/v1alpha1/compliancepolicies"
    assert place.rest("POST", path, policy).status == 201
    regions = [{"provider": "aws", "region": "eu-west-3"}]
    trained = {"finishedAt": timestamp(FINISHED), "regions": regions}
    assert place.create(manifest_object(training=trained)).status == 201
    wait_until(lambda: place.create(workload(), "probe", dryRun="All").status == 201)
    try:
        yield
    finally:
        place.rest("DELETE", f"{path}/{place.policy}")


def rolled_out(cluster: Cluster, of: object = None) -> str:
    """Wait until a Deployment reports that its rollout is over, and return what it says of it."""

    def message() -> str:
        live = cluster.read("Deployment", "scorer")
        for condition in live.get("status", {}).get("conditions", ()):
            if condition["type"] == "Progressing" and condition["reason"] == "NewReplicaSetAvailable":
                seen = live["status"]["observedGeneration"] == live["metadata"]["generation"]
                words: str = condition["message"]
                return words if seen and words != of else ""
        return ""

    return wait_until(message)


def deployment(replicas: int = 2) -> Json:
    return changed(workload(), "spec.replicas", replicas)


def another(cluster: Cluster) -> Json:
    """Return one more pod like the one that there is, of the same owner."""
    (pod,) = cluster.pods().values()
    metadata = {key: pod["metadata"][key] for key in ("labels", "annotations", "ownerReferences")}
    metadata["name"] = "another"
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod["spec"]}


def test_a_drain_loses_no_replica_and_a_changed_template_is_refused(cluster: Cluster) -> None:
    """The whole life of a Deployment after the expiry of its evidence, under `onViolation: Keep`."""
    assert cluster.create(deployment()).status == 201
    rolled_out(cluster)
    cluster.expire()
    for count in (2, 2, 1):
        if count == 1:
            assert cluster.change("Deployment", {"replicas": 1}).status == 200
            wait_until(lambda: len(cluster.pods()) == 1)
        cluster.replaced(cluster.drain(), count)
    # Not a pod that hangs itself under it with another program; not one that stands alone.
    forged = another(cluster)
    reply = cluster.create(forged, dryRun="All")
    assert reply.status == 201, reply
    assert any("a replacement pod, admitted until" in text for text in reply.warnings), reply
    other = changed(forged, "spec.containers.0.command", ["sh"])
    assert cluster.create(other, dryRun="All").status == 403
    assert cluster.create(workload("Pod"), "alone").status == 403
    assert cluster.create(deployment(), "another").status == 403
    # A governed change is refused at once, any other one where its ReplicaSet is made.
    image = {"template": {"metadata": {"annotations": {"actgate.dev/compliance-manifest": "x"}}}}
    assert cluster.change("Deployment", image).status == 403
    loose = {"template": {"spec": {"terminationGracePeriodSeconds": 5}}}
    assert cluster.change("Deployment", loose).status == 200
    assert "evidence/age" in cluster.refused("Failed to create new replica set")
    cluster.drain()
    assert "evidence/age" in cluster.refused("Error creating")
    assert not cluster.pods()


def test_nothing_starts_from_zero(cluster: Cluster) -> None:
    """Also where the webhook has read its owners a moment before."""
    assert cluster.create(deployment(1)).status == 201
    rolled_out(cluster)
    cluster.expire()
    cluster.replaced(cluster.drain(), 1)
    assert cluster.change("Deployment", {"replicas": 0}).status == 200
    wait_until(lambda: not cluster.read("Deployment", "scorer")["status"].get("replicas"))
    assert cluster.change("Deployment", {"replicas": 1}).status == 200
    assert "training must have ended" in cluster.refused("Error creating")
    assert not cluster.pods()


def test_after_the_period_a_replacement_is_refused(cluster: Cluster) -> None:
    """The refusal says that there was one, and when it ended."""
    assert cluster.create(deployment(1)).status == 201
    rolled_out(cluster)
    cluster.expire()
    cluster.replaced(cluster.drain(), 1)
    pod, words = another(cluster), "replacement pods were admitted until"
    assert cluster.create(pod, dryRun="All").status == 201
    cluster.ask_for(graceAfterExpiry="0s")
    wait_until(lambda: words in cluster.create(pod, dryRun="All").message)
    cluster.drain()
    assert cluster.refused(words)
    assert not cluster.pods()


def test_a_rollback_to_an_old_replica_set_is_no_replacement(cluster: Cluster) -> None:
    """Not even after a pod that no rule is about has lent it the look of one that runs."""
    assert cluster.create(deployment(1)).status == 201
    first = rolled_out(cluster)
    before = cluster.read("Deployment", "scorer")["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    newer = {"template": {"spec": {"terminationGracePeriodSeconds": 5}}}
    assert cluster.change("Deployment", newer).status == 200
    rolled_out(cluster, of=first)
    cluster.expire()
    sets = cluster.rest("GET", cluster.collection("ReplicaSet")).body["items"]
    (old,) = [item for item in sets if item["metadata"]["name"] in first]
    back = {"template": {"spec": {"terminationGracePeriodSeconds": before}}}
    assert cluster.change("Deployment", back).status == 200
    assert "evidence/age" in cluster.refused("Error creating")
    labels = {key: old["spec"]["selector"]["matchLabels"][key] for key in ("app", "pod-template-hash")}
    plain: Json = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "plain", "labels": labels}}
    plain["spec"] = {"containers": [{"name": "web", "image": "registry.example/web:1"}]}
    assert cluster.create(plain).status == 201
    adopted: Json = wait_until(lambda: cluster.read("Pod", "plain")["metadata"].get("ownerReferences"))
    wait_until(lambda: cluster.read("ReplicaSet", old["metadata"]["name"])["status"]["replicas"] == 1)
    template = old["spec"]["template"]
    metadata = {**template["metadata"], "name": "next", "ownerReferences": adopted}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
    reply = cluster.create(pod, dryRun="All")
    assert (reply.status, "evidence/age" in reply.message) == (403, True), reply


def test_stateful_and_daemon_sets_and_jobs_lose_no_pod(cluster: Cluster) -> None:
    """Each by what holds its template; one that is changed or begins now is refused."""
    assert cluster.rest("POST", "/api/v1/nodes", NODE).status == 201
    ready = {"spec": {"taints": None}}
    assert cluster.rest("PATCH", "/api/v1/nodes/of-replacements", ready, MERGE_PATCH).status == 200
    job = changed(workload("Job"), "spec.template.spec.restartPolicy", "Never")
    del job["spec"]["selector"]
    for kind, obj in (
        ("StatefulSet", changed(workload("StatefulSet"), "spec.serviceName", "scorer")),
        ("DaemonSet", workload("DaemonSet")),
        ("Job", job),
    ):
        if kind != "Job":
            for labels in (
                obj["spec"]["selector"]["matchLabels"],
                obj["spec"]["template"]["metadata"]["labels"],
            ):
                labels["app"] = kind.lower()
        assert cluster.create(obj).status == 201, kind

    def begun() -> bool:
        counted = (
            ("StatefulSet", "readyReplicas"),
            ("DaemonSet", "updatedNumberScheduled"),
            ("Job", "active"),
        )
        states = {kind: cluster.read(kind, "scorer").get("status", {}).get(count) for kind, count in counted}
        assert (set(states.values()), len(cluster.pods())) == ({1}, 3), states
        return True

    try:
        wait_until(begun)
        cluster.expire()
        cluster.replaced(cluster.drain(), 3)
        assert cluster.create(job, "another").status == 403
        loose = {"template": {"spec": {"terminationGracePeriodSeconds": 5}}}
        for kind in ("StatefulSet", "DaemonSet"):
            assert cluster.change(kind, loose).status == 200
        for words in ("Create Pod scorer-0 in StatefulSet scorer failed", "Error creating"):
            assert "evidence/age" in cluster.refused(words)
    finally:
        cluster.rest("DELETE", "/api/v1/nodes/of-replacements")


def test_a_model_deployment_loses_no_replica_while_its_operator_holds_it(
    cluster: Cluster, rolling_plane: ControlPlane
) -> None:
    """The operator writes to its Deployment when the evidence expires, and the template stays as it was."""
    with operating(rolling_plane.kubeconfig) as operator:
        world = World(cluster.rest, cluster.namespace)
        world.model("scorer", replicas=2)
        world.wait_for("Ready", "True", name="scorer")
        rolled_out(cluster)
        cluster.expire()
        world.wait_for("EvidenceAccepted", "False", name="scorer")
        cluster.replaced(cluster.drain(), 2)
        operator.wait_until_idle()
        assert len(cluster.pods()) == 2


def test_a_pod_that_a_controller_makes_under_old_evidence_is_admitted_with_a_warning(
    guarded: Guarded,
) -> None:
    """Through either API server; without pods of it the same ReplicaSet makes new ones."""
    place = Cluster(guarded.rest, guarded.namespace)
    with with_evidence(place):
        top = place.create(workload()).body
        made = workload("ReplicaSet")
        made["spec"]["template"]["metadata"]["labels"]["pod-template-hash"] = "1"
        made["metadata"]["ownerReferences"] = controlled_by(top)
        below = place.create(made, "scorer-1").body
        now = datetime.now(UTC)
        progress = {
            "type": "Progressing",
            "status": "True",
            "reason": "NewReplicaSetAvailable",
            "message": 'ReplicaSet "scorer-1" has successfully progressed.',
            "lastUpdateTime": timestamp(now),
            "lastTransitionTime": timestamp(now),
        }
        pod = workload("Pod")
        pod["metadata"]["ownerReferences"] = controlled_by(below)
        place.expire()
        for kind, name, status in (
            ("Deployment", "scorer", {"conditions": [progress]}),
            ("ReplicaSet", "scorer-1", {"replicas": 1}),
        ):
            assert place.create(pod, dryRun="All").status == 403, kind
            path = f"{place.collection(kind)}/{name}/status"
            assert place.rest("PATCH", path, {"status": status}, MERGE_PATCH).status == 200
        reply = place.create(pod)
        assert reply.status == 201, reply
        assert any("evidence/age: a replacement pod, admitted until" in text for text in reply.warnings)
