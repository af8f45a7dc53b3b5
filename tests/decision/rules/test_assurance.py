"""`evidence/level`: how far a manifest proves itself, against what its tier needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from actgate.api.compliance_manifest import Metric, RiskCategory
from actgate.api.predicates import BIAS_AUDIT, COMPLIANCE_MANIFEST, EVALUATION
from actgate.decision import Manifest, Policy, Verdict
from actgate.decision.attestation import Attestation
from actgate.decision.manifest import GroupCount
from tests.decision.build import ASKING, FAIR, NOW, PASSING, found, judge, refused_for
from tests.decision.signing import (
    COUNTED,
    DAY,
    RISK,
    STRANGER,
    TRAINING,
    audit,
    authority,
    requires,
    signed,
    statement,
    trusting,
    whole,
)

TIERS = ["HighRisk", "LimitedRisk", "MinimalRisk"]
AUTHORITIES = (authority("training", COMPLIANCE_MANIFEST), authority("model-risk", BIAS_AUDIT))
USED = ["model", "riskCategory", "classification", "training", "bias", "humanOversight"]
"""What the passing manifest states."""


def level(asks: str, *authorities: dict[str, Any], tiers: list[str] = TIERS, **evidence: Any) -> Policy:  # noqa: ANN401
    """Return a policy that asks some tiers for a level."""
    return trusting(*(authorities or AUTHORITIES), level=dict.fromkeys(tiers, asks), **evidence)


def asked(evidence: Manifest, policy: Policy) -> Verdict:
    """Judge evidence under a policy."""
    return judge(evidence, ASKING, policy)


def test_declared_asks_for_nothing() -> None:
    """The baseline's level, and that of a policy that names none."""
    assert judge(PASSING).outcome == asked(PASSING, level("Declared")).outcome == "Pass"


def test_recomputable_asks_for_counts() -> None:
    """`evidence/level`: a value without the counts of its metric is a claim."""
    finding = refused_for(asked(PASSING, level("Recomputable")), "evidence/level")
    assert (finding.path, finding.basis) == ("spec.bias[0].groups", "house policy")
    assert finding.message == (
        "Required value: must have the counts of demographic_parity_difference for each group (policy "
        "high-risk asks for Recomputable)"
    )
    assert asked(signed(), level("Recomputable")).outcome == "Pass"


def test_recomputable_asks_for_the_counts_of_every_measurement() -> None:
    """`evidence/level`: counts of another metric, or of some groups, are not enough."""
    odds = replace(COUNTED, metric=Metric.EQUALIZED_ODDS_DIFFERENCE, attribute="age")
    some = replace(COUNTED, groups=(COUNTED.groups[0], GroupCount("male", 4096)))
    for wrong in (odds, some, replace(COUNTED, groups=())):
        verdict = asked(signed(bias=(COUNTED, wrong)), level("Recomputable"))
        assert "spec.bias[1].groups" in [one.path for one in found(verdict, "evidence/level")]


def test_a_tier_without_bias_checks_needs_no_counts() -> None:
    """`evidence/level`: where the policy requires no bias check of the tier, values are not used."""
    policy = level("Recomputable", bias={"requiredFor": ["LimitedRisk"]})
    assert asked(PASSING, policy).outcome == "Pass"
    attested = level("Attested", bias={"requiredFor": ["LimitedRisk"]})
    assert asked(signed(whole(TRAINING), bias=(FAIR,)), attested).outcome == "Pass"
    assert asked(signed(bias=(FAIR,)), attested).failed_rules == ("evidence/level",)


def test_attested_asks_for_every_field_that_is_used() -> None:
    """`evidence/level`: without attestations each field is missing one, by its own path."""
    verdict = asked(signed(), level("Attested"))
    assert [one.path for one in found(verdict, "evidence/level")] == sorted(f"spec.{field}" for field in USED)
    assert verdict.failed_rules == ("evidence/level",)
    dated = signed(not_after=NOW + timedelta(days=1), records=(("spec.approvals[0].at", NOW),))
    paths = {one.path for one in found(asked(dated, level("Attested")), "evidence/level")}
    assert paths == {f"spec.{field}" for field in (*USED, "validity", "approvals")}


def test_an_attested_manifest_passes() -> None:
    """One statement about all of it, by whom the policy lets attest manifests."""
    assert asked(signed(whole(TRAINING)), level("Attested")).outcome == "Pass"
    assert asked(signed(whole(TRAINING), audit(RISK)), level("Attested")).outcome == "Pass"


def test_one_signature_that_counts_is_enough() -> None:
    """Another statement about the same fields, by no one who is trusted, takes nothing from it."""
    for items in ((whole(TRAINING), whole(STRANGER, name="x")), (whole(STRANGER, name="x"), whole(TRAINING))):
        assert asked(signed(*items), level("Attested")).outcome == "Pass"


