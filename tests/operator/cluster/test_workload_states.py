"""What becomes of pods, as the status reports it; and that every status that is ever written is true.

The test plays the cluster (`tests.support.workloads`). Whatever the operator writes on the way, also what a
test does not check, is held against what kstatus and Argo CD make of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from actgate.kube.client import Cluster
from actgate.kube.objects import Object
from actgate.kube.resources import Resource
from actgate_operator.status import condition_of
from actgate_operator.writer import Writer
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import Rest
from tests.operator.running import RunningOperator, operating
from tests.operator.world import MANIFEST, MODEL, World
from tests.support import argocd, kstatus
from tests.support.kstatus import Verdict
from tests.support.waiting import wait_until

Json = dict[str, Any]

AGREED = {
    Verdict.CURRENT: {"Healthy"},
    Verdict.IN_PROGRESS: {"Progressing", "Suspended"},
    Verdict.FAILED: {"Degraded"},
}
"""What Argo CD says where kstatus says this."""


DOWN = "MinimumReplicasUnavailable"


class Statuses:
    """Every status that an operator wrote, as the object was after it."""

    def __init__(self, operator: RunningOperator, models: list[Object]) -> None:
        self.operator = operator
        self._models = models

    def of(self, namespace: str) -> list[Object]:
        """Return the models of a namespace, once for each status, in the order of writing."""
        return [model for model in self._models if model["metadata"]["namespace"] == namespace]


@pytest.fixture(scope="module")
def statuses(control_plane: ControlPlane, installed: Rest) -> Iterator[Statuses]:
    """An operator that works while the tests of this module run, and every status that it writes."""
    models: list[Object] = []

    class NotingWriter(Writer):
        async def apply_status(self, resource: Resource, thing: Object) -> Object:
            """Write a status, and note what the object is then."""
            written = await super().apply_status(resource, thing)
            models.append(written)
            return written

    def make(cluster: Cluster, leading: Callable[[], bool]) -> Writer:
        return NotingWriter(cluster, leading)

    with operating(control_plane.kubeconfig, make_writer=make) as running:
        yield Statuses(running, models)


@pytest.fixture(autouse=True)
def truthful(statuses: Statuses, world: World) -> Iterator[None]:
    """After each test: every status of its models was one that all tools read alike, the last one final."""
    yield
    statuses.operator.wait_until_idle()
    written = statuses.of(world.namespace)
    assert written
    for model in written:
        assert_consistent(model)
    for name in {model["metadata"]["name"] for model in written}:
        live = world.live(name)
        assert live["status"]["observedGeneration"] == live["metadata"]["generation"]


def assert_consistent(model: Object) -> None:
    """Hold one status against its generation, kstatus and Argo CD."""
    status, generation = model["status"], model["metadata"]["generation"]
    observed = status["observedGeneration"]
    # The spec may have changed under the operator's hands; then the status says that it is of an older one.
    assert observed <= generation
    conditions = {item["type"]: item for item in status["conditions"]}
    assert {item["observedGeneration"] for item in conditions.values()} == {observed}
    assert {"EvidenceAccepted", "WorkloadAvailable", "Ready"} <= conditions.keys()
    assert all(
        conditions[kind]["status"] == "True" for kind in ("Reconciling", "Stalled") if kind in conditions
    )
    verdict, health = kstatus.verdict(model), argocd.health(model).status
    assert health in AGREED[verdict], (verdict, health, status)
    is_ready = observed == generation and conditions["Ready"]["status"] == "True"
    assert (verdict is Verdict.CURRENT) == is_ready, (verdict, status)


class Problem(NamedTuple):
    """What a cluster says of a pod, and what the status has to say of it."""

    happens: Callable[[World, str], None]
    """Given a namespace and the name of a pod in it."""
    reason: str
    words: str


def _evicted(world: World, pod: str) -> None:
    path = f"/api/v1/namespaces/{world.namespace}/pods/{pod}/status"
    status = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}
    assert world.rest("PATCH", path, {"status": status}, "application/merge-patch+json").status == 200


PROBLEMS = {
    "crashes": Problem(
        lambda world, pod: world.workloads.crashing(pod, exit_code=3), "CrashLoopBackOff", "exit code 3"
    ),
    "image cannot be pulled": Problem(
        lambda world, pod: world.workloads.not_pulled(pod), "ImagePullBackOff", "registry.example/server:1"
    ),
    "image was not pulled once": Problem(
        lambda world, pod: world.workloads.not_pulled(pod, "ErrImagePull"), "ErrImagePull", "not found"
    ),
    "asks for a secret that is not there": Problem(
        lambda world, pod: world.workloads.misconfigured(pod), "CreateContainerConfigError", "credentials"
    ),
    "runs out of memory": Problem(
        lambda world, pod: world.workloads.out_of_memory(pod), "OOMKilled", "exit code 137"
    ),
    "finds no node": Problem(
        lambda world, pod: world.workloads.unschedulable(pod), "Unschedulable", "node affinity"
    ),
    "is evicted": Problem(_evicted, "Evicted", "low on resource"),
}


@pytest.fixture(params=list(PROBLEMS))
def problem(request: pytest.FixtureRequest) -> Problem:
    """One of the problems that a pod can have."""
    return PROBLEMS[request.param]


@pytest.fixture
def ready(world: World) -> World:
    """A model that is Ready."""
    world.manifest()
    world.model()
    world.ready()
    return world


def abnormal(world: World) -> set[str]:
    """Return which of the abnormal conditions hold."""
    return {item["type"] for item in world.status()["conditions"]} & {"Reconciling", "Stalled"}


def verdict(world: World) -> tuple[Verdict, str]:
    """Return what kstatus and Argo CD make of the model as it is."""
    live = world.live()
    return kstatus.verdict(live), argocd.health(live).status


def go_down(world: World) -> str:
    """Let the Deployment have no pod that serves, and return a new one that may show why."""
    world.workloads.unavailable(MODEL)
    world.wait_for("WorkloadAvailable", "False", DOWN)
    return world.workloads.pod(MODEL)


def assert_events(world: World, statuses: Statuses, *reasons: str) -> None:
    """Assert that Events of these reasons, one each and no others, came of what happened."""
    statuses.operator.wait_until_idle()
    counted = sorted(
        (event["reason"], (event.get("series") or {}).get("count", 1)) for event in world.events()
    )
    assert counted == sorted((reason, 1) for reason in reasons)


def test_a_pod_in_problem_says_why_the_model_is_not_ready(
    statuses: Statuses, world: World, problem: Problem
) -> None:
    """In its own words while the rollout is under way; and that it is over."""
    world.manifest()
    world.model()
    world.deployment()
    world.workloads.rolling_out(MODEL)
    pod = world.workloads.pod(MODEL)
    problem.happens(world, pod)
    found = world.wait_for("WorkloadAvailable", "False", problem.reason)
    assert problem.words in found["message"]
    assert pod in found["message"]
    summary = world.condition("Ready")
    assert (summary["status"], summary["reason"]) == ("False", problem.reason)
    assert world.condition("Reconciling")["reason"] == problem.reason
    assert verdict(world) == (Verdict.IN_PROGRESS, "Progressing")
    assert_events(world, statuses, problem.reason)
    world.workloads.running(pod)
    world.ready()
    assert abnormal(world) == set()


def test_a_model_that_was_ready_is_so_no_longer_when_its_pods_are_in_problem(
    statuses: Statuses, ready: World, problem: Problem
) -> None:
    """Nothing is latched: Ready goes, says why, and comes back."""
    pod = go_down(ready)
    problem.happens(ready, pod)
    found = ready.wait_for("Ready", "False", problem.reason)
    assert problem.words in found["message"]
    # No rollout is under way, and no deadline has passed.
    assert abnormal(ready) == set()
    assert verdict(ready) == (Verdict.IN_PROGRESS, "Progressing")
    ready.workloads.running(pod)
    ready.ready()
    assert verdict(ready) == (Verdict.CURRENT, "Healthy")
    statuses.operator.wait_until_idle()
    assert ready.reasons().count(problem.reason) == 1
    assert ready.reasons().count("WorkloadRestored") == 1


def test_a_crash_that_repeats_is_one_event(statuses: Statuses, ready: World) -> None:
    """Each restart changes the pod, and is no news."""
    pod = go_down(ready)
    for restarts in range(1, 6):
        ready.workloads.crashing(pod, restarts=restarts)
        statuses.operator.wait_until_idle()
    ready.wait_for("Ready", "False", "CrashLoopBackOff")
    assert ready.reasons().count("CrashLoopBackOff") == 1


def test_the_problem_that_says_most_is_reported(statuses: Statuses, ready: World) -> None:
    """Of several pods: not that one has no node, but what keeps every one of them from starting."""
    ready.workloads.unschedulable(go_down(ready))
    ready.wait_for("Ready", "False", "Unschedulable")
    ready.workloads.misconfigured(ready.workloads.pod(MODEL))
    ready.wait_for("Ready", "False", "CreateContainerConfigError")
    assert_events(ready, statuses, DOWN, "CreateContainerConfigError", "Unschedulable")


def test_pods_that_cannot_be_created_are_reported_in_the_words_of_who_refused(
    statuses: Statuses, world: World
) -> None:
    """There is no pod to ask: a quota, Pod Security or a webhook speaks through the Deployment."""
    words = 'pods "credit-risk-1" is forbidden: exceeded quota: team, requested: cpu=4, limited: cpu=2'
    world.manifest()
    world.model()
    world.deployment()
    world.workloads.refused(MODEL, words)
    assert world.wait_for("WorkloadAvailable", "False", "FailedCreate")["message"] == words
    assert world.condition("Ready")["reason"] == "FailedCreate"
    assert verdict(world) == (Verdict.IN_PROGRESS, "Progressing")
    assert_events(world, statuses, "FailedCreate")
    world.ready()
    assert_events(world, statuses, "FailedCreate", "WorkloadRestored")


def test_a_rollout_that_took_too_long_is_stalled(statuses: Statuses, world: World) -> None:
    """A tool that waits gives up, as the Deployment's controller did; one that comes up late is Ready."""
    world.manifest()
    world.model()
    world.deployment()
    world.workloads.overdue(MODEL)
    found = world.wait_for("Stalled", "True", "ProgressDeadlineExceeded")
    assert found["message"]
    assert abnormal(world) == {"Stalled"}
    assert world.condition("Ready")["reason"] == "ProgressDeadlineExceeded"
    assert verdict(world) == (Verdict.FAILED, "Degraded")
    assert_events(world, statuses, "ProgressDeadlineExceeded")
    world.ready()
    assert abnormal(world) == set()
    assert verdict(world) == (Verdict.CURRENT, "Healthy")


