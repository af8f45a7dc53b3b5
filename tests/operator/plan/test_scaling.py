from __future__ import annotations

import pytest

from actgate_operator.plan import plan
from tests.operator.plan.build import EVIDENCE, Json, model_deployment


def test_an_autoscaler_aims_at_the_deployment_by_cpu() -> None:
    """Bounds and target are those of the spec, whose defaults are those of its schema."""
    asked = {"minReplicas": 2, "maxReplicas": 6, "targetCPUUtilizationPercentage": 70}
    planned = plan(model_deployment(autoscaling=asked), EVIDENCE)
    assert planned.autoscaler is not None
    assert planned.autoscaler["spec"] == {
        "scaleTargetRef": {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": planned.deployment["metadata"]["name"],
        },
        "minReplicas": 2,
        "maxReplicas": 6,
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
            }
        ],
    }
    usual = plan(model_deployment(autoscaling={"maxReplicas": 6}), EVIDENCE).autoscaler
    assert usual is not None
    assert usual["spec"]["minReplicas"] == 1
    assert usual["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 80


def test_nothing_scales_what_asks_for_a_number() -> None:
    """Only `spec.autoscaling` asks for an autoscaler."""
    assert plan(model_deployment(replicas=3), EVIDENCE).autoscaler is None


@pytest.mark.parametrize(
    ("sized", "protected"),
    [
        ({}, False),
        ({"replicas": 0}, False),
        ({"replicas": 1}, False),
        ({"replicas": 2}, True),
        ({"autoscaling": {"maxReplicas": 5}}, False),
        ({"autoscaling": {"minReplicas": 2, "maxReplicas": 5}}, True),
    ],
)
def test_a_model_that_always_has_two_servers_keeps_all_but_one(sized: Json, protected: bool) -> None:
    """With one server a budget would keep nodes from being drained."""
    budget = plan(model_deployment(**sized), EVIDENCE).budget
    assert (budget is not None) is protected
    if budget is not None:
        assert budget["spec"] == {
            "maxUnavailable": 1,
            "selector": {
                "matchLabels": {
                    "app.kubernetes.io/instance": "credit-risk",
                    "app.kubernetes.io/managed-by": "actgate-operator",
                }
            },
        }


@pytest.mark.parametrize("sized", [{"replicas": 3}, {"autoscaling": {"minReplicas": 2, "maxReplicas": 5}}])
def test_scaling_to_zero_churns_nothing(sized: Json) -> None:
    """Every child but the Deployment's number of replicas stays as it is, its state included."""
    running, resting = (plan(model_deployment(**sized), EVIDENCE, zero=zero) for zero in (False, True))
    assert running.children[1:] == resting.children[1:]
    assert running.deployment["metadata"] == resting.deployment["metadata"]
