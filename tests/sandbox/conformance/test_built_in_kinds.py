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
    [(hpa(), {"maxReplicas": 9}), (budget(), {"maxUnavailable": 2}), (service(), {"selector": {"app": "x"}})],
    ids=list(PLURALS),
)
def test_a_child_is_applied_settles_and_is_restored(objects: Namespaced, obj: Object, edit: Object) -> None:
    """Created, unchanged by a second apply, a conflict without force, and as it was with it."""
    first, second = objects.apply(obj), objects.apply(obj)
    assert (first.status, second.status) == (201, 200)
    assert first.body["metadata"]["resourceVersion"] == second.body["metadata"]["resourceVersion"]
    assert objects.edit(obj, edit).status == 200
    assert objects.apply(obj, force="false").status == 409
    assert objects.apply(obj).body["spec"] == first.body["spec"]


def test_a_budget_says_one_thing(objects: Namespaced) -> None:
    """What somebody added beside ours makes even our own apply invalid."""
    objects.apply(budget())
    assert objects.edit(budget(), {"minAvailable": 1, "maxUnavailable": None}).status == 200
    reply = objects.apply(budget())
    assert (reply.status, reply.body["reason"]) == (422, "Invalid")
    assert "minAvailable and maxUnavailable cannot be both set" in reply.message


def test_an_autoscaler_that_gets_a_behaviour_gets_all_of_it(objects: Namespaced) -> None:
    """Defaults fill both directions, and belong to whoever began."""
    objects.apply(hpa())
    edited = objects.edit(hpa(), {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 5}}})
    behavior = edited.body["spec"]["behavior"]
    assert behavior["scaleUp"]["stabilizationWindowSeconds"] == 0
    assert behavior["scaleDown"]["policies"] == [{"type": "Percent", "value": 100, "periodSeconds": 15}]


def test_a_service_needs_ports(objects: Namespaced) -> None:
    """Unless it is headless."""
    obj = service()
    del obj["spec"]["ports"]
    reply = objects.apply(obj)
    assert reply.status == 422
    assert "spec.ports: Required value" in reply.message
    obj["spec"]["clusterIP"] = "None"
    assert objects.apply(obj).status == 201


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
    """Of two that saw the same state, the second is a conflict; without a resourceVersion nobody writes."""
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


@pytest.mark.parametrize("time", ["2026-11-23T08:00:01Z", "2026-11-23T08:00:01.5Z", "soon"])
def test_times_of_a_lease_have_six_decimals(rest: Rest, leases: str, time: str) -> None:
    """Anything else cannot be read."""
    reply = rest("PUT", f"{leases}/l", renewed(rest("GET", f"{leases}/l").body, renewTime=time))
    assert (reply.status, reply.body["reason"]) == (400, "BadRequest")
    assert f'parsing time "{time}" as "2006-01-02T15:04:05.000000Z07:00"' in reply.message


@pytest.mark.parametrize(("field", "value"), [("leaseDurationSeconds", 0), ("leaseTransitions", -1)])
def test_a_lease_lasts(rest: Rest, leases: str, field: str, value: int) -> None:
    """No duration of zero, no negative count."""
    reply = rest("PUT", f"{leases}/l", renewed(rest("GET", f"{leases}/l").body, **{field: value}))
    assert reply.status == 422
    assert reply.body["details"]["causes"][0]["field"] == f"spec.{field}"


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
    """Count and time move on; everything else stays said."""
    made = rest("POST", events, event(namespace)).body
    series = {"count": 2, "lastObservedTime": "2026-11-23T08:00:05.000001Z"}
    path = f"{events}/{made['metadata']['name']}"
    reply = rest("PATCH", path, {"series": series}, MERGE_PATCH)
    assert (reply.status, reply.body["series"], reply.body["note"]) == (200, series, "it expired")
    core = rest("GET", path.replace("/apis/events.k8s.io/v1", "/api/v1")).body
    assert (core["series"], core["message"], core["involvedObject"]["name"]) == (series, "it expired", "a")


@pytest.mark.parametrize(("field", "called"), [("note", "message"), ("reason", "reason"), ("type", "type")])
def test_what_an_event_said_is_said(rest: Rest, events: str, namespace: str, field: str, called: str) -> None:
    """Nobody can change it; the refusal calls the field as core/v1 does."""
    made = rest("POST", events, event(namespace)).body
    reply = rest("PATCH", f"{events}/{made['metadata']['name']}", {field: "Normal"}, MERGE_PATCH)
    assert (reply.status, reply.body["reason"]) == (422, "Invalid")
    assert called in {cause["field"] for cause in reply.body["details"]["causes"]}


@pytest.mark.parametrize(
    ("fields", "called"),
    [
        ({"reportingController": None}, "reportingController"),
        ({"reportingInstance": None}, "reportingInstance"),
        ({"action": None}, "action"),
        ({"reason": None}, "reason"),
        ({"eventTime": None}, "eventTime"),
        ({"type": "Bad"}, "type"),
        ({"note": "x" * 1025}, "message"),
        ({"series": {"count": 1, "lastObservedTime": "2026-11-23T08:00:05.000001Z"}}, "series.count"),
    ],
)
def test_an_event_says_everything(
    rest: Rest, events: str, namespace: str, fields: Object, called: str
) -> None:
    """Who, what, why and when, in bounds."""
    reply = rest("POST", events, event(namespace, **fields))
    assert (reply.status, reply.body["reason"]) == (422, "Invalid")
    assert called in {cause["field"] for cause in reply.body["details"]["causes"]}


def test_times_of_an_event_have_six_decimals(rest: Rest, events: str, namespace: str) -> None:
    """As those of a lease."""
    reply = rest("POST", events, event(namespace, eventTime="2026-11-23T08:00:00Z"))
    assert (reply.status, reply.body["reason"]) == (400, "BadRequest")
