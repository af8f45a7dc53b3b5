"""What others do to an applied Deployment shows in managedFields, and can be reverted, additions too.

A manager that applies owns what it states. A change or a removal by another manager takes leaves out of that
record; an addition makes a record of its own, and stays through a forced apply. It goes when the applier
first takes the record over (a PUT of the live object with other managedFields) and then applies.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest

from actgate_sandbox.rest import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, Reply, Rest
from actgate_sandbox.stand_in.patches import json_patch
from tests.sandbox.conformance.paths import Paths
from tests.sandbox.conformance.samples import Object, deployment

POD = "/spec/template/spec"
WEB = f"{POD}/containers/0"

ADDITIONS: dict[str, list[Object]] = {
    "a container": [{"op": "add", "path": f"{POD}/containers/-", "value": {"name": "x", "image": "y"}}],
    "a container before ours": [
        {"op": "add", "path": f"{POD}/containers/0", "value": {"name": "x", "image": "y"}}
    ],
    "an init container": [
        {"op": "add", "path": f"{POD}/initContainers", "value": [{"name": "x", "image": "y"}]}
    ],
    "a toleration": [{"op": "add", "path": f"{POD}/tolerations", "value": [{"operator": "Exists"}]}],
    "an env entry": [{"op": "add", "path": f"{WEB}/env/-", "value": {"name": "B", "value": "2"}}],
    "a command": [{"op": "add", "path": f"{WEB}/command", "value": ["sh"]}],
    "a port": [{"op": "add", "path": f"{WEB}/ports/-", "value": {"containerPort": 81}}],
    "a host's network": [{"op": "add", "path": f"{POD}/hostNetwork", "value": True}],
    "a host's disk": [
        {"op": "add", "path": f"{POD}/volumes", "value": [{"name": "h", "hostPath": {"path": "/"}}]},
        {"op": "add", "path": f"{WEB}/volumeMounts", "value": [{"name": "h", "mountPath": "/h"}]},
    ],
    "root": [{"op": "add", "path": f"{WEB}/securityContext", "value": {"runAsUser": 0}}],
    "a service account": [{"op": "add", "path": f"{POD}/serviceAccountName", "value": "x"}],
    "a pod annotation": [{"op": "add", "path": "/spec/template/metadata/annotations", "value": {"x": "y"}}],
    "a pod label": [{"op": "add", "path": "/spec/template/metadata/labels/x", "value": "y"}],
    "a source for a value": [
        {
            "op": "add",
            "path": f"{WEB}/env/0/valueFrom",
            "value": {"fieldRef": {"fieldPath": "metadata.name"}},
        },
        {"op": "remove", "path": f"{WEB}/env/0/value"},
    ],
}
CHANGES: dict[str, list[Object]] = {
    "the image": [{"op": "replace", "path": f"{WEB}/image", "value": "other:1"}],
    "a value": [{"op": "replace", "path": f"{WEB}/env/0/value", "value": "2"}],
    "the nodes": [{"op": "add", "path": f"{POD}/nodeSelector/x", "value": "y"}],
}
REMOVALS: dict[str, list[Object]] = {
    "an env entry": [{"op": "remove", "path": f"{WEB}/env/0"}],
    "a port": [{"op": "remove", "path": f"{WEB}/ports/0"}],
    "the nodes": [{"op": "remove", "path": f"{POD}/nodeSelector"}],
    "a container, another in its place": [{"op": "replace", "path": f"{WEB}/name", "value": "other"}],
}
EVERYTHING = [
    *(pytest.param(edit, id=f"added {what}") for what, edit in ADDITIONS.items()),
    *(pytest.param(edit, id=f"changed {what}") for what, edit in CHANGES.items()),
    *(pytest.param(edit, id=f"removed {what}") for what, edit in REMOVALS.items()),
]


class Owned:
    """The Deployment `web`, applied by `operator`."""

    def __init__(self, rest: Rest, paths: Paths) -> None:
        self.rest = rest
        self.path = f"{paths.deployments}/web"
        self.created = self.apply()
        assert self.created.status == 201, self.created

    def apply(self, **query: str) -> Reply:
        """Apply it once more, by force."""
        query = {"fieldManager": "operator", "force": "true", **query}
        return self.rest("PATCH", self.path, deployment("web"), APPLY_PATCH, **query)

    def edit(self, operations: list[Object], how: str) -> Reply:
        """Let `hand` edit it."""
        if how == "patch":
            return self.rest("PATCH", self.path, operations, JSON_PATCH, fieldManager="hand")
        live = self.live()
        edited = json_patch(copy.deepcopy(live), operations)
        if how == "put":
            return self.rest("PUT", self.path, edited, fieldManager="hand")
        # A merge patch removes what is null in it.
        edited["spec"]["template"]["spec"] |= dict.fromkeys(
            live["spec"]["template"]["spec"].keys() - edited["spec"]["template"]["spec"].keys()
        )
        return self.rest("PATCH", self.path, {"spec": edited["spec"]}, MERGE_PATCH, fieldManager="hand")

    def live(self) -> Object:
        """The Deployment as it is."""
        body: Object = self.rest("GET", self.path).body
        return body

    def fields_of(self, manager: str) -> Object:
        """The fields that a manager owns."""
        entries = self.live()["metadata"].get("managedFields", [])
        found = [entry["fieldsV1"] for entry in entries if entry["manager"] == manager]
        return found[0] if found else {}

    def adopt(self) -> Reply:
        """Put every field that any manager owns below `spec` into the operator's record."""
        live = self.live()
        metadata = live["metadata"]
        ours: Object = {"manager": "operator", "operation": "Apply", "apiVersion": "apps/v1", "fieldsV1": {}}
        for entry in metadata["managedFields"]:
            _unite(ours["fieldsV1"], entry["fieldsV1"])
        metadata["managedFields"] = [ours | {"fieldsType": "FieldsV1"}]
        return self.rest("PUT", self.path, live, fieldManager="operator")


