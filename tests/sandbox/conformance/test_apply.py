from __future__ import annotations

import copy
from typing import Any

import pytest

from actgate_sandbox.rest import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, Reply, Rest
from tests.sandbox.conformance.paths import Paths
from tests.sandbox.conformance.samples import GROUP, config_map, deployment, widget


class Applier:
    """Applies to one namespace, as one manager or another."""

    def __init__(self, rest: Rest, paths: Paths) -> None:
        self._rest = rest
        self._paths = paths

    def __call__(self, config: dict[str, Any], manager: str = "operator", *, force: bool = False) -> Reply:
        """Apply a Deployment or a widget."""
        kinds = {"Deployment": self._paths.deployments, "Widget": self._paths.widgets()}
        path = f"{kinds[config['kind']]}/{config['metadata']['name']}"
        query = {"fieldManager": manager, "force": str(force).lower()}
        return self._rest("PATCH", path, config, APPLY_PATCH, **query)


@pytest.fixture
def apply(rest: Rest, paths: Paths, widgets: None) -> Applier:
    """Apply in this test's namespace."""
    return Applier(rest, paths)


def pod_of(reply: Reply) -> dict[str, Any]:
    """Return the pod template's spec in a reply."""
    assert reply.status in (200, 201), reply
    pod: dict[str, Any] = reply.body["spec"]["template"]["spec"]
    return pod


def owners(reply: Reply) -> dict[str, str]:
    """Return the operation of each manager of an object."""
    return {item["manager"]: item["operation"] for item in reply.body["metadata"]["managedFields"]}


def test_an_apply_creates_and_then_changes_nothing(apply: Applier) -> None:
    """The first is 201, the same again is 200 and leaves the revision alone."""
    first, second = apply(deployment("a")), apply(deployment("a"))
    assert (first.status, second.status) == (201, 200)
    assert first.body == second.body


