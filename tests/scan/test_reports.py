"""From a verdict to the report of one object, for either API."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actgate.api.compliance_policy import Enforcement
from actgate.api.names import REPORT_LABEL
from actgate.decision import Finding, Outcome, Subject, Verdict, rules
from actgate.decision.subject import Detection, Signal, SignalTier
from actgate.scan import reports
from actgate.scan.reports import (
    LONGEST_MESSAGE,
    MOST_RESULTS,
    OPEN_REPORTS,
    POLICY_REPORTS,
    Dialect,
    Identity,
)
from actgate.scan.severity import named_rules, severity_of
from tests.decision.build import ASKING, NOW, PASSING, judge, manifest

UID: Final = "7f0c6b3a-6a52-4a3c-9a55-0a4f6f1f2b11"
IDENTITY: Final = Identity("serving.kserve.io/v1beta1", "InferenceService", "credit", "scorer", UID)
BOTH: Final = (OPEN_REPORTS, POLICY_REPORTS)


def finding(**changes: Any) -> Finding:  # noqa: ANN401 - fields of a Finding
    """Return a finding that denies."""
    denied = Finding("bias/limit", "house policy", "spec.bias[0].value", "0.12", "retrain", Enforcement.DENY)
    return replace(denied, **changes)


def verdict(*findings: Finding, **changes: Any) -> Verdict:  # noqa: ANN401 - fields of a Verdict
    """Return a verdict with these findings."""
    outcome = Outcome.FAIL if findings else Outcome.PASS
    digests = ((PASSING.name, f"sha256:{'d' * 64}"),)
    return replace(Verdict(outcome, findings, digests, ("house",), "2026.11.1", None), **changes)


def made(
    found: Verdict, subject: Subject = ASKING, moment: datetime = NOW, dialect: Dialect = OPEN_REPORTS
) -> dict[str, Any]:
    """Return the report that there must be."""
    report = reports.report(IDENTITY, subject, found, moment, dialect)
    assert report is not None
    return report


@pytest.mark.parametrize("dialect", BOTH)
def test_a_subject_without_findings_has_no_report(dialect: Dialect) -> None:
    assert reports.report(IDENTITY, ASKING, judge(), NOW, dialect) is None


@pytest.mark.parametrize("dialect", BOTH)
def test_a_report_belongs_to_its_subject_and_is_named_after_its_uid(dialect: Dialect) -> None:
    """Kyverno names its reports by the bare uid; two writers of one name would overwrite each other."""
    report = made(verdict(finding()), dialect=dialect)
    assert (report["apiVersion"], report["kind"]) == (dialect.api_version, dialect.kind)
    assert report["metadata"]["name"] == f"actgate-{UID}"
    assert report["metadata"]["namespace"] == "credit"
    reference = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "name": "scorer",
        "uid": UID,
    }
    assert report["metadata"]["ownerReferences"] == [reference]
    assert report["scope"] == {**reference, "namespace": "credit"}


def test_a_report_about_an_object_without_namespace_is_one_of_the_cluster() -> None:
    report = reports.report(replace(IDENTITY, namespace=""), ASKING, verdict(finding()), NOW, OPEN_REPORTS)
    assert report is not None
    assert report["kind"] == "ClusterReport"
    assert "namespace" not in report["metadata"]
    assert "namespace" not in report["scope"]


def test_the_two_apis_differ_in_the_source_alone() -> None:
    new, old = (made(verdict(finding()), dialect=dialect) for dialect in BOTH)
    assert new.pop("source") == "actgate"
    assert "source" not in old
    for report in (new, old):
        del report["apiVersion"], report["kind"], report["metadata"]["labels"]
    assert new == old


@pytest.mark.parametrize(
    ("changes", "result", "scored"),
    [
        ({"effect": Enforcement.DENY}, "fail", True),
        ({"effect": Enforcement.WARN}, "warn", False),
        ({"effect": Enforcement.AUDIT}, "warn", False),
        ({"effect": Enforcement.AUDIT, "exemption": "until-march"}, "skip", False),
    ],
)
def test_the_effect_of_a_finding_is_its_result(changes: dict[str, Any], result: str, scored: bool) -> None:
    found = finding(**changes)
    [reported] = made(verdict(found))["results"]
    assert (reported["result"], reported["scored"]) == (result, scored)
    assert reported["properties"]["effect"] == found.reported_effect
    assert reported["properties"].get("exemption") == changes.get("exemption")


def test_a_result_says_which_rule_failed_on_what_basis_and_how_to_fix_it() -> None:
    [reported] = made(verdict(finding(about="evidence")))["results"]
    assert reported["rule"] == "bias/limit"
    assert reported["policy"] == "house"
    assert reported["category"] == "house policy"
    assert reported["severity"] == "high"
    assert reported["message"] == "compliancemanifest/evidence spec.bias[0].value: 0.12; fix: retrain"


def test_a_result_says_on_what_the_subject_was_judged() -> None:
    until = NOW + timedelta(days=3)
    signals = (Signal("image/vllm", "spec", "vllm"), Signal("image/vllm", "other", "vllm"))
    subject = replace(ASKING, declared=False, detection=Detection(SignalTier.STRONG, signals))
    [reported] = made(verdict(finding(), valid_until=until), subject)["results"]
    assert reported["properties"] == {
        "tier": "Strong",
        "detectedBy": "image/vllm",
        "manifest": PASSING.name,
        "manifestDigest": f"sha256:{'d' * 64}",
        "ruleset": "2026.11.1",
        "validUntil": "2026-11-26T12:00:00Z",
        "effect": "Deny",
        "path": "spec.bias[0].value",
    }


def test_what_is_not_there_is_no_property() -> None:
    subject = replace(ASKING, links=())
    [reported] = made(verdict(finding(), manifest_digests=()), subject)["results"]
    assert set(reported["properties"]) == {"tier", "ruleset", "effect", "path"}


def test_the_time_of_a_report_does_not_change_its_hash() -> None:
    """Else every pass over the cluster would write every report again."""
    early, late = made(verdict(finding())), made(verdict(finding()), moment=NOW + timedelta(hours=1))
    assert reports.hash_of(early) == reports.hash_of(late)
    assert early["results"][0]["timestamp"] == {"seconds": int(NOW.timestamp()), "nanos": 0}
    assert early["results"] != late["results"]


@pytest.mark.parametrize(
    "other",
    [
        verdict(finding(message="0.13")),
        verdict(finding(effect=Enforcement.WARN)),
        verdict(finding(), finding(path="spec.bias[1].value")),
        verdict(finding(), valid_until=NOW),
        verdict(finding(), policies=("house", "strict")),
    ],
)
def test_a_change_of_what_is_reported_changes_the_hash(other: Verdict) -> None:
    assert reports.hash_of(made(other)) != reports.hash_of(made(verdict(finding())))


def test_a_report_spells_out_the_first_findings_and_counts_all() -> None:
    many = [finding(path=f"spec.bias[{index}].value") for index in range(MOST_RESULTS + 20)]
    report = made(verdict(*many))
    assert len(report["results"]) == MOST_RESULTS
    assert report["summary"] == {"pass": 0, "fail": MOST_RESULTS + 20, "warn": 0, "error": 0, "skip": 0}


def test_every_rule_that_has_a_severity_of_its_own_exists() -> None:
    assert named_rules() <= set(rules.BY_ID)
    assert severity_of("risk/prohibited") == "critical"


def test_the_summary_of_a_cluster_names_every_count() -> None:
    report = reports.summary({"pass": 4, "fail": 2}, OPEN_REPORTS)
    assert report["kind"] == "ClusterReport"
    assert report["summary"] == {"pass": 4, "fail": 2, "warn": 0, "error": 0, "skip": 0}
    assert reports.hash_of(report) != reports.hash_of(reports.summary({"pass": 5, "fail": 2}, OPEN_REPORTS))


def test_a_subject_counts_as_what_it_came_to() -> None:
    exempted = finding(effect=Enforcement.AUDIT, exemption="until-march")
    assert reports.counted_as(Outcome.PASS) == "pass"
    assert reports.counted_as(Outcome.FAIL, (finding(),)) == "fail"
    assert reports.counted_as(Outcome.WARN, (finding(effect=Enforcement.WARN), exempted)) == "warn"
    assert reports.counted_as(Outcome.WARN, (exempted,)) == "skip"
    assert reports.counted_as(None) == "error"


def test_an_object_without_labels_has_no_hash() -> None:
    assert reports.hash_of({"metadata": {}}) is None
    assert reports.hash_of({"metadata": {"labels": {REPORT_LABEL: 7}}}) is None


texts = st.text(st.characters(), max_size=1000)
findings = st.builds(
    Finding,
    rule=st.sampled_from([rule.id for rule in rules.ALL]),
    basis=st.just("house policy"),
    path=texts,
    message=texts,
    remediation=texts,
    effect=st.sampled_from(Enforcement),
    about=st.none() | texts,
    exemption=st.none() | st.just("until-march"),
)


@settings(max_examples=50)
@given(st.lists(findings, min_size=1, max_size=60), st.sampled_from(BOTH))
def test_every_report_keeps_its_bounds(found: list[Finding], dialect: Dialect) -> None:
    """Whatever users write into what is judged: else the API server refuses the report."""
    report = made(verdict(*found), dialect=dialect)
    assert json.loads(json.dumps(report)) == report
    assert sum(report["summary"].values()) == len(found)
    assert len(report["results"]) == min(len(found), MOST_RESULTS)
    assert len(report["metadata"]["labels"][REPORT_LABEL]) <= 63
    for result in report["results"]:
        assert len(result["message"]) <= LONGEST_MESSAGE
        assert result["message"].isascii()
        assert all(value and len(value) <= LONGEST_MESSAGE for value in result["properties"].values())


def test_a_judged_subject_is_reported() -> None:
    """What ``decide`` returns fits, not only what these tests build."""
    report = made(judge(manifest(risk_category=None)))
    assert report["summary"]["warn"] + report["summary"]["fail"] == len(report["results"]) > 0
