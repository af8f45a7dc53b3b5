"""Children that others edit, delete or add to; and those that are not planned any more."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from actgate_operator.names import child_name
from actgate_sandbox.rest import APPLY_PATCH, JSON_PATCH, MERGE_PATCH
from tests.operator.running import RunningOperator
from tests.operator.world import MODEL, World
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("operator")

Json = dict[str, Any]
FORGED = ("name", "namespace", "labels", "annotations", "ownerReferences")
STRATEGIC = "application/strategic-merge-patch+json"


@pytest.fixture
def running(world: World) -> World:
    """A model that is Ready, with two replicas."""
    world.manifest()
    world.model(replicas=2)
    world.ready()
    return world


def edit(world: World, plural: str, body: Json, content_type: str = STRATEGIC) -> Json:
    """Edit a child as `kubectl edit` does."""
    reply = world.rest("PATCH", world.path(plural), body, content_type, fieldManager="kubectl-edit")
    assert reply.status == 200, reply
    return dict(reply.body)


def pod_spec(thing: Json) -> Json:
    return dict(thing["spec"]["template"]["spec"])


@pytest.mark.parametrize("plural", ["deployments", "services", "poddisruptionbudgets"])
def test_a_deleted_child_comes_back(running: World, plural: str) -> None:
    """As it was, under a new uid, owned by the model."""
    before = running.child(plural)
    assert before is not None
    assert running.rest("DELETE", running.path(plural)).status in (200, 202)

    def back() -> bool:
        after = running.child(plural)
        return after is not None and after["metadata"]["uid"] != before["metadata"]["uid"]

    wait_until(back)
    after = running.child(plural)
    assert after is not None
    owner = after["metadata"]["ownerReferences"][0]
    assert (owner["uid"], owner["controller"]) == (running.live()["metadata"]["uid"], True)


def test_a_changed_image_is_set_back(running: World) -> None:
    """What was judged is what runs."""
    before = pod_spec(running.deployment())
    changed = {"spec": {"template": {"spec": {"containers": [{"name": "server", "image": "evil:1"}]}}}}
    edit(running, "deployments", changed)
    wait_until(lambda: pod_spec(running.deployment()) == before)
    wait_until(lambda: "DriftCorrected" in running.reasons())
    note = next(event["note"] for event in running.events() if event["reason"] == "DriftCorrected")
    assert "kubectl-edit" in note
    assert "spec.template.spec.containers[name=server].image" in note


def test_an_added_container_is_taken_out(running: World) -> None:
    """A forced apply alone would leave it: the operator does not own the field."""
    before = running.deployment()
    extra = {"name": "shell", "image": "registry.example/shell:1"}
    edit(
        running,
        "deployments",
        {
            "spec": {
                "template": {
                    "spec": {
                        "containers": [extra],
                        "hostNetwork": True,
                        "tolerations": [{"operator": "Exists"}],
                    }
                }
            }
        },
    )
    wait_until(lambda: running.deployment()["spec"] == before["spec"])
    assert {item["name"] for item in pod_spec(running.deployment())["containers"]} == {"server"}


def test_an_added_variable_and_a_removed_one_are_repaired(running: World) -> None:
    """Both at once, as a person would in an editor."""
    before = running.deployment()["spec"]
    env = pod_spec(running.deployment())["containers"][0]["env"]
    patch = [
        {
            "op": "replace",
            "path": "/spec/template/spec/containers/0/env",
            "value": [*env[1:], {"name": "X", "value": "1"}],
        }
    ]
    reply = running.rest(
        "PATCH", running.path("deployments"), patch, JSON_PATCH, fieldManager="kubectl-patch"
    )
    assert reply.status == 200
    wait_until(lambda: running.deployment()["spec"] == before)


@pytest.mark.parametrize(
    ("plural", "addition"),
    [
        ("horizontalpodautoscalers", {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 7}}}),
        ("poddisruptionbudgets", {"unhealthyPodEvictionPolicy": "AlwaysAllow"}),
    ],
)
def test_what_was_added_to_a_child_without_pods_is_taken_out(
    running: World, plural: str, addition: Json
) -> None:
    """How a model scales and how it may be disrupted is its own to say."""
    running.change({"replicas": None, "autoscaling": {"minReplicas": 2, "maxReplicas": 9}})
    wait_until(lambda: running.child(plural) is not None)
    (field,) = addition
    assert field in edit(running, plural, {"spec": addition}, MERGE_PATCH)["spec"]
    wait_until(lambda: field not in (running.child(plural) or {"spec": addition})["spec"])


def test_a_restart_by_kubectl_is_left_alone(running: World, operator: RunningOperator) -> None:
    """`kubectl rollout restart` is a person's right."""
    annotation = {"kubectl.kubernetes.io/restartedAt": "2026-11-23T10:00:00Z"}
    edited = edit(running, "deployments", {"spec": {"template": {"metadata": {"annotations": annotation}}}})
    operator.wait_until_idle()
    after = running.deployment()
    assert after["metadata"]["generation"] == edited["metadata"]["generation"]
    assert annotation.items() <= after["spec"]["template"]["metadata"]["annotations"].items()
    changed = {"spec": {"template": {"spec": {"hostNetwork": True}}}}
    edit(running, "deployments", changed)
    wait_until(lambda: "hostNetwork" not in pod_spec(running.deployment()))
    assert annotation.items() <= running.deployment()["spec"]["template"]["metadata"]["annotations"].items()


