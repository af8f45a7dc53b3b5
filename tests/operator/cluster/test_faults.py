"""What goes wrong between the operator and the API server, and that the end is always the same."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import kopf
import pytest

from actgate.kube.client import Cluster, Subresource
from actgate.kube.objects import Object
from actgate.kube.resources import Resource
from actgate.kube.timing import Timing
from actgate_operator.deadlines import Clocks
from actgate_operator.health import Checks
from actgate_operator.kopf_fixes import Logins
from actgate_operator.kopf_settings import KopfTiming
from actgate_operator.names import MANAGER
from actgate_operator.writer import Writer
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import Rest
from tests.operator.running import operating
from tests.operator.world import MODEL, World, stamp
from tests.support import crds
from tests.support.fault_proxy import EndWatch, FaultProxy, Refuse, Seen, proxied
from tests.support.waiting import wait_until

Json = dict[str, Any]

CHILDREN = ("deployments", "services", "poddisruptionbudgets")


@pytest.fixture
def proxy(control_plane: ControlPlane, tmp_path: Path) -> Iterator[FaultProxy]:
    """A proxy that lets everything pass until the test says otherwise."""
    with proxied(control_plane, tmp_path) as running:
        yield running


class Killed(BaseException):
    """The process is gone: nothing after this point happens."""


class MortalWriter(Writer):
    """A writer whose process is killed at its n-th write, right before or right after it."""

    def __init__(self, cluster: Cluster, leading: Callable[[], bool], *, at: int, after: bool) -> None:
        super().__init__(cluster, leading)
        self._left = at
        self._after = after

    async def apply(
        self,
        resource: Resource,
        thing: Object,
        *,
        force: bool = True,
        manager: str = MANAGER,
        subresource: Subresource | None = None,
    ) -> Object:
        """Apply, or die."""
        self._die_before()
        done = await super().apply(resource, thing, force=force, manager=manager, subresource=subresource)
        self._die_after()
        return done

    async def replace(self, resource: Resource, thing: Object) -> Object:
        """Replace, or die."""
        self._die_before()
        done = await super().replace(resource, thing)
        self._die_after()
        return done

    async def delete(self, resource: Resource, name: str, namespace: str | None, uid: str) -> None:
        """Delete, or die."""
        self._die_before()
        await super().delete(resource, name, namespace, uid)
        self._die_after()

    def _die_before(self) -> None:
        self._left -= 1
        # What other tasks begin before the end has reached them is no write of a process that is gone.
        if self._left < 0 or (self._left == 0 and not self._after):
            raise Killed

    def _die_after(self) -> None:
        if self._left == 0 and self._after:
            raise Killed


def die_at_each_write(plane: ControlPlane, until: Callable[[], bool]) -> int:
    """Run operators that are killed at their next write, before it and after it, until it is done."""
    lives = 0
    while not until():
        for after in (False, True):
            at = 1 + (lives % 3 if after else 0)

            def make(
                cluster: Cluster, leading: Callable[[], bool], at: int = at, after: bool = after
            ) -> Writer:
                return MortalWriter(cluster, leading, at=at, after=after)

            with operating(plane.kubeconfig, make_writer=make, may_die=Killed) as running:
                wait_until(lambda: running.ended() or until())
        lives += 1
        assert lives < 40
    return lives


def shape(world: World) -> Json:
    """Return everything that must be the same whatever happened on the way."""
    live = {kind: world.child(kind) for kind in CHILDREN}
    return {
        "specs": {kind: thing and thing["spec"] for kind, thing in live.items()},
        "conditions": {
            item["type"]: (item["status"], item["reason"]) for item in world.status()["conditions"]
        },
    }


def without_addresses(found: Json) -> Json:
    for service in (found["specs"]["services"],):
        for key in ("clusterIP", "clusterIPs"):
            service.pop(key, None)
    return found


def test_killed_at_every_write_it_ends_in_the_same_state(control_plane: ControlPlane, world: World) -> None:
    """Created, edited by others and shrunk, under an operator that lives for one write at a time."""
    world.manifest()
    world.model(replicas=2)
    lives = die_at_each_write(control_plane, lambda: bool(world.status().get("conditions")) and all(
        world.child(kind) for kind in CHILDREN
    ) and world.condition("Reconciling").get("reason") == "RollingOut")  # fmt: skip
    assert lives >= 2
    uids = {kind: (world.child(kind) or {})["metadata"]["uid"] for kind in CHILDREN}
    extra = {"spec": {"template": {"spec": {"hostNetwork": True}}}}
    world.patch_child("deployments", extra)
    die_at_each_write(
        control_plane,
        lambda: "hostNetwork" not in world.deployment()["spec"]["template"]["spec"],
    )
    world.change({"replicas": 1})
    die_at_each_write(control_plane, lambda: world.child("poddisruptionbudgets") is None)
    with operating(control_plane.kubeconfig) as running:
        world.ready()
        running.wait_until_idle()
    assert uids["deployments"] == world.deployment()["metadata"]["uid"]
    listed = world.rest("GET", world.path("deployments").rpartition("/")[0]).body["items"]
    assert len(listed) == 1
    killed = without_addresses(shape(world))
    world.delete("ModelDeployment", MODEL)
    wait_until(lambda: world.child("deployments") is None and world.child("services") is None)
    with operating(control_plane.kubeconfig):
        world.model(replicas=1)
        world.ready()
    assert without_addresses(shape(world)) == killed


def test_a_restart_over_what_is_in_sync_writes_nothing(control_plane: ControlPlane, world: World) -> None:
    """Also the second operator knows what the first one did."""
    world.alone()
    world.manifest()
    with operating(control_plane.kubeconfig) as first:
        for number in range(5):
            world.model(f"model-{number}", replicas=1 + number % 2)
        for number in range(5):
            world.ready(f"model-{number}")
        first.wait_until_idle()
    with operating(control_plane.kubeconfig) as second:
        wait_until(lambda: len(second.metrics.models) >= 5)
        second.wait_until_idle()
        assert second.writes() == []


def test_an_api_server_that_restarts_is_waited_for(control_plane: ControlPlane, world: World) -> None:
    """What happened around the restart is not lost."""
    world.manifest()
    with operating(control_plane.kubeconfig):
        world.model("before")
        world.deployment("before")
        control_plane.restart()
        world.model("after")
        world.ready("before")
        world.ready("after")


def test_conflicts_on_every_write_are_survived(proxy: FaultProxy, world: World) -> None:
    """Each write is refused twice before it is let in."""
    tries: dict[tuple[str, str], int] = {}

    def conflict(seen: Seen) -> Refuse | None:
        if not seen.writes:
            return None
        key = (seen.method, seen.path)
        tries[key] = tries.get(key, 0) + 1
        return Refuse(409, "Conflict") if tries[key] <= 2 else None

    proxy.fault = conflict
    with operating(proxy.kubeconfig):
        world.manifest()
        world.model(replicas=2)
        world.ready()
        world.patch_child("deployments", {"spec": {"template": {"spec": {"hostNetwork": True}}}})
        wait_until(lambda: "hostNetwork" not in world.deployment()["spec"]["template"]["spec"])
        world.ready()
    assert any(count >= 3 for count in tries.values())


def test_a_busy_api_server_is_left_alone_for_as_long_as_it_asks(proxy: FaultProxy, world: World) -> None:
    """429 with Retry-After: not sooner, and then again."""
    refused: dict[str, float] = {}

    def busy(seen: Seen) -> Refuse | None:
        if seen.method != "PATCH" or seen.path in refused:
            return None
        refused[seen.path] = seen.at
        return Refuse(429, "TooManyRequests", retry_after=2)

    proxy.fault = busy
    with operating(proxy.kubeconfig):
        world.manifest()
        world.model()
        world.ready()
    deployments = world.path("deployments")
    again = next(
        item.at for item in proxy.seen if item.path == deployments and item.at > refused[deployments]
    )
    assert again - refused[deployments] >= 2.0


def test_watches_that_lose_their_place_in_a_burst_miss_nothing(proxy: FaultProxy, world: World) -> None:
    """410 Gone again and again while models come, change and go."""
    count = 0

    def gone(seen: Seen) -> EndWatch | None:
        nonlocal count
        if "watch" not in seen.query:
            return None
        count += 1
        return EndWatch() if count % 2 else None

    proxy.fault = gone
    timing = Timing(backoff_first=0.05, backoff_longest=0.3, steady=0.0)
    with operating(
        proxy.kubeconfig, timing=timing, kopf_timing=KopfTiming(backoff_first=0.05, backoff_longest=0.3)
    ):
        world.manifest()
        for number in range(15):
            world.model(f"model-{number}")
        for number in range(0, 15, 3):
            world.delete("ModelDeployment", f"model-{number}")
        for number in range(1, 15, 3):
            world.change({"replicas": 2}, f"model-{number}")
        for number in range(15):
            if number % 3:
                wanted = 1 + number % 3 % 2
                wait_until(lambda: replicas(world, number) == wanted)  # noqa: B023 - within the loop
                world.ready(f"model-{number}")
        for number in range(0, 15, 3):
            wait_until(lambda: world.child("deployments", f"model-{number}") is None)  # noqa: B023
    assert count > 15


def replicas(world: World, number: int) -> int:
    """Return how many replicas the Deployment of a model is to have."""
    return int(world.deployment(f"model-{number}")["spec"]["replicas"])


class NoElection:
    """A lease that is held."""

    def held(self) -> bool:
        """Return that it is."""
        return True

    def age(self) -> float:
        """Return that it was asked about just now."""
        return 0.0


def test_black_holed_watches_are_noticed_and_opened_anew(proxy: FaultProxy, world: World) -> None:
    """Connections stay and nothing comes: health says so, and what happened meanwhile is caught up."""
    timing = Timing(silence=3.0, quiet=4.0, backoff_first=0.05, backoff_longest=0.3)
    feed = KopfTiming(inactivity=3.0, backoff_first=0.05, backoff_longest=0.3)
    with operating(proxy.kubeconfig, timing=timing, kopf_timing=feed) as running:
        world.manifest()
        world.model()
        world.ready()
        checks = Checks(NoElection(), running.controller.parts, patience=1.0)
        checks.lead()
        proxy.muted = True
        wait_until(lambda: sum(problem is not None for problem in checks.failing_checks().values()) >= 6)
        world.delete("ComplianceManifest", "credit-risk-scorer-v2")
        time.sleep(1.0)
        proxy.muted = False
        world.wait_for("EvidenceAccepted", "False", "ManifestNotFound")
        world.model("meanwhile")
        world.wait_for("EvidenceAccepted", "False", name="meanwhile")


class AdjustableClocks:
    """A wall clock that a test sets."""

    def __init__(self) -> None:
        self.offset = 0.0

    def clocks(self) -> Clocks:
        """Return clocks that see the offset."""
        return Clocks(wall=lambda: time.time() + self.offset, slice=0.2)


def test_a_clock_that_is_set_by_an_hour_changes_what_time_alone_changes(
    control_plane: ControlPlane, world: World
) -> None:
    """Forward, evidence that ends within the hour has ended; back, it has not."""
    clock = AdjustableClocks()
    with operating(control_plane.kubeconfig, clocks=clock.clocks()):
        world.manifest(validity={"notAfter": stamp(datetime.now(UTC) + timedelta(minutes=30))})
        world.model()
        world.ready()
        clock.offset = 3600.0
        world.wait_for("EvidenceAccepted", "False", "EvidenceExpired")
        clock.offset = 0.0
        world.wait_for("Ready", "True")


def test_a_namespace_that_is_deleted_under_it_ends_in_silence(
    control_plane: ControlPlane, installed: Rest, world: World
) -> None:
    """Nothing is created in it any more, nothing is left, and nothing is tried for ever."""
    with operating(control_plane.kubeconfig) as running:
        world.manifest()
        for number in range(4):
            world.model(f"model-{number}")
        world.deployment("model-0")
        path = f"/api/v1/namespaces/{world.namespace}"
        assert installed("DELETE", path).status == 200
        for kind in CHILDREN:
            installed("DELETE", world.path(kind, "model-0"))
        wait_until(lambda: installed("GET", path).status == 404)
        wait_until(lambda: not any(key[0] == world.namespace for key in running.metrics.models))
        running.wait_until_idle()


def test_a_model_that_goes_before_kopf_watches_is_forgotten_at_once(
    control_plane: ControlPlane, installed: Rest, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first list is the leader's own; kopf's watch says nothing of what went before its list."""
    may_log_in, log_in = threading.Event(), Logins.login

    async def late(logins: Logins) -> kopf.AiohttpSession:
        await asyncio.to_thread(may_log_in.wait)
        return await log_in(logins)

    monkeypatch.setattr(Logins, "login", late)
    world.model()
    with operating(control_plane.kubeconfig) as running:
        try:
            # It has no children, which would say something.
            world.wait_for("EvidenceAccepted", "False", "ManifestNotFound")
            running.wait_until_idle()
            world.delete("ModelDeployment", MODEL)
        finally:
            may_log_in.set()
        wait_until(lambda: (world.namespace, MODEL) not in running.metrics.models)
        assert not running.controller.models.references()


