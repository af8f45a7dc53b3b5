from __future__ import annotations

from typing import Any, cast

import pytest

from actgate.api.compliance_manifest import RiskCategory
from actgate.decision.manifest import Oversight
from tests.decision.build import found, judge, manifest, policy, refused_for, subject, warned_of


@pytest.mark.parametrize(
    ("oversight", "message"),
    [(None, "Required value: "), (Oversight(enabled=False), "Invalid value: false: ")],
)
def test_oversight_missing(oversight: Oversight | None, message: str) -> None:
    """`oversight/missing`: neither silence nor false is human oversight."""
    finding = refused_for(judge(manifest(oversight=oversight)), "oversight/missing")
    assert (finding.basis, finding.path) == ("AI Act Art. 14", "spec.humanOversight.enabled")
    assert message in finding.message


@pytest.mark.parametrize("lookalike", ["true", 1, "yes", [True]])
def test_oversight_missing_for_everything_but_the_boolean_true(lookalike: object) -> None:
    """`oversight/missing`: a value that merely looks like true does not count."""
    oversight = Oversight(enabled=cast("Any", lookalike))
    assert "oversight/missing" in judge(manifest(oversight=oversight)).failed_rules


def test_oversight_fields_that_the_policy_requires() -> None:
    """`oversight/fields`: each required field that is empty is a finding of its own."""
    asking = policy(humanOversight={"fields": ["stop", "role", "contact"]})
    evidence = manifest(oversight=Oversight(enabled=True, filled=frozenset({"role"})))
    verdict = judge(evidence, subject(), asking)
    assert [finding.path for finding in found(verdict, "oversight/fields")] == [
        "spec.humanOversight.contact",
        "spec.humanOversight.stop",
    ]
    assert verdict.failed_rules == ("oversight/fields",)


def test_oversight_as_a_bare_true_is_a_warning() -> None:
    """`oversight/fields`: a boolean alone proves little; no policy requires more, so it warns."""
    verdict = judge(manifest(oversight=Oversight(enabled=True)))
    assert warned_of(verdict, "oversight/fields").path == "spec.humanOversight"
    assert verdict.allowed


def test_tiers_that_the_policy_leaves_out_need_no_oversight() -> None:
    """`humanOversight.requiredFor` decides per tier."""
    evidence = manifest(oversight=None, risk_category=RiskCategory.MINIMAL_RISK, classification=None)
    assert judge(evidence).failed_rules == ("oversight/missing",)
    relaxed = policy(humanOversight={"requiredFor": ["HighRisk", "LimitedRisk"]})
    assert judge(evidence, subject(), relaxed).allowed