def _unite(ours: Object, theirs: Object) -> None:
    for key, inner in theirs.items():
        _unite(ours.setdefault(key, {}), inner)


def web_fields(fields: Object) -> Object:
    """Return what of a record lies within the container `web`."""
    containers: Object = fields["f:spec"]["f:template"]["f:spec"]["f:containers"]
    found: Object = containers['k:{"name":"web"}']
    return found


@pytest.fixture
def owned(rest: Rest, paths: Paths) -> Owned:
    """The Deployment, applied and as it was stated."""
    return Owned(rest, paths)


@pytest.mark.parametrize("how", ["patch", "put", "merge"])
@pytest.mark.parametrize("edit", EVERYTHING)
def test_an_adopted_edit_is_reverted(owned: Owned, edit: list[Object], how: str) -> None:
    """However it was written, after the take-over an apply brings the very spec back, and it stays so."""
    assert owned.edit(edit, how).status == 200
    assert owned.live()["spec"] != owned.created.body["spec"]
    assert owned.adopt().status == 200
    restored = owned.apply()
    assert (restored.status, restored.body["spec"]) == (200, owned.created.body["spec"])
    assert owned.fields_of("hand") == {}
    assert owned.apply().body["metadata"]["resourceVersion"] == restored.body["metadata"]["resourceVersion"]


@pytest.mark.parametrize("edit", [pytest.param(edit, id=what) for what, edit in ADDITIONS.items()])
def test_an_addition_has_an_owner(owned: Owned, edit: list[Object]) -> None:
    """A search for foreign records below the spec finds every one."""
    owned.edit(edit, "patch")
    assert "f:template" in owned.fields_of("hand")["f:spec"]


def test_taking_over_changes_no_field(owned: Owned) -> None:
    """The generation stays, and the writer of the PUT gets no record for it."""
    owned.edit(ADDITIONS["a container"], "put")
    before = owned.live()
    after = owned.adopt().body
    assert (after["spec"], after["metadata"]["generation"]) == (
        before["spec"],
        before["metadata"]["generation"],
    )
    assert [entry["operation"] for entry in after["metadata"]["managedFields"]] == ["Apply"]


def test_taking_over_what_has_changed_meanwhile_is_a_conflict(owned: Owned) -> None:
    """The resourceVersion that was read guards against absorbing what was not read."""
    live = owned.live()
    owned.edit(ADDITIONS["a container"], "patch")
    reply = owned.rest("PUT", owned.path, live, fieldManager="operator")
    assert (reply.status, reply.body["reason"]) == (409, "Conflict")


def test_a_changed_value_leaves_the_record_of_its_owner(owned: Owned) -> None:
    """The new owner has it."""
    owned.edit(CHANGES["a value"], "patch")
    entry = 'k:{"name":"A"}'
    assert "f:value" not in web_fields(owned.fields_of("operator"))["f:env"][entry]
    assert web_fields(owned.fields_of("hand"))["f:env"][entry] == {"f:value": {}}


