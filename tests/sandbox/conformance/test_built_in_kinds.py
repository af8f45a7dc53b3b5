"""Kinds that an operator writes besides Deployments: what is taken, kept and refused."""

from __future__ import annotations

from typing import Any

import pytest

from actgate_sandbox.rest import APPLY_PATCH, MERGE_PATCH, Reply, Rest

Object = dict[str, Any]


def hpa() -> Object:
    """Make a HorizontalPodAutoscaler."""
    target = {"type": "Utilization", "averageUtilization": 80}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": 2,
            "maxReplicas": 5,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    }


def budget() -> Object:
    """Make a PodDisruptionBudget."""
    selector = {"matchLabels": {"app": "web"}}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web"},
        "spec": {"maxUnavailable": 1, "selector": selector},
    }


def closing() -> Object:
    """Make a NetworkPolicy."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "web"},
        "spec": {
            "podSelector": {"matchLabels": {"app": "web"}},
            "policyTypes": ["Ingress"],
            "ingress": [{"ports": [{"protocol": "TCP", "port": 8080}]}],
        },
    }


def service() -> Object:
    """Make a Service."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
    }


PLURALS = {
    "HorizontalPodAutoscaler": "horizontalpodautoscalers",
    "NetworkPolicy": "networkpolicies",
    "PodDisruptionBudget": "poddisruptionbudgets",
    "Service": "services",
}


class Namespaced:
    """Objects of one namespace."""

    def __init__(self, rest: Rest, namespace: str) -> None:
        self.rest = rest
        self.namespace = namespace

    def path(self, api: str, plural: str) -> str:
        """Return the path of a collection."""
        root = "/api" if "/" not in api else "/apis"
        return f"{root}/{api}/namespaces/{self.namespace}/{plural}"

    def apply(self, obj: Object, force: str = "true") -> Reply:
        """Apply an object as `operator`."""
        path = f"{self.path(obj['apiVersion'], PLURALS[obj['kind']])}/web"
        return self.rest("PATCH", path, obj, APPLY_PATCH, fieldManager="operator", force=force)

    def edit(self, obj: Object, spec: Object) -> Reply:
        """Let `hand` change its spec."""
        path = f"{self.path(obj['apiVersion'], PLURALS[obj['kind']])}/web"
        return self.rest("PATCH", path, {"spec": spec}, MERGE_PATCH, fieldManager="hand")


@pytest.fixture
def objects(rest: Rest, namespace: str) -> Namespaced:
    """Objects in this test's namespace."""
    return Namespaced(rest, namespace)


@pytest.mark.parametrize(
    ("obj", "edit"),
    [
        (hpa(), {"maxReplicas": 9}),
        (closing(), {"ingress": [{}]}),
        (budget(), {"maxUnavailable": 2}),
        (service(), {"selector": {"app": "x"}}),
    ],
    ids=list(PLURALS),
)
def test_a_child_is_applied_stays_and_is_restored(objects: Namespaced, obj: Object, edit: Object) -> None:
    """Created, unchanged by a second apply, a conflict without force, and as it was with it."""
    first, second = objects.apply(obj), objects.apply(obj)
    assert (first.status, second.status) == (201, 200)
    assert first.body["metadata"]["resourceVersion"] == second.body["metadata"]["resourceVersion"]
    assert objects.edit(obj, edit).status == 200
    assert objects.apply(obj, force="false").status == 409
    assert objects.apply(obj).body["spec"] == first.body["spec"]


def lease(**spec: object) -> Object:
    """Make a Lease."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "l"},
        "spec": {
            "holderIdentity": "a",
            "leaseDurationSeconds": 15,
            "leaseTransitions": 1,
            "acquireTime": "2026-11-23T08:00:00.000000Z",
            "renewTime": "2026-11-23T08:00:00.123456Z",
            **spec,
        },
    }


@pytest.fixture
def leases(objects: Namespaced) -> str:
    """Where leases are; one of `a` is there."""
    path = objects.path("coordination.k8s.io/v1", "leases")
    assert objects.rest("POST", path, lease()).status == 201
    return path


def renewed(live: Object, **spec: object) -> Object:
    """Return a lease with other fields in its spec."""
    return {**live, "spec": {**live["spec"], **spec}}


def test_a_lease_is_taken_by_one(rest: Rest, leases: str) -> None:
    """Of two that read the same state, the second is a conflict; a resourceVersion is required."""
    seen = rest("GET", f"{leases}/l").body
    mine = rest("PUT", f"{leases}/l", renewed(seen, holderIdentity="b"))
    theirs = rest("PUT", f"{leases}/l", renewed(seen, holderIdentity="c"))
    assert (mine.status, theirs.status, theirs.body["reason"]) == (200, 409, "Conflict")
    blind = rest("PUT", f"{leases}/l", lease(holderIdentity="d"))
    assert (blind.status, blind.body["reason"]) == (422, "Invalid")
    assert rest("POST", leases, lease()).body["reason"] == "AlreadyExists"


def test_a_lease_can_be_released(rest: Rest, leases: str) -> None:
    """An empty holder, and the rest stays."""
    seen = rest("GET", f"{leases}/l").body
    reply = rest("PUT", f"{leases}/l", renewed(seen, holderIdentity="", leaseDurationSeconds=1))
    assert reply.status == 200
    assert not reply.body["spec"].get("holderIdentity")


def event(namespace: str, **fields: object) -> Object:
    """Make an Event of events.k8s.io; a field that is None is left out."""
    regarding = {"apiVersion": "v1", "kind": "ConfigMap", "namespace": namespace, "name": "a", "uid": "u"}
    made = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"generateName": "a-"},
        "eventTime": "2026-11-23T08:00:00.123456Z",
        "reportingController": "actgate.dev/operator",
        "reportingInstance": "one",
        "action": "Judge",
        "reason": "EvidenceExpired",
        "type": "Warning",
        "note": "it expired",
        "regarding": regarding,
        **fields,
    }
    return {key: value for key, value in made.items() if value is not None}


@pytest.fixture
def events(objects: Namespaced) -> str:
    """Where events are."""
    return objects.path("events.k8s.io/v1", "events")


def test_an_event_goes_on_as_a_series(rest: Rest, events: str, namespace: str) -> None:
    """Count and time move on; everything else stays."""
    made = rest("POST", events, event(namespace)).body
    series = {"count": 2, "lastObservedTime": "2026-11-23T08:00:05.000001Z"}
    path = f"{events}/{made['metadata']['name']}"
    reply = rest("PATCH", path, {"series": series}, MERGE_PATCH)
    assert (reply.status, reply.body["series"], reply.body["note"]) == (200, series, "it expired")
    core = rest("GET", path.replace("/apis/events.k8s.io/v1", "/api/v1")).body
    assert (core["series"], core["message"], core["involvedObject"]["name"]) == (series, "it expired", "a")
