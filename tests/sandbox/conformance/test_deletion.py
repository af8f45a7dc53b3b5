from __future__ import annotations

import os
from typing import Any

import pytest

from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.envtest import assets
from actgate_sandbox.rest import CRDS, MERGE_PATCH, Rest, install_crds
from tests.sandbox.conformance.paths import Paths
from tests.sandbox.conformance.samples import WIDGET_DEFINITION, config_map
from tests.support.waiting import wait_until

FINALIZER = "conformance.test/hold"


@pytest.fixture
def controllers(control_plane: ControlPlane) -> None:
    """Skip where a real API server has no controllers beside it."""
    manager = assets() / "kube-controller-manager"
    if control_plane.engine == "envtest" and not os.access(manager, os.X_OK):
        pytest.skip(f"garbage is not collected without {manager}")


def held(name: str, **metadata: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of metadata
    """Make a ConfigMap with a finalizer."""
    body = config_map(name)
    body["metadata"] |= {"finalizers": [FINALIZER], **metadata}
    return body


def owned_by(owner: dict[str, Any], name: str, **reference: object) -> dict[str, Any]:
    """Make a ConfigMap that another one owns."""
    body = config_map(name)
    body["metadata"]["ownerReferences"] = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
            **reference,
        }
    ]
    return body


def test_a_deletion_answers_what_was_deleted(rest: Rest, paths: Paths) -> None:
    """The Status names the object and its uid."""
    uid = rest("POST", paths.config_maps, config_map("a")).body["metadata"]["uid"]
    reply = rest("DELETE", f"{paths.config_maps}/a")
    assert (reply.status, reply.body["status"]) == (200, "Success")
    assert reply.body["details"] == {"name": "a", "kind": "configmaps", "uid": uid}
    assert rest("GET", f"{paths.config_maps}/a").status == 404


def test_a_finalizer_holds_an_object(rest: Rest, paths: Paths) -> None:
    """It is marked and stays; deleting it again changes nothing."""
    rest("POST", paths.config_maps, held("a"))
    marked = rest("DELETE", f"{paths.config_maps}/a").body
    assert marked["metadata"]["deletionTimestamp"]
    again = rest("DELETE", f"{paths.config_maps}/a").body
    assert again["metadata"]["resourceVersion"] == marked["metadata"]["resourceVersion"]


def test_an_object_goes_with_its_last_finalizer(rest: Rest, paths: Paths) -> None:
    """The write that removes it answers with the object, which is then gone."""
    path = f"{paths.config_maps}/a"
    rest("POST", paths.config_maps, held("a"))
    rest("DELETE", path)
    reply = rest("PATCH", path, {"metadata": {"finalizers": None}}, MERGE_PATCH)
    assert (reply.status, reply.body["metadata"]["name"]) == (200, "a")
    assert rest("GET", path).status == 404


def test_no_finalizer_is_added_to_what_is_being_deleted(rest: Rest, paths: Paths) -> None:
    """No finalizer may be added now."""
    path = f"{paths.config_maps}/a"
    rest("POST", paths.config_maps, held("a"))
    rest("DELETE", path)
    change = {"metadata": {"finalizers": [FINALIZER, "conformance.test/late"]}}
    reply = rest("PATCH", path, change, MERGE_PATCH)
    assert reply.status == 422
    assert "no new finalizers can be added if the object is being deleted" in reply.message
    rest("PATCH", path, {"metadata": {"finalizers": None}}, MERGE_PATCH)


@pytest.mark.parametrize("precondition", ["uid", "resourceVersion"])
def test_a_deletion_has_preconditions(rest: Rest, paths: Paths, precondition: str) -> None:
    """Another incarnation, or another state, is not deleted."""
    rest("POST", paths.config_maps, config_map("a"))
    options = {"preconditions": {precondition: "1"}}
    reply = rest("DELETE", f"{paths.config_maps}/a", options)
    assert (reply.status, reply.body["reason"]) == (409, "Conflict")
    assert rest("GET", f"{paths.config_maps}/a").status == 200


def test_a_dry_run_deletes_nothing(rest: Rest, paths: Paths) -> None:
    """It may be asked for in the body or in the query."""
    rest("POST", paths.config_maps, config_map("a"))
    assert rest("DELETE", f"{paths.config_maps}/a", {"dryRun": ["All"]}).status == 200
    assert rest("DELETE", f"{paths.config_maps}/a", dryRun="All").status == 200
    assert rest("GET", f"{paths.config_maps}/a").status == 200


def test_a_policy_that_does_not_exist_is_refused(rest: Rest, paths: Paths) -> None:
    """A misspelt policy must not fall back to another."""
    rest("POST", paths.config_maps, config_map("a"))
    reply = rest("DELETE", f"{paths.config_maps}/a", {"propagationPolicy": "Sideways"})
    assert reply.status == 422
    assert rest("GET", f"{paths.config_maps}/a").status == 200