def test_a_rollout_that_took_too_long_says_what_the_pod_said(statuses: Statuses, world: World) -> None:
    """The deadline is why it is given up, the pod's exit is what to fix."""
    world.manifest()
    world.model()
    world.deployment()
    world.workloads.rolling_out(MODEL)
    world.workloads.crashing(world.workloads.pod(MODEL), exit_code=42)
    world.wait_for("Ready", "False", "CrashLoopBackOff")
    world.workloads.overdue(MODEL)
    found = world.wait_for("Stalled", "True", "ProgressDeadlineExceeded")
    assert "exit code 42" in found["message"]
    assert world.condition("Ready")["reason"] == "CrashLoopBackOff"
    assert verdict(world) == (Verdict.FAILED, "Degraded")
    assert_events(world, statuses, "CrashLoopBackOff", "ProgressDeadlineExceeded")


def test_a_new_spec_that_does_not_come_up_is_not_ready_though_the_old_one_serves(
    statuses: Statuses, ready: World
) -> None:
    """The workload is available, and what the spec says is not what serves: both are reported."""
    ready.change({"server": {"image": "registry.example/server:2"}})
    wait_until(lambda: ready.deployment()["metadata"]["generation"] == 2)
    ready.wait_for("Ready", "False", "RollingOut")
    ready.workloads.rolling_out(MODEL, ready=1)
    pod = ready.workloads.pod(MODEL)
    ready.workloads.not_pulled(pod)
    found = ready.wait_for("Ready", "False", "ImagePullBackOff")
    assert "registry.example/server:2" in found["message"]
    assert found["observedGeneration"] == 2
    assert ready.condition("WorkloadAvailable")["status"] == "True"
    assert verdict(ready) == (Verdict.IN_PROGRESS, "Progressing")
    ready.change({"server": {"image": "registry.example/server:1"}})
    wait_until(lambda: ready.deployment()["metadata"]["generation"] == 3)
    ready.workloads.delete(pod)
    ready.ready()
    assert ready.condition("Ready")["observedGeneration"] == 3


