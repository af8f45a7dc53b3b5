from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actgate_operator.names import child_name
from actgate_operator.plan import plan
from tests.operator.plan.build import EVIDENCE, model_deployment

SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_ends = st.sampled_from(string.ascii_lowercase + string.digits)
_part = st.builds(
    "{}{}{}".format, _ends, st.text(string.ascii_lowercase + string.digits + "-", max_size=70), _ends
)
names = st.lists(_part, min_size=1, max_size=4).map(lambda parts: ".".join(parts)[:253].rstrip("-."))
"""Names that the API server allows for a ModelDeployment."""


@given(names)
def test_any_name_gives_one_that_a_service_may_have(name: str) -> None:
    """RFC 1035 label of at most 63 characters, which is a label value too."""
    child = child_name(name)
    assert SERVICE_NAME.fullmatch(child)
    assert len(child) <= 63


@given(st.sets(names, min_size=2, max_size=5))
def test_different_models_have_different_children(some: set[str]) -> None:
    """Two ModelDeployments never share a Deployment."""
    assert len({child_name(name) for name in some}) == len(some)


@pytest.mark.parametrize("name", ["a", "credit-risk", "x1", "a" * 63])
def test_a_name_that_fits_is_kept(name: str) -> None:
    """People find the Deployment by the name that they gave."""
    assert child_name(name) == name


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("credit.risk.v2", "credit-risk-v2-"),
        ("2nd-model", "m-2nd-model-"),
        ("a" * 64, "a" * 54 + "-"),
        ("a" * 53 + "-" + "b" * 20, "a" * 53 + "-"),
    ],
)
def test_a_name_that_does_not_fit_is_changed_and_unique(name: str, start: str) -> None:
    """The readable part stays, and eight digits of a hash follow it."""
    child = child_name(name)
    assert re.fullmatch(re.escape(start) + "[0-9a-f]{8}", child)


def test_every_child_says_whose_it_is() -> None:
    """Name, namespace, labels and one controlling owner, by its own name and uid."""
    asked = model_deployment("credit.risk", autoscaling={"minReplicas": 2, "maxReplicas": 4})
    children = plan(asked, EVIDENCE).children
    assert [child["kind"] for child in children] == [
        "Deployment",
        "Service",
        "PodDisruptionBudget",
        "HorizontalPodAutoscaler",
    ]
    for child in children:
        metadata = child["metadata"]
        assert (metadata["name"], metadata["namespace"]) == (child_name("credit.risk"), "credit")
        assert metadata["labels"] == {
            "app.kubernetes.io/name": "CreditRiskScorer",
            "app.kubernetes.io/component": "inference-server",
            "app.kubernetes.io/instance": child_name("credit.risk"),
            "app.kubernetes.io/managed-by": "actgate-operator",
        }
        (owner,) = metadata["ownerReferences"]
        assert owner == {
            "apiVersion": "actgate.dev/v1alpha1",
            "kind": "ModelDeployment",
            "name": "credit.risk",
            "uid": asked["metadata"]["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }


@pytest.mark.parametrize("name", ["Credit Risk", "s/core", "x" * 64, "-a", "größe"])
def test_a_model_name_that_no_label_can_hold_is_no_label(name: str) -> None:
    """The API server would refuse the whole child for it."""
    labels = plan(model_deployment(model={"name": name}), EVIDENCE).service["metadata"]["labels"]
    assert "app.kubernetes.io/name" not in labels


def test_the_selector_as_text_selects_what_the_deployment_selects() -> None:
    """The scale subresource shows it to autoscalers."""
    planned = plan(model_deployment(), EVIDENCE)
    labels = planned.deployment["spec"]["selector"]["matchLabels"]
    assert planned.selector == ",".join(f"{key}={value}" for key, value in labels.items())
