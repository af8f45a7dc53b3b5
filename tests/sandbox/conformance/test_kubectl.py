from __future__ import annotations

import pytest

from tests.sandbox.conformance.samples import config_map, deployment, widget
from tests.support.kubectl import Kubectl, Outcome
from tests.support.waiting import wait_until

pytestmark = pytest.mark.needs_kubectl


def output_of(outcome: Outcome) -> str:
    """Return what a successful run printed."""
    assert outcome.code == 0, outcome
    return outcome.out.strip()


def test_apply_creates_then_leaves_alone_then_configures(kubectl: Kubectl) -> None:
    """Client-side apply of a built-in kind: created, unchanged, configured."""
    assert output_of(kubectl.apply(deployment("a"))) == "deployment.apps/a created"
    assert output_of(kubectl.apply(deployment("a"))) == "deployment.apps/a unchanged"
    changed = deployment("a", env={"B": "2"})
    assert output_of(kubectl.apply(changed)) == "deployment.apps/a configured"
    env = kubectl("get", "deployment", "a", "-o", "jsonpath={..containers[0].env[*].name}")
    assert output_of(env) == "B"


def test_apply_of_a_custom_resource(kubectl: Kubectl, widgets: None) -> None:
    """A custom resource takes the merge patch path of the same command."""
    assert output_of(kubectl.apply(widget("a", size=1))) == "widget.conformance.test/a created"
    assert output_of(kubectl.apply(widget("a", size=1))) == "widget.conformance.test/a unchanged"
    assert output_of(kubectl.apply(widget("a", size=2))) == "widget.conformance.test/a configured"


def test_apply_refuses_unknown_fields(kubectl: Kubectl, widgets: None) -> None:
    """Kubectl asks for strict validation, and prints what the server answered."""
    outcome = kubectl.apply(widget("a", sise=1))
    assert outcome.code == 1
    assert 'strict decoding error: unknown field "spec.sise"' in outcome.err


def test_server_side_apply_and_its_conflict(kubectl: Kubectl, widgets: None) -> None:
    """A second manager gets a conflict that names the first, and may force."""
    flags = ("--server-side", "--field-manager=one")
    assert "serverside-applied" in output_of(kubectl.apply(widget("a", size=1), flags=flags))
    other = ("--server-side", "--field-manager=two")
    refused = kubectl.apply(widget("a", size=2), flags=other)
    assert refused.code == 1
    assert 'conflict with "one": .spec.size' in refused.err
    output_of(kubectl.apply(widget("a", size=2), flags=(*other, "--force-conflicts")))


def test_client_side_apply_can_be_continued_server_side(kubectl: Kubectl) -> None:
    """Kubectl migrates the ownership of its own older entries."""
    output_of(kubectl.apply(deployment("a")))
    output_of(kubectl.apply(deployment("a", env={"B": "2"}), flags=("--server-side",)))
    env = kubectl("get", "deployment", "a", "-o", "jsonpath={..containers[0].env[*].name}")
    assert output_of(env) == "B"


def test_diff_says_nothing_or_exits_with_one(kubectl: Kubectl) -> None:
    """It is a server-side dry run of an apply."""
    output_of(kubectl.apply(deployment("a")))
    assert kubectl("diff", "-f", "-", stdin=_yaml(deployment("a"))).code == 0
    changed = kubectl("diff", "-f", "-", stdin=_yaml(deployment("a", replicas=3)))
    assert changed.code == 1
    assert "+  replicas: 3" in changed.out


def _yaml(document: dict[str, object]) -> str:
    import yaml

    return yaml.safe_dump(document)


def test_get_prints_the_definitions_columns(kubectl: Kubectl, widgets: None) -> None:
    """Wide shows those of lower priority too."""
    output_of(kubectl.apply(widget("a", size=3)))
    assert output_of(kubectl("get", "wgt")).split() == ["NAME", "SIZE", "a", "3"]
    wide = output_of(kubectl("get", "widgets", "-o", "wide")).split()
    assert wide == ["NAME", "SIZE", "COLOR", "a", "3", "red"]


def test_get_watches(kubectl: Kubectl) -> None:
    """A watch prints what is there, and ends with its timeout."""
    output_of(kubectl.apply(config_map("c")))
    outcome = kubectl("get", "configmap", "c", "--watch", "-o", "name", "--request-timeout=3s")
    assert outcome.out.splitlines()[:1] == ["configmap/c"]


def test_scale_sets_replicas(kubectl: Kubectl, widgets: None) -> None:
    """Built-in kinds and custom resources scale alike."""
    output_of(kubectl.apply(deployment("a"), widget("a", replicas=1)))
    for target in ("deployment/a", "widget/a"):
        assert output_of(kubectl("scale", target, "--replicas=4")).endswith("scaled")
        assert output_of(kubectl("get", target, "-o", "jsonpath={.spec.replicas}")) == "4"


def test_edits_change_what_they_say(kubectl: Kubectl) -> None:
    """label, patch, and rollout restart, which sends a strategic merge patch."""
    output_of(kubectl.apply(deployment("a")))
    output_of(kubectl("label", "deployment", "a", "x=y"))
    output_of(kubectl("patch", "deployment", "a", "--type=merge", "-p", '{"spec":{"minReadySeconds":3}}'))
    output_of(kubectl("rollout", "restart", "deployment/a"))
    body = kubectl("get", "deployment", "a", "-o", "json").json
    assert (body["metadata"]["labels"], body["spec"]["minReadySeconds"]) == ({"x": "y"}, 3)
    template = body["spec"]["template"]
    assert "kubectl.kubernetes.io/restartedAt" in template["metadata"]["annotations"]
    assert [item["name"] for item in template["spec"]["containers"]] == ["web"]


def test_a_namespace_is_created(kubectl: Kubectl, namespace: str) -> None:
    """Kubectl writes it in protobuf."""
    name = f"{namespace}-made"
    assert output_of(kubectl("create", "namespace", name)) == f"namespace/{name} created"
    assert output_of(kubectl("delete", "namespace", name, "--wait=false")).startswith(f'namespace "{name}"')


def test_wait_sees_a_condition_and_a_deletion(kubectl: Kubectl, widgets: None) -> None:
    """Wait works by watching."""
    name = "crd/widgets.conformance.test"
    output_of(kubectl("wait", "--for=condition=Established", name, "--timeout=60s"))
    output_of(kubectl.apply(widget("a", size=1)))
    output_of(kubectl("wait", "--for=jsonpath={.spec.size}=1", "widget/a", "--timeout=60s"))
    assert output_of(kubectl("delete", "widget", "a", "--timeout=60s")).startswith("widget")
    assert "NotFound" in kubectl("get", "widget", "a").err


def test_explain_reads_the_schema(kubectl: Kubectl, widgets: None) -> None:
    """Descriptions of a custom kind are found."""
    wait_until(lambda: "How big it is." in kubectl("explain", "widget.spec.size").out)


def test_api_resources_lists_what_is_served(kubectl: Kubectl, widgets: None) -> None:
    """Discovery is understood."""
    listed = output_of(kubectl("api-resources", "--api-group=conformance.test", "--no-headers"))
    assert listed.split() == ["widgets", "wgt", "conformance.test/v1", "true", "Widget"]