def test_dependents_follow_their_owner(rest: Rest, paths: Paths, controllers: None) -> None:
    """And theirs follow them; who has another owner stays, without the one that is gone."""
    owner = rest("POST", paths.config_maps, config_map("owner")).body
    other = rest("POST", paths.config_maps, config_map("other")).body
    child = rest("POST", paths.config_maps, owned_by(owner, "child")).body
    rest("POST", paths.config_maps, owned_by(child, "grandchild"))
    shared = owned_by(owner, "shared")
    shared["metadata"]["ownerReferences"] += owned_by(other, "")["metadata"]["ownerReferences"]
    rest("POST", paths.config_maps, shared)
    rest("DELETE", f"{paths.config_maps}/owner")
    wait_until(lambda: rest("GET", f"{paths.config_maps}/child").status == 404)
    wait_until(lambda: rest("GET", f"{paths.config_maps}/grandchild").status == 404)

    def has_one_owner() -> bool:
        metadata = rest("GET", f"{paths.config_maps}/shared").body["metadata"]
        return [item["name"] for item in metadata["ownerReferences"]] == ["other"]

    wait_until(has_one_owner)


def test_an_orphan_is_left_behind(rest: Rest, paths: Paths, controllers: None) -> None:
    """With the Orphan policy dependents lose the reference and stay."""
    owner = rest("POST", paths.config_maps, config_map("owner")).body
    rest("POST", paths.config_maps, owned_by(owner, "child"))
    rest("DELETE", f"{paths.config_maps}/owner", {"propagationPolicy": "Orphan"})
    wait_until(lambda: rest("GET", f"{paths.config_maps}/owner").status == 404)
    child = rest("GET", f"{paths.config_maps}/child").body
    assert "ownerReferences" not in child["metadata"]


def test_foreground_waits_for_the_dependents(rest: Rest, paths: Paths, controllers: None) -> None:
    """The owner stays, marked, until those that block it are gone."""
    owner = rest("POST", paths.config_maps, config_map("owner")).body
    child = owned_by(owner, "child", blockOwnerDeletion=True)
    child["metadata"]["finalizers"] = [FINALIZER]
    rest("POST", paths.config_maps, child)
    reply = rest("DELETE", f"{paths.config_maps}/owner", {"propagationPolicy": "Foreground"})
    assert reply.body["metadata"]["finalizers"] == ["foregroundDeletion"]
    path = f"{paths.config_maps}/child"
    wait_until(lambda: rest("GET", path).body["metadata"].get("deletionTimestamp"))
    assert rest("GET", f"{paths.config_maps}/owner").status == 200
    rest("PATCH", path, {"metadata": {"finalizers": None}}, MERGE_PATCH)
    wait_until(lambda: rest("GET", f"{paths.config_maps}/owner").status == 404)


def test_a_namespace_takes_its_contents_along(rest: Rest, controllers: None) -> None:
    """It is Terminating, takes nothing new, and goes when it is empty."""
    namespace = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "leaving"}}
    rest("POST", "/api/v1/namespaces", namespace)
    inside = "/api/v1/namespaces/leaving/configmaps"
    rest("POST", inside, held("kept"))
    rest("POST", inside, config_map("a"))
    reply = rest("DELETE", "/api/v1/namespaces/leaving")
    assert reply.body["status"]["phase"] == "Terminating"
    refused = rest("POST", inside, config_map("late"))
    assert refused.status == 403
    assert refused.body["details"]["causes"][0]["reason"] == "NamespaceTerminating"
    wait_until(lambda: rest("GET", f"{inside}/a").status == 404)
    assert rest("GET", "/api/v1/namespaces/leaving").status == 200
    rest("PATCH", f"{inside}/kept", {"metadata": {"finalizers": None}}, MERGE_PATCH)
    wait_until(lambda: rest("GET", "/api/v1/namespaces/leaving").status == 404)


def test_a_definition_takes_its_objects_along(rest: Rest, paths: Paths) -> None:
    """Kind and objects are gone together."""
    definition = {**WIDGET_DEFINITION, "metadata": {"name": "passings.conformance.test"}}
    names = {"plural": "passings", "singular": "passing", "kind": "Passing"}
    definition["spec"] = {**WIDGET_DEFINITION["spec"], "names": names}
    install_crds(rest, [definition])
    path = f"/apis/conformance.test/v1/namespaces/{paths.namespace}/passings"
    body = {"apiVersion": "conformance.test/v1", "kind": "Passing", "metadata": {"name": "a"}}
    assert rest("POST", path, body).status == 201
    rest("DELETE", f"{CRDS}/passings.conformance.test")
    wait_until(lambda: rest("GET", f"{CRDS}/passings.conformance.test").status == 404)
    wait_until(lambda: rest("GET", path).status == 404)