def test_replicas_that_another_client_scaled_are_set_back(running: World) -> None:
    """The count is the model's, unless an autoscaler has it."""
    path = f"{running.path('deployments')}/scale"
    scale = running.rest("GET", path).body
    scale["spec"]["replicas"] = 7
    assert running.rest("PUT", path, scale).status == 200
    wait_until(lambda: running.deployment()["spec"]["replicas"] == 2)


def test_a_service_that_was_pointed_elsewhere_points_back(running: World) -> None:
    """Traffic goes to the pods of the model, on its port, and to no other one."""
    before = running.child("services")
    assert before is not None
    edit(running, "services", {"spec": {"selector": {"app": "other"}, "ports": [{"name": "b", "port": 99}]}})

    def back() -> bool:
        after = running.child("services")
        assert after is not None
        return {key: after["spec"][key] for key in ("selector", "ports")} == {
            key: before["spec"][key] for key in ("selector", "ports")
        }

    wait_until(back)


def test_a_child_whose_label_was_cut_is_found_and_repaired(running: World) -> None:
    """Without the label it is out of our watch's sight, which looks like a deletion."""
    uid = running.deployment()["metadata"]["uid"]
    edit(running, "deployments", {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}})
    wait_until(
        lambda: (
            running.deployment()["metadata"]["labels"].get("app.kubernetes.io/managed-by")
            == "actgate-operator"
        )
    )
    assert running.deployment()["metadata"]["uid"] == uid


def test_an_owner_reference_that_was_cut_is_restored(running: World) -> None:
    """Else the child would outlive its model."""
    patch = [{"op": "remove", "path": "/metadata/ownerReferences"}]
    reply = running.rest("PATCH", running.path("deployments"), patch, JSON_PATCH)
    assert reply.status == 200
    wait_until(lambda: running.deployment()["metadata"].get("ownerReferences"))


def test_records_that_were_wiped_do_not_hide_an_addition(running: World) -> None:
    """An emptied managedFields leaves no trace of who changed what, so everything is reverted."""
    before = running.deployment()["spec"]
    live = running.deployment()
    live["metadata"]["managedFields"] = [{}]
    live["spec"]["template"]["spec"]["hostNetwork"] = True
    reply = running.rest("PUT", running.path("deployments"), live)
    assert reply.status == 200
    assert running.rest(
        "PATCH",
        running.path("deployments"),
        {"metadata": {"managedFields": [{}]}},
        "application/merge-patch+json",
    ).status == 200  # fmt: skip
    wait_until(lambda: running.deployment()["spec"] == before)


