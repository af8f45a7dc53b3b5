from __future__ import annotations

from dataclasses import replace

import pytest

from actgate.api.compliance_manifest import Metric, RiskCategory
from actgate.decision.manifest import GroupCount
from tests.decision.build import (
    FAIR,
    counted,
    found,
    judge,
    manifest,
    measured,
    policy,
    refused_for,
    subject,
    warned_of,
)

DIFFERENCES = [metric for metric in Metric if metric.value.endswith("_difference")]
RATIOS = [metric for metric in Metric if metric not in DIFFERENCES]


def test_fair_evidence_passes_without_a_finding() -> None:
    """The manifest that the other tests spoil has nothing wrong with it."""
    verdict = judge()
    assert (verdict.outcome, verdict.findings) == ("Pass", ())


def test_bias_missing_without_any_measurement() -> None:
    """`bias/missing`: a manifest without a measurement is refused."""
    finding = refused_for(judge(manifest(bias=())), "bias/missing")
    assert (finding.basis, finding.path) == ("AI Act Art. 10(2)(f)", "spec.bias")


def test_bias_missing_for_an_attribute_that_the_policy_names() -> None:
    """`bias/missing`: each attribute that the policy names needs a measurement of its own."""
    asking = policy(bias={"attributes": ["gender", "age", "origin"]})
    verdict = judge(manifest(), subject(), asking)
    messages = [finding.message for finding in found(verdict, "bias/missing")]
    assert verdict.failed_rules == ("bias/missing",)
    assert [message.split('"')[1] for message in messages] == ["age", "origin"]


@pytest.mark.parametrize("metric", DIFFERENCES)
@pytest.mark.parametrize(
    ("value", "holds"),
    [
        (0.0, True),
        (0.05, True),
        (-0.05, True),
        (0.0500001, False),
        (-0.2, False),
        (0.2, False),
        (-1.0, False),
    ],
)
def test_bias_limit_counts_a_difference_by_its_absolute_value(
    metric: Metric, value: float, holds: bool
) -> None:
    """`bias/limit`: -0.2 fails like 0.2, for every difference metric; the limit itself passes."""
    verdict = judge(measured(metric=metric, value=value, compliant=None))
    assert (verdict.failed_rules == ()) is holds
    assert (verdict.failed_rules == ("bias/limit",)) is not holds


@pytest.mark.parametrize("metric", RATIOS)
@pytest.mark.parametrize(
    ("value", "holds"),
    [(1.0, True), (0.8, True), (1.25, True), (0.79, False), (1.26, False), (1.667, False), (0.0, False)],
)
def test_bias_limit_counts_a_ratio_by_the_smaller_of_itself_and_its_reciprocal(
    metric: Metric, value: float, holds: bool
) -> None:
    """`bias/limit`: disparate impact 1.667 fails like 0.6, for every ratio metric."""
    verdict = judge(measured(metric=metric, value=value, threshold=None, compliant=None))
    assert (verdict.failed_rules == ()) is holds
    assert (verdict.failed_rules == ("bias/limit",)) is not holds


def test_bias_limit_says_value_limit_and_whose_limit_it_is() -> None:
    """The message of `bias/limit` holds what was found, what was expected, and who asks for it."""
    finding = refused_for(judge(measured(value=-0.2, compliant=None)), "bias/limit")
    assert finding.message == (
        "Invalid value: -0.2: must be >= -0.05 (policy baseline) "
        'for demographic_parity_difference of "gender"'
    )
    assert (finding.path, finding.basis) == ("spec.bias[0].value", "house policy")


def test_bias_limit_shows_every_digit_of_a_value_just_beyond_it() -> None:
    """A value that fails is never rounded to one that would pass."""
    finding = refused_for(judge(measured(value=0.05000001, compliant=None)), "bias/limit")
    assert finding.message.startswith("Invalid value: 0.05000001: must be <= 0.05 (policy baseline)")


