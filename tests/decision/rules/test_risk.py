from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from actgate.api.compliance_manifest import RiskCategory
from actgate.decision.data import ai_act
from actgate.decision.manifest import Classification, Manifest
from tests.decision.build import NOW, judge, manifest, policy, refused_for, rules_of, subject, warned_of

BEGINS = datetime(2026, 12, 2, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def classified(category: RiskCategory | None, basis: str | None = None, **stated: bool) -> Manifest:
    """Return passing evidence of a category on the basis of a point of the Act."""
    return manifest(risk_category=category, classification=Classification(basis, **stated))


@pytest.mark.parametrize("enforcement", ["Deny", "Warn", "Audit"])
def test_risk_prohibited_whatever_the_policy_says(enforcement: str) -> None:
    """`risk/prohibited`: no policy can relax Art. 5, and an Audit policy refuses it too."""
    verdict = judge(classified(RiskCategory.PROHIBITED), subject(), policy(enforcement=enforcement))
    finding = refused_for(verdict, "risk/prohibited")
    assert (finding.basis, finding.path) == ("AI Act Art. 5", "spec.riskCategory")


@pytest.mark.parametrize("point", [entry["id"] for entry in ai_act()["art5_prohibited"]])
@pytest.mark.parametrize("category", [*RiskCategory, None])
def test_risk_prohibited_on_every_point_of_article_5(point: str, category: RiskCategory | None) -> None:
    """`risk/prohibited`: a classification that rests on Art. 5 counts, whatever category is stated."""
    verdict = judge(classified(category, point), now=BEGINS)
    assert verdict.failed_rules == ("risk/prohibited",)


@pytest.mark.parametrize("point", ["5.1.ba", "5.1.bb"])
def test_a_prohibition_counts_from_its_date(point: str) -> None:
    """The points that the Digital Omnibus added prohibit from 2026-12-02, 00:00 UTC; before, they warn."""
    evidence = classified(RiskCategory.LIMITED_RISK, point)
    before = judge(evidence, now=BEGINS - TICK)
    assert before.allowed
    assert before.valid_until == BEGINS
    finding = warned_of(before, "risk/category")
    assert f"point {point} of Art. 5 prohibits the system from 2026-12-02 on" in finding.message
    assert finding.path == "spec.classification.basis"
    assert refused_for(judge(evidence, now=BEGINS), "risk/prohibited").path == "spec.classification.basis"


def test_a_prohibition_to_come_judges_as_high_risk_meanwhile() -> None:
    """What will be prohibited is judged by the strictest tier until then."""
    strict = policy(bias={"requiredFor": ["HighRisk"]})
    evidence = manifest(
        risk_category=RiskCategory.MINIMAL_RISK, classification=Classification("5.1.ba"), bias=()
    )
    assert judge(evidence, subject(), strict).failed_rules == ("bias/missing",)


@pytest.mark.parametrize(
    ("stated", "words"),
    [(None, "Required value"), ("Low", 'Unsupported value: "Low"'), ("HIGH\n", "HIGH\\n")],
)
def test_risk_category_missing_or_unknown_is_judged_as_high_risk(stated: str | None, words: str) -> None:
    """`risk/category`: unknown is never the mildest tier, and the verdict says so."""
    strict = policy(bias={"requiredFor": ["HighRisk"]})
    evidence = manifest(risk_category=None, stated_category=stated, bias=())
    verdict = judge(evidence, subject(), strict)
    assert verdict.failed_rules == ("bias/missing",)
    finding = warned_of(verdict, "risk/category")
    assert ": judged as HighRisk: " in finding.message
    assert words in finding.message
    assert finding.basis == "AI Act Art. 6"


@pytest.mark.parametrize(
    ("basis", "stated", "words"),
    [
        ("III.5.b", {}, "unless profiling is stated to be false"),
        ("III.5.b", {"profiling": True, "reasoned": True}, "unless profiling is stated to be false"),
        ("III.5.b", {"profiling": False}, "only with a documented reasoning"),
        ("III.2", {"reasoned": True}, "unless profiling is stated to be false"),
        ("I", {"profiling": False, "reasoned": True}, "a product of Annex I is high-risk"),
        (
            "III.9.z",
            {"profiling": False, "reasoned": True},
            '"III.9.z": judged as HighRisk: must be a point of the Act',
        ),
        ("iii.5.b ", {"profiling": True}, "unless profiling is stated to be false"),
        ("Annex III point 5(b)", {"profiling": True}, "unless profiling is stated to be false"),
    ],
)
@pytest.mark.parametrize("category", [RiskCategory.LIMITED_RISK, RiskCategory.MINIMAL_RISK])
def test_risk_category_that_its_classification_contradicts(
    category: RiskCategory, basis: str, stated: dict[str, bool], words: str
) -> None:
    """`risk/category`: below high-risk needs what Art. 6 asks for; else it is judged as HighRisk."""
    strict = policy(humanOversight={"requiredFor": ["HighRisk"]})
    evidence = manifest(
        risk_category=category, classification=Classification(basis, **stated), oversight=None
    )
    verdict = judge(evidence, subject(), strict)
    assert verdict.failed_rules == ("oversight/missing",)
    assert words in warned_of(verdict, "risk/category").message


@pytest.mark.parametrize(
    "classification",
    [
        None,
        Classification(),
        Classification("none"),
        Classification(None, profiling=True),
        Classification("III.5.b", profiling=False, reasoned=True),
    ],
)
def test_a_category_below_high_risk_that_nothing_contradicts_stands(
    classification: Classification | None,
) -> None:
    """A milder tier is taken at its word where the classification bears it out or says nothing."""
    strict = policy(humanOversight={"requiredFor": ["HighRisk"]})
    evidence = manifest(
        risk_category=RiskCategory.LIMITED_RISK, classification=classification, oversight=None
    )
    verdict = judge(evidence, subject(), strict)
    assert (verdict.outcome, rules_of(verdict.findings)) == ("Pass", set())


def test_a_prohibition_long_in_force_needs_no_transition_time() -> None:
    """Nothing that time does changes a prohibition that already counts."""
    evidence = manifest(classification=Classification("5.1.c"), finished_at=None)
    assert judge(evidence, now=NOW).valid_until is None


@pytest.mark.parametrize("basis", ["5.1.c", "5.1.C", " Art. 5(1)(c)"])
@pytest.mark.parametrize("category", list(RiskCategory))
def test_a_prohibited_practice_is_known_by_every_spelling(basis: str, category: RiskCategory) -> None:
    """`risk/prohibited`: neither the letter case nor the Act's own notation hides a practice."""
    evidence = manifest(risk_category=category, classification=Classification(basis))
    assert "risk/prohibited" in judge(evidence).failed_rules


def test_an_unknown_basis_is_reported_in_every_tier() -> None:
    """`risk/category`: an unknown point is no reason, also for a high-risk system."""
    evidence = manifest(risk_category=RiskCategory.HIGH_RISK, classification=Classification("Art. 99"))
    verdict = judge(evidence)
    assert (verdict.outcome, rules_of(verdict.findings)) == ("Warn", {"risk/category"})
