from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, tzinfo

import pytest

from actgate.api.compliance_policy import Enforcement
from actgate.decision import Manifest, Policy, Verdict, decide, rules
from actgate.decision.data import RULESET
from actgate.decision.decide import Appraisals
from actgate.decision.manifest import ModelIdentity, Oversight, Problem
from actgate.decision.subject import Subject, SubjectProblem
from tests.decision.build import (
    ASKING,
    FAIR,
    LONDON,
    MODEL,
    NOW,
    PASSING,
    found,
    judge,
    manifest,
    measured,
    policy,
    refused_for,
    rules_of,
    subject,
)

NOTHING_RIGHT = manifest(
    model=ModelIdentity("Other"),
    risk_category=None,
    classification=None,
    training_regions=(LONDON,),
    bias=(),
    oversight=None,
    finished_at=None,
    not_after=NOW,
    not_before=datetime(2027, 1, 1, tzinfo=UTC),
    problems=(Problem("spec.x", "is wrong", "fix it"),),
)


def test_everything_is_found_in_one_pass() -> None:
    """One answer names every rule that fails, so that one pass of fixes is enough."""
    verdict = judge(NOTHING_RIGHT, subject(placement=(("spec.placement.regions[0]", LONDON),)))
    assert verdict.failed_rules == (
        "link/model",
        "bias/missing",
        "residency/training",
        "residency/serving",
        "oversight/missing",
        "manifest/invalid",
        "evidence/expired",
        "evidence/future",
        "evidence/age",
    )


def test_findings_stand_by_effect_and_then_by_rule() -> None:
    """What denies comes first; within an effect the order of the rules counts."""
    verdict = judge(NOTHING_RIGHT)
    order = [rule.id for rule in rules.ALL]
    keys = [(-finding.strength, order.index(finding.rule)) for finding in verdict.findings]
    assert keys == sorted(keys)
    assert {key[0] for key in keys} == {-2, -1}


def test_the_verdict_records_what_was_judged_by_which_rules() -> None:
    """Digest, policies and ruleset make a verdict checkable later."""
    verdict = judge(PASSING, ASKING, policy("b"), policy("a"))
    assert (verdict.manifest_digests, verdict.policies, verdict.ruleset) == (
        ((PASSING.name, PASSING.digest),),
        ("a", "b"),
        RULESET,
    )


def test_the_same_finding_of_several_policies_stands_once() -> None:
    """Two policies that find the same in the same words are one line to read."""
    verdict = judge(manifest(oversight=None), subject(), policy("a"), policy("b"))
    assert len(found(verdict, "oversight/missing")) == 1


def test_an_update_that_changes_nothing_governed_is_only_warned() -> None:
    """A finalizer can be removed and evidence repaired although the evidence went bad."""
    verdict = judge(NOTHING_RIGHT, subject(governed_change=False))
    assert verdict.outcome == "Warn"
    assert rules_of(verdict.findings) == rules_of(judge(NOTHING_RIGHT).findings)
    assert judge(None, subject(governed_change=False)).outcome == "Warn"


def test_an_unchanged_update_keeps_what_was_only_recorded() -> None:
    """Softening turns denials into warnings and raises nothing."""
    verdict = judge(manifest(oversight=None), subject(governed_change=False), policy(enforcement="Audit"))
    assert [finding.effect for finding in verdict.findings] == ["Audit"]


def test_a_problem_of_the_subject_fails_its_rule() -> None:
    """A field of the subject that cannot be read is a refusal by the rule that needed it."""
    problem = SubjectProblem("link/model", "spec.model.version", "cannot be read", "state a string")
    finding = refused_for(judge(PASSING, subject(problems=(problem,))), "link/model")
    assert (finding.path, finding.remediation) == ("spec.model.version", "state a string")


def test_an_unreadable_reference_is_found_once() -> None:
    """What could not be read is said once, and not as missing again."""
    problem = SubjectProblem("link/manifest", "annotations", "two values", "state one")
    verdict = judge(None, subject(links=(), problems=(problem,)))
    assert refused_for(verdict, "link/manifest").message == "two values"


def test_policies_may_come_from_any_iterable() -> None:
    """An iterator that can be read once is read once."""

    def policies() -> Iterator[Policy]:
        yield policy("strict", bias={"maxDifference": 0.01})
        yield policy("lax")

    assert decide(ASKING, [PASSING], policies(), NOW).policies == ("lax", "strict")


class _Nowhere(tzinfo):
    """A zone without an offset: such a time counts as naive."""

    def utcoffset(self, _: datetime | None, /) -> None:
        """Tell no offset."""

    dst = tzname = utcoffset


