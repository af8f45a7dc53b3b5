from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actgate_operator.names import child_name
from actgate_operator.plan import plan
from tests.operator.plan.build import EVIDENCE, MODEL_DIGEST, Json, model_deployment, server, serving


def variables(**spec: Any) -> dict[str, Json]:  # noqa: ANN401 - fields of a ModelDeployment's spec
    """Return the server's variables by name; each is there once."""
    listed = server(**spec)["env"]
    by_name = {item["name"]: item for item in listed}
    assert len(by_name) == len(listed)
    return by_name


def attributes(text: str) -> dict[str, str]:
    """Read OTEL_RESOURCE_ATTRIBUTES as an SDK does."""
    pairs = (pair.split("=") for pair in text.split(","))
    return {unquote(key): unquote(value) for key, value in pairs}


def expanded(value: str) -> str:
    """Expand a value as the kubelet does where no variable is known: $$ is a plain $."""
    return value.replace("$$", "$")


def test_the_server_learns_its_model_and_the_evidence() -> None:
    """What is stated, and nothing else."""
    stated = {
        "name": "CreditRiskScorer",
        "version": "2",
        "digest": MODEL_DIGEST,
        "uri": "s3://models/credit/2",
    }
    env = {name: item["value"] for name, item in variables(model=stated).items()}
    assert {name: value for name, value in env.items() if name.startswith("ACTGATE_")} == {
        "ACTGATE_MODEL_NAME": "CreditRiskScorer",
        "ACTGATE_MODEL_VERSION": "2",
        "ACTGATE_MODEL_DIGEST": MODEL_DIGEST,
        "ACTGATE_MODEL_URI": "s3://models/credit/2",
        "ACTGATE_MANIFEST_NAME": "credit-risk-scorer-v2",
        "ACTGATE_MANIFEST_DIGEST": EVIDENCE,
    }


def test_what_is_not_stated_is_no_variable() -> None:
    """An empty variable would say that it is known to be empty."""
    planned = plan(model_deployment(model={"name": "m"}), None).deployment
    env = planned["spec"]["template"]["spec"]["containers"][0]["env"]
    assert [item["name"] for item in env] == [
        "ACTGATE_MODEL_NAME",
        "ACTGATE_MANIFEST_NAME",
        "OTEL_SERVICE_NAME",
        "OTEL_RESOURCE_ATTRIBUTES",
    ]
    assert "ai_act.manifest.digest" not in env[-1]["value"]
    assert "version" not in env[-1]["value"]


def test_no_other_field_says_what_the_model_is() -> None:
    """Ours win, also where there is nothing to say."""
    claims = [{"name": "ACTGATE_MODEL_NAME", "value": "x"}, {"name": "ACTGATE_MODEL_VERSION", "value": "9"}]
    env = variables(model={"name": "m"}, server=serving(env=claims))
    assert env["ACTGATE_MODEL_NAME"]["value"] == "m"
    assert "ACTGATE_MODEL_VERSION" not in env


def test_variables_of_the_user_follow_ours_in_their_order() -> None:
    """A variable can refer only to those before it."""
    theirs = [{"name": "B", "value": "$(ACTGATE_MODEL_URI)/x"}, {"name": "A", "value": ""}]
    assert server(server=serving(env=theirs))["env"][-2:] == theirs


def test_the_server_has_a_name_in_telemetry_unless_it_has_one() -> None:
    """The user's OTEL_SERVICE_NAME stays."""
    assert variables()["OTEL_SERVICE_NAME"]["value"] == "credit-risk"
    mine = {"name": "OTEL_SERVICE_NAME", "value": "mine"}
    assert variables(server=serving(env=[mine]))["OTEL_SERVICE_NAME"] == mine


def test_telemetry_says_which_model_and_evidence_it_speaks_of() -> None:
    """As resource attributes, by the semantic conventions where there are some."""
    text = variables()["OTEL_RESOURCE_ATTRIBUTES"]["value"]
    assert attributes(text) == {
        "service.name": "credit-risk",
        "service.namespace": "credit",
        "service.version": "2",
        "k8s.namespace.name": "credit",
        "k8s.deployment.name": "credit-risk",
        "ai_act.model.name": "CreditRiskScorer",
        "ai_act.model.version": "2",
        "ai_act.model.digest": MODEL_DIGEST,
        "ai_act.manifest.name": "credit-risk-scorer-v2",
        "ai_act.manifest.digest": EVIDENCE,
    }


def test_telemetry_names_the_deployment_as_it_is_called() -> None:
    """Which is not the ModelDeployment's name where that is no name for a Service."""
    planned = plan(model_deployment("credit.risk"), EVIDENCE).deployment
    text = planned["spec"]["template"]["spec"]["containers"][0]["env"][-1]["value"]
    assert attributes(text)["k8s.deployment.name"] == child_name("credit.risk")
    assert attributes(text)["service.name"] == "credit.risk"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_any_model_name_arrives_as_it_is(name: str) -> None:
    """Commas, equals signs, dollars and all scripts, in variables and in attributes."""
    env = variables(model={"name": name})
    assert expanded(env["ACTGATE_MODEL_NAME"]["value"]) == name
    text = env["OTEL_RESOURCE_ATTRIBUTES"]["value"]
    assert text.isascii()
    assert "$" not in text
    assert attributes(text)["ai_act.model.name"] == name


def test_a_model_name_cannot_read_other_variables() -> None:
    """The kubelet would put a secret in the place of $(TOKEN)."""
    assert variables(model={"name": "$(TOKEN)"})["ACTGATE_MODEL_NAME"]["value"] == "$$(TOKEN)"


@pytest.mark.parametrize("stated", [{"value": ""}, {}])
def test_resource_attributes_of_the_user_that_are_empty_give_way(stated: Json) -> None:
    """No comma is left behind."""
    ours = variables()["OTEL_RESOURCE_ATTRIBUTES"]["value"]
    env = [{"name": "OTEL_RESOURCE_ATTRIBUTES", **stated}]
    assert variables(server=serving(env=env))["OTEL_RESOURCE_ATTRIBUTES"]["value"] == ours


def test_resource_attributes_of_the_user_follow_ours_where_they_stand() -> None:
    """They may refer to variables before them."""
    theirs = [
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "OTEL_RESOURCE_ATTRIBUTES", "value": "k8s.pod.name=$(POD)"},
    ]
    ours = variables()["OTEL_RESOURCE_ATTRIBUTES"]["value"]
    listed = server(server=serving(env=theirs))["env"]
    assert listed[-2] == theirs[0]
    assert listed[-1]["value"] == f"{ours},k8s.pod.name=$(POD)"


def test_resource_attributes_from_elsewhere_are_left_alone() -> None:
    """What stands in a ConfigMap is not ours to read."""
    theirs = {
        "name": "OTEL_RESOURCE_ATTRIBUTES",
        "valueFrom": {"configMapKeyRef": {"name": "otel", "key": "attributes"}},
    }
    assert variables(server=serving(env=[theirs]))["OTEL_RESOURCE_ATTRIBUTES"] == theirs