def test_what_is_not_planned_any_more_is_deleted(running: World) -> None:
    """One replica has no use for a disruption budget."""
    assert running.child("poddisruptionbudgets") is not None
    running.change({"replicas": 1})
    wait_until(lambda: running.child("poddisruptionbudgets") is None)


def test_an_autoscaler_takes_over_the_count_that_there_is(running: World) -> None:
    """From a fixed count to an autoscaler and back: the count never falls to one in between."""
    running.change({"replicas": 4})
    wait_until(lambda: running.deployment()["spec"]["replicas"] == 4)
    seen = {4}
    running.change({"replicas": None, "autoscaling": {"minReplicas": 2, "maxReplicas": 9}})
    wait_until(lambda: running.child("horizontalpodautoscalers"))
    wait_until(lambda: "actgate-operator" not in replica_owners(running))
    seen.add(running.deployment()["spec"]["replicas"])
    assert seen == {4}
    autoscale(running, 6)
    running.change({"podTemplate": {"metadata": {"annotations": {"changed": "yes"}}}})
    wait_for_annotation(running, "changed", "yes")
    assert running.deployment()["spec"]["replicas"] == 6
    running.change({"autoscaling": None, "replicas": 3})
    wait_until(lambda: running.deployment()["spec"]["replicas"] == 3)
    wait_until(lambda: running.child("horizontalpodautoscalers") is None)


def autoscale(world: World, count: int) -> None:
    """Scale as a HorizontalPodAutoscaler does."""
    path = f"{world.path('deployments')}/scale"
    scale = world.rest("GET", path).body
    scale["spec"]["replicas"] = count
    reply = world.rest("PUT", path, scale, fieldManager="kube-controller-manager")
    assert reply.status == 200


def wait_for_annotation(world: World, name: str, value: str) -> None:
    """Wait until the Deployment's pod template has an annotation."""
    wait_until(lambda: world.deployment()["spec"]["template"]["metadata"]["annotations"].get(name) == value)


def replica_owners(world: World) -> list[str]:
    """Return who owns the count of the Deployment."""
    return [
        entry["manager"]
        for entry in world.deployment()["metadata"]["managedFields"]
        if "f:replicas" in entry["fieldsV1"].get("f:spec", {}) and entry.get("subresource") != "status"
    ]


def test_an_autoscaler_that_scales_meanwhile_is_not_reset(running: World, operator: RunningOperator) -> None:
    """Every reconcile leaves its count alone."""
    running.change({"replicas": None, "autoscaling": {"minReplicas": 1, "maxReplicas": 9}})
    wait_until(lambda: "actgate-operator" not in replica_owners(running))
    for count in (5, 3, 8):
        autoscale(running, count)
        running.change({"podTemplate": {"metadata": {"annotations": {"count": str(count)}}}})
        wait_for_annotation(running, "count", str(count))
        operator.wait_until_idle()
        assert running.deployment()["spec"]["replicas"] == count


def test_suspend_scales_to_zero_and_says_so(running: World) -> None:
    """Nothing else changes, and without it everything is as before."""
    running.change({"suspend": True})
    wait_until(lambda: running.deployment()["spec"]["replicas"] == 0)
    running.workloads.available(MODEL)
    running.wait_for("Ready", "False", "Suspended")
    wait_until(lambda: "Reconciling" not in {item["type"] for item in running.status()["conditions"]})
    assert "Suspended" in running.reasons()
    running.change({"suspend": False})
    wait_until(lambda: running.deployment()["spec"]["replicas"] == 2)
    running.ready()


