"""A spec that cannot be worked with is reported in one sentence, with the field."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actgate_operator.model import UnusableModelError, check_spec
from actgate_operator.plan import PlanError, plan
from tests.operator.plan.build import EVIDENCE, model_deployment
from tests.operator.plan.strategies import model_deployments

Json = dict[str, Any]

SERVER: Json = {"image": "registry.example/server:1"}


def nested(depth: int) -> Json:
    """Return an object in an object in an object."""
    thing: Json = {}
    for _ in range(depth):
        thing = {"spec": thing}
    return thing


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"server": None}, r"spec\.server: Required value"),
        ({"server": "server:1"}, r"spec\.server: Invalid value: .*: must be an object"),
        ({"server": {**SERVER, "image": 7}}, r"spec\.server\.image: Invalid value: 7: must be a string"),
        ({"complianceManifestRef": {}}, r"spec\.complianceManifestRef\.name: Required value"),
        ({"complianceManifestRef": None}, r"spec\.complianceManifestRef: Required value"),
        (
            {"model": {"name": ""}},
            r"spec\.model\.name: Invalid value: \"\": must be text of at least 1 character",
        ),
        ({"replicas": "two"}, r"spec\.replicas: Invalid value: \"two\": must be a whole number"),
        ({"replicas": -1}, r"spec\.replicas: Invalid value: -1: must be >= 0"),
        ({"suspend": "yes"}, r"spec\.suspend: Invalid value: \"yes\": must be true or false"),
        ({"placement": {"regions": [{"region": 3}]}}, r"spec\.placement\.regions\[0\]\.region: "),
        (
            {"replicas": 2, "autoscaling": {"maxReplicas": 3}},
            r"spec\.replicas: Forbidden: must not be set together with spec\.autoscaling; fix: set replicas",
        ),
        ({"autoscaling": {"minReplicas": 3, "maxReplicas": 2}}, r"spec\.autoscaling\.minReplicas: Invalid"),
        (
            {"server": {**SERVER, "env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}},
            r"spec\.server\.env\[1\]\.name: Duplicate value: \"A\"",
        ),
        ({"podTemplate": nested(2000)}, r"spec\.podTemplate\.spec.* nested deeper than 32 levels"),
    ],
)
def test_a_malformed_spec_is_named_with_the_field(spec: Json, words: str) -> None:
    """On one line, with what to do."""
    with pytest.raises(UnusableModelError, match=words) as raised:
        check_spec(model_deployment(**spec))
    assert "\n" not in str(raised.value)
    assert str(raised.value).endswith(", and apply it again")


@pytest.mark.parametrize("spec", [None, [], "spec", 3])
def test_a_model_without_a_spec_is_reported(spec: object) -> None:
    """It may be older than the schema that requires one."""
    with pytest.raises(UnusableModelError, match="spec: Required value: apply the ModelDeployment again"):
        check_spec({"metadata": {"name": "scorer"}, "spec": spec})
    with pytest.raises(UnusableModelError):
        check_spec({"metadata": {"name": "scorer"}})


def test_several_faults_are_reported_together_and_not_all_of_them() -> None:
    """One pass of fixing is enough, and a message stays readable."""
    model = model_deployment(server={}, model={}, suspend=3)
    with pytest.raises(UnusableModelError, match=r"spec\.model.*; spec\.server.*; spec\.suspend") as raised:
        check_spec(model)
    regions = [{"region": 1}] * 30
    with pytest.raises(UnusableModelError) as many:
        check_spec(model_deployment(placement={"regions": regions}))
    assert str(raised.value).count("spec.") == 3
    assert str(many.value).count("spec.placement") == 8


def test_nulls_are_nothing() -> None:
    """The API server keeps some where a schema does not look."""
    check_spec(model_deployment(replicas=None, autoscaling=None, placement=None, podTemplate=None))


@given(model_deployments)
def test_whatever_the_schema_allows_can_be_worked_with(model: Json) -> None:
    """And then planned with."""
    check_spec(model)
    assert plan(model, EVIDENCE).children


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)


@given(
    st.sampled_from(["model", "complianceManifestRef", "placement", "replicas", "autoscaling", "server"]),
    anything,
)
def test_whatever_is_in_a_spec_is_either_named_or_planned(field: str, value: object) -> None:
    """Nothing else is raised: a defect would be tried again for ever."""
    model = model_deployment()
    model["spec"][field] = value
    with suppress(UnusableModelError, PlanError):
        check_spec(model)
        assert plan(model, EVIDENCE).children


@given(anything)
def test_any_pod_template_is_either_named_or_planned(template: object) -> None:
    """It has no schema of its own."""
    model = model_deployment(podTemplate=template)
    with suppress(UnusableModelError, PlanError):
        check_spec(model)
        assert plan(model, EVIDENCE).children