def test_bias_limit_of_a_ratio_above_one_speaks_of_its_reciprocal() -> None:
    """1.5 is not below 0.8; its reciprocal is, and the message says so."""
    evidence = measured(metric=Metric.DISPARATE_IMPACT, value=1.5, threshold=None, compliant=None)
    finding = refused_for(judge(evidence), "bias/limit")
    assert finding.message.startswith(
        "Invalid value: 1.5: must be <= 1.25, the reciprocal of 0.8 (policy baseline)"
    )


@pytest.mark.parametrize(
    ("metric", "value", "own", "holds"),
    [
        (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.03, 0.01, False),
        (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.07, 0.9, False),
        (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.03, 0.9, True),
        (Metric.DISPARATE_IMPACT, 0.85, 0.9, False),
        (Metric.DISPARATE_IMPACT, 0.7, 0.1, False),
        (Metric.DISPARATE_IMPACT, 0.85, 0.1, True),
    ],
)
def test_bias_limit_is_the_stricter_of_manifest_and_policy(
    metric: Metric, value: float, own: float, holds: bool
) -> None:
    """A threshold in the manifest tightens the limit and never loosens it."""
    verdict = judge(measured(metric=metric, value=value, threshold=own, compliant=None))
    assert verdict.allowed is holds


def test_bias_limit_names_the_manifest_as_the_owner_of_its_own_stricter_limit() -> None:
    """The message says whose limit refuses: the manifest's own threshold."""
    finding = refused_for(judge(measured(threshold=0.01, compliant=None)), "bias/limit")
    assert finding.message.startswith("Invalid value: 0.03: must be <= 0.01 (the manifest's own threshold)")


def test_a_policy_that_accepts_any_ratio_accepts_zero() -> None:
    """`minRatio: 0` switches the limit off: zero is not below zero."""
    evidence = measured(metric=Metric.DISPARATE_IMPACT, value=0.0, threshold=None, compliant=None)
    assert judge(evidence, subject(), policy(bias={"minRatio": 0})).allowed


@pytest.mark.parametrize(("value", "claimed"), [(0.2, True), (-0.2, True), (0.03, False)])
def test_bias_claim_that_contradicts_the_recomputation(value: float, claimed: bool) -> None:
    """`bias/claim`: both a pass and a failure that the numbers contradict are refused."""
    finding = refused_for(judge(measured(value=value, compliant=claimed)), "bias/claim")
    assert (finding.path, finding.basis) == ("spec.bias[0].compliant", "actgate")
    stated, computed = str(claimed).lower(), str(not claimed).lower()
    assert finding.message.startswith(f"Invalid value: {stated}: must be {computed}, as {value} ")


@pytest.mark.parametrize(("value", "claimed"), [(0.03, True), (0.03, None), (0.2, None), (0.2, False)])
def test_bias_claim_that_agrees_is_no_finding(value: float, claimed: bool | None) -> None:
    """`bias/claim` is silent where the claim agrees, or nothing is claimed."""
    assert not found(judge(measured(value=value, compliant=claimed)), "bias/claim")


@pytest.mark.parametrize("enforcement", ["Deny", "Warn", "Audit"])
@pytest.mark.parametrize("tiers", [[], ["HighRisk"]])
@pytest.mark.parametrize("threshold", [None, 0.05, 7.0])
def test_bias_claim_counts_in_every_tier_and_enforcement(
    enforcement: str, tiers: list[str], threshold: float | None
) -> None:
    """A claim to hold is held against the manifest's limit, or the policy's where it states none."""
    house = policy(enforcement=enforcement, bias={"requiredFor": tiers})
    verdict = judge(measured(value=0.2, threshold=threshold, compliant=True), subject(), house)
    (finding,) = found(verdict, "bias/claim")
    assert finding.effect == enforcement


