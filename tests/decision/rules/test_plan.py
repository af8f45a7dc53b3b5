"""`evidence/plan`: results that are not what a plan fixed are refused at every level, under any signature."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from actgate.api.compliance_manifest import Metric
from actgate.decision import Manifest, Verdict
from actgate.decision.attestation import Attestation, PlannedMeasurement, PlannedTest
from actgate.decision.manifest import Evaluated, Problem
from tests.decision.build import judge, refused_for
from tests.decision.signing import COUNTED, RISK, audit, plan, sha, signed

UNREADABLE = Problem("envelope.payload", "Invalid value: must be an in-toto Statement v1", "sign it again")


def asked(evidence: Manifest) -> Verdict:
    """Judge evidence under the baseline."""
    return judge(evidence)


PARITY = str(Metric.DEMOGRAPHIC_PARITY_DIFFERENCE)
PLANNED = PlannedMeasurement("gender", PARITY, 0.05)


def measured(*thresholds: float | None, plan_digest: str | None = None) -> tuple[Any, ...]:
    """Return measurements of the planned metric with these thresholds."""
    return tuple(replace(COUNTED, threshold=one, plan_digest=plan_digest) for one in thresholds)


def test_what_was_measured_as_planned_passes() -> None:
    """Attribute, metric and threshold are those of the plan; names count as group names do."""
    for digest in (None, sha("plan")):
        assert asked(signed(plan(PLANNED), bias=measured(0.05, plan_digest=digest))).outcome == "Pass"
    assert asked(signed(plan(PlannedMeasurement("Gender ", PARITY, 0.05)))).outcome == "Pass"


@pytest.mark.parametrize(
    ("threshold", "message"),
    [
        (0.04, 'Invalid value: 0.04: must be 0.05, as plan "plan" fixed it'),
        (0.06, 'Invalid value: 0.06: must be 0.05, as plan "plan" fixed it'),
        (None, 'Required value: must be 0.05, as plan "plan" fixed it'),
    ],
)
@pytest.mark.parametrize("digest", [None, sha("plan")])
def test_evidence_plan_for_another_limit(threshold: float | None, message: str, digest: str | None) -> None:
    """`evidence/plan`: looser, stricter or left out, a limit changed after the plan is refused."""
    verdict = asked(signed(plan(PLANNED), bias=measured(threshold, plan_digest=digest)))
    finding = refused_for(verdict, "evidence/plan")
    assert (finding.path, finding.message) == ("spec.bias[0].threshold", message)


def test_evidence_plan_for_a_limit_that_was_not_planned() -> None:
    """`evidence/plan`: a plan without a threshold fixed none."""
    open_plan = plan(replace(PLANNED, threshold=None))
    finding = refused_for(asked(signed(open_plan, bias=measured(0.05))), "evidence/plan")
    assert finding.message == 'Invalid value: 0.05: must be absent, as plan "plan" fixed none'
    assert asked(signed(open_plan, bias=measured(None))).allowed


def test_evidence_plan_for_a_measurement_that_was_dropped() -> None:
    """`evidence/plan`: what was planned is recorded, whatever its result."""
    evidence = signed(plan(PLANNED, PlannedMeasurement("age", PARITY, 0.05)))
    finding = refused_for(asked(evidence), "evidence/plan")
    assert (finding.path, finding.message) == (
        "spec.bias",
        f'Required value: must hold {PARITY} of "age", as plan "plan" fixed it',
    )


def test_evidence_plan_for_a_digest_that_is_no_plan() -> None:
    """`evidence/plan`: an unknown digest, and one of another statement, are no plan."""
    for items in ((), (plan(PLANNED),), (audit(RISK, name="x"), plan(PLANNED))):
        finding = refused_for(
            asked(signed(*items, bias=measured(0.05, plan_digest=sha("x")))), "evidence/plan"
        )
        assert finding.path == "spec.bias[0].planDigest"
        assert "must be the payload digest of a plan" in finding.message
    unread = Attestation("plan", payload_digest=sha("plan"), unreadable=UNREADABLE)
    verdict = asked(signed(unread, bias=measured(0.05, plan_digest=sha("plan"))))
    assert verdict.failed_rules == ("evidence/format",)


def test_evidence_plan_for_a_measurement_that_its_plan_does_not_name() -> None:
    """`evidence/plan`: the digest of a plan is no reference for what is not in it."""
    bias = (*measured(0.05), replace(COUNTED, attribute="age", plan_digest=sha("plan")))
    finding = refused_for(asked(signed(plan(PLANNED), bias=bias)), "evidence/plan")
    assert finding.path == "spec.bias[1].planDigest"
    assert f'{PARITY} of "age" is not planned' in finding.message


def test_every_plan_counts() -> None:
    """`evidence/plan`: a second plan with another limit contradicts the first one."""
    evidence = signed(plan(PLANNED), plan(replace(PLANNED, threshold=0.1), name="later"), bias=measured(0.05))
    assert 'as plan "later" fixed it' in refused_for(asked(evidence), "evidence/plan").message
    assert asked(signed(plan(PLANNED, PLANNED), bias=measured(0.05))).allowed


# Tests of accuracy, robustness and cybersecurity

ACCURACY = PlannedTest("accuracy", "f1", ">=", 0.7)
MET = Evaluated("accuracy", "f1", True, ">=", 0.7)


def judged(*evaluations: Evaluated, planned: PlannedTest = ACCURACY) -> Verdict:
    """Judge evidence with these results and a plan of one test."""
    return judge(signed(plan(tests=(planned,)), evaluations=evaluations))


def test_a_test_that_was_run_as_planned_passes() -> None:
    """With or without the digest of its plan; so do results that no plan names, and one of any metric."""
    named = replace(MET, plan_digest=sha("plan"))
    other = Evaluated("robustness", "flips", True, "<=", 0.1)
    for results, planned in (
        ((MET,), ACCURACY),
        ((named,), ACCURACY),
        ((other, named), ACCURACY),
        ((named,), PlannedTest("accuracy")),
        ((replace(named, threshold=None, comparator=None),), PlannedTest("accuracy", "f1")),
        ((replace(named, has_value=False), named), ACCURACY),
    ):
        assert judged(*results, planned=planned).outcome == "Pass", results


def test_evidence_plan_for_a_test_with_another_limit() -> None:
    """`evidence/plan`: moved, dropped or turned round, with or without the digest of the plan."""
    for digest in (None, sha("plan")):
        for changed, path, message in (
            ({"threshold": 0.6}, "threshold", 'Invalid value: 0.6: must be 0.7, as plan "plan" fixed it'),
            ({"threshold": 0.8}, "threshold", 'Invalid value: 0.8: must be 0.7, as plan "plan" fixed it'),
            ({"threshold": None}, "threshold", 'Required value: must be 0.7, as plan "plan" fixed it'),
            ({"comparator": "<="}, "comparator", 'Invalid value: <=: must be >=, as plan "plan" fixed it'),
            ({"comparator": None}, "comparator", 'Required value: must be >=, as plan "plan" fixed it'),
        ):
            fields: Any = {"plan_digest": digest, **changed}
            finding = refused_for(judged(replace(MET, **fields)), "evidence/plan")
            assert (finding.path, finding.message) == (f"spec.evaluations[0].{path}", message)


def test_evidence_plan_for_a_test_that_was_dropped() -> None:
    """`evidence/plan`: without a value there is no result, and another metric is another test."""
    for results in (
        (),
        (replace(MET, has_value=False),),
        (replace(MET, metric="accuracy"),),
        (replace(MET, kind="robustness"),),
    ):
        finding = refused_for(judged(*results), "evidence/plan")
        assert finding.path == "spec.evaluations"
        assert finding.message == (
            'Required value: must hold a value of "accuracy f1", as plan "plan" fixed it'
        )
    finding = refused_for(judged(planned=PlannedTest("robustness")), "evidence/plan")
    assert 'a value of "robustness"' in finding.message


def test_evidence_plan_for_a_test_with_the_digest_of_no_plan() -> None:
    """`evidence/plan`: as for measurements; what cannot be read may be the plan."""
    stray = replace(MET, plan_digest=sha("x"))
    evidence = signed(
        plan(tests=(ACCURACY,)), evaluations=(MET, stray), positions=(("spec.evaluations", (0, 4)),)
    )
    finding = refused_for(judge(evidence), "evidence/plan")
    assert finding.path == "spec.evaluations[4].planDigest"
    assert "--envelope plan.dsse.json" in finding.remediation
    assert refused_for(judge(signed(evaluations=(stray,))), "evidence/plan").path.startswith("spec.eval")
    unread = Attestation("plan", payload_digest=sha("x"), unreadable=UNREADABLE)
    assert judge(signed(unread, evaluations=(stray,))).failed_rules == ("evidence/format",)


def test_evidence_plan_for_a_test_that_its_plan_does_not_name() -> None:
    """`evidence/plan`: the digest of a plan is no reference for what is not in it."""
    stray = Evaluated("cybersecurity", None, True, plan_digest=sha("plan"))
    finding = refused_for(judged(MET, stray), "evidence/plan")
    assert finding.path == "spec.evaluations[1].planDigest"
    assert '"cybersecurity" is not planned' in finding.message


def test_a_plan_speaks_of_what_it_names_alone() -> None:
    """Another metric of the attribute, and what another plan fixed, are no matter of this one."""
    odds = replace(COUNTED, metric=Metric.EQUALIZED_ODDS_DIFFERENCE, threshold=0.04, groups=())
    assert judge(signed(plan(PLANNED), bias=(*measured(0.05), odds))).allowed
    later = plan(
        PlannedMeasurement("gender", str(odds.metric), 0.04),
        name="later",
        tests=(PlannedTest("robustness", "flips"),),
    )
    bias = (*measured(0.05, plan_digest=sha("plan")), replace(odds, plan_digest=sha("later")))
    flips = Evaluated("robustness", "flips", True, plan_digest=sha("later"))
    tests = (replace(MET, plan_digest=sha("plan")), flips)
    assert judge(signed(plan(PLANNED, tests=(ACCURACY,)), later, bias=bias, evaluations=tests)).allowed


def test_every_plan_of_a_test_counts() -> None:
    """One that fixes no threshold takes nothing from one that does."""
    both = (PlannedTest("accuracy"), ACCURACY, PlannedTest("accuracy", "f1", ">=", 0.8))
    evidence = signed(plan(tests=both), evaluations=(MET,))
    assert "must be 0.8" in refused_for(judge(evidence), "evidence/plan").message