def test_a_suspended_model_is_suspended_and_nothing_else(statuses: Statuses, ready: World) -> None:
    """Neither broken nor under way, whatever its last pods did; and it comes back."""
    pod = go_down(ready)
    ready.workloads.crashing(pod)
    ready.wait_for("Ready", "False", "CrashLoopBackOff")
    ready.change({"suspend": True})
    wait_until(lambda: ready.deployment()["spec"]["replicas"] == 0)
    ready.workloads.delete(pod)
    ready.workloads.available(MODEL)
    wait_until(lambda: abnormal(ready) == set())
    assert ready.wait_for("Ready", "False", "Suspended")["message"].startswith("spec.suspend is true")
    assert verdict(ready) == (Verdict.IN_PROGRESS, "Suspended")
    assert (ready.status()["replicas"], ready.status().get("readyReplicas", 0)) == (0, 0)
    ready.change({"suspend": False})
    wait_until(lambda: ready.deployment()["spec"]["replicas"] == 1)
    ready.ready()
    assert_events(ready, statuses, DOWN, "CrashLoopBackOff", "Suspended")


def test_evidence_that_is_gone_and_pods_that_crash_are_both_reported(
    statuses: Statuses, ready: World
) -> None:
    """Ready speaks of the evidence first; the workload's problem has its own condition."""
    ready.delete("ComplianceManifest", MANIFEST)
    ready.wait_for("EvidenceAccepted", "False", "ManifestNotFound")
    ready.workloads.crashing(go_down(ready))
    ready.wait_for("WorkloadAvailable", "False", "CrashLoopBackOff")
    assert ready.condition("Ready")["reason"] == "ManifestNotFound"
    assert_events(ready, statuses, DOWN, "CrashLoopBackOff", "ManifestNotFound")


