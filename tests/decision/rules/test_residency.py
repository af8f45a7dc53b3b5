from __future__ import annotations

import pytest

from actgate.api.compliance_manifest import RiskCategory
from actgate.decision.manifest import Region
from actgate.decision.subject import SubjectProblem
from tests.decision.build import (
    LONDON,
    PARIS,
    found,
    judge,
    manifest,
    policy,
    refused_for,
    subject,
    warned_of,
)

RESIDENCY = "residency/training"


def trained(*regions: Region) -> str:
    """Return the message of the one refusal of training in some regions, under the baseline."""
    return refused_for(judge(manifest(training_regions=regions)), RESIDENCY).message


def test_residency_training_that_is_not_stated() -> None:
    """`residency/training`: no region is not an allowed region."""
    finding = refused_for(judge(manifest(training_regions=())), RESIDENCY)
    assert (finding.basis, finding.path) == ("house policy", "spec.training.regions")


@pytest.mark.parametrize(
    ("region", "place"),
    [
        (LONDON, "must be in an allowed country (EU), is London, GB (aws)"),
        (Region("europe-west2", "gcp"), "London, GB (gcp)"),
        (Region("eu-central-2", "aws"), "Zurich, CH (aws)"),
        (Region("europe-west6-a", "gcp"), "Zurich, CH (gcp)"),
        (Region("norwayeast", "azure"), "Oslo, NO (azure)"),
        (Region("eu-jovanovac-1", "oci"), "Kragujevac, RS (oci)"),
        (Region("eu-west-1", "alibaba"), "London, GB (alibaba)"),
        (Region("us-east-1", "aws"), "must be in an allowed country (EU), is N. Virginia, US (aws)"),
        (Region("us-east-1"), "N. Virginia, US (aws) or Virginia, US (alibaba)"),
        (Region("chinanorth3", "azure"), "China, CN (azure)"),
        (Region("ap-southeast-1b", "aws"), "Singapore, SG (aws)"),
    ],
)
def test_residency_training_in_a_country_that_is_not_allowed(region: Region, place: str) -> None:
    """`residency/training`: the message names the place that the code really means."""
    assert place in trained(region)


@pytest.mark.parametrize(
    "region",
    [
        Region("us-east-9", "aws"),
        Region("eu-west-3-cmn-wlz-1a", "aws"),
        Region("EU", None),
        Region("eu-west-3", "azure"),
        Region("", None),
    ],
)
def test_residency_training_in_an_unknown_region(region: Region) -> None:
    """`residency/training`: a code that the table does not hold is refused as unknown."""
    assert "region not found at" in trained(region)


def test_residency_training_by_an_ambiguous_code() -> None:
    """`residency/training`: without a provider, every provider that has the code must be allowed."""
    finding = refused_for(judge(manifest(training_regions=(Region("eu-west-1"),))), RESIDENCY)
    assert "Dublin, IE (aws) or London, GB (alibaba)" in finding.message
    assert finding.remediation == "state the provider beside the region"
    assert judge(manifest(training_regions=(Region("eu-west-1", "aws"),))).allowed
    assert judge(manifest(training_regions=(Region("eu-central-1"),))).allowed


def test_every_training_region_counts() -> None:
    """One region abroad among allowed ones is refused, by its own index."""
    verdict = judge(manifest(training_regions=(PARIS, LONDON, PARIS)))
    assert refused_for(verdict, RESIDENCY).path == "spec.training.regions[1]"


@pytest.mark.parametrize(
    ("countries", "allowed"),
    [(["EU"], False), (["EEA"], True), (["NO"], True), (["EU", "NO"], True), (["FR"], False), ([], False)],
)
def test_norway_is_in_the_eea_and_not_in_the_eu(countries: list[str], allowed: bool) -> None:
    """`countries` takes EU, EEA and ISO codes; an empty list allows nothing."""
    house = policy(residency={"countries": countries, "serving": "Ignore"})
    verdict = judge(manifest(training_regions=(Region("norwayeast", "azure"),)), subject(), house)
    assert verdict.allowed is allowed


@pytest.mark.parametrize(
    ("region", "effect"),
    [
        (Region("eu-west-3", "aws", "EU-WEST-3 (Paris/Frankfurt)"), "Warn"),
        (Region("eu-west-3", None, "EU-WEST-3 (Paris/Frankfurt)"), "Warn"),
        (Region("eu-west-3", None, "EU-WEST-3 (Paris/Allemagne)"), "Warn"),
        (Region("eu-west-3", "aws", "eu-west-3 eu-central-1"), "Warn"),
        (Region("eu-west-3", "aws", "Paris, and Zürich"), "Deny"),
        (Region("eu-west-3", "aws", "eu-west-3 London"), "Deny"),
        (Region("eu-west-3", "aws", "eu-west-3 us-east-1"), "Deny"),
    ],
)
def test_a_statement_that_names_another_place(region: Region, effect: str) -> None:
    """A second place in the source's own words is a doubt, and a refusal where it is not allowed."""
    (finding,) = found(judge(manifest(training_regions=(region,))), RESIDENCY)
    assert (finding.effect, finding.path) == (effect, "spec.training.regions[0].statement")
    assert "also names" in finding.message


