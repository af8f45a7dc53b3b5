from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest

from actgate.api.compliance_manifest import Metric
from actgate.decision.manifest import Problem
from tests.decision.build import NOW, PASSING, found, judge, manifest, measured, policy, refused_for, subject

TICK = timedelta(microseconds=1)


def test_manifest_invalid_for_a_field_that_could_not_be_read() -> None:
    """`manifest/invalid`: a problem of the reader is a refusal, with the reader's words."""
    problem = Problem("spec.humanOversight.enabled", 'got "true", expected a boolean', "write true")
    finding = refused_for(judge(manifest(problems=(problem,))), "manifest/invalid")
    assert (finding.path, finding.message, finding.remediation, finding.basis) == (
        problem.path,
        problem.message,
        problem.remediation,
        "actgate",
    )


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, math.nan),
        (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, math.inf),
        (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 1.0000001),
        (Metric.STATISTICAL_PARITY_DIFFERENCE, -1.5),
        (Metric.DISPARATE_IMPACT, -0.1),
        (Metric.DISPARATE_IMPACT, math.nan),
        (Metric.DISPARATE_IMPACT, math.inf),
        (Metric.DISPARATE_IMPACT, -math.inf),
    ],
)
@pytest.mark.parametrize("required", [["HighRisk"], []])
def test_manifest_invalid_for_a_value_out_of_range(metric: Metric, value: float, required: list[str]) -> None:
    """`manifest/invalid`: NaN, infinities and impossible values fail, whether bias is required or not."""
    evidence = measured(metric=metric, value=value, threshold=None, compliant=None)
    verdict = judge(evidence, subject(), policy(bias={"requiredFor": required}))
    finding = refused_for(verdict, "manifest/invalid")
    assert finding.path == "spec.bias[0].value"
    assert finding.message.startswith(f"Invalid value: {value}: {metric} must be ")


@pytest.mark.parametrize("threshold", [math.nan, math.inf, -0.1, 1.1])
def test_manifest_invalid_for_a_threshold_out_of_range(threshold: float) -> None:
    """`manifest/invalid`: a threshold beyond 0 to 1 fails and never becomes the limit."""
    verdict = judge(measured(threshold=threshold))
    assert refused_for(verdict, "manifest/invalid").path == "spec.bias[0].threshold"
    assert not found(verdict, "bias/limit")


def test_evidence_expired_at_the_very_moment() -> None:
    """`evidence/expired`: the end of the period is outside of it; a tick before is inside."""
    evidence = manifest(not_after=NOW)
    assert judge(evidence, now=NOW - TICK).allowed
    finding = refused_for(judge(evidence, now=NOW), "evidence/expired")
    assert finding.message == "Invalid value: 2026-11-23T12:00:00Z: the evidence has expired"
    assert (finding.path, finding.basis) == ("spec.validity.notAfter", "house policy")


def test_evidence_future_before_the_period_begins() -> None:
    """`evidence/future`: the beginning of the period is inside of it; a tick before is not."""
    evidence = manifest(not_before=NOW)
    assert judge(evidence, now=NOW).allowed
    assert refused_for(judge(evidence, now=NOW - TICK), "evidence/future").path == "spec.validity.notBefore"


@pytest.mark.parametrize("field", ["training", "approval"])
def test_evidence_future_for_anything_dated_tomorrow(field: str) -> None:
    """`evidence/future`: training and records that have not happened yet are refused until then."""
    tomorrow = NOW + timedelta(days=1)
    dated = (
        {"finished_at": tomorrow}
        if field == "training"
        else {"records": (("spec.approvals[0].at", tomorrow),)}
    )
    evidence = manifest(**dated)
    verdict = judge(evidence)
    assert "must not be in the future" in refused_for(verdict, "evidence/future").message
    assert verdict.valid_until == tomorrow
    assert judge(evidence, now=tomorrow).allowed


def test_evidence_age_at_the_exact_boundary() -> None:
    """`evidence/age`: evidence counts for less than maxAge; at maxAge it is too old."""
    assert PASSING.finished_at is not None
    end = PASSING.finished_at + timedelta(hours=8760)
    assert judge(PASSING, now=end - TICK).allowed
    finding = refused_for(judge(PASSING, now=end), "evidence/age")
    assert (finding.path, finding.basis) == ("spec.training.finishedAt", "house policy")


def test_evidence_age_follows_the_policy() -> None:
    """`evidence/age`: the maxAge of the policy counts."""
    assert judge(PASSING, subject(), policy(evidence={"maxAge": "24h"})).failed_rules == ("evidence/age",)
    assert judge(PASSING, subject(), policy(evidence={"maxAge": "600h"})).allowed


def test_evidence_age_is_unknown_without_the_end_of_training() -> None:
    """`evidence/age`: unknown is not young."""
    finding = refused_for(judge(manifest(finished_at=None)), "evidence/age")
    assert "Required value: must state when training ended" in finding.message


def test_the_zone_of_the_moment_does_not_matter() -> None:
    """The same instant gives the same answer in every zone, and a naive time is UTC."""
    evidence = manifest(not_after=NOW)
    for now in (NOW, NOW.astimezone(timezone(timedelta(hours=14))), NOW.replace(tzinfo=None)):
        assert judge(evidence, now=now).failed_rules == ("evidence/expired",)
        assert judge(evidence, now=now - TICK).allowed


def test_valid_until_is_the_next_moment_at_which_time_changes_the_verdict() -> None:
    """`valid_until`: the earliest of what lies ahead; what lies behind does not count."""
    ends = datetime(2026, 12, 24, tzinfo=UTC)
    assert judge(manifest(not_after=ends)).valid_until == ends
    assert judge(manifest(not_before=NOW - TICK, not_after=ends)).valid_until == ends
    assert judge(manifest(not_after=NOW)).valid_until == datetime(2027, 11, 1, 10, tzinfo=UTC)
    assert judge(None).valid_until is None


def test_valid_until_follows_the_strictest_age() -> None:
    """`valid_until`: of several policies the shortest maxAge ends first."""
    policies = (policy("a", evidence={"maxAge": "1000h"}), policy("b", evidence={"maxAge": "600h"}))
    verdict = judge(PASSING, subject(), *policies)
    assert verdict.valid_until == datetime(2026, 11, 26, 10, tzinfo=UTC)


def test_a_maximum_age_beyond_the_calendar_never_ends() -> None:
    """A moment that no calendar holds is no transition time, and no error."""
    verdict = judge(PASSING, subject(), policy(evidence={"maxAge": "9999999h"}))
    assert verdict.allowed
    late = manifest(finished_at=datetime(9000, 1, 1, tzinfo=UTC))
    verdict = judge(
        late, subject(), policy(evidence={"maxAge": "9999999h"}), now=datetime(9000, 1, 2, tzinfo=UTC)
    )
    assert (verdict.allowed, verdict.valid_until) == (True, None)


def test_the_ends_of_a_range_can_be_measured() -> None:
    """`manifest/invalid`: all of one group and none of the other is a difference of 1; limits are 0 to 1."""
    for value, threshold in ((1.0, 1.0), (-1.0, 0.0), (0.0, 0.0)):
        verdict = judge(measured(value=value, threshold=threshold, compliant=None))
        assert not found(verdict, "manifest/invalid"), (value, threshold)
