from __future__ import annotations

import re

import pytest

from actgate_sandbox.rest import MERGE_PATCH, Rest
from tests.sandbox.conformance.paths import Paths
from tests.sandbox.conformance.samples import config_map, deployment, widget


def test_a_new_object_gets_what_only_the_server_sets(rest: Rest, paths: Paths) -> None:
    """Uid, times and revision come from the server, whatever the client sends."""
    sent = config_map("a", x="1")
    sent["metadata"] |= {"uid": "mine", "creationTimestamp": "2001-01-01T00:00:00Z"}
    reply = rest("POST", paths.config_maps, sent)
    metadata = reply.body["metadata"]
    assert reply.status == 201
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", metadata["uid"])
    assert not metadata["creationTimestamp"].startswith("2001")
    assert metadata["resourceVersion"].isdecimal()
    assert metadata["namespace"] == paths.namespace


def test_what_was_created_is_read_back(rest: Rest, paths: Paths) -> None:
    """A get returns the bytes that the create answered with."""
    created = rest("POST", paths.config_maps, config_map("a", x="1"))
    assert rest("GET", f"{paths.config_maps}/a").body == created.body


def test_a_name_is_taken_once(rest: Rest, paths: Paths) -> None:
    """A second create of a name is AlreadyExists."""
    rest("POST", paths.config_maps, config_map("a"))
    reply = rest("POST", paths.config_maps, config_map("a"))
    assert (reply.status, reply.body["reason"]) == (409, "AlreadyExists")
    assert reply.message == 'configmaps "a" already exists'
    assert reply.body["details"] == {"name": "a", "kind": "configmaps"}


def test_a_missing_object_is_not_found(rest: Rest, paths: Paths) -> None:
    """Get, replace, patch and delete of what does not exist say NotFound with the name."""
    path = f"{paths.deployments}/absent"
    replies = [
        rest("GET", path),
        rest("PUT", path, deployment("absent")),
        rest("PATCH", path, {}, MERGE_PATCH),
        rest("DELETE", path),
    ]
    assert [reply.status for reply in replies] == [404] * 4
    assert {reply.message for reply in replies} == {'deployments.apps "absent" not found'}
    assert replies[0].body["details"] == {"name": "absent", "group": "apps", "kind": "deployments"}


def test_a_namespace_must_exist(rest: Rest) -> None:
    """An object cannot be created in a namespace that does not exist."""
    reply = rest("POST", "/api/v1/namespaces/nowhere/configmaps", config_map("a"))
    assert (reply.status, reply.message) == (404, 'namespaces "nowhere" not found')


def test_a_new_namespace_carries_its_name_as_a_label(rest: Rest, namespace: str) -> None:
    """Webhooks select namespaces by that label."""
    body = rest("GET", f"/api/v1/namespaces/{namespace}").body
    assert body["metadata"]["labels"] == {"kubernetes.io/metadata.name": namespace}
    assert body["status"]["phase"] == "Active"


def test_a_name_can_be_generated(rest: Rest, paths: Paths) -> None:
    """`generateName` gets a random suffix."""
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "made-"}}
    names = {rest("POST", paths.config_maps, body).body["metadata"]["name"] for _ in range(3)}
    assert len(names) == 3
    assert all(re.fullmatch(r"made-[a-z0-9]{5}", name) for name in names)


@pytest.mark.parametrize("name", ["Upper", "under_score", "-dash", "x" * 254])
def test_a_name_must_be_a_dns_name(rest: Rest, paths: Paths, name: str) -> None:
    """Anything else is Invalid at metadata.name."""
    reply = rest("POST", paths.config_maps, config_map(name))
    assert reply.status == 422
    assert reply.body["details"]["causes"][0]["field"] == "metadata.name"


@pytest.mark.parametrize("labels", [{"a b": "c"}, {"a": "b c"}])
def test_a_label_must_be_a_label(rest: Rest, paths: Paths, labels: dict[str, str]) -> None:
    """Keys and values of labels have a form."""
    reply = rest("POST", paths.config_maps, config_map("a", labels=labels))
    assert reply.status == 422
    assert reply.body["details"]["causes"][0]["field"] == "metadata.labels"


