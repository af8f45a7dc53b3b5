from __future__ import annotations

from typing import Any

import pytest

from actgate_operator.plan import plan
from tests.operator.plan.build import EVIDENCE, Json, model_deployment, overlaid, serving, template

AUTOSCALING = {"minReplicas": 2, "maxReplicas": 5}


def deployed(zero: bool = False, **spec: Any) -> Json:  # noqa: ANN401 - fields of a spec
    """Return the spec of the planned Deployment."""
    planned: Json = plan(model_deployment(**spec), EVIDENCE, zero=zero).deployment["spec"]
    return planned


@pytest.mark.parametrize(("stated", "replicas"), [({}, 1), ({"replicas": 0}, 0), ({"replicas": 3}, 3)])
def test_replicas_are_those_of_the_spec(stated: Json, replicas: int) -> None:
    """One where none is stated."""
    assert deployed(**stated)["replicas"] == replicas


def test_replicas_are_left_to_the_autoscaler() -> None:
    """The key is not there: a value would take the field away from the autoscaler."""
    assert "replicas" not in deployed(autoscaling=AUTOSCALING)


@pytest.mark.parametrize("sized", [{}, {"replicas": 3}, {"autoscaling": AUTOSCALING}])
def test_a_model_is_scaled_to_zero_when_suspended_or_asked_to(sized: Json) -> None:
    """Suspension and lost evidence both, whatever else chooses the number."""
    assert deployed(suspend=True, **sized)["replicas"] == 0
    assert deployed(zero=True, **sized)["replicas"] == 0


def test_zero_changes_nothing_but_the_number() -> None:
    """What comes back is what went."""
    running, resting = deployed(replicas=3), deployed(zero=True, replicas=3)
    assert running | {"replicas": 0} == resting


def test_nothing_of_the_user_is_in_the_selector() -> None:
    """A selector can never be changed, and the user's labels can."""
    overlay = {"metadata": {"labels": {"team": "credit", "app.kubernetes.io/instance": "mine"}}}
    spec = deployed(podTemplate=overlay)
    fixed = {
        "app.kubernetes.io/instance": "credit-risk",
        "app.kubernetes.io/managed-by": "actgate-operator",
    }
    assert spec["selector"] == {"matchLabels": fixed}
    labels = spec["template"]["metadata"]["labels"]
    assert labels["team"] == "credit"
    assert labels.items() >= fixed.items()


@pytest.mark.parametrize(
    "asking",
    [
        {"server": serving(resources={"limits": {"nvidia.com/gpu": 1}})},
        {"server": serving(resources={"requests": {"amd.com/gpu": "1"}})},
        {"server": serving(resources={"claims": [{"name": "gpu"}]})},
        {"podTemplate": overlaid(containers=[{"name": "x", "resources": {"limits": {"a.example/b": 1}}}])},
        {
            "podTemplate": overlaid(
                initContainers=[{"name": "x", "resources": {"limits": {"a.example/b": 1}}}]
            )
        },
    ],
)
def test_a_pod_that_holds_a_device_leaves_before_the_next_one_comes(asking: Json) -> None:
    """On a node with one device a surge would wait for ever."""
    assert deployed(**asking)["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1},
    }


def test_other_pods_roll_as_the_api_server_sees_fit() -> None:
    """What is not stated is not ours."""
    resources = {"limits": {"cpu": "2", "memory": "1Gi", "hugepages-2Mi": "4Mi"}}
    assert "strategy" not in deployed(server=serving(resources=resources))


def test_the_evidence_is_named_on_the_deployment_and_its_pods() -> None:
    """By digest, and not at all where there is none."""
    planned = plan(model_deployment(), EVIDENCE).deployment
    for metadata in (planned["metadata"], planned["spec"]["template"]["metadata"]):
        assert metadata["annotations"]["actgate.dev/manifest-digest"] == EVIDENCE
    bare = plan(model_deployment(), None).deployment
    for metadata in (bare["metadata"], bare["spec"]["template"]["metadata"]):
        assert "actgate.dev/manifest-digest" not in metadata["annotations"]


def test_the_links_of_the_model_deployment_win_over_those_of_its_overlay() -> None:
    """Pods cannot claim another model, nor a version that is not stated."""
    claims = {
        "compliance-manifest": "other",
        "model": "Other",
        "model-version": "9",
        "model-digest": "sha256:0",
        "manifest-digest": "sha256:0",
        "provider": "gcp",
    }
    metadata = template(
        model={"name": "CreditRiskScorer"},
        placement={"regions": [{"provider": "aws", "region": "eu-west-3"}]},
        podTemplate={
            "metadata": {
                "annotations": {f"actgate.dev/{name}": value for name, value in claims.items()} | {"a": "b"},
                "labels": {"actgate.dev/inference": "false"},
            }
        },
    )["metadata"]
    assert metadata["annotations"] == {
        "actgate.dev/compliance-manifest": "credit-risk-scorer-v2",
        "actgate.dev/model": "CreditRiskScorer",
        "actgate.dev/manifest-digest": EVIDENCE,
        "actgate.dev/provider": "aws",
        "a": "b",
    }
    assert metadata["labels"]["actgate.dev/inference"] == "true"
