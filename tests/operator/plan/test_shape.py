from __future__ import annotations

from typing import Any

import pytest

from actgate_operator.plan import PlanError
from actgate_operator.plan.shape import MAX_DEPTH
from tests.operator.plan.build import PARIS, Json, overlaid, serving, template

RULE = "requiredDuringSchedulingIgnoredDuringExecution"
WRONG: list[tuple[Json, str]] = [
    ({"spec": "x"}, "spec of the pod template: Invalid value: a string: must be an object"),
    ({"metadata": [1]}, "metadata of the pod template: Invalid value: a list: must be an object"),
    ({"metadata": {"labels": 1}}, "metadata.labels of the pod template: Invalid value: a number"),
    (
        {"metadata": {"annotations": True}},
        "metadata.annotations of the pod template: Invalid value: a boolean",
    ),
    (
        overlaid(containers="x"),
        "spec.containers of the pod template: Invalid value: a string: must be a list",
    ),
    (
        overlaid(containers=[{"name": "a"}, 1]),
        "spec.containers[1] of the pod template: Invalid value: a number",
    ),
    (overlaid(containers=[None]), "spec.containers[0] of the pod template: Invalid value: null"),
    (
        overlaid(initContainers={}),
        "spec.initContainers of the pod template: Invalid value: an object: must be a list",
    ),
    (overlaid(containers=[{"name": "server", "env": {}}]), "spec.containers[0].env"),
    (overlaid(containers=[{"name": "server", "env": ["A=1"]}]), "spec.containers[0].env[0]"),
    (overlaid(containers=[{"name": "server", "ports": [8080]}]), "spec.containers[0].ports[0]"),
    (
        overlaid(containers=[{"name": "x", "resources": {"limits": "1"}}]),
        "spec.containers[1].resources.limits",
    ),
    (overlaid(containers=[{"name": "x", "securityContext": 1}]), "spec.containers[1].securityContext"),
    (
        overlaid(containers=[{"name": "x", "securityContext": {"capabilities": {"add": 1}}}]),
        "spec.containers[1].securityContext.capabilities.add",
    ),
    (overlaid(securityContext=[]), "spec.securityContext"),
    (overlaid(os="linux"), "spec.os"),
    (overlaid(affinity=1), "spec.affinity"),
    (overlaid(affinity={"nodeAffinity": {RULE: []}}), f"spec.affinity.nodeAffinity.{RULE}"),
    (
        overlaid(affinity={"nodeAffinity": {RULE: {"nodeSelectorTerms": [{"matchExpressions": [1]}]}}}),
        f"spec.affinity.nodeAffinity.{RULE}.nodeSelectorTerms[0].matchExpressions[0]",
    ),
]


@pytest.mark.parametrize(("overlay", "words"), WRONG)
def test_a_field_of_a_wrong_type_is_refused_in_a_sentence_that_names_it(overlay: Json, words: str) -> None:
    """Where the plan would have to add to it; the message says where the author has to fix it."""
    with pytest.raises(PlanError) as refused:
        template(podTemplate=overlay, placement={"regions": [PARIS]})
    assert str(refused.value).startswith(words)
    assert "correct it in spec.podTemplate" in str(refused.value)


def test_a_field_of_the_server_of_a_wrong_type_is_refused_too() -> None:
    """The schema of a ModelDeployment leaves most fields of a container open."""
    with pytest.raises(PlanError, match=r"spec\.containers\[0\]\.securityContext .* spec\.server"):
        template(server=serving(securityContext="none"))


def test_bottomless_nesting_is_refused() -> None:
    """As an error of the author's, not as one of ours."""
    nested: Any = {}
    for _ in range(MAX_DEPTH + 1):
        nested = {"a": [nested]}
    with pytest.raises(PlanError, match=r"spec\.podTemplate: Invalid value: must not be nested deeper"):
        template(podTemplate=nested)
    with pytest.raises(PlanError, match=r"spec\.server: Invalid value: must not be nested deeper"):
        template(server=serving(lifecycle=nested))


@pytest.mark.parametrize("port", [{}, {"containerPort": "http"}, {"containerPort": True}])
def test_a_first_port_without_a_number_is_refused(port: Json) -> None:
    """No Service can be made of it. Only the overlay can hold such a port."""
    with pytest.raises(PlanError, match="first port of the container server"):
        template(podTemplate=overlaid(containers=[{"name": "server", "ports": [port]}]))
