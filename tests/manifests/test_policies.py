"""A CompliancePolicy is read whole, or refused with a sentence for each fault."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from actgate.api.compliance_policy import Enforcement
from actgate.decision import BASELINE
from actgate.manifests import EvidenceError, UnreadableError, read_policy


def policy_object(**spec: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    return {
        "apiVersion": "actgate.dev/v1alpha1",
        "kind": "CompliancePolicy",
        "metadata": {"name": "house"},
        "spec": spec,
    }


def test_an_empty_policy_is_the_baseline_by_another_name() -> None:
    """Every default of the spec is the baseline's."""
    policy = read_policy(policy_object())
    assert policy.name == "house"
    assert policy.spec == BASELINE.spec
    assert read_policy({**policy_object(), "spec": {"bias": None}}).spec == BASELINE.spec


def test_a_policy_is_read_with_what_follows_from_it() -> None:
    """Country groups are spelled out and durations measured."""
    policy = read_policy(
        policy_object(
            enforcement="Warn",
            residency={"countries": ["EEA", "CH"]},
            evidence={"maxAge": "720h"},
            namespaceSelector={"matchExpressions": [{"key": "team", "operator": "In", "values": ["a"]}]},
        )
    )
    assert policy.spec.enforcement is Enforcement.WARN
    assert {"NO", "CH", "FR"} <= policy.countries
    assert policy.max_age == timedelta(days=30)


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"enforcement": "deny"}, "spec.enforcement"),
        ({"bias": {"maxDifference": "0.05"}}, "spec.bias.maxDifference"),
        ({"bias": {"maxDifference": 2}}, "spec.bias.maxDifference"),
        ({"bias": {"max_difference": 0.5}}, "spec.bias.max_difference"),
        ({"evidence": {"maxAge": "1 year"}}, "spec.evidence.maxAge"),
        ({"residency": {"countries": ["Europe"]}}, "spec.residency.countries[0]"),
        ({"bais": {}}, "spec.bais"),
        (
            {"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}},
            "spec.namespaceSelector.matchExpressions[0].values",
        ),
        (
            {
                "namespaceSelector": {
                    "matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]
                }
            },
            "spec.namespaceSelector.matchExpressions[0].values",
        ),
    ],
)
def test_a_fault_is_named(spec: dict[str, Any], path: str) -> None:
    """Half a policy could ask less than was meant, so none of it is taken."""
    with pytest.raises(UnreadableError) as caught:
        read_policy(policy_object(**spec))
    assert [problem.path for problem in caught.value.problems] == [path]


def test_every_fault_is_reported_at_once() -> None:
    """One pass of fixes is enough."""
    with pytest.raises(UnreadableError) as caught:
        read_policy({**policy_object(enforcement="deny", bais={}), "metadata": {}})
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize("obj", [None, [], {}, {**policy_object(), "kind": "ComplianceManifest"}])
def test_what_is_no_policy_is_refused(obj: Any) -> None:  # noqa: ANN401 - any JSON value
    """Nor is an endlessly nested one read."""
    with pytest.raises(EvidenceError):
        read_policy(obj)


def test_nesting_without_end_is_refused() -> None:
    """It is a sentence, not a stack overflow."""
    deep: Any = {}
    for _ in range(50_000):
        deep = {"x": deep}
    with pytest.raises(EvidenceError, match="nested"):
        read_policy(policy_object(bias=deep))


def test_a_policy_has_one_digest_in_its_file_and_in_the_cluster() -> None:
    """What the API server fills in, and nulls, do not count; what is asked for does."""
    stated = read_policy(policy_object(bias={"maxDifference": 0.1}))
    filled = read_policy(
        policy_object(
            enforcement="Deny", bias={"maxDifference": 0.1, "minRatio": 0.8, "attributes": []}, evidence=None
        )
    )
    assert stated.digest == filled.digest
    assert stated.digest != read_policy(policy_object(bias={"maxDifference": 0.2})).digest
    assert BASELINE.digest is None
