"""What is planned, in an API server: it takes every child, and the same child again changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from actgate.kube.resources import AUTOSCALERS, DEPLOYMENTS, DISRUPTION_BUDGETS, PODS, SERVICES
from actgate_operator.names import MANAGER
from actgate_operator.plan import plan
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import APPLY_PATCH, Reply, Rest
from tests.operator.plan.build import EVIDENCE, PARIS, Json, model_deployment, overlaid, serving
from tests.operator.plan.golden_files import asked, cases
from tests.subjects.objects import required, term
from tests.support import crds
from tests.support.crds import API_VERSION, collection

RESOURCES = {resource.kind: resource for resource in (DEPLOYMENTS, SERVICES, AUTOSCALERS, DISRUPTION_BUDGETS)}
RICH: dict[str, Json] = {case: asked(case)["spec"] for case in cases()} | {
    "root": {"server": serving(securityContext={"runAsUser": 0})},
    "privileged": {"server": serving(securityContext={"privileged": True})},
    "escalating": {"server": serving(securityContext={"capabilities": {"add": ["CAP_SYS_ADMIN"]}})},
    "windows": {"podTemplate": overlaid(os={"name": "windows"})},
    "affine": {
        "placement": {"regions": [PARIS, {"provider": "aws", "region": "eu-central-1a"}]},
        "podTemplate": overlaid(**required({}, term("arch", "In", "arm64"))),
    },
}


@pytest.fixture(scope="session")
def api(rest: Rest) -> Rest:
    """A client of an API server that serves ModelDeployments."""
    crds.install(rest)
    return rest


def stored(api: Rest, namespace: str, case: str, spec: Json) -> Json:
    """Create a ModelDeployment, and return it as the operator would read it."""
    body = {
        "apiVersion": API_VERSION,
        "kind": "ModelDeployment",
        "metadata": {"name": asked(case)["metadata"]["name"] if case in cases() else case},
        "spec": model_deployment()["spec"] | spec,
    }
    reply = api("POST", collection("ModelDeployment", namespace), body)
    assert reply.status == 201, reply
    found: Json = reply.body
    return found


def apply(api: Rest, child: Json, **query: str) -> Reply:
    """Apply a child as the operator does."""
    metadata = child["metadata"]
    path = RESOURCES[child["kind"]].item(metadata["name"], metadata["namespace"])
    return api("PATCH", path, child, APPLY_PATCH, fieldManager=MANAGER, force="true", **query)


@pytest.mark.parametrize("case", sorted(RICH))
def test_the_api_server_takes_every_child_and_the_same_again_changes_nothing(
    api: Rest, namespace: str, case: str
) -> None:
    """Dry and for real; the second time the resourceVersion stays."""
    model = stored(api, namespace, case, RICH[case])
    for child in plan(model, EVIDENCE).children:
        dry = apply(api, child, dryRun="All")
        assert dry.status == 201, dry
        first, second = apply(api, child), apply(api, child)
        assert (first.status, second.status) == (201, 200), first
        assert first.body["metadata"]["resourceVersion"] == second.body["metadata"]["resourceVersion"]


@pytest.mark.parametrize("sized", [{"replicas": 3}, {"autoscaling": {"minReplicas": 2, "maxReplicas": 4}}])
def test_scaling_to_zero_writes_one_field(api: Rest, namespace: str, sized: Json) -> None:
    """The pod template and every other child stay as they are."""
    model = stored(api, namespace, "scorer", sized)
    before = [apply(api, child).body for child in plan(model, EVIDENCE).children]
    after = [apply(api, child).body for child in plan(model, EVIDENCE, zero=True).children]
    assert after[0]["spec"] == before[0]["spec"] | {"replicas": 0}
    assert [one["metadata"]["resourceVersion"] for one in after[1:]] == [
        one["metadata"]["resourceVersion"] for one in before[1:]
    ]


@pytest.mark.parametrize(
    ("overlay", "status", "words"),
    [
        (
            overlaid(tolerations=[{"operator": "Sometimes"}]),
            422,
            "spec.template.spec.tolerations[0].operator",
        ),
        (overlaid(**required()), 422, "nodeSelectorTerms"),
    ],
)
def test_a_bad_value_is_refused_by_the_api_server_with_the_field_that_it_stands_in(
    api: Rest, namespace: str, control_plane: ControlPlane, overlay: Json, status: int, words: str
) -> None:
    """It is passed on as it is."""
    if control_plane.engine == "stand-in":
        pytest.skip("the stand-in does not know every value of a pod")
    spec = {"podTemplate": overlay, "placement": {"regions": [PARIS]}}
    reply = apply(api, plan(stored(api, namespace, "wrong", spec), EVIDENCE).deployment)
    assert (reply.status, words in reply.message) == (status, True), reply


def pod_of(api: Rest, namespace: str, **spec: Any) -> Reply:  # noqa: ANN401 - fields of a spec
    """Ask for a pod of a planned Deployment."""
    deployment = plan(stored(api, namespace, "scorer", spec), EVIDENCE).deployment
    template = deployment["spec"]["template"]
    metadata = {**template["metadata"], "generateName": "scorer-"}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
    return api("POST", PODS.collection(namespace), body, dryRun="All")


def test_a_namespace_under_the_restricted_standard_takes_the_pods(
    api: Rest, namespace: str, control_plane: ControlPlane
) -> None:
    """Kubernetes' own admission is the judge, and refuses a privileged one."""
    if control_plane.engine == "stand-in":
        pytest.skip("the stand-in has no Pod Security admission")
    label = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    reply = api("PATCH", f"/api/v1/namespaces/{namespace}", label, "application/merge-patch+json")
    assert reply.status == 200, reply
    sidecars = overlaid(
        containers=[{"name": "proxy", "image": "proxy:1"}],
        initContainers=[{"name": "fetch", "image": "fetch:1"}],
    )
    accepted = pod_of(api, namespace, podTemplate=sidecars)
    assert accepted.status == 201, accepted
    api("DELETE", f"{collection('ModelDeployment', namespace)}/scorer")
    refused = pod_of(api, namespace, server=serving(securityContext={"privileged": True}))
    assert (refused.status, "restricted" in refused.message) == (403, True), refused
