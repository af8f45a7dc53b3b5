from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from actgate_sandbox.admission import Attributes, Endpoint
from actgate_sandbox.admission.matching import (
    ConditionError,
    concerned,
    conditions_hold,
    matches,
    selected,
)
from tests.sandbox.admission.configurations import rule

V1 = Endpoint("apps", "v1", "deployments", "Deployment")
UPDATE = Attributes(
    operation="UPDATE",
    endpoint=V1,
    name="d",
    namespace="n",
    object={"metadata": {"name": "d", "labels": {"new": "yes"}}, "spec": {"replicas": 2}},
    old_object={"metadata": {"name": "d", "labels": {"old": "yes"}}, "spec": {"replicas": 1}},
)
SCALE = dataclasses.replace(UPDATE, subresource="scale")
CLUSTER = dataclasses.replace(UPDATE, namespace="")


@pytest.mark.parametrize(
    ("made", "attributes", "wanted"),
    [
        (rule("deployments"), UPDATE, True),
        (rule("pods"), UPDATE, False),
        (rule("*"), UPDATE, True),
        (rule("*"), SCALE, False),
        (rule("deployments"), SCALE, False),
        (rule("deployments/scale"), SCALE, True),
        (rule("deployments/*"), SCALE, True),
        (rule("deployments/*"), UPDATE, True),
        (rule("*/scale"), SCALE, True),
        (rule("*/*"), SCALE, True),
        (rule("*/*"), UPDATE, True),
        (rule("deployments", operations=["CREATE"]), UPDATE, False),
        (rule("deployments", operations=["CREATE", "UPDATE"]), UPDATE, True),
        (rule("deployments", apiGroups=["apps"]), UPDATE, True),
        (rule("deployments", apiGroups=[""]), UPDATE, False),
        (rule("deployments", scope="Namespaced"), UPDATE, True),
        (rule("deployments", scope="Cluster"), UPDATE, False),
        (rule("deployments", scope="Cluster"), CLUSTER, True),
    ],
)
def test_rules_choose_requests(made: dict[str, Any], attributes: Attributes, wanted: bool) -> None:
    """Groups, versions, resources, subresources, operations and scope all have to fit."""
    assert concerned({"rules": [made]}, attributes) is wanted


@pytest.mark.parametrize(
    ("selector", "labels", "expected"),
    [
        ({}, {}, True),
        ({"matchLabels": {"a": "b"}}, {"a": "b"}, True),
        ({"matchLabels": {"a": "b"}}, {"a": "c"}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}, {"a": "b"}, True),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}, {}, False),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["b"]}]}, {}, True),
        (
            {"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["b"]}]},
            {"a": "b"},
            False,
        ),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {"a": ""}, True),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, {"a": ""}, False),
    ],
)
def test_selectors_read_labels(selector: dict[str, Any], labels: dict[str, str], expected: bool) -> None:
    """A LabelSelector means what it means everywhere in Kubernetes."""
    assert matches(selector, labels) is expected


@pytest.mark.parametrize("label", ["new", "old"])
def test_object_selectors_take_either_version(label: str) -> None:
    """Removing a label from an object does not hide that very update from its webhook."""
    assert selected({"objectSelector": {"matchLabels": {label: "yes"}}}, UPDATE, {})


def test_namespace_selectors_do_not_concern_cluster_scope() -> None:
    """A cluster-scoped object is in no namespace, so no namespace selector can exclude it."""
    hook = {"namespaceSelector": {"matchLabels": {"team": "blue"}}}
    assert not selected(hook, UPDATE, {})
    assert selected(hook, UPDATE, {"team": "blue"})
    assert selected(hook, CLUSTER, None)


def test_a_namespace_is_selected_by_its_own_labels() -> None:
    """For a Namespace itself the labels of the object count."""
    attributes = Attributes(
        "CREATE",
        Endpoint("", "v1", "namespaces", "Namespace"),
        "n",
        "n",
        object={"metadata": {"name": "n", "labels": {"team": "blue"}}},
    )
    assert selected({"namespaceSelector": {"matchLabels": {"team": "blue"}}}, attributes, None)


def _conditions(*sources: str) -> dict[str, Any]:
    named = [{"name": f"c{n}", "expression": source} for n, source in enumerate(sources)]
    return {"matchConditions": named}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("object.spec.replicas != oldObject.spec.replicas", True),
        ("object.metadata.name == oldObject.metadata.name", True),
        ("request.operation == 'DELETE'", False),
        ("has(request.subResource)", False),
        ("'new' in object.metadata.labels && !('new' in oldObject.metadata.labels)", True),
    ],
)
def test_match_conditions_see_request_and_objects(source: str, expected: bool) -> None:
    """CEL reads the request, the new and the old object."""
    assert conditions_hold(_conditions(source), UPDATE) is expected


def test_a_condition_without_a_value_is_an_error() -> None:
    """A missing field is never taken for false."""
    with pytest.raises(ConditionError, match=r"'object\.spec\.no' resulted in error: no such key"):
        conditions_hold(_conditions("object.spec.no"), UPDATE)


def test_a_false_condition_outweighs_one_without_a_value() -> None:
    """When any condition is false the webhook is not asked, whatever the others do."""
    assert not conditions_hold(_conditions("object.spec.no", "false"), UPDATE)