def test_a_time_without_an_offset_is_taken_as_utc() -> None:
    """Naive times, and times in a zone without an offset, mean UTC and raise nothing."""
    evidence = manifest(not_after=NOW)
    for tz in (None, _Nowhere()):
        assert judge(evidence, now=NOW.replace(tzinfo=tz)).failed_rules == ("evidence/expired",)


def appraised(appraisals: Appraisals, evidence: Manifest, *policies: Policy) -> Verdict:
    """Decide with the appraisals of former decisions."""
    return decide(ASKING, [evidence], policies, NOW, appraisals.appraise)


def test_an_appraisal_is_not_handed_on_to_changed_evidence() -> None:
    """Another version of judged evidence is judged anew, under the same name."""
    appraisals, first = Appraisals(), measured()
    assert appraised(appraisals, first).allowed
    worse = replace(first, bias=(replace(first.bias[0], value=0.5, compliant=None),))
    assert appraised(appraisals, worse).failed_rules == ("bias/limit",)
    assert appraised(appraisals, first).allowed


def test_an_appraisal_follows_policies() -> None:
    """Evidence judged under one policy is judged anew under another of that name."""
    appraisals, evidence = Appraisals(), measured(threshold=None, compliant=None)
    strict, lax = policy("p", bias={"maxDifference": 0.01}), policy("p")
    for _ in range(2):
        assert appraised(appraisals, evidence, lax).allowed
        assert appraised(appraisals, evidence, strict).failed_rules == ("bias/limit",)


def test_an_appraisal_is_no_part_of_the_evidence() -> None:
    """Judged and fresh evidence are equal, hash alike and look alike: a value that is frozen."""
    fresh, judged = manifest(), manifest()
    appraised(Appraisals(), judged)
    assert (judged, hash(judged), repr(judged)) == (fresh, hash(fresh), repr(fresh))


def test_judged_evidence_is_not_judged_again_until_it_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second review of the same evidence finds its appraisal: no rule about bias runs again."""
    appraisals, evidence = Appraisals(), measured(value=0.5, compliant=None)
    first = appraised(appraisals, evidence)

    def never(*_: object) -> Iterator[object]:
        raise AssertionError("judged again")

    monkeypatch.setattr("actgate.decision.rules.bias.findings", never)
    assert appraised(appraisals, evidence).findings == first.findings
    appraisals.forget(evidence.namespace, evidence.name)
    assert len(appraisals) == 0
    with pytest.raises(AssertionError, match="judged again"):
        appraised(appraisals, evidence)


def test_every_rule_explains_itself() -> None:
    """Each rule has an id of its family, a basis, and three sentences for people."""
    for rule in rules.ALL:
        assert rules.BY_ID[rule.id] is rule
        assert rule.basis in {"actgate", "house policy"} or rule.basis.startswith("AI Act Art. ")
        assert all(
            text.rstrip().endswith(".") for text in (rule.requirement, rule.rationale, rule.remediation)
        ), rule.id
    assert len(rules.BY_ID) == len(rules.ALL) == 34


def test_no_words_of_ours_call_anything_compliant() -> None:
    """A rule says what evidence shows, never that a system is compliant."""
    words = " ".join(f"{rule.requirement} {rule.rationale}" for rule in rules.ALL)
    assert "compliant" not in words.replace("compliant: true", "")


def test_a_subject_needs_no_labels() -> None:
    """A namespace without labels is a namespace like others."""
    bare = Subject("ModelDeployment", "credit", "scorer", ASKING.links, PASSING.model)
    assert judge(PASSING, bare).policies == ("baseline",)


def test_advice_is_not_given_beside_the_demand() -> None:
    """Where a policy asks for what a warning would only suggest, the warning is left out."""
    bare = manifest(
        model=ModelIdentity(MODEL.name), oversight=Oversight(enabled=True), bias=(replace(FAIR, groups=()),)
    )
    asking = policy(
        bias={"minGroupCount": 10}, humanOversight={"fields": ["stop"]}, evidence={"requireDigest": True}
    )
    verdict = judge(bare, subject(), asking)
    assert {finding.effect for finding in verdict.findings} == {Enforcement.DENY}


def test_findings_of_a_list_stand_in_its_order() -> None:
    """Item 10 comes after item 2."""
    evidence = manifest(bias=(replace(FAIR, value=0.5, compliant=None),) * 12)
    paths = [item.path for item in judge(evidence).findings if item.rule == "bias/limit"]
    assert paths == [f"spec.bias[{index}].value" for index in range(12)]
