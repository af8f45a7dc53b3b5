"""A whole cluster starts, with our registration stored and nothing of ours running."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from actgate_sandbox import control_plane as sandbox
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import MERGE_PATCH, Reply, Rest
from demo import registration, service
from tests.operator.certificates.mounting import following, pair_in
from tests.operator.certificates.reconciled import REGISTRATION_FILE, Json, without_bundle
from tests.operator.world import World
from tests.support import crds
from tests.support.waiting import wait_until
from tests.webhook.process import running

OURS = "actgate-system"
SECRET = f"/api/v1/namespaces/{OURS}/secrets/actgate-webhook-tls"
TEMPLATE = {
    "metadata": {"labels": {"app": "x"}},
    "spec": {"containers": [{"name": "x", "image": "registry.example/x:1"}]},
}
SELECTED = {"selector": {"matchLabels": {"app": "x"}}, "template": TEMPLATE}
COLLECTIONS = {
    "Pod": ("v1", "api/v1", "pods", TEMPLATE["spec"]),
    "Secret": ("v1", "api/v1", "secrets", None),
    "Lease": ("coordination.k8s.io/v1", "apis/coordination.k8s.io/v1", "leases", {}),
    "Deployment": ("apps/v1", "apis/apps/v1", "deployments", SELECTED),
    "ReplicaSet": ("apps/v1", "apis/apps/v1", "replicasets", SELECTED),
}


@pytest.fixture
def cold(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """A cluster of its own: what is registered here counts everywhere in it."""
    with sandbox.start(control_plane.engine) as plane:
        yield plane


@pytest.fixture
def cold_rest(cold: ControlPlane) -> Iterator[Rest]:
    """A plain REST client of it, with our kinds and namespaces installed."""
    rest = cold.rest()
    crds.install(rest)
    exempt = {"actgate.dev/exempt": "true"}
    for name, labels in ((OURS, {}), ("team", {}), ("others", exempt)):
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        assert rest("POST", "/api/v1/namespaces", body).status == 201
    yield rest
    rest.close()


def created(rest: Rest, kind: str, namespace: str, name: str, labels: Json | None = None) -> Reply:
    """Create an object of a built-in kind."""
    api_version, root, plural, spec = COLLECTIONS[kind]
    body: Json = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "labels": labels or {}}}
    if spec is not None:
        body["spec"] = spec
    return rest("POST", f"/{root}/namespaces/{namespace}/{plural}", body)


def install(rest: Rest, port: int | None) -> None:
    """Apply the registration as it is installed: by Service, or at a port of loopback."""
    written = registration.read(REGISTRATION_FILE)
    registration.install(rest, written if port is None else without_bundle(written, port))


@pytest.mark.parametrize("reached", ["by Service", "by URL"])
def test_a_cold_cluster_comes_up_by_itself(
    cold: ControlPlane, cold_rest: Rest, tmp_path: Path, reached: str
) -> None:
    """What a cluster and we need to start is let through; what we judge waits, and passes once we answer."""
    if reached == "by Service" and cold.engine == "stand-in":
        pytest.skip("the stand-in calls no Services")
    World(cold_rest, "team").model("before")
    port = service.free_port() if reached == "by URL" else None
    install(cold_rest, port)
    cold.restart()
    wait_until(lambda: refused(cold_rest, "team"))

    for kind in COLLECTIONS:
        for namespace in (OURS, "kube-system", "others", "team"):
            reply = created(cold_rest, kind, namespace, f"cold-{kind.lower()}")
            assert reply.status == 201, (namespace, reply)
        inference = {"actgate.dev/inference": "true"}
        for namespace in (OURS, "kube-system", "others"):
            reply = created(cold_rest, kind, namespace, f"model-{kind.lower()}", inference)
            assert reply.status == 201, (namespace, reply)
    if cold.engine == "envtest":
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "cold"}}
        assert cold_rest("POST", "/api/v1/nodes", node).status == 201
    for kind in ("Pod", "Deployment", "ReplicaSet"):
        reply = created(cold_rest, kind, "team", f"model-{kind.lower()}", {"actgate.dev/inference": "true"})
        assert reply.status == 500, reply
        assert 'failed calling webhook "declared.actgate.dev"' in reply.message
    _writes_that_are_not_judged(cold_rest)
    if port is not None:
        _comes_up(cold, cold_rest, tmp_path, port)


def refused(rest: Rest, namespace: str) -> bool:
    """Return whether a model is kept out because no webhook can be asked."""
    reply = crds.create(rest, "ModelDeployment", "early", crds.deployment_spec(), namespace)
    return reply.status == 500 and 'failed calling webhook "serving.actgate.dev"' in reply.message


def _writes_that_are_not_judged(rest: Rest) -> None:
    """Labels, scale, status and the end of a model that was there before go through."""
    model = f"{crds.collection('ModelDeployment', 'team')}/before"
    labelled = {"metadata": {"labels": {"team": "credit"}}}
    assert rest("PATCH", model, labelled, MERGE_PATCH).status == 200
    assert rest("PATCH", model, {"spec": {"replicas": 3}}, MERGE_PATCH).status == 200
    assert rest("PATCH", f"{model}/status", {"status": {"replicas": 0}}, MERGE_PATCH).status == 200
    assert rest("PATCH", model, {"spec": {"model": {"name": "another"}}}, MERGE_PATCH).status == 500
    assert rest("DELETE", model).status == 200


def _comes_up(plane: ControlPlane, rest: Rest, folder: Path, port: int) -> None:
    flags = (
        "--certificates", "SelfManaged", "--webhook-namespace", OURS, "--webhook-extra-sans", "127.0.0.1",
    )  # fmt: skip
    with ExitStack() as stack:
        operator = stack.enter_context(service.operator(plane.kubeconfig, *flags))
        # As a pod waits for a Secret that it mounts, the webhook does.
        pair = wait_until(lambda: pair_in(rest, SECRET))
        assert pair is not None
        assert refused(rest, "team")
        assert "actgate_operator_webhook_up 0.0" in operator.get("/metrics")[1]
        webhook = stack.enter_context(
            running(
                folder / "webhook",
                plane.kubeconfig,
                "--secure-port",
                str(port),
                "--tls-reload-interval",
                "100ms",
            )
        )
        mounter = plane.rest()
        stack.callback(mounter.close)
        stack.enter_context(following(mounter, SECRET, webhook.mount))
        world = World(rest, "team")
        world.manifest()
        wait_until(lambda: _let_in(rest))
        wait_until(lambda: "actgate_operator_webhook_up 1.0" in operator.get("/metrics")[1])
        absent = crds.deployment_spec(complianceManifestRef={"name": "absent"})
        assert crds.create(rest, "ModelDeployment", "without-evidence", absent, "team").status == 403
        assert 'rotations_total{certificate="leaf"} 1.0' in operator.get("/metrics")[1]


def _let_in(rest: Rest) -> bool:
    return crds.create(rest, "ModelDeployment", "late", crds.deployment_spec(), "team").status in (201, 409)