def test_bias_claim_to_break_a_limit_that_is_not_stated_is_believed() -> None:
    """Where no policy asks for a bias check, the pipeline's own limit is its own business."""
    relaxed = policy(bias={"requiredFor": []})
    assert judge(measured(value=0.03, threshold=None, compliant=False), subject(), relaxed).allowed


def test_bias_claim_counts_where_no_bias_check_is_required() -> None:
    """A contradiction in the evidence is refused also in a tier that needs no bias check."""
    relaxed = policy(bias={"requiredFor": []})
    assert judge(measured(value=0.2, compliant=None), subject(), relaxed).allowed
    assert judge(measured(value=0.2, compliant=True), subject(), relaxed).failed_rules == ("bias/claim",)


@pytest.mark.parametrize(
    ("groups", "rules"),
    [
        ((), ("bias/sample",)),
        ((GroupCount("all", 9000),), ("bias/sample",)),
        ((GroupCount("f", 90), GroupCount("F ", 80)), ("bias/sample", "bias/counts")),
    ],
)
def test_bias_sample_with_fewer_than_two_groups(
    groups: tuple[GroupCount, ...], rules: tuple[str, ...]
) -> None:
    """`bias/sample`: a comparison needs two groups; naming one of them twice does not make two."""
    verdict = judge(measured(groups=groups), subject(), policy(bias={"minGroupCount": 50}))
    assert verdict.failed_rules == rules


@pytest.mark.parametrize(
    "groups",
    [
        (GroupCount("all", 9000),),
        (GroupCount("f", 90), GroupCount("m", 0)),
        (GroupCount("f", 0), GroupCount("m", 0)),
        (GroupCount("f", 90), GroupCount("m", 80), GroupCount("x", 0)),
    ],
)
@pytest.mark.parametrize("tiers", [[], ["HighRisk"]])
def test_bias_sample_refuses_groups_that_compare_nothing_under_every_policy(
    groups: tuple[GroupCount, ...], tiers: list[str]
) -> None:
    """One group, or an empty one, is refused without a minimum too, and in tiers that need no bias check."""
    verdict = judge(measured(groups=groups), subject(), policy(bias={"requiredFor": tiers}))
    assert verdict.failed_rules == ("bias/sample",)


@pytest.mark.parametrize(
    ("metric", "value", "rates"),
    [
        (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.05, (0.4001, 0.4549)),
        (Metric.STATISTICAL_PARITY_DIFFERENCE, 0.01, (0.1, 0.5, 0.51)),
        (Metric.DEMOGRAPHIC_PARITY_RATIO, 0.8, (0.4001, 0.5102)),
        (Metric.DISPARATE_IMPACT, 0.98, (0.1, 0.5, 0.51)),
    ],
)
def test_bias_limit_is_held_by_the_groups_as_well(
    metric: Metric, value: float, rates: tuple[float, ...]
) -> None:
    """`bias/limit`: a rounded value, or that of two groups among three, hides no larger disparity."""
    groups = tuple(GroupCount(str(number), 10_000, rate) for number, rate in enumerate(rates))
    evidence = measured(metric=metric, value=value, threshold=None, compliant=None, groups=groups)
    finding = refused_for(judge(evidence), "bias/limit")
    assert finding.path == "spec.bias[0].groups"
    assert judge(evidence).failed_rules == ("bias/limit",)


def test_bias_sample_with_a_group_below_the_minimum() -> None:
    """`bias/sample`: a group one person short is refused, a group of exactly the minimum is not."""
    groups = (GroupCount("female", 99), GroupCount("male", 100))
    verdict = judge(measured(groups=groups), subject(), policy(bias={"minGroupCount": 100}))
    finding = refused_for(verdict, "bias/sample")
    assert finding.path == "spec.bias[0].groups[0].count"
    assert finding.message == 'Invalid value: 99: must be >= 100 (policy house) for group "female"'


def test_bias_sample_only_warns_where_the_policy_sets_no_minimum() -> None:
    """Evidence that names no groups cannot prove much; without a minimum it is a warning."""
    verdict = judge(measured(groups=()))
    assert warned_of(verdict, "bias/sample").path == "spec.bias[0].groups"
    assert verdict.allowed


