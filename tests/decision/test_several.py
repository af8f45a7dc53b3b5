"""What a verdict takes from several manifests and moments."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta, timezone

from actgate.api.compliance_manifest import Metric, RiskCategory
from actgate.decision import Link, decide, limits
from actgate.decision.manifest import Measurement
from actgate.decision.subject import SubjectProblem
from tests.decision.build import LONDON, MODEL, NOW, PASSING, found, judge, manifest, policy, subject
from tests.decision.signing import DAY, TRAINING, authority, requires, signed, trusting, whole

OTHER = replace(MODEL, name="Other", digest=None, version=None)
SECOND = replace(PASSING, name="second", model=OTHER)
BOTH = (Link(PASSING.name, MODEL.name), Link("second", OTHER.name))


def test_evidence_that_is_missing_counts_as_high_risk() -> None:
    """One of two manifests, or the only one; a tier that is known is not made stricter."""
    house = policy(residency={"requiredFor": ["HighRisk"], "serving": "Require"})
    small = manifest(risk_category=RiskCategory.MINIMAL_RISK, classification=None)
    asking = subject(links=BOTH, placement=(("spec.placement.regions[0]", LONDON),))
    for linked, judged in (
        ((small, replace(small, name="second", model=OTHER)), False),
        ((small,), True),
        ((), True),
        ((small, SECOND), True),
    ):
        assert bool(found(decide(asking, linked, (house,), NOW), "residency/serving")) is judged, linked
    alone = replace(asking, links=BOTH[:1])
    assert not found(judge(small, alone, house), "residency/serving")
    assert found(judge(None, replace(asking, links=()), house), "residency/serving")


def test_every_field_that_could_not_be_read_is_found() -> None:
    """Also after one that counts only where the policy judges residency."""
    problems = (
        SubjectProblem("residency/serving", "spec.placement", "Invalid value: 1", "write a list"),
        SubjectProblem("link/model", "spec.model.name", "Invalid value: 1", "write a name"),
    )
    lax = policy(residency={"serving": "Ignore"})
    assert judge(asking=subject(problems=problems)).failed_rules == ("link/model", "residency/serving")
    assert judge(manifest(), subject(problems=problems), lax).failed_rules == ("link/model",)


def test_a_verdict_ends_with_the_first_of_its_manifests() -> None:
    """Their other ends are later; by the age that is allowed, or by the period that is stated."""
    asking = subject(links=BOTH)
    for first, second in ((DAY, 2 * DAY), (2 * DAY, DAY)):
        ends = (replace(PASSING, not_after=NOW + first), replace(SECOND, not_after=NOW + second))
        assert decide(asking, ends, (), NOW).valid_until == NOW + DAY
    endless = replace(PASSING, finished_at=None)
    assert judge(endless).valid_until is None
    assert judge(replace(endless, not_after=NOW)).valid_until is None
    assert judge(replace(endless, not_before=NOW + DAY)).valid_until == NOW + DAY


def test_a_moment_is_the_same_in_every_zone() -> None:
    """A time without a zone is taken as UTC, and one with a zone is not."""
    ends = manifest(not_after=NOW + timedelta(minutes=30))
    for now, allowed in (
        (NOW, True),
        (NOW.replace(tzinfo=None), True),
        (NOW.astimezone(timezone(timedelta(hours=5))), True),
        (NOW.astimezone(timezone(timedelta(hours=-5))) + DAY, False),
        (NOW.replace(hour=13, tzinfo=None), False),
        (NOW.replace(tzinfo=timezone(timedelta(hours=-1))).astimezone(UTC), False),
    ):
        assert judge(ends, now=now).allowed is allowed, now


def test_the_accepted_attestations_of_each_manifest_are_named() -> None:
    """In the order of the evidence, and none that was refused or ignored."""
    house = trusting(authority("training"), require=[requires(str(whole().predicate_type), "training")])
    other = replace(OTHER, digest=MODEL.digest)
    two = (signed(whole(TRAINING)), signed(whole(TRAINING, name="x"), name="second", model=other))
    verdict = decide(subject(links=BOTH), two, (house,), NOW)
    assert [name for name, _ in verdict.attestations] == [PASSING.name, "second"]
    assert [one.name for _, one in verdict.attestations] == ["training", "x"]
    assert judge(signed(whole()), subject(), house).attestations == ()


def test_a_stated_ratio_may_be_either_way_up() -> None:
    """1.25 is 0.8 of the other group, to the digit."""
    for value, holds in ((0.8, True), (1.25, True), (1.1, True), (1.0, True), (0.79, False), (1.26, False)):
        assert limits.states_within(Measurement(Metric.DISPARATE_IMPACT, value), 0.8) is holds, value