def test_a_signature_counts_at_its_own_time() -> None:
    """Without a time that is known to be right the present counts, in a period of the authority."""
    for start, passes in ((NOW - DAY, True), (NOW + DAY, False)):
        brief = authority("training", COMPLIANCE_MANIFEST, validFor={"start": f"{start:%Y-%m-%dT%H:%M:%SZ}"})
        evidence = signed(whole(TRAINING), whole(TRAINING, name="x"), created_at=None)
        assert asked(evidence, level("Attested", brief)).allowed is passes


def test_attested_is_also_recomputable() -> None:
    """`evidence/level`: a signature under a number that cannot be recomputed is a signed claim."""
    verdict = asked(signed(whole(TRAINING), bias=(FAIR,)), level("Attested"))
    assert [one.path for one in verdict.findings] == ["spec.bias[0].groups"]


def test_an_audit_alone_covers_the_bias_measurements_only() -> None:
    """`evidence/level`: the rest of the manifest is still a claim."""
    verdict = asked(signed(audit(RISK), statement("x", EVALUATION, RISK)), level("Attested"))
    assert {one.path for one in found(verdict, "evidence/level")} == {
        f"spec.{field}" for field in USED if field != "bias"
    }


@pytest.mark.parametrize(
    ("item", "rule", "words"),
    [
        (whole(STRANGER), "evidence/authority", "compliance-manifest must be signed by training"),
        (whole(RISK), "evidence/authority", "of model-risk: compliance-manifest must be signed by training"),
        (whole(invalid="is wrong"), "evidence/signature", "is wrong"),
    ],
)
def test_a_statement_that_is_there_says_why_it_is_not_enough(
    item: Attestation, rule: str, words: str
) -> None:
    """One cause is one finding: the signature, and not every field that it would have covered."""
    verdict = asked(signed(item), level("Attested"))
    assert verdict.failed_rules == (rule,)
    assert words in refused_for(verdict, rule).message


def test_what_a_requirement_explains_is_not_explained_again() -> None:
    """A required statement without a trusted signature is one finding, also where the level needs it."""
    policy = level("Attested", require=[requires(COMPLIANCE_MANIFEST, "training")])
    verdict = asked(signed(whole(STRANGER)), policy)
    assert len(verdict.findings) == 1
    assert verdict.failed_rules == ("evidence/authority",)


def test_no_authority_at_all_means_that_nothing_is_attested() -> None:
    """A policy that asks for Attested and trusts none refuses, and says so."""
    policy = trusting(level=dict.fromkeys(TIERS, "Attested"))
    message = refused_for(asked(signed(whole(STRANGER)), policy), "evidence/authority").message
    assert "must be signed by an authority that may attest it, of which the policy has none" in message


@pytest.mark.parametrize("tier", TIERS)
def test_each_tier_has_its_level(tier: str) -> None:
    """`evidence.level`: what HighRisk needs, MinimalRisk need not; unknown is HighRisk."""
    policy = level("Recomputable", tiers=[tier])
    for category in RiskCategory:
        evidence = replace(PASSING, risk_category=category, classification=None)
        judged_as = "HighRisk" if category is RiskCategory.PROHIBITED else category.value
        assert bool(found(asked(evidence, policy), "evidence/level")) is (judged_as == tier)
    unknown = replace(PASSING, risk_category=None)
    assert bool(found(asked(unknown, policy), "evidence/level")) is (tier == "HighRisk")


def test_each_statement_that_does_not_count_says_so() -> None:
    """`evidence/level`: one field may be covered by one, and others by another."""
    verdict = asked(signed(whole(STRANGER), audit(STRANGER)), level("Attested"))
    assert {one.path for one in found(verdict, "evidence/authority")} == {
        "spec.attestations[0]",
        "spec.attestations[1]",
    }


def test_a_field_that_is_not_stated_needs_no_attestation() -> None:
    """`evidence/level`: and one that is stated needs it, however little of it is there."""
    for changes, stated in (
        ({"risk_category": None}, "training"),
        ({"risk_category": None, "stated_category": "HIGHEST"}, "riskCategory"),
        ({"training_regions": ()}, "training"),
        ({"finished_at": None}, "training"),
    ):
        fields: dict[str, Any] = changes
        paths = {one.path for one in found(asked(signed(**fields), level("Attested")), "evidence/level")}
        assert f"spec.{stated}" in paths, changes
    for nothing, field in (
        ({"risk_category": None}, "riskCategory"),
        ({"finished_at": None, "training_regions": ()}, "training"),
    ):
        fields = nothing
        paths = {one.path for one in found(asked(signed(**fields), level("Attested")), "evidence/level")}
        assert f"spec.{field}" not in paths, nothing