def test_every_measurement_counts() -> None:
    """One bad measurement among good ones is refused, by its own index."""
    evidence = manifest(bias=(FAIR, replace(FAIR, attribute="age", value=0.3, compliant=None), FAIR))
    assert refused_for(judge(evidence), "bias/limit").path == "spec.bias[1].value"


@pytest.mark.parametrize("tier", [RiskCategory.LIMITED_RISK, RiskCategory.MINIMAL_RISK])
def test_tiers_that_the_policy_leaves_out_need_no_bias_check(tier: RiskCategory) -> None:
    """`bias.requiredFor` decides per tier, and covers all three by default."""
    evidence = manifest(bias=(), risk_category=tier, classification=None)
    assert judge(evidence).failed_rules == ("bias/missing",)
    assert judge(evidence, subject(), policy(bias={"requiredFor": ["HighRisk"]})).allowed


def test_bias_limit_is_held_against_what_the_counts_say() -> None:
    """A value that rounding brought within the limit does not pass; one that it left just beyond does."""
    beyond = counted(Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.05, (10_000, 4504), (10_000, 4000))
    finding = refused_for(judge(manifest(bias=(beyond,))), "bias/limit")
    assert (finding.path, finding.message) == (
        "spec.bias[0].groups",
        "Invalid value: a difference of 0.0504 by the counts: must be <= 0.05 (policy baseline)",
    )
    within = counted(Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.55 - 0.5, (100, 55), (100, 50))
    assert within.value > 0.05
    assert judge(manifest(bias=(within,))).findings == ()


@pytest.mark.parametrize(
    ("metric", "value", "groups"),
    [
        (Metric.EQUAL_OPPORTUNITY_DIFFERENCE, 0.05, ((20_000, 10_000, 4504, 0), (20_000, 10_000, 4000, 0))),
        (Metric.EQUALIZED_ODDS_DIFFERENCE, 0.05, ((20_000, 10_000, 5, 4504), (20_000, 10_000, 5, 4000))),
        (Metric.AVERAGE_ODDS_DIFFERENCE, -0.05, ((200, 100, 45, 45), (20_000, 10_000, 4000, 3992))),
        (Metric.DISPARATE_IMPACT, 0.8, ((10_000, 5000), (10_000, 3996))),
        (Metric.DISPARATE_IMPACT, 1.25, ((10_000, 3996), (10_000, 5000))),
        (Metric.EQUALIZED_ODDS_RATIO, 0.8, ((20_000, 10_000, 5000, 9), (20_000, 10_000, 3996, 9))),
    ],
)
def test_bias_limit_recomputes_every_metric(
    metric: Metric, value: float, groups: tuple[tuple[int, ...], ...]
) -> None:
    """The same for rates of errors and for ratios, either way up."""
    verdict = judge(manifest(bias=(counted(metric, value, *groups, reference="a"),)))
    assert verdict.failed_rules == ("bias/limit",), verdict.findings
    assert refused_for(verdict, "bias/limit").path == "spec.bias[0].groups"


@pytest.mark.parametrize("tiers", [["HighRisk"], []])
def test_bias_claim_is_held_against_what_the_counts_say(tiers: list[str]) -> None:
    """In every tier: a claim that only the rounded value backs is refused, and an honest one is not."""
    pair = ((10_000, 4504), (10_000, 4000))
    house = policy(bias={"requiredFor": tiers})
    for claimed in (True, False):
        stated = counted(Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.05, *pair, threshold=0.05, compliant=claimed)
        verdict = judge(manifest(bias=(stated,)), subject(), house)
        messages = [finding.message for finding in found(verdict, "bias/claim")]
        assert messages == (
            ["Invalid value: true: must be false, as 0.0504, by the counts, does not meet the limit 0.05"]
            if claimed
            else []
        )