def test_a_statement_that_names_allowed_and_other_places_says_both() -> None:
    """Frankfurt is a warning, London and Tokyo are one refusal."""
    region = Region("eu-west-3", "aws", "eu-west-3 (Frankfurt, London, Tokyo)")
    denied, warned = found(judge(manifest(training_regions=(region,))), RESIDENCY)
    assert (denied.effect, warned.effect) == ("Deny", "Warn")
    assert "also names London, GB and Tokyo, JP, which is not" in denied.message
    assert "also names Frankfurt, DE, which is not" in warned.message


@pytest.mark.parametrize(
    ("statement", "quoted"),
    [
        ("not eu-west-3", '"not" cannot be understood as region "eu-west-3"'),
        ("eu-west-3 or wherever", '"or" and "wherever" cannot'),
        ("eu-west-3 a b c d e f", '"a" and "b" and "c" and "d" and 2 more cannot'),
        ("eu-west-3\u200b", '"\\u200b" cannot'),
        ("eu-west-3 " + "x" * 900, '"' + "x" * 29 + '..." cannot'),
    ],
)
def test_a_statement_that_is_not_understood_is_refused_and_quoted(statement: str, quoted: str) -> None:
    """`residency/training`: what nothing explains is named, escaped and cut, and never let through."""
    region = Region("eu-west-3", "aws", statement)
    finding = refused_for(judge(manifest(training_regions=(region,))), RESIDENCY)
    assert finding.path == "spec.training.regions[0].statement"
    assert finding.message.startswith('Invalid value: "')
    assert quoted in finding.message
    assert len(finding.message) < 400


def test_a_statement_counts_as_its_policy_enforces() -> None:
    """A policy that only warns only warns of a remark, too."""
    house = policy(enforcement="Warn")
    region = Region("eu-west-3", "aws", "eu-west-3 or wherever")
    verdict = judge(manifest(training_regions=(region,)), subject(), house)
    assert verdict.allowed
    warned_of(verdict, RESIDENCY)


def test_a_place_in_a_statement_is_held_against_the_policy_that_is_asked() -> None:
    """Under `countries: [FR]` Frankfurt is not allowed, under `[FR, GB]` London is."""
    french = policy(residency={"countries": ["FR"], "serving": "Ignore"})
    both = policy(residency={"countries": ["FR", "GB"], "serving": "Ignore"})
    seed = manifest(training_regions=(Region("eu-west-3", None, "EU-WEST-3 (Paris/Frankfurt)"),))
    london = manifest(training_regions=(Region("eu-west-3", None, "EU-WEST-3 (Paris/London)"),))
    assert not judge(seed, subject(), french).allowed
    assert judge(london, subject(), both).allowed
    assert not judge(london, subject(), french).allowed


@pytest.mark.parametrize(
    ("countries", "region", "allowed"),
    [
        (["US"], Region("us-east-1", "aws"), True),
        (["US"], Region("us-east-1"), True),
        (["US"], Region("us-gov-west-1", "aws"), True),
        (["US"], Region("eastus2", "azure", "East US 2 (Virginia, USA)"), True),
        (["US"], Region("eu-west-3", "aws"), False),
        (["JP"], Region("asia-northeast1-b", "gcp"), True),
        (["SG"], Region("sin", "hetzner"), True),
        (["AE", "SA"], Region("me-central-1"), True),
        (["AE"], Region("me-central-1"), False),
        (["CN"], Region("cn-north-1", "aws"), True),
    ],
)
def test_policies_of_other_countries_work(countries: list[str], region: Region, allowed: bool) -> None:
    """The table holds the large clouds' regions of the world, not of Europe alone."""
    house = policy(residency={"countries": countries, "serving": "Ignore"})
    assert judge(manifest(training_regions=(region,)), subject(), house).allowed is allowed


def test_a_region_that_is_nearly_right_is_suggested_and_refused() -> None:
    """`residency/training`: a display name is no code; the remediation says which one may be meant."""
    finding = refused_for(judge(manifest(training_regions=(Region("West Europe", "azure"),))), RESIDENCY)
    assert finding.remediation.startswith("did you mean westeurope (azure)? ")


def test_a_statement_beside_a_placement_is_read_like_any_other() -> None:
    """`residency/serving`: a remark in spec.placement is refused where the region itself is allowed."""
    stated = Region("eu-west-3", "aws", "eu-west-3, failover us-east-1")
    verdict = judge(manifest(), subject(placement=(("spec.placement.regions[0]", stated),)))
    assert verdict.failed_rules == ("residency/serving",)