def test_a_replacement_from_an_old_state_is_a_conflict(rest: Rest, paths: Paths) -> None:
    """A writer that read an older revision has to read again."""
    old = rest("POST", paths.config_maps, config_map("a", x="1")).body
    rest("PATCH", f"{paths.config_maps}/a", {"data": {"x": "2"}}, MERGE_PATCH)
    reply = rest("PUT", f"{paths.config_maps}/a", old)
    assert (reply.status, reply.body["reason"]) == (409, "Conflict")
    assert "the object has been modified; please apply your changes" in reply.message


def test_a_replacement_of_another_incarnation_is_a_conflict(rest: Rest, paths: Paths) -> None:
    """The uid in a replacement is a precondition."""
    rest("POST", paths.config_maps, config_map("a"))
    sent = config_map("a")
    sent["metadata"]["uid"] = "another"
    reply = rest("PUT", f"{paths.config_maps}/a", sent)
    assert (reply.status, reply.body["reason"]) == (409, "Conflict")
    assert "Precondition failed: UID in precondition: another" in reply.message


def test_a_custom_resource_is_replaced_from_a_known_state_only(
    rest: Rest, paths: Paths, widgets: None
) -> None:
    """Without resourceVersion a custom resource cannot be replaced, a ConfigMap can."""
    rest("POST", paths.widgets(), widget("a"))
    reply = rest("PUT", f"{paths.widgets()}/a", widget("a", size=1))
    assert reply.status == 422
    assert "metadata.resourceVersion: Invalid value: 0: must be specified" in reply.message
    rest("POST", paths.config_maps, config_map("a"))
    assert rest("PUT", f"{paths.config_maps}/a", config_map("a", x="1")).status == 200


def test_a_write_that_changes_nothing_leaves_the_revision_alone(rest: Rest, paths: Paths) -> None:
    """Neither a patch nor a replacement with the same content makes an event."""
    created = rest("POST", paths.config_maps, config_map("a", x="1")).body
    patched = rest("PATCH", f"{paths.config_maps}/a", {"data": {"x": "1"}}, MERGE_PATCH).body
    replaced = rest("PUT", f"{paths.config_maps}/a", created).body
    assert created == patched == replaced


def test_a_revision_grows_with_every_change_anywhere(rest: Rest, paths: Paths) -> None:
    """There is one counter for all objects."""
    revisions = [
        int(rest("POST", paths.config_maps, config_map(name)).body["metadata"]["resourceVersion"])
        for name in ("a", "b", "c")
    ]
    deployed = rest("POST", paths.deployments, deployment("d")).body["metadata"]
    revisions.append(int(deployed["resourceVersion"]))
    assert revisions == sorted(set(revisions))


def test_the_generation_counts_changes_of_the_spec(rest: Rest, paths: Paths) -> None:
    """Labels and status leave it alone."""
    path = f"{paths.deployments}/a"
    rest("POST", paths.deployments, deployment("a"))
    rest("PATCH", path, {"metadata": {"labels": {"x": "y"}}}, MERGE_PATCH)
    rest("PATCH", f"{path}/status", {"status": {"replicas": 1}}, MERGE_PATCH)
    assert rest("GET", path).body["metadata"]["generation"] == 1
    reply = rest("PATCH", path, {"spec": {"replicas": 3}}, MERGE_PATCH)
    assert reply.body["metadata"]["generation"] == 2


def test_a_dry_run_answers_and_stores_nothing(rest: Rest, paths: Paths) -> None:
    """The answer is that of the real thing, but nothing is there afterwards."""
    reply = rest("POST", paths.config_maps, config_map("a"), dryRun="All")
    assert (reply.status, reply.body["metadata"]["name"]) == (201, "a")
    assert rest("GET", f"{paths.config_maps}/a").status == 404


def test_a_dry_run_still_meets_what_exists(rest: Rest, paths: Paths) -> None:
    """AlreadyExists is answered to a dry run, too."""
    rest("POST", paths.config_maps, config_map("a"))
    assert rest("POST", paths.config_maps, config_map("a"), dryRun="All").status == 409