@pytest.mark.parametrize(
    ("metric", "group", "must"),
    [
        (Metric.EQUAL_OPPORTUNITY_DIFFERENCE, (100, 0, 0, 20), ">= 1"),
        (Metric.EQUALIZED_ODDS_DIFFERENCE, (100, 0, 0, 20), ">= 1"),
        (Metric.EQUALIZED_ODDS_RATIO, (100, 100, 30, 0), "< 100"),
        (Metric.AVERAGE_ODDS_DIFFERENCE, (100, 100, 30, 0), "< 100"),
    ],
)
@pytest.mark.parametrize("tiers", [["HighRisk"], []])
def test_bias_sample_of_a_group_without_persons_to_count_on(
    metric: Metric, group: tuple[int, ...], must: str, tiers: list[str]
) -> None:
    """Libraries take such a rate as 0; nothing was measured, and a difference from it is none."""
    measurement = counted(metric, 1.0 if metric.is_ratio else 0.0, (200, 100, 60, 30), group)
    finding = refused_for(
        judge(manifest(bias=(measurement,)), subject(), policy(bias={"requiredFor": tiers})), "bias/sample"
    )
    assert finding.path == "spec.bias[0].groups[1].positives"
    assert finding.message.startswith(f"Invalid value: {group[1]}: must be {must}, {metric} compares ")


@pytest.mark.parametrize("group", [(100, 0, 0, 20), (100, 100, 30, 0)])
def test_parity_needs_no_positives(group: tuple[int, ...]) -> None:
    """Selection rates do not depend on who should have been selected, and true positives need no others."""
    other = (1000, 500, 200, 100) if group[3] == 0 else (1000, 500, 150, 50)
    parity = counted(Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.0, other, group)
    assert judge(manifest(bias=(parity,))).findings == ()
    if group[1] == group[0]:
        opportunity = counted(Metric.EQUAL_OPPORTUNITY_DIFFERENCE, 0.1, other, group)
        assert judge(manifest(bias=(opportunity,))).failed_rules == ("bias/limit",)


def test_a_tier_without_bias_checks_has_no_smallest_group() -> None:
    """Nor does it need groups; the claim of a measurement is held against the pipeline's own limit there."""
    large = policy(bias={"minGroupCount": 5000, "requiredFor": ["LimitedRisk"]})
    for measurement in (FAIR, replace(FAIR, groups=())):
        assert not found(judge(manifest(bias=(measurement,)), subject(), large), "bias/sample")


def test_a_claim_is_held_against_the_stricter_limit_where_checks_are_required() -> None:
    """`bias/claim`: a generous threshold of the pipeline makes no claim true."""
    generous = replace(FAIR, value=0.3, threshold=0.5, compliant=True)
    assert "must be false" in refused_for(judge(manifest(bias=(generous,))), "bias/claim").message


def test_a_value_beyond_its_limit_is_reported_once() -> None:
    """Also where the selection rates beside it say the same."""
    stated = (GroupCount("a", 1000, 0.5), GroupCount("b", 1000, 0.2))
    beyond = replace(FAIR, value=0.3, compliant=None, groups=stated)
    assert len(found(judge(manifest(bias=(beyond,))), "bias/limit")) == 1


def test_a_group_of_one_person_is_no_empty_group() -> None:
    """It is too small for a minimum, and an empty one is not called too small as well."""
    few = replace(FAIR, groups=(*FAIR.groups, GroupCount("other", 1)))
    none = replace(FAIR, groups=(*FAIR.groups, GroupCount("other", 0)))
    least = policy(bias={"minGroupCount": 2})
    assert judge(manifest(bias=(few,))).findings == ()
    assert (
        "must be >= 2" in refused_for(judge(manifest(bias=(few,)), subject(), least), "bias/sample").message
    )
    assert (
        "must be >= 1" in refused_for(judge(manifest(bias=(none,)), subject(), least), "bias/sample").message
    )
