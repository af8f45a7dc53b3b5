"""A second opinion: allow or deny by a few naive lines, for questions without refinements."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from hypothesis import event, given
from hypothesis import strategies as st

from actgate.api.compliance_manifest import Metric, RiskCategory
from actgate.api.predicates import BIAS_AUDIT, COMPLIANCE_MANIFEST
from actgate.decision import Manifest, Policy
from actgate.decision.manifest import GroupCount, Measurement, Oversight, Region
from tests.decision.build import ASKING, MODEL, NOW, PASSING, judge, policy
from tests.decision.signing import authority, key, requires, signed, statement, trusting

EU_COUNTRY = {
    ("aws", "eu-west-3"): True,
    ("aws", "eu-west-3c"): True,
    ("aws", "eu-west-2"): False,
    ("aws", "eu-central-2"): False,
    ("gcp", "europe-west9-b"): True,
    ("gcp", "europe-west2"): False,
    ("azure", "norwayeast"): False,
    ("oci", "eu-jovanovac-1"): False,
    (None, "eu-west-3"): True,
    (None, "eu-central-1"): True,
    (None, "eu-west-1"): False,
    (None, "eu-west-2"): False,
    ("aws", "us-east-1"): False,
}
"""Whether a region lies in the EU for certain, by hand."""


TIERS = (RiskCategory.HIGH_RISK, RiskCategory.LIMITED_RISK, RiskCategory.MINIMAL_RISK)


@dataclass(frozen=True, slots=True)
class Question:
    """The whole of a small question: what the evidence states and what the policy asks."""

    category: RiskCategory
    differences: tuple[float, ...]
    ratios: tuple[float, ...]
    selected: tuple[tuple[int, int], ...]
    """Of a thousand persons in each of two groups; their difference is stated with two digits."""
    region: tuple[str | None, str]
    oversight: bool
    age_days: int
    ends_in_days: int
    same_model: bool
    limit: float
    floor: float
    max_age_days: int
    bias_for_minimal: bool


T = TypeVar("T")


def mostly(*usual: T, sometimes: st.SearchStrategy[T]) -> st.SearchStrategy[T]:
    """Return what passes eight times of nine, so that about half of all questions pass as a whole."""
    return st.integers(0, 8).flatmap(lambda die: sometimes if die == 8 else st.sampled_from(usual))


questions = st.builds(
    Question,
    category=mostly(*TIERS, sometimes=st.just(RiskCategory.PROHIBITED)),
    differences=st.lists(
        mostly(0.0, 0.05, -0.05, sometimes=st.integers(-20, 20).map(lambda number: number / 100)), max_size=2
    ).map(tuple),
    ratios=st.lists(
        mostly(0.8, 1.0, 1.25, sometimes=st.integers(40, 160).map(lambda number: number / 100)), max_size=2
    ).map(tuple),
    selected=st.lists(
        mostly(
            (500, 500),
            (550, 500),
            (500, 546),
            sometimes=st.tuples(st.integers(450, 550), st.integers(450, 650)),
        ),
        max_size=2,
    ).map(tuple),
    region=mostly(
        *(key for key, inside in EU_COUNTRY.items() if inside),
        sometimes=st.sampled_from([key for key, inside in EU_COUNTRY.items() if not inside]),
    ),
    oversight=mostly(True, sometimes=st.just(False)),
    age_days=mostly(0, 19, sometimes=st.integers(20, 70)),
    ends_in_days=mostly(1, 20, sometimes=st.integers(-2, 0)),
    same_model=mostly(True, sometimes=st.just(False)),
    limit=st.sampled_from([0.05, 0.1, 0.15]),
    floor=st.sampled_from([0.5, 0.8]),
    max_age_days=st.sampled_from([20, 60]),
    bias_for_minimal=st.booleans(),
)


def oracle(asked: Question) -> bool:
    """Decide by the words of the rule table, one line each."""
    needs_bias = asked.category is not RiskCategory.MINIMAL_RISK or asked.bias_for_minimal
    fair = all(-asked.limit <= value <= asked.limit for value in asked.differences) and all(
        asked.floor <= value <= 1 or (value > 1 and 1 / value >= asked.floor) for value in asked.ratios
    )
    counted_fair = all(abs(one - other) <= round(asked.limit * 1000) for one, other in asked.selected)
    measured = len(asked.differences) + len(asked.ratios) + len(asked.selected) > 0
    return (
        asked.category is not RiskCategory.PROHIBITED
        and (not needs_bias or (fair and counted_fair and measured))
        and EU_COUNTRY[asked.region]
        and asked.oversight
        and asked.age_days < asked.max_age_days
        and asked.ends_in_days > 0
        and asked.same_model
    )


def as_evidence(asked: Question, now: datetime) -> Manifest:
    """Write the question's evidence as a manifest."""
    provider, code = asked.region
    measured = [
        Measurement(metric, value, attribute=f"attribute {number}")
        for metric, values in (
            (Metric.EQUALIZED_ODDS_DIFFERENCE, asked.differences),
            (Metric.DISPARATE_IMPACT, asked.ratios),
        )
        for number, value in enumerate(values)
    ]
    measured += [
        Measurement(
            Metric.DEMOGRAPHIC_PARITY_DIFFERENCE,
            round((one - other) / 1000, 2),
            attribute=f"counted {number}",
            groups=(GroupCount("a", 1000, selected=one), GroupCount("b", 1000, selected=other)),
        )
        for number, (one, other) in enumerate(asked.selected)
    ]
    return replace(
        PASSING,
        model=MODEL if asked.same_model else replace(MODEL, name="Other"),
        risk_category=asked.category,
        classification=None,
        bias=tuple(measured),
        training_regions=(Region(code, provider),),
        oversight=Oversight(enabled=asked.oversight),
        finished_at=now - timedelta(days=asked.age_days),
        not_after=now + timedelta(days=asked.ends_in_days),
    )


