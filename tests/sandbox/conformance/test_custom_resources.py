from __future__ import annotations

from typing import Any

from actgate_sandbox.rest import CRDS, MERGE_PATCH, Rest
from tests.sandbox.conformance.paths import Paths
from tests.sandbox.conformance.samples import GROUP, WIDGETS, widget
from tests.support.waiting import wait_until


def test_a_definition_becomes_established(rest: Rest, widgets: None) -> None:
    """Its conditions say so, and its names are accepted."""
    status = rest("GET", f"{CRDS}/{WIDGETS}").body["status"]
    conditions = {item["type"]: item["status"] for item in status["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}
    assert status["acceptedNames"]["plural"] == "widgets"
    assert status["storedVersions"] == ["v1"]


def test_defaults_and_preserved_fields_are_kept(rest: Rest, paths: Paths, widgets: None) -> None:
    """The schema's default is filled in, and free content stays as it is."""
    free = {"deep": [{"x": 1}, None, "y"]}
    reply = rest("POST", paths.widgets(), widget("a", free=free))
    assert reply.body["spec"] == {"color": "red", "free": free}


def test_null_asks_for_the_default(rest: Rest, paths: Paths, widgets: None) -> None:
    """A merge patch with null resets a defaulted field."""
    rest("POST", paths.widgets(), widget("a", color="blue"))
    change = {"spec": {"color": None}}
    reply = rest("PATCH", f"{paths.widgets()}/a", change, MERGE_PATCH)
    assert reply.body["spec"]["color"] == "red"


def test_a_status_sent_at_creation_is_dropped_for_the_default(
    rest: Rest, paths: Paths, widgets: None
) -> None:
    """The default is there from the first answer on."""
    sent = widget("a") | {"status": {"note": "all is well"}}
    reply = rest("POST", paths.widgets(), sent)
    assert reply.body["status"] == {"note": "unseen"}
    assert rest("GET", f"{paths.widgets()}/a").body["status"] == {"note": "unseen"}
    listed = rest("GET", paths.widgets()).body["items"]
    assert [item["status"] for item in listed] == [{"note": "unseen"}]


def test_the_status_is_written_through_its_own_endpoint(rest: Rest, paths: Paths, widgets: None) -> None:
    """The main endpoint leaves the status alone, the other one everything else."""
    path = f"{paths.widgets()}/a"
    rest("POST", paths.widgets(), widget("a", size=1))
    change: dict[str, Any] = {
        "spec": {"size": 2},
        "status": {"note": "seen"},
        "metadata": {"labels": {"x": "y"}},
    }
    status = rest("PATCH", f"{path}/status", change, MERGE_PATCH).body
    assert (status["spec"]["size"], status["status"]["note"]) == (1, "seen")
    assert "labels" not in status["metadata"]
    assert status["metadata"]["generation"] == 1
    change["status"]["note"] = "forged"
    main = rest("PATCH", path, change, MERGE_PATCH).body
    assert (main["spec"]["size"], main["status"]["note"]) == (2, "seen")
    assert main["metadata"]["generation"] == 2


def test_the_scale_is_a_window_onto_replicas(rest: Rest, paths: Paths, widgets: None) -> None:
    """It shows three fields and changes one."""
    path = f"{paths.widgets()}/a"
    rest("POST", paths.widgets(), widget("a", replicas=2))
    rest("PATCH", f"{path}/status", {"status": {"replicas": 1, "selector": "a=b"}}, MERGE_PATCH)
    scale = rest("GET", f"{path}/scale").body
    assert (scale["kind"], scale["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert (scale["spec"], scale["status"]) == ({"replicas": 2}, {"replicas": 1, "selector": "a=b"})
    scale["spec"]["replicas"] = 5
    assert rest("PUT", f"{path}/scale", scale).body["spec"]["replicas"] == 5
    assert rest("GET", path).body["spec"]["replicas"] == 5
    assert rest("PUT", f"{path}/scale", scale).status == 409


def test_an_object_says_its_own_type(rest: Rest, paths: Paths, widgets: None) -> None:
    """Another kind, another version, or none at all is refused."""
    other = widget("a") | {"kind": "Gadget"}
    assert rest("POST", paths.widgets(), other).status in (400, 422)
    for wrong in ({"apiVersion": f"{GROUP}/v2"}, {"kind": ""}, {"apiVersion": ""}):
        assert rest("POST", paths.widgets(), widget("a") | wrong).status == 400


def test_the_openapi_document_describes_the_kind(rest: Rest, widgets: None) -> None:
    """Kubectl finds the schema by group, version and kind, and the way to validate by PATCH."""
    identity = {"group": GROUP, "version": "v1", "kind": "Widget"}

    def described() -> dict[str, Any]:
        document = rest("GET", f"/openapi/v3/apis/{GROUP}/v1").body
        found: dict[str, Any] = next(
            schema
            for schema in document["components"]["schemas"].values()
            if identity in schema.get("x-kubernetes-group-version-kind", ())
        )
        path = f"/apis/{GROUP}/v1/namespaces/{{namespace}}/widgets/{{name}}"
        patch = document["paths"][path]["patch"]
        assert patch["x-kubernetes-group-version-kind"] == identity
        assert "fieldValidation" in {item["name"] for item in patch["parameters"]}
        return found

    wait_until(lambda: rest("GET", f"/openapi/v3/apis/{GROUP}/v1").status == 200)
    spec = described()["properties"]["spec"]
    assert spec["properties"]["size"]["description"] == "How big it is."
    assert f"apis/{GROUP}/v1" in rest("GET", "/openapi/v3").body["paths"]


def test_discovery_names_the_kind_and_its_subresources(rest: Rest, widgets: None) -> None:
    """Clients learn plural, scope, short names and subresources from it."""
    listed = {item["name"]: item for item in rest("GET", f"/apis/{GROUP}/v1").body["resources"]}
    assert listed.keys() == {"widgets", "widgets/status", "widgets/scale"}
    assert listed["widgets"]["shortNames"] == ["wgt"]
    assert listed["widgets"]["namespaced"] is True
    group = rest("GET", f"/apis/{GROUP}").body
    assert group["preferredVersion"]["version"] == "v1"
    assert [item["version"] for item in group["versions"]] == ["v1"]
