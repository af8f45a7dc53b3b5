from __future__ import annotations

from typing import Any

import pytest

from actgate_sandbox.rest import JSON_PATCH, MERGE_PATCH, Reply, Rest
from tests.sandbox.conformance.paths import Paths
from tests.sandbox.conformance.samples import config_map, deployment, widget

STRATEGIC_PATCH = "application/strategic-merge-patch+json"


def pod_of(reply: Reply) -> dict[str, Any]:
    """Return the pod template's spec in a reply."""
    assert reply.status == 200, reply
    pod: dict[str, Any] = reply.body["spec"]["template"]["spec"]
    return pod


def in_pod(change: object) -> dict[str, object]:
    """Wrap a change of the pod template's spec."""
    return {"spec": {"template": {"spec": change}}}


def test_a_merge_patch_merges_and_removes(rest: Rest, paths: Paths) -> None:
    """Objects merge, null removes."""
    rest("POST", paths.config_maps, config_map("a", x="1", y="2"))
    change = {"data": {"x": None, "z": "3"}}
    reply = rest("PATCH", f"{paths.config_maps}/a", change, MERGE_PATCH)
    assert reply.body["data"] == {"y": "2", "z": "3"}


def test_a_merge_patch_replaces_lists(rest: Rest, paths: Paths, widgets: None) -> None:
    """Lists do not merge, whatever the schema says."""
    rest("POST", paths.widgets(), widget("a", parts=[{"name": "x"}]))
    change = {"spec": {"parts": [{"name": "y"}]}}
    reply = rest("PATCH", f"{paths.widgets()}/a", change, MERGE_PATCH)
    assert reply.body["spec"]["parts"] == [{"name": "y"}]


def test_a_json_patch_does_its_operations(rest: Rest, paths: Paths) -> None:
    """Test, add, replace and remove work in order."""
    rest("POST", paths.config_maps, config_map("a", labels={"x": "1"}, y="2", z="3"))
    operations = [
        {"op": "test", "path": "/data/y", "value": "2"},
        {"op": "add", "path": "/metadata/labels/a~1b", "value": "3"},
        {"op": "remove", "path": "/data/y"},
    ]
    reply = rest("PATCH", f"{paths.config_maps}/a", operations, JSON_PATCH)
    assert reply.body["metadata"]["labels"] == {"x": "1", "a/b": "3"}
    assert reply.body["data"] == {"z": "3"}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/data/x", "value": "other"},
        {"op": "remove", "path": "/data/absent"},
        {"op": "juggle", "path": "/data/x"},
    ],
    ids=lambda operation: operation["op"],
)
def test_a_json_patch_that_does_not_fit_is_invalid(
    rest: Rest, paths: Paths, operation: dict[str, str]
) -> None:
    """Nothing is changed by it."""
    created = rest("POST", paths.config_maps, config_map("a", x="1")).body
    operations = [{"op": "add", "path": "/data/z", "value": "1"}, operation]
    reply = rest("PATCH", f"{paths.config_maps}/a", operations, JSON_PATCH)
    assert (reply.status, reply.body["reason"]) == (422, "Invalid")
    assert rest("GET", f"{paths.config_maps}/a").body == created


def test_a_revision_in_a_patch_is_a_precondition(rest: Rest, paths: Paths) -> None:
    """A patch may say which state it is for."""
    old = rest("POST", paths.config_maps, config_map("a")).body["metadata"]["resourceVersion"]
    rest("PATCH", f"{paths.config_maps}/a", {"data": {"x": "1"}}, MERGE_PATCH)
    change = {"metadata": {"resourceVersion": old}, "data": {"x": "2"}}
    reply = rest("PATCH", f"{paths.config_maps}/a", change, MERGE_PATCH)
    assert (reply.status, reply.body["reason"]) == (409, "Conflict")


def test_a_patch_cannot_rename(rest: Rest, paths: Paths) -> None:
    """The name in the path is the name."""
    rest("POST", paths.config_maps, config_map("a"))
    change = {"metadata": {"name": "b"}}
    assert rest("PATCH", f"{paths.config_maps}/a", change, MERGE_PATCH).status in (400, 422)


def test_a_strategic_patch_merges_named_items(rest: Rest, paths: Paths) -> None:
    """Containers and their environment merge by name."""
    rest("POST", paths.deployments, deployment("a"))
    change = {
        "containers": [
            {"name": "side", "image": "example.test/side:1"},
            {"name": "web", "env": [{"name": "B", "value": "2"}]},
        ],
        "$setElementOrder/containers": [{"name": "side"}, {"name": "web"}],
    }
    pod = pod_of(rest("PATCH", f"{paths.deployments}/a", in_pod(change), STRATEGIC_PATCH))
    found = {container["name"]: container for container in pod["containers"]}
    web = found["web"]
    assert found.keys() == {"side", "web"}
    assert {item["name"] for item in web["env"]} == {"A", "B"}
    assert web["image"] == "example.test/web:1"


def test_a_strategic_patch_deletes_named_items(rest: Rest, paths: Paths) -> None:
    """`$patch: delete` removes one item and leaves its neighbours."""
    rest("POST", paths.deployments, deployment("a", env={"A": "1", "B": "2"}))
    change = {"containers": [{"name": "web", "env": [{"name": "A", "$patch": "delete"}]}]}
    pod = pod_of(rest("PATCH", f"{paths.deployments}/a", in_pod(change), STRATEGIC_PATCH))
    assert pod["containers"][0]["env"] == [{"name": "B", "value": "2"}]


def test_a_strategic_patch_retains_the_keys_it_names(rest: Rest, paths: Paths) -> None:
    """`$retainKeys` drops what does not go with the new strategy."""
    rest("POST", paths.deployments, deployment("a"))
    change = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    reply = rest("PATCH", f"{paths.deployments}/a", change, STRATEGIC_PATCH)
    assert reply.body["spec"]["strategy"] == {"type": "Recreate"}


def test_a_strategic_patch_replaces_what_is_atomic(rest: Rest, paths: Paths) -> None:
    """Tolerations have no key to merge by."""
    rest("POST", paths.deployments, deployment("a"))
    for key in ("x", "y"):
        change = in_pod({"tolerations": [{"key": key, "operator": "Exists"}]})
        reply = rest("PATCH", f"{paths.deployments}/a", change, STRATEGIC_PATCH)
    assert pod_of(reply)["tolerations"] == [{"key": "y", "operator": "Exists"}]


def test_a_custom_resource_takes_no_strategic_patch(rest: Rest, paths: Paths, widgets: None) -> None:
    """415 names what it does take; kubectl then sends a merge patch."""
    rest("POST", paths.widgets(), widget("a"))
    reply = rest("PATCH", f"{paths.widgets()}/a", {"spec": {}}, STRATEGIC_PATCH)
    assert reply.status == 415
    assert "application/merge-patch+json" in reply.message


def test_a_patch_of_an_unknown_kind_is_unsupported(rest: Rest, paths: Paths) -> None:
    """There are four kinds of patch."""
    rest("POST", paths.config_maps, config_map("a"))
    assert rest("PATCH", f"{paths.config_maps}/a", {}, "application/json").status == 415