def test_no_tool_takes_a_model_for_current_before_the_operator_has_reconciled_it(
    statuses: Statuses, world: World
) -> None:
    """Neither the answer to its creation, nor the answer to any change of its spec, says Ready."""
    world.manifest()
    created = world.model()
    assert condition_of(created["status"], "Ready")["status"] == "Unknown"
    assert (kstatus.verdict(created), argocd.health(created).status) == (Verdict.IN_PROGRESS, "Progressing")
    world.ready()
    for generation, replicas in enumerate((2, 3), 2):
        changed = world.change({"replicas": replicas})
        assert changed["metadata"]["generation"] == generation
        assert (kstatus.verdict(changed), argocd.health(changed).status) == (
            Verdict.IN_PROGRESS,
            "Progressing",
        )
        wait_until(lambda wanted=replicas: world.deployment()["spec"]["replicas"] == wanted)  # type: ignore[misc]
        world.ready()
        assert world.condition("Ready")["observedGeneration"] == generation
    assert [model for model in statuses.of(world.namespace) if kstatus.verdict(model) is Verdict.CURRENT]


def test_every_way_to_fail_early_ends_in_a_status(statuses: Statuses, world: World) -> None:
    """Rejected, refused by the API server, or not to be planned: none is left at Unknown."""
    world.manifest()
    world.manifest("rejected", humanOversight={"enabled": False})
    world.model("without", complianceManifestRef={"name": "never"})
    world.model("rejected", complianceManifestRef={"name": "rejected"})
    world.model("refused", podTemplate={"spec": {"containers": [{"name": "UPPER", "image": "x:1"}]}})
    world.model("none", replicas=0)
    found = world.wait_for("Ready", "False", "ManifestNotFound", name="without")
    assert found["lastTransitionTime"] > "1970-01-01T00:00:00Z"
    world.wait_for("Stalled", "True", "EvidenceRejected", name="rejected")
    world.wait_for("Stalled", "True", "Refused", name="refused")
    world.deployment("none")
    world.workloads.available("none")
    world.wait_for("Ready", "True", name="none")
    names = {model["metadata"]["name"] for model in statuses.of(world.namespace)}
    assert names == {"without", "rejected", "refused", "none"}
