"""What other operators of models, and the libraries below us, were caught by, and we must not be.

Each trap names where it was met; most others have their tests beside the part that they concern. Where a
real garbage collector has to act, a test takes up to 45 s: it discovers new kinds every 30 s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actgate.kube.client import Cluster, Subresource
from actgate.kube.objects import Object
from actgate.kube.resources import Resource
from actgate.kube.timing import Timing
from actgate_operator.health import Checks
from actgate_operator.kopf_run import WatchEnded
from actgate_operator.kopf_settings import KopfTiming
from actgate_operator.names import MANAGER
from actgate_operator.writer import Writer
from actgate_sandbox import control_plane as sandbox
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import CRDS, MERGE_PATCH
from tests.operator.running import EAGER, RunningOperator, operating
from tests.operator.world import MANIFEST, MODEL, World
from tests.support import crds, kstatus
from tests.support.crds import collection
from tests.support.fault_proxy import EndWatch, FaultProxy, Refuse, Seen, proxied
from tests.support.kstatus import Verdict
from tests.support.waiting import wait_until

Json = dict[str, Any]

STRATEGIC = "application/strategic-merge-patch+json"
CHILDREN = ("deployments", "services", "poddisruptionbudgets")


@pytest.fixture
def proxy(control_plane: ControlPlane, tmp_path: Path) -> Iterator[FaultProxy]:
    """A proxy that lets everything pass until the test says otherwise."""
    with proxied(control_plane, tmp_path) as running:
        yield running


class Held:
    """A lease that is held."""

    def held(self) -> bool:
        """Return that it is."""
        return True

    def age(self) -> float:
        """Return that it was asked about just now."""
        return 0.0


@pytest.mark.parametrize("code", [403, 500])
@pytest.mark.parametrize(
    "resource", ["compliancemanifests", "compliancepolicies", "exemptions", "namespaces"]
)
def test_evidence_that_cannot_be_listed_is_not_taken_for_none(
    proxy: FaultProxy, world: World, resource: str, code: int
) -> None:
    """An empty cache is no answer (kubernetes informer); a refused watch is reported (kopf#1077)."""
    reason = {403: "Forbidden", 500: "InternalError"}[code]

    def refused(seen: Seen) -> Refuse | None:
        last = seen.path.rpartition("/")[2]
        return Refuse(code, reason) if last == resource and seen.method == "GET" else None

    world.alone()
    world.manifest()
    world.model()
    proxy.fault = refused
    with operating(proxy.kubeconfig) as running:
        checks = Checks(Held(), running.controller.parts, patience=1.0)
        checks.lead()

        def named() -> str:
            failing = checks.failing_checks()
            return next((text or "" for name, text in failing.items() if resource in name), "")

        wait_until(lambda: str(code) in named())
        # Neither accepted under no policy, nor refused for want of evidence.
        assert world.status()["conditions"][0]["reason"] == "Pending"
        assert kstatus.verdict(world.live()) is Verdict.IN_PROGRESS
        assert running.writes() == []
        proxy.fault = lambda _: None
        world.ready()
        wait_until(lambda: str(code) not in named())


class NotingWriter(Writer):
    """Notes what is applied before it is, as kind, namespace and name; statuses and Events come here too."""

    noted: list[tuple[str, str, str]]

    async def apply(
        self,
        resource: Resource,
        thing: Object,
        *,
        force: bool = True,
        manager: str = MANAGER,
        subresource: Subresource | None = None,
    ) -> Object:
        """Note, and apply."""
        metadata = thing["metadata"]
        self.noted.append((resource.kind, metadata["namespace"], metadata["name"]))
        return await super().apply(resource, thing, force=force, manager=manager, subresource=subresource)


def test_looking_at_everything_again_writes_nothing(control_plane: ControlPlane, world: World) -> None:
    """kserve#2402, ray#28652: no floods; also evidence that fails, and a model that is refused, are quiet."""
    often = Timing(backoff_first=EAGER.backoff_first, backoff_longest=EAGER.backoff_longest, relist=0.5)
    noted: list[tuple[str, str, str]] = []

    def make(cluster: Cluster, leading: Callable[[], bool]) -> Writer:
        writer = NotingWriter(cluster, leading)
        writer.noted = noted
        return writer

    with operating(control_plane.kubeconfig, timing=often, make_writer=make) as running:
        world.manifest()
        world.manifest("bad", humanOversight={"enabled": False})
        world.model(replicas=2)
        world.model("scaled", autoscaling={"minReplicas": 1, "maxReplicas": 3})
        world.model("bad", complianceManifestRef={"name": "bad"})
        world.model("without", complianceManifestRef={"name": "never"})
        world.model("refused", podTemplate={"spec": {"containers": [{"name": "UPPER", "image": "x:1"}]}})
        world.model("asleep", suspend=True)
        world.ready()
        world.ready("scaled")
        for name, kind in (("bad", "Stalled"), ("without", "Reconciling"), ("refused", "Stalled")):
            world.wait_for(kind, "True", name=name)
        world.deployment("asleep")
        world.workloads.available("asleep")
        wait_until(lambda: "no pods are left" in world.condition("Ready", "asleep").get("message", ""))
        running.wait_until_idle()
        before, count = len(noted), reconciled(running)
        wait_until(lambda: reconciled(running) >= count + 24)
        tried = {(kind, name) for kind, namespace, name in noted[before:] if namespace == world.namespace}
        # What the API server refused may be let in by now: that is asked, and nothing else.
        assert tried <= {("Deployment", "refused")}


def test_a_change_that_meets_our_own_write_is_not_lost(proxy: FaultProxy, world: World) -> None:
    """kopf#729: an echo of our write that holds another client's change as well is more than an echo.

    The watch loses its place meanwhile, so that of both it only ever reports the final object.
    """
    lost = False

    def gone(seen: Seen) -> EndWatch | None:
        nonlocal lost
        if lost or not proxy.muted or "watch" not in seen.query or "/modeldeployments" not in seen.path:
            return None
        lost = True
        return EndWatch()

    class Overtaken(Writer):
        async def apply_status(self, resource: Resource, thing: Object) -> Object:
            """Let another client change the spec right before our write; kopf sees both only afterwards."""
            if not proxy.muted and world.live()["spec"]["replicas"] == 1:
                proxy.muted = True
                world.change({"replicas": 2})
            return await super().apply_status(resource, thing)

    def make(cluster: Cluster, leading: Callable[[], bool]) -> Writer:
        return Overtaken(cluster, leading)

    proxy.fault = gone
    feed = KopfTiming(inactivity=3.0, backoff_first=0.05, backoff_longest=0.3)
    with operating(proxy.kubeconfig, make_writer=make, kopf_timing=feed):
        world.manifest()
        world.model(replicas=1)
        wait_until(lambda: lost)
        proxy.muted = False
        wait_until(lambda: world.deployment()["spec"]["replicas"] == 2)
        wait_until(lambda: world.status().get("observedGeneration") == 2)


def reconciled(running: RunningOperator) -> float:
    """Return how many times models were reconciled."""
    value = running.metrics.registry.get_sample_value("actgate_operator_reconcile_duration_seconds_count")
    return value or 0.0


def test_generations_of_children_are_not_the_models(operator: RunningOperator, world: World) -> None:
    """kserve#6081 copied the child's: a Deployment that is restarted often says nothing of the spec."""
    world.manifest()
    world.model()
    world.ready()
    for moment in ("2026-11-23T10:00:00Z", "2026-11-23T10:01:00Z", "2026-11-23T10:02:00Z"):
        restart = {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": moment}}}
        world.patch_child("deployments", {"spec": {"template": restart}})
        world.ready()
    operator.wait_until_idle()
    live = world.live()
    assert world.deployment()["metadata"]["generation"] == 4
    assert live["metadata"]["generation"] == live["status"]["observedGeneration"] == 1


@pytest.mark.usefixtures("operator")
def test_an_init_container_that_fails_says_why(world: World) -> None:
    """kserve#4187: a download that fails is reported at once, and not after half an hour of waiting."""
    fetch = {"name": "fetch", "image": "registry.example/fetch:1"}
    world.manifest()
    world.model(podTemplate={"spec": {"initContainers": [fetch]}})
    world.deployment()
    world.workloads.rolling_out(MODEL)
    pod = world.workloads.pod(MODEL)
    ended = {"exitCode": 23, "reason": "Error", "message": "no such bucket"}
    times = {"startedAt": "2026-11-23T10:00:00Z", "finishedAt": "2026-11-23T10:00:01Z"}
    state = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting"}}
    status = {
        "phase": "Pending",
        "initContainerStatuses": [
            {
                **fetch,
                "imageID": "",
                "ready": False,
                "restartCount": 1,
                "state": state,
                "lastState": {"terminated": ended | times},
            }
        ],
    }
    path = f"/api/v1/namespaces/{world.namespace}/pods/{pod}/status"
    assert world.rest("PATCH", path, {"status": status}, MERGE_PATCH).status == 200
    found = world.wait_for("Ready", "False", "CrashLoopBackOff")
    assert "container fetch" in found["message"]
    assert "exit code 23" in found["message"]
    assert "no such bucket" in found["message"]


@pytest.mark.usefixtures("operator")
def test_labels_that_come_later_never_reach_the_selector(world: World) -> None:
    """kserve#6145, seldon#4302: a selector is immutable, so one that follows labels is stuck for ever."""
    world.manifest()
    world.model()
    world.ready()
    before = world.deployment()["spec"]["selector"]
    path = f"{collection('ModelDeployment', world.namespace)}/{MODEL}"
    labels = {"metadata": {"labels": {"team": "credit", "app.kubernetes.io/instance": "mine"}}}
    assert world.rest("PATCH", path, labels, MERGE_PATCH).status == 200
    world.change({"podTemplate": labels, "model": {"name": "CreditRiskScorer", "version": "2"}})
    wait_until(lambda: world.deployment()["spec"]["template"]["metadata"]["labels"].get("team") == "credit")
    world.ready()
    after = world.deployment()["spec"]
    assert after["selector"] == before
    assert before["matchLabels"].items() <= after["template"]["metadata"]["labels"].items()


@pytest.mark.usefixtures("operator")
def test_a_model_that_is_restored_from_a_backup_runs(world: World) -> None:
    """kopf#966: what travels with `kubectl get -o yaml` must not make an object look known."""
    world.manifest()
    world.model()
    world.ready()
    saved = world.live()
    world.delete("ModelDeployment", MODEL)
    wait_until(lambda: all(world.child(plural) is None for plural in CHILDREN), within=240)
    for name in ("uid", "resourceVersion", "creationTimestamp", "managedFields"):
        saved["metadata"].pop(name)
    reply = world.rest("POST", collection("ModelDeployment", world.namespace), saved)
    assert reply.status == 201, reply
    # Its old status said Ready, and is not believed.
    assert reply.body["status"]["conditions"][0]["reason"] == "Pending"
    wait_until(lambda: world.child("services"))
    world.ready()


@pytest.mark.usefixtures("operator")
def test_children_that_were_orphaned_are_taken_up_by_the_next_model_of_the_name(world: World) -> None:
    """kserve#1884: after `--cascade=orphan` they run on, and neither block a new model nor double it."""
    world.manifest()
    world.model(replicas=2)
    world.ready()
    uids = {plural: (world.child(plural) or {})["metadata"]["uid"] for plural in CHILDREN}
    path = f"{collection('ModelDeployment', world.namespace)}/{MODEL}"
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Orphan"}
    assert world.rest("DELETE", path, options).status == 200
    wait_until(lambda: world.rest("GET", path).status == 404)
    created = world.model(replicas=2)

    def taken_up() -> bool:
        for plural in CHILDREN:
            metadata = (world.child(plural) or {})["metadata"]
            assert metadata["uid"] == uids[plural]
            owners = [item["uid"] for item in metadata.get("ownerReferences") or ()]
            assert owners == [created["metadata"]["uid"]]
        return True

    wait_until(taken_up)
    world.ready()


@pytest.mark.usefixtures("operator")
def test_a_model_that_follows_another_of_its_name_waits_for_its_children_to_go(world: World) -> None:
    """What the garbage collector is about to delete is not adopted; then all is made anew."""
    world.manifest()
    world.model()
    world.ready()
    old = world.deployment()["metadata"]["uid"]
    world.delete("ModelDeployment", MODEL)
    created = world.model()

    def anew() -> bool:
        live = world.child("deployments")
        if live is None or live["metadata"]["uid"] == old:
            return False
        [owner] = live["metadata"]["ownerReferences"]
        return bool(owner["uid"] == created["metadata"]["uid"])

    wait_until(anew, within=240)
    world.ready()


@pytest.mark.usefixtures("operator")
def test_a_model_that_is_nearly_too_large_is_handled_as_any_other(world: World) -> None:
    """kopf#1087 kept a copy of the object in an annotation, and gave up on large ones."""
    env = [{"name": f"FEATURE_{number}", "value": "x" * 1000} for number in range(250)]
    world.manifest()
    world.model(server={"image": "registry.example/server:1", "env": env})
    path = f"{collection('ModelDeployment', world.namespace)}/{MODEL}"
    notes = {"metadata": {"annotations": {"notes": "x" * 250_000}}}
    assert world.rest("PATCH", path, notes, MERGE_PATCH).status == 200
    world.ready()
    assert set(world.live()["metadata"]["annotations"]) == {"notes"}
    assert len(world.deployment()["spec"]["template"]["spec"]["containers"][0]["env"]) > len(env)


def scale_through_the_model(world: World) -> None:
    world.change({"replicas": 4})
    wait_until(lambda: world.deployment()["spec"]["replicas"] == 4)


def suspend_and_resume(world: World) -> None:
    for suspend, replicas in ((True, 0), (False, 2)):
        world.change({"suspend": suspend})
        wait_until(lambda wanted=replicas: world.deployment()["spec"]["replicas"] == wanted)  # type: ignore[misc]


def hand_over_and_take_back(world: World) -> None:
    world.change({"replicas": None, "autoscaling": {"minReplicas": 2, "maxReplicas": 9}})
    wait_until(lambda: world.child("horizontalpodautoscalers"))
    scale_the_deployment(world, 6, "kube-controller-manager")
    world.change({"autoscaling": None, "replicas": 3})
    wait_until(lambda: world.deployment()["spec"]["replicas"] == 3)
    wait_until(lambda: world.child("horizontalpodautoscalers") is None)


def scale_the_deployment(world: World, replicas: int, manager: str) -> None:
    path = f"{world.path('deployments')}/scale"
    scale = world.rest("GET", path).body
    scale["spec"]["replicas"] = replicas
    assert world.rest("PUT", path, scale, fieldManager=manager).status == 200


@pytest.mark.parametrize("change", [scale_through_the_model, suspend_and_resume, hand_over_and_take_back])
def test_a_count_that_the_model_asks_for_is_no_edit(
    operator: RunningOperator, world: World, change: Callable[[World], None]
) -> None:
    """No Event accuses a field manager of what the operator, or an autoscaler of its own, was asked to do."""
    world.manifest()
    world.model(replicas=2)
    world.ready()
    change(world)
    operator.wait_until_idle()
    assert "DriftCorrected" not in world.reasons()


@pytest.mark.usefixtures("operator")
def test_a_count_that_another_client_set_is_reported_with_the_name(world: World) -> None:
    """Who scales the Deployment instead of the model learns why it went back."""
    world.manifest()
    world.model(replicas=2)
    world.ready()
    scale_the_deployment(world, 7, "kubectl")
    wait_until(lambda: world.deployment()["spec"]["replicas"] == 2)
    wait_until(lambda: "DriftCorrected" in world.reasons())
    [event] = [event for event in world.events() if event["reason"] == "DriftCorrected"]
    assert event["note"] == f"reverted: kubectl set the replicas of Deployment {MODEL} to 7"


@pytest.fixture
def bare(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """A control plane of its own with our kinds, for what no other test would survive."""
    with sandbox.start(control_plane.engine) as plane:
        yield plane


def test_definitions_that_are_deleted_end_the_operator(bare: ControlPlane) -> None:
    """kopf#1276: nothing is left to watch, and no zombie watches it; a new start says what is missing."""
    rest = bare.rest()
    crds.install(rest)
    with operating(bare.kubeconfig, may_die=WatchEnded) as running:
        world = World(rest, "default")
        world.manifest()
        world.model()
        world.ready()
        for definition in crds.definitions().values():
            reply = rest("DELETE", f"{CRDS}/{definition['metadata']['name']}")
            assert reply.status == 200, reply
        # Watches that are open need not end with their kind.
        bare.restart()
        wait_until(running.ended)
    rest.close()


def test_a_deletion_that_passes_unobserved_brings_no_child_back(
    control_plane: ControlPlane, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kopf reports none that happened in a gap of its watch; the garbage collector must win."""
    world.alone()
    with operating(control_plane.kubeconfig) as running:
        world.manifest()
        world.model(replicas=2)
        world.ready()
        running.wait_until_idle()
        monkeypatch.setattr(running.process.models, "observe", lambda _event, _model: None)
        before = len(running.writes("deployments"))
        world.delete("ModelDeployment", MODEL)
        wait_until(lambda: all(world.child(kind) is None for kind in CHILDREN))
        running.wait_until_idle()
        assert all(world.child(kind) is None for kind in CHILDREN)
        assert len(running.writes("deployments")) == before


@pytest.mark.usefixtures("operator")
def test_what_the_status_names_of_evidence_is_no_copy_of_it(world: World) -> None:
    """API conventions: name, uid and digest; a reader of models need not be one of evidence."""
    world.manifest(lineage={"runId": "a-secret-run"})
    world.model()
    world.ready()
    assert set(world.status()["verdict"]["manifest"]) == {"name", "uid", "digest"}
    assert "a-secret-run" not in str(world.live())
    assert "a-secret-run" not in str(world.deployment())
    world.delete("ComplianceManifest", MANIFEST)
    world.wait_for("EvidenceAccepted", "False")
    assert set(world.status()["verdict"]["manifest"]) == {"name"}