def test_a_malformed_object_that_is_older_than_the_schema_stops_nothing(
    control_plane: ControlPlane, installed: Rest, world: World
) -> None:
    """Its status says that it is unusable, and all others go on."""
    definition = crds.definitions()["modeldeployments.actgate.dev.yaml"]
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{definition['metadata']['name']}"
    former = installed("GET", path).body
    loose = installed("GET", path).body
    schema = loose["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"] = {
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": True,
        "properties": {
            "complianceManifestRef": {"type": "object", "properties": {"name": {"type": "string"}}},
            "replicas": {"type": "integer"},
        },
    }
    assert installed("PUT", path, loose).status == 200

    def created() -> bool:
        body = {
            "apiVersion": "actgate.dev/v1alpha1",
            "kind": "ModelDeployment",
            "metadata": {"name": "old"},
            "spec": {"model": "CreditRiskScorer", "placement": 7, "server": {}},
        }
        reply = installed("POST", crds.collection("ModelDeployment", world.namespace), body)
        return reply.status in (201, 409)

    try:
        wait_until(created)
    finally:
        strict = installed("GET", path).body
        strict["spec"] = former["spec"]
        assert installed("PUT", path, strict).status == 200
    with operating(control_plane.kubeconfig):
        world.manifest()
        world.model()
        world.ready()
        found = world.wait_for("Stalled", "True", "InvalidSpec", name="old")
        assert "spec.model" in found["message"]