def test_a_removed_item_leaves_the_record_of_its_owner(owned: Owned) -> None:
    """No manager owns what is not there, so only its absence shows it."""
    owned.edit(REMOVALS["an env entry"], "patch")
    assert 'k:{"name":"A"}' not in web_fields(owned.fields_of("operator")).get("f:env", {})
    owned.edit(REMOVALS["the nodes"], "patch")
    pod = owned.fields_of("operator")["f:spec"]["f:template"]["f:spec"]
    assert "f:nodeSelector" not in pod


def test_a_removal_is_restored_by_an_apply_alone(owned: Owned) -> None:
    """Only additions have to be adopted."""
    owned.edit([*REMOVALS["the nodes"], *REMOVALS["an env entry"]], "put")
    assert owned.apply().body["spec"] == owned.created.body["spec"]


def test_an_unforced_apply_is_refused_what_another_has_changed(owned: Owned) -> None:
    """409, with the manager and the field in the words and in the causes."""
    owned.edit(CHANGES["the image"], "patch")
    reply = owned.apply(force="false")
    assert (reply.status, reply.body["reason"]) == (409, "Conflict")
    [cause] = reply.body["details"]["causes"]
    assert cause["reason"] == "FieldManagerConflict"
    assert cause["field"] == '.spec.template.spec.containers[name="web"].image'
    assert 'conflict with "hand" using apps/v1' in reply.message


@pytest.mark.parametrize("force", ["true", "false"])
def test_an_addition_that_excludes_ours_makes_the_apply_invalid(owned: Owned, force: str) -> None:
    """A value beside the source that another manager set: 422 although ours is valid; adopt first."""
    owned.edit(ADDITIONS["a source for a value"], "patch")
    reply = owned.apply(force=force)
    assert (reply.status, reply.body["reason"]) == (422, "Invalid")
    assert "may not be specified when `value` is not empty" in reply.message


def replicas(count: int | None) -> dict[str, Any]:
    """Return a configuration that states nothing but the number of replicas."""
    stated = copy.deepcopy(deployment("web"))
    stated["spec"] = {} if count is None else {"replicas": count}
    return stated


def test_a_second_manager_takes_the_replicas_by_force(owned: Owned) -> None:
    """The first states them no longer, and they stay; without force it is a conflict."""
    stated = deployment("web", replicas=2)
    owned.rest("PATCH", owned.path, stated, APPLY_PATCH, fieldManager="operator")
    refused = owned.rest("PATCH", owned.path, replicas(0), APPLY_PATCH, fieldManager="scaler", force="false")
    assert refused.status == 409
    taken = owned.rest("PATCH", owned.path, replicas(0), APPLY_PATCH, fieldManager="scaler", force="true")
    assert taken.body["spec"]["replicas"] == 0
    assert "f:replicas" not in owned.fields_of("operator")["f:spec"]
    assert owned.apply().body["spec"]["replicas"] == 0


def test_who_lets_the_replicas_go_leaves_the_default(owned: Owned) -> None:
    """No other manager owns them, so they are one again."""
    owned.rest("PATCH", owned.path, replicas(3), APPLY_PATCH, fieldManager="scaler", force="true")
    owned.apply()
    let_go = owned.rest("PATCH", owned.path, replicas(None), APPLY_PATCH, fieldManager="scaler")
    assert let_go.body["spec"]["replicas"] == 1


@pytest.mark.parametrize("how", ["patch", "put"])
def test_an_autoscaler_takes_the_replicas_only_with_another_number(owned: Owned, how: str) -> None:
    """A scale to what is there owns nothing; a scale to something else takes them from their owner."""
    owned.rest("PATCH", owned.path, replicas(3), APPLY_PATCH, fieldManager="scaler", force="true")
    for count, owner in ((3, "scaler"), (4, "autoscaler")):
        scale = owned.rest("GET", f"{owned.path}/scale").body
        scale["spec"]["replicas"] = count
        query = {"fieldManager": "autoscaler"}
        if how == "put":
            reply = owned.rest("PUT", f"{owned.path}/scale", scale, **query)
        else:
            reply = owned.rest("PATCH", f"{owned.path}/scale", {"spec": scale["spec"]}, MERGE_PATCH, **query)
        assert reply.status == 200, reply
        owners = [
            entry["manager"]
            for entry in owned.live()["metadata"]["managedFields"]
            if "f:replicas" in entry["fieldsV1"].get("f:spec", {})
        ]
        assert owners == [owner]