def test_an_applier_owns_what_it_states_and_not_the_defaults(apply: Applier) -> None:
    """Defaulted fields have no manager."""
    [entry] = apply(deployment("a")).body["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == ("operator", "Apply")
    container = entry["fieldsV1"]["f:spec"]["f:template"]["f:spec"]["f:containers"]
    assert container == {
        'k:{"name":"web"}': {
            ".": {},
            "f:env": {'k:{"name":"A"}': {".": {}, "f:name": {}, "f:value": {}}},
            "f:image": {},
            "f:name": {},
            "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}},
        }
    }
    assert "f:replicas" not in entry["fieldsV1"]["f:spec"]


def test_a_field_of_another_manager_is_a_conflict(apply: Applier) -> None:
    """The refusal names the manager and the field."""
    apply(widget("a", size=1), "one")
    reply = apply(widget("a", size=2), "two")
    assert (reply.status, reply.body["reason"]) == (409, "Conflict")
    assert reply.message == 'Apply failed with 1 conflict: conflict with "one": .spec.size'
    [cause] = reply.body["details"]["causes"]
    assert (cause["reason"], cause["field"]) == ("FieldManagerConflict", ".spec.size")


def test_an_apply_that_names_a_version_meets_no_other_one(apply: Applier) -> None:
    """Force is about fields of other managers; a version that has passed is a conflict all the same."""
    first = apply(widget("a", size=1)).body["metadata"]["resourceVersion"]
    second = apply(_at(first, widget("a", size=2)))
    assert second.status == 200
    reply = apply(_at(first, widget("a", size=3)), force=True)
    assert (reply.status, reply.body["reason"]) == (409, "Conflict")
    assert "the object has been modified" in reply.message
    assert apply(_at(second.body["metadata"]["resourceVersion"], widget("a", size=3))).status == 200


def _at(version: str, config: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration that names a version."""
    return {**config, "metadata": {**config["metadata"], "resourceVersion": version}}


def test_the_same_value_is_shared_and_no_conflict(apply: Applier) -> None:
    """Two managers may want the same; the field stays until both let go."""
    apply(widget("a", size=1, color="blue"), "one")
    assert owners(apply(widget("a", size=1), "two")) == {"one": "Apply", "two": "Apply"}
    assert apply(widget("a", color="blue"), "one").body["spec"]["size"] == 1
    assert "size" not in apply(widget("a"), "two").body["spec"]


def test_force_takes_a_field_over(apply: Applier) -> None:
    """Who forced is the owner, and the other has lost the field."""
    apply(widget("a", size=1), "one")
    assert apply(widget("a", size=2), "two", force=True).body["spec"]["size"] == 2
    assert apply(widget("a", size=1), "one").status == 409


def test_a_field_that_is_no_longer_stated_goes(apply: Applier) -> None:
    """It goes back to its default, or away."""
    apply(widget("a", size=1, color="blue", free={"x": {"y": 1}}))
    spec = apply(widget("a", size=1)).body["spec"]
    assert spec == {"size": 1, "color": "red"}


def test_items_merge_by_their_key(apply: Applier) -> None:
    """Each manager keeps its own items; a withdrawn one goes whole."""
    apply(widget("a", parts=[{"name": "x", "value": "1"}, {"name": "y"}]), "one")
    apply(widget("a", parts=[{"name": "z"}]), "two")
    reply = apply(widget("a", parts=[{"name": "y"}]), "one")
    assert [part["name"] for part in reply.body["spec"]["parts"]] == ["y", "z"]


def test_a_later_order_wins(apply: Applier) -> None:
    """Items are put into the order of the last configuration."""
    apply(widget("a", parts=[{"name": "x"}, {"name": "y"}, {"name": "z"}]))
    reply = apply(widget("a", parts=[{"name": "z"}, {"name": "x"}, {"name": "y"}]))
    assert [part["name"] for part in reply.body["spec"]["parts"]] == ["z", "x", "y"]


EDIT = [
    {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "other:1"},
    {"op": "replace", "path": "/spec/template/spec/nodeSelector", "value": {"a": "b"}},
    {"op": "add", "path": "/spec/template/spec/containers/0/command", "value": ["sh"]},
    {"op": "add", "path": "/spec/template/spec/containers/0/env/-", "value": {"name": "B"}},
    {"op": "add", "path": "/spec/template/spec/containers/-", "value": {"name": "x", "image": "y"}},
    {"op": "add", "path": "/spec/template/spec/hostNetwork", "value": True},
]


@pytest.fixture
def edited(rest: Rest, paths: Paths, apply: Applier) -> str:
    """The path of a Deployment that was applied, and then edited by hand."""
    apply(deployment("a"))
    path = f"{paths.deployments}/a"
    assert rest("PATCH", path, EDIT, JSON_PATCH, fieldManager="hand").status == 200
    return path


def test_a_forced_apply_restores_what_it_states(apply: Applier, edited: str) -> None:
    """Changed fields come back, the whole of an atomic map included."""
    pod = pod_of(apply(deployment("a"), force=True))
    assert pod["containers"][0]["image"] == "example.test/web:1"
    assert pod["nodeSelector"] == {"disk": "ssd"}


def test_a_forced_apply_leaves_what_others_added(apply: Applier, edited: str) -> None:
    """An added container, command, env entry or flag stays: operators must look for them."""
    pod = pod_of(apply(deployment("a"), force=True))
    web, added = pod["containers"]
    assert (added["name"], web["command"], pod["hostNetwork"]) == ("x", ["sh"], True)
    assert [item["name"] for item in web["env"]] == ["A", "B"]


def test_what_others_added_shows_in_managed_fields(apply: Applier, edited: str) -> None:
    """The foreign entry owns paths under the pod template."""
    apply(deployment("a"), force=True)
    entries = apply(deployment("a")).body["metadata"]["managedFields"]
    [foreign] = [entry for entry in entries if entry["manager"] == "hand"]
    pod = foreign["fieldsV1"]["f:spec"]["f:template"]["f:spec"]
    assert pod.keys() == {"f:containers", "f:hostNetwork"}
    assert pod["f:containers"]['k:{"name":"web"}'].keys() == {"f:command", "f:env"}


def test_a_replacement_removes_what_others_added(rest: Rest, edited: str) -> None:
    """PUT of the whole object is one way back."""
    assert len(pod_of(rest("PUT", edited, deployment("a")))["containers"]) == 1


def test_adopted_ownership_removes_what_others_added(rest: Rest, apply: Applier, edited: str) -> None:
    """A manager that owns everything, and states less, removes the rest: the other way back."""
    live = rest("GET", edited).body
    entries = live["metadata"]["managedFields"]
    ours = next(entry for entry in entries if entry["manager"] == "operator")
    theirs = next(entry for entry in entries if entry["manager"] == "hand")
    adopted = copy.deepcopy(ours)
    _unite(adopted["fieldsV1"], theirs["fieldsV1"])
    operations = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
        {"op": "replace", "path": "/metadata/managedFields", "value": [adopted]},
    ]
    assert rest("PATCH", edited, operations, JSON_PATCH).status == 200
    pod = pod_of(apply(deployment("a"), force=True))
    assert len(pod["containers"]) == 1
    assert "hostNetwork" not in pod
    assert "command" not in pod["containers"][0]


def _unite(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    for key, inner in theirs.items():
        _unite(ours.setdefault(key, {}), inner)


def test_omitted_replicas_fall_back_to_the_default(apply: Applier) -> None:
    """Letting go of a field that no other manager owns is not keeping it."""
    apply(deployment("a", replicas=4))
    assert apply(deployment("a")).body["spec"]["replicas"] == 1


def test_scaling_to_the_same_number_takes_no_ownership(rest: Rest, paths: Paths, apply: Applier) -> None:
    """An autoscaler that wants what is there owns nothing, so omitting still falls back."""
    apply(deployment("a", replicas=4))
    scale = f"{paths.deployments}/a/scale"
    rest("PATCH", scale, {"spec": {"replicas": 4}}, MERGE_PATCH, fieldManager="autoscaler")
    assert apply(deployment("a")).body["spec"]["replicas"] == 1


def test_scaling_to_another_number_takes_ownership(rest: Rest, paths: Paths, apply: Applier) -> None:
    """After that, omitting replicas is safe, and stating them is a conflict."""
    apply(deployment("a", replicas=4))
    scale = f"{paths.deployments}/a/scale"
    rest("PATCH", scale, {"spec": {"replicas": 6}}, MERGE_PATCH, fieldManager="autoscaler")
    reply = apply(deployment("a", replicas=4))
    assert 'conflict with "autoscaler" with subresource "scale"' in reply.message
    assert apply(deployment("a")).body["spec"]["replicas"] == 6


def test_replicas_can_be_handed_over(apply: Applier) -> None:
    """A second manager that states the live number keeps it while the first lets go."""
    apply(deployment("a", replicas=4))
    only = deployment("a")
    only["spec"] = {"replicas": 4}
    apply(only, "operator-handover", force=True)
    assert apply(deployment("a")).body["spec"]["replicas"] == 4


def test_an_undeclared_field_is_a_500(apply: Applier) -> None:
    """It cannot even be merged; the words tell it from an outage."""
    sent = deployment("a")
    sent["spec"]["template"]["spec"]["bogus"] = 1
    reply = apply(sent)
    assert reply.status == 500
    assert "failed to create typed patch object" in reply.message
    assert ".spec.template.spec.bogus: field not declared in schema" in reply.message


def test_a_wrong_type_is_a_500(apply: Applier) -> None:
    """So it is for built-in kinds and for custom resources."""
    for sent, field in ((deployment("a", replicas="x"), "replicas"), (widget("a", size="x"), "size")):
        reply = apply(sent)
        assert reply.status == 500
        assert reply.message.startswith("failed to create typed patch object")
        assert f".spec.{field}: " in reply.message


def test_a_bad_value_is_invalid(apply: Applier) -> None:
    """What can be merged is then validated like any write."""
    reply = apply(widget("a", size=-1))
    assert (reply.status, reply.body["reason"]) == (422, "Invalid")
    assert reply.body["details"]["causes"][0]["field"] == "spec.size"


@pytest.mark.parametrize("parts", [[{"value": "1"}], [{"name": "x"}, {"name": "x"}]])
def test_items_need_their_keys_once(apply: Applier, parts: list[dict[str, str]]) -> None:
    """An item without its key, or two with the same, cannot be merged."""
    assert apply(widget("a", parts=parts)).status == 500


def test_an_apply_says_who_applies(rest: Rest, paths: Paths) -> None:
    """Without fieldManager there is no owner of the fields."""
    reply = rest("PATCH", f"{paths.config_maps}/a", config_map("a"), APPLY_PATCH)
    assert reply.status == 422
    assert "fieldManager: Required value: is required for apply patch" in reply.message


def test_an_apply_brings_no_managed_fields(apply: Applier) -> None:
    """They are the server's to write."""
    sent = widget("a")
    sent["metadata"]["managedFields"] = []
    assert apply(sent).status == 400


def test_the_status_is_applied_through_its_own_endpoint(rest: Rest, paths: Paths, apply: Applier) -> None:
    """Only the status is taken there, and only there."""
    apply(widget("a", size=1))
    sent = widget("a", size=9) | {"status": {"note": "seen"}}
    path = f"{paths.widgets()}/a"
    reply = rest("PATCH", f"{path}/status", sent, APPLY_PATCH, fieldManager="reporter")
    assert (reply.body["spec"]["size"], reply.body["status"]) == (1, {"note": "seen"})
    [entry] = [item for item in reply.body["metadata"]["managedFields"] if item["manager"] == "reporter"]
    assert (entry["subresource"], entry["fieldsV1"]) == ("status", {"f:status": {"f:note": {}}})
    again = rest("PATCH", f"{path}/status", sent, APPLY_PATCH, fieldManager="reporter")
    assert again.body["metadata"]["resourceVersion"] == reply.body["metadata"]["resourceVersion"]


def test_a_status_cannot_be_applied_to_nothing(rest: Rest, paths: Paths, widgets: None) -> None:
    """Only the main endpoint creates."""
    sent = {"apiVersion": f"{GROUP}/v1", "kind": "Widget", "metadata": {"name": "no"}, "status": {}}
    path = f"{paths.widgets()}/no/status"
    assert rest("PATCH", path, sent, APPLY_PATCH, fieldManager="reporter").status == 404


def test_managed_fields_can_be_reset(rest: Rest, paths: Paths, apply: Applier) -> None:
    """One empty entry clears them all."""
    apply(widget("a", size=1))
    operation = {"op": "replace", "path": "/metadata/managedFields", "value": [{}]}
    reply = rest("PATCH", f"{paths.widgets()}/a", [operation], JSON_PATCH)
    assert "managedFields" not in reply.body["metadata"]


def test_ordinary_writers_own_what_they_change(rest: Rest, paths: Paths, apply: Applier) -> None:
    """A patch takes a field from its applier, who then meets a conflict."""
    apply(widget("a", size=1))
    change = {"spec": {"size": 2}}
    reply = rest("PATCH", f"{paths.widgets()}/a", change, MERGE_PATCH, fieldManager="hand")
    assert owners(reply)["hand"] == "Update"
    message = apply(widget("a", size=1)).message
    assert message.startswith(f'Apply failed with 1 conflict: conflict with "hand" using {GROUP}/v1')
    assert message.endswith(": .spec.size")


def test_a_dry_run_of_an_apply_stores_nothing(rest: Rest, paths: Paths, widgets: None) -> None:
    """It answers as the real one would."""
    path = f"{paths.widgets()}/a"
    query = {"fieldManager": "operator", "dryRun": "All"}
    assert rest("PATCH", path, widget("a", size=1), APPLY_PATCH, **query).status == 201
    assert rest("GET", path).status == 404
