from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from actgate.api.compliance_manifest import RiskCategory
from actgate.decision import BASELINE, Policy, policies
from actgate.decision.policies import applicable, selects
from tests.decision.build import found, judge, manifest, measured, policy, subject, warned_of

LABELS = {"team": "credit", "stage": "production"}


def chosen(*policies: Policy) -> list[str]:
    """Return the names of the policies that apply to the namespace with LABELS."""
    return [item.name for item in applicable(policies, LABELS)]


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    """Return a selector of one expression."""
    stated = {"values": list(values)} if values else {}
    return {"matchExpressions": [{"key": key, "operator": operator, **stated}]}


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ({}, True),
        ({"matchLabels": {}}, True),
        ({"matchLabels": {"team": "credit"}}, True),
        ({"matchLabels": {"team": "Credit"}}, False),
        ({"matchLabels": {"team": "credit", "stage": "test"}}, False),
        ({"matchLabels": {"absent": ""}}, False),
        (expression("stage", "In", "test", "production"), True),
        (expression("stage", "In", "test"), False),
        (expression("absent", "In", "test"), False),
        (expression("stage", "NotIn", "test"), True),
        (expression("stage", "NotIn", "production"), False),
        (expression("absent", "NotIn", "test"), True),
        (expression("stage", "Exists"), True),
        (expression("absent", "Exists"), False),
        (expression("stage", "DoesNotExist"), False),
        (expression("absent", "DoesNotExist"), True),
        ({"matchLabels": {"team": "credit"}, **expression("stage", "NotIn", "production")}, False),
        ({"matchLabels": {"team": "credit"}, **expression("stage", "Exists")}, True),
    ],
)
def test_selectors_match_as_in_kubernetes(selector: dict[str, Any], matches: bool) -> None:
    """`namespaceSelector` is a meta/v1 LabelSelector: all parts must hold, an empty one selects all."""
    assert selects(policy(namespaceSelector=selector).spec.namespace_selector, LABELS) is matches


def test_the_baseline_applies_where_no_policy_selects_the_namespace() -> None:
    """No policy at all, or none for this namespace: the baseline, never nothing."""
    assert chosen() == ["baseline"]
    assert chosen(policy(namespaceSelector={"matchLabels": {"team": "other"}})) == ["baseline"]
    assert judge(manifest(bias=())).policies == ("baseline",)


def test_the_baseline_requires_everything_and_denies() -> None:
    """The defaults of a CompliancePolicy are the baseline."""
    assert policy("baseline") == BASELINE
    assert BASELINE.spec.enforcement == "Deny"
    assert "FR" in BASELINE.countries
    assert "NO" not in BASELINE.countries


def test_every_policy_that_selects_the_namespace_applies_and_the_baseline_does_not() -> None:
    """Several policies apply together, sorted by name."""
    elsewhere = policy("other", namespaceSelector={"matchLabels": {"team": "other"}})
    assert chosen(policy("b"), elsewhere, policy("a", enforcement="Audit")) == ["a", "b"]


def test_deny_wins_over_milder_policies() -> None:
    """One denying policy refuses, however many audit or warn about the same."""
    milder = (policy("a", enforcement="Audit"), policy("b", enforcement="Warn"))
    verdict = judge(manifest(oversight=None), subject(), *milder, policy("c"))
    assert verdict.failed_rules == ("oversight/missing",)
    assert [finding.effect for finding in found(verdict, "oversight/missing")] == ["Deny"]


def test_each_finding_takes_the_enforcement_of_its_policy() -> None:
    """A strict limit on trial warns while the lax one in force denies nothing."""
    trial = policy("trial", enforcement="Warn", bias={"maxDifference": 0.01})
    verdict = judge(measured(threshold=None, compliant=None), subject(), trial, policy("house"))
    assert verdict.outcome == "Warn"
    assert "must be <= 0.01 (policy trial)" in warned_of(verdict, "bias/limit").message


@pytest.mark.parametrize(("enforcement", "outcome"), [("Deny", "Fail"), ("Warn", "Warn"), ("Audit", "Warn")])
def test_enforcement_decides_what_a_finding_does(enforcement: str, outcome: str) -> None:
    """Only Deny refuses; findings of the other kinds are kept in the verdict."""
    verdict = judge(manifest(oversight=None), subject(), policy(enforcement=enforcement))
    (finding,) = found(verdict, "oversight/missing")
    assert (finding.effect, verdict.outcome) == (enforcement, outcome)
    assert verdict.allowed is (enforcement != "Deny")


def test_a_tiered_policy_asks_minimal_risk_for_no_bias_check() -> None:
    """`requiredFor` makes tiers: what high-risk needs, minimal-risk does not."""
    tiered = policy(bias={"requiredFor": ["HighRisk", "LimitedRisk"]})
    minimal = manifest(bias=(), risk_category=RiskCategory.MINIMAL_RISK, classification=None)
    assert not judge(manifest(bias=()), subject(), tiered).allowed
    assert judge(minimal, subject(), tiered).allowed


@pytest.mark.parametrize(
    "spec",
    [
        {"enforcement": "deny"},
        {"bias": {"maxDifference": "0.05"}},
        {"bias": {"maxDifference": 1.5}},
        {"bias": {"minGroupCount": True}},
        {"bias": {"requiredFor": ["Prohibited"]}},
        {"residency": {"countries": ["Germany"]}},
        {"evidence": {"maxAge": "1y"}},
        {"evidence": {"maxAge": ""}},
        {"evidence": {"maxAge": "h"}},
        {"evidence": {"requireDigest": "yes"}},
        {"humanOversight": {"fields": ["name"]}},
        {"surprise": 1},
    ],
)
def test_a_policy_that_is_not_clear_is_not_read(spec: dict[str, Any]) -> None:
    """Wrong types, ranges, names and unknown fields are errors: half a policy could ask for less."""
    with pytest.raises(ValidationError):
        policy(**spec)


def test_a_selection_remembers_what_applies(monkeypatch: pytest.MonkeyPatch) -> None:
    """For each set of labels, in whatever order; it starts anew before it grows large."""
    monkeypatch.setattr(policies, "_REMEMBERED", 3)
    house = (
        policy("credit", namespaceSelector={"matchLabels": {"team": "credit"}}),
        policy("all", namespaceSelector={}),
        policy("production", namespaceSelector={"matchLabels": {"stage": "production"}}),
    )
    selection = policies.Selection(house)
    for labels in (
        LABELS,
        {},
        {"team": "credit"},
        {"stage": "test"},
        {"team": "a"},
        LABELS,
        {"team": "b"},
    ) * 2:
        found_here = selection.applicable(dict(reversed(labels.items())))
        assert found_here == applicable(house, labels)
        assert found_here == selection.applicable(labels)
        assert applicable(found_here, labels) == found_here
    assert policies.Selection(()).applicable(LABELS) == (BASELINE,)