def as_policy(asked: Question) -> Policy:
    """Write what the question asks as a policy."""
    tiers = ["HighRisk", "LimitedRisk", *(["MinimalRisk"] if asked.bias_for_minimal else [])]
    return policy(
        bias={"requiredFor": tiers, "maxDifference": asked.limit, "minRatio": asked.floor},
        evidence={"maxAge": f"{asked.max_age_days * 24}h"},
    )


@given(questions)
def test_a_naive_reading_of_the_rule_table_agrees(asked: Question) -> None:
    """Written twice, by rules and by one expression, the answer is the same."""
    verdict = judge(as_evidence(asked, NOW), ASKING, as_policy(asked))
    event(f"allowed: {verdict.allowed}")
    assert verdict.allowed is oracle(asked), verdict.findings


PARTIES = ("anna", "ben", "carl")
NAMES = ("training", "audit", "office")
types = st.sampled_from([BIAS_AUDIT, BIAS_AUDIT, COMPLIANCE_MANIFEST])


@dataclass(frozen=True, slots=True)
class Signing:
    """Who holds the key of each authority and may attest what, who signed what, and what is required."""

    holder: tuple[str, ...]
    may_attest: tuple[str, ...]
    signed: tuple[tuple[str, tuple[str, ...]], ...]
    wanted: str
    able: tuple[str, ...]
    number: int
    excluded: tuple[str, ...]


signings = st.builds(
    Signing,
    holder=st.tuples(*[st.sampled_from(PARTIES)] * len(NAMES)),
    may_attest=st.tuples(*[types] * len(NAMES)),
    signed=st.lists(
        st.tuples(types, st.lists(st.sampled_from(PARTIES), min_size=1, max_size=3).map(tuple)), max_size=3
    ).map(tuple),
    wanted=st.just(BIAS_AUDIT),
    able=st.sets(st.sampled_from(NAMES), min_size=1).map(lambda names: tuple(sorted(names))),
    number=st.sampled_from([1, 1, 2]),
    excluded=st.sets(st.sampled_from(NAMES), max_size=1).map(tuple),
)


def enough_sign(asked: Signing) -> bool:
    """Count by the words of `minSigners` and `distinctFrom`."""
    owner = dict(zip(NAMES, asked.holder, strict=True))
    entitled = dict(zip(NAMES, asked.may_attest, strict=True))
    people = {owner[name] for name in asked.able if entitled[name] == asked.wanted}
    present = {who for what, signers in asked.signed if what == asked.wanted for who in signers}
    return len(people & present - {owner[name] for name in asked.excluded}) >= asked.number


@given(signings)
def test_a_naive_count_of_signers_agrees(asked: Signing) -> None:
    """Sets of people say the same as parties, authorities and envelopes."""
    anchors = {name: frozenset({key(who).anchor}) for name, who in zip(NAMES, asked.holder, strict=True)}
    house = trusting(
        *(authority(name, what) for name, what in zip(NAMES, asked.may_attest, strict=True)),
        anchors=anchors,
        require=[
            requires(asked.wanted, *asked.able, minSigners=asked.number, distinctFrom=list(asked.excluded))
        ],
    )
    items = (
        statement(f"s{place}", what, *map(key, signers)) for place, (what, signers) in enumerate(asked.signed)
    )
    verdict = judge(signed(*items), ASKING, house)
    event(f"allowed: {verdict.allowed}")
    assert verdict.allowed is enough_sign(asked), verdict.findings