@pytest.mark.parametrize(
    "region",
    [
        Region("eu-west-3", "aws", "EU-WEST-3 (Paris)"),
        Region("eu-west-2", "outscale", "Paris"),
        Region("u-france-east1", "s3ns", "Paris area"),
        Region("eu-central-1", "aws", "Frankfurt, Germany"),
        Region("nl-ams", "scaleway", "Amsterdam, Netherlands"),
        Region("westeurope", "azure", "Amsterdam"),
        Region("eu-central-1", None, "Frankfurt am Main"),
    ],
)
def test_a_statement_that_agrees_with_its_region_is_no_finding(region: Region) -> None:
    """Naming the region's own city or country again says nothing new."""
    assert judge(manifest(training_regions=(region,))).findings == ()


@pytest.mark.parametrize(
    ("training", "regions", "allowed"),
    [
        ("Require", (), False),
        ("IfDeclared", (), True),
        ("IfDeclared", (LONDON,), False),
        ("Ignore", (), True),
        ("Ignore", (LONDON,), True),
    ],
)
def test_training_is_required_judged_if_declared_or_ignored(
    training: str, regions: tuple[Region, ...], allowed: bool
) -> None:
    """`residency.training` says how firmly a training region is asked for."""
    house = policy(residency={"training": training})
    assert judge(manifest(training_regions=regions), subject(), house).allowed is allowed


@pytest.mark.parametrize(
    ("serving", "placement", "allowed"),
    [
        ("Require", None, False),
        ("Require", PARIS, True),
        ("Require", LONDON, False),
        ("IfDeclared", None, True),
        ("IfDeclared", LONDON, False),
        ("IfDeclared", Region("nowhere"), False),
        ("Ignore", None, True),
        ("Ignore", LONDON, True),
    ],
)
def test_residency_serving_is_required_judged_if_declared_or_ignored(
    serving: str, placement: Region | None, allowed: bool
) -> None:
    """`residency/serving`: the placement is judged as `residency.serving` says."""
    house = policy(residency={"serving": serving})
    places = (("spec.placement.regions[0]", placement),) if placement else None
    verdict = judge(manifest(), subject(placement=places), house)
    assert verdict.allowed is allowed
    assert allowed or verdict.failed_rules == ("residency/serving",)


def test_residency_serving_counts_without_evidence_too() -> None:
    """A subject without a manifest hears about its placement in the same answer."""
    asking = subject(placement=(("spec.placement.regions[0]", LONDON),))
    assert judge(None, asking).failed_rules == ("link/manifest", "residency/serving")


@pytest.mark.parametrize(
    ("serving", "allowed"), [("Require", False), ("IfDeclared", False), ("Ignore", True)]
)
def test_a_placement_that_cannot_be_read_counts_where_residency_is_judged(
    serving: str, allowed: bool
) -> None:
    """An unreadable placement is refused, once, unless the policy ignores where a model is served."""
    problem = SubjectProblem("residency/serving", "spec.affinity", "cannot be read", "use operator In")
    house = policy(residency={"serving": serving})
    verdict = judge(manifest(), subject(placement=None, problems=(problem,)), house)
    assert verdict.allowed is allowed
    assert len(found(verdict, "residency/serving")) == (0 if allowed else 1)


def test_tiers_that_the_policy_leaves_out_may_run_and_train_anywhere() -> None:
    """`residency.requiredFor` decides per tier, for training and serving alike."""
    evidence = manifest(
        risk_category=RiskCategory.MINIMAL_RISK, classification=None, training_regions=(LONDON,)
    )
    asking = subject(placement=(("spec.placement.regions[0]", LONDON),))
    assert judge(evidence, asking).failed_rules == ("residency/training", "residency/serving")
    assert judge(evidence, asking, policy(residency={"requiredFor": ["HighRisk"]})).allowed


def test_the_seeds_own_words_pass_with_a_remark() -> None:
    """`EU-WEST-3 (Paris/Frankfurt)` is region eu-west-3, allowed, with a remark on the second city."""
    evidence = manifest(training_regions=(Region("eu-west-3", None, "EU-WEST-3 (Paris/Frankfurt)"),))
    verdict = judge(evidence)
    assert verdict.allowed
    assert "also names Frankfurt, DE" in warned_of(verdict, RESIDENCY).message


def test_an_unreadable_field_of_something_else_is_no_placement() -> None:
    """`residency/serving`: a placement that is required and missing is refused beside it."""
    other = SubjectProblem("link/model", "spec.model", "Invalid value: 1", "write a name")
    required = policy(residency={"serving": "Require"})
    verdict = judge(manifest(), subject(placement=None, problems=(other,)), required)
    assert refused_for(verdict, "residency/serving").path == "spec.placement.regions"


def test_four_words_that_are_not_understood_are_all_named() -> None:
    """Of more the number of the others is said."""
    for words, end in (("alpha beta gamma delta", '"delta"'), ("alpha beta gamma delta epsilon", "1 more")):
        message = trained(Region("eu-west-3", "aws", f"Paris {words}"))
        assert f"{end} cannot be understood" in message