def test_an_object_that_is_not_ours_is_not_taken_over(world: World) -> None:
    """A Deployment of the same name stays as it is; the status says what to do."""
    foreign = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": MODEL},
        "spec": {
            "selector": {"matchLabels": {"app": "other"}},
            "template": {
                "metadata": {"labels": {"app": "other"}},
                "spec": {"containers": [{"name": "other", "image": "other:1"}]},
            },
        },
    }
    created = world.rest("POST", world.path("deployments").rpartition("/")[0], foreign)
    assert created.status == 201
    world.manifest()
    world.model()
    found = world.wait_for("Stalled", "True", "NameTaken")
    assert "rename or delete it" in found["message"]
    live = world.deployment()
    assert live["metadata"]["resourceVersion"] == created.body["metadata"]["resourceVersion"]
    assert world.rest("DELETE", world.path("deployments")).status == 200
    world.ready()


def test_two_models_with_one_child_name_do_not_share_it(world: World) -> None:
    """The second one reports whose the name is, and has it within seconds once the first one is gone."""
    second = child_name("x.y")
    world.manifest()
    world.model(second)
    world.ready(second)
    world.model("x.y")
    found = world.wait_for("Stalled", "True", "NameTaken", name="x.y")
    assert f"belongs to ModelDeployment {second}" in found["message"]
    world.delete("ModelDeployment", second)
    for plural in ("deployments", "services"):
        # A garbage collector would; the real one discovers new kinds only after a while.
        world.rest("DELETE", world.path(plural, second))

    def owned() -> bool:
        child = world.child("deployments", second)
        return child is not None and child["metadata"]["ownerReferences"][0]["name"] == "x.y"

    wait_until(owned, within=30)
    wait_until(lambda: world.child("services", second))
    world.workloads.available(second)
    world.wait_for("Ready", "True", name="x.y")


@pytest.mark.parametrize("way", ["applied", "updated"])
def test_a_template_that_is_changed_in_our_name_is_set_back(running: World, way: str) -> None:
    """Reported by an Event, and within the time of any other edit (redteam H2)."""
    before = running.deployment()
    forged = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {name: before["metadata"][name] for name in FORGED},
        "spec": copy.deepcopy(before["spec"]),
    }
    container = forged["spec"]["template"]["spec"]["containers"][0]
    container.update(image="registry.example/evil:1", command=["sh"])
    forged["spec"]["template"]["spec"]["hostNetwork"] = True
    method, query = ("PATCH", {"force": "true"}) if way == "applied" else ("PUT", {})
    kind = APPLY_PATCH if way == "applied" else "application/json"
    path = running.path("deployments")
    reply = running.rest(method, path, forged, kind, fieldManager="actgate-operator", **query)
    assert reply.status == 200, reply
    wait_until(lambda: running.deployment()["spec"] == before["spec"])
    wait_until(lambda: "DriftCorrected" in running.reasons())
    notes = [event["note"] for event in running.events() if event["reason"] == "DriftCorrected"]
    said = "image of Deployment" if way == "applied" else "fields of Deployment"
    assert any(said in note for note in notes), notes


@pytest.mark.parametrize(
    "overlay",
    [
        {"spec": {"containers": [{"name": "server", "resources": {"limits": {"cpu": "many"}}}]}},
        {"spec": {"terminationGracePeriodSeconds": "soon"}},
        {"spec": {"noSuchField": True}},
        {"spec": {"containers": [{"name": "UPPER CASE", "image": "x:1"}]}},
    ],
    ids=["bad value", "wrong type", "unknown field", "bad name"],
)
def test_a_template_that_the_api_server_refuses_is_the_users_to_fix(
    world: World, operator: RunningOperator, overlay: Json
) -> None:
    """Stalled with the server's words and no storm of retries; once fixed, it runs."""
    world.manifest()
    world.model(podTemplate=overlay)
    found = world.wait_for("Stalled", "True")
    assert found["reason"] in ("Refused", "InvalidSpec")
    operator.wait_until_idle()
    before = len(operator.writes("deployments"))
    wait_until(lambda: world.reasons().count(found["reason"]) == 1)
    assert len(operator.writes("deployments")) - before <= 1
    world.change({"podTemplate": None})
    world.ready()