@pytest.mark.parametrize("option", ["dryRun", "fieldValidation"])
def test_an_option_that_does_not_exist_is_refused(rest: Rest, paths: Paths, option: str) -> None:
    """A misspelt safety catch must not be passed over."""
    reply = rest("POST", paths.config_maps, config_map("a"), **{option: "Perhaps"})
    assert reply.status == 422
    assert reply.body["details"]["causes"][0]["field"] == option


def test_unknown_fields_of_built_in_kinds_are_reported(rest: Rest, paths: Paths) -> None:
    """Strict refuses, Warn (the default) warns and drops, Ignore drops."""
    sent = deployment("a")
    sent["spec"]["template"]["spec"]["bogus"] = 1
    strict = rest("POST", paths.deployments, sent, fieldValidation="Strict")
    assert strict.status == 400
    assert 'strict decoding error: unknown field "spec.template.spec.bogus"' in strict.message
    warned = rest("POST", paths.deployments, sent, dryRun="All")
    assert warned.warnings == ('unknown field "spec.template.spec.bogus"',)
    assert "bogus" not in warned.body["spec"]["template"]["spec"]
    ignored = rest("POST", paths.deployments, sent, dryRun="All", fieldValidation="Ignore")
    assert (ignored.status, ignored.warnings) == (201, ())


def test_built_in_kinds_are_completed(rest: Rest, paths: Paths) -> None:
    """The defaults that operators stumble over are filled in."""
    spec = rest("POST", paths.deployments, deployment("a")).body["spec"]
    pod = spec["template"]["spec"]
    assert (spec["replicas"], spec["strategy"]["type"]) == (1, "RollingUpdate")
    assert pod["restartPolicy"] == "Always"
    assert pod["containers"][0]["ports"] == [{"containerPort": 80, "protocol": "TCP"}]
    assert pod["containers"][0]["imagePullPolicy"] == "IfNotPresent"


def test_a_deployment_must_select_its_own_pods(rest: Rest, paths: Paths) -> None:
    """A selector that does not match the template is Invalid, and so is changing it."""
    sent = deployment("a")
    sent["spec"]["template"]["metadata"]["labels"] = {"other": "x"}
    assert rest("POST", paths.deployments, sent).status == 422
    rest("POST", paths.deployments, deployment("a"))
    sent["spec"]["selector"] = {"matchLabels": {"other": "x"}}
    reply = rest("PUT", f"{paths.deployments}/a", sent)
    assert reply.status == 422
    assert "field is immutable" in reply.message


def test_several_faults_are_reported_at_once(rest: Rest, paths: Paths) -> None:
    """Every cause is listed with its field."""
    sent = deployment("a")
    container = sent["spec"]["template"]["spec"]["containers"][0]
    container["imagePullPolicy"], container["ports"][0]["protocol"] = "Sometimes", "IP"
    reply = rest("POST", paths.deployments, sent)
    path = "spec.template.spec.containers[0]"
    found = {cause["field"] for cause in reply.body["details"]["causes"]}
    assert found == {f"{path}.imagePullPolicy", f"{path}.ports[0].protocol"}


def test_events_have_two_faces(rest: Rest, namespace: str) -> None:
    """What is written as events.k8s.io/v1 is read as core/v1, and the other way round."""
    core, new = f"/api/v1/namespaces/{namespace}", f"/apis/events.k8s.io/v1/namespaces/{namespace}"
    about = {"kind": "Pod", "name": "p", "namespace": namespace}
    sent = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "e"},
        "regarding": about,
        "note": "something happened",
        "reason": "Because",
        "type": "Normal",
        "action": "Do",
        "reportingController": "test/one",
        "reportingInstance": "one",
        "eventTime": "2026-01-01T00:00:00.000000Z",
    }
    assert rest("POST", f"{new}/events", sent).status == 201
    read = rest("GET", f"{core}/events/e").body
    assert (read["message"], read["involvedObject"]) == ("something happened", about)
    assert rest("GET", f"{new}/events/e").body["note"] == "something happened"
    for root, selected in (
        (core, {"involvedObject.name=p": ["e"], "type=Normal": ["e"], "type=Warning": []}),
        (new, {"type=Normal": ["e"], "type=Warning": []}),
    ):
        for selector, names in selected.items():
            listed = rest("GET", f"{root}/events", fieldSelector=selector).body
            assert [item["metadata"]["name"] for item in listed["items"]] == names, selector
