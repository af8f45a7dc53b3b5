"""The pipeline's JSON (v0): accepted as it is, never read generously, and never lost in part."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from actgate.api.compliance_manifest import Metric, RiskCategory
from actgate.decision import Finding, Outcome
from actgate.decision.manifest import Measurement, ModelIdentity, Oversight, Region
from actgate.documents import load
from actgate.manifests import Conversion, EvidenceError, convert, is_v0, origin, read_document, read_manifest
from tests.manifests.build import judged, manifest_object, v0, v0_bias


def weaknesses(conversion: Conversion) -> dict[str, str]:
    return {weakness.path: weakness.message for weakness in conversion.weaknesses}


def invalid(document: dict[str, Any]) -> list[Finding]:
    findings = judged(read_document(document)).findings
    return [finding for finding in findings if finding.rule == "manifest/invalid"]


def test_the_pipelines_file_passes_the_baseline_with_warnings() -> None:
    """The file of DESIGN section 3 passes, and is warned for each thing that it cannot prove."""
    verdict = judged(read_document(v0()))
    assert verdict.outcome is Outcome.WARN
    assert {finding.rule for finding in verdict.findings} == {
        "link/digest",
        "bias/sample",
        "residency/training",
        "oversight/fields",
    }


def test_the_pipelines_file_is_read_field_by_field() -> None:
    """Each of its six fields arrives where decisions look for it."""
    manifest = read_document(v0(), namespace="credit")
    assert (manifest.namespace, manifest.name) == ("credit", "credit-risk-scorer-v2")
    assert manifest.model == ModelIdentity("CreditRiskScorer", "2")
    assert manifest.risk_category is RiskCategory.HIGH_RISK
    assert manifest.finished_at == datetime(2026, 11, 1, 10, 0, 0, 123456, tzinfo=UTC)
    assert manifest.training_regions == (Region("eu-west-3", statement="EU-WEST-3 (Paris/Frankfurt)"),)
    assert manifest.bias == (
        Measurement(Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.03, threshold=0.05, compliant=True),
    )
    assert manifest.oversight == Oversight(enabled=True)
    assert manifest.problems == ()


def test_the_conversion_lists_its_weaknesses() -> None:
    """What the file does not prove stands beside the converted manifest."""
    found = weaknesses(convert(v0()))
    assert set(found) == {
        "spec.model.version",
        "spec.model.digest",
        "spec.training.finishedAt",
        "spec.training.regions[0].statement",
        "spec.bias[0].groups",
        "spec.humanOversight",
    }
    assert "Frankfurt" in found["spec.training.regions[0].statement"]
    assert "UTC" in found["spec.training.finishedAt"]


def test_v0_and_v1_are_distinguished() -> None:
    """An object with a kind is none of v0's, whatever else it holds."""
    assert is_v0(v0())
    assert is_v0({"model_name": "x"})
    assert not is_v0(manifest_object())
    assert not is_v0({**v0(), "kind": "ConfigMap"})
    assert not is_v0({"name": "x"})
    assert not is_v0([v0()])
    assert read_document(manifest_object()) == read_manifest(manifest_object())


def test_v1_takes_the_callers_namespace_only_where_it_states_none() -> None:
    """As kubectl does with --namespace."""
    obj = manifest_object()
    assert read_document(obj, namespace="other").namespace == "credit"
    del obj["metadata"]["namespace"]
    assert read_document(obj, namespace="other").namespace == "other"


@pytest.mark.parametrize("wrong", ["0.03", True, [], {}, 10**400])
def test_a_bias_value_of_another_type_is_invalid_under_its_v0_name(wrong: object) -> None:
    """Text, booleans and collections are no measurement, and the finding names the v0 field."""
    (finding,) = invalid(v0_bias(demographic_parity_diff=wrong))
    assert finding.path == "spec.bias[0].value"
    assert "bias_metrics.demographic_parity_diff" in finding.message
    with pytest.raises(EvidenceError, match=r"bias_metrics\.demographic_parity_diff"):
        convert(v0_bias(demographic_parity_diff=wrong))


def test_a_nan_written_by_python_is_invalid_under_its_v0_name() -> None:
    """json.dump writes NaN, and the file that holds it is refused."""
    (document,) = load(json.dumps(v0_bias(demographic_parity_diff=float("nan"))), "manifest.json")
    verdict = judged(read_document(document.value))
    assert {"manifest/invalid", "bias/limit"} <= set(verdict.failed_rules)
    with pytest.raises(EvidenceError, match=r"bias_metrics\.demographic_parity_diff"):
        convert(document.value)


@pytest.mark.parametrize(
    ("field", "wrong", "v0_name"),
    [
        ("model_name", 5, "model_name"),
        ("model_name", "", "model_name"),
        ("risk_category", ["HIGH_RISK"], "risk_category"),
        ("training_timestamp", "yesterday", "training_timestamp"),
        ("training_timestamp", 1793527200, "training_timestamp"),
        ("training_timestamp", "2026-02-30T10:00:00", "training_timestamp"),
        ("training_data_sovereignty", ["eu-west-3"], "training_data_sovereignty"),
        ("training_data_sovereignty", "x" * 3000, "training_data_sovereignty"),
        ("bias_metrics", [0.03], "bias_metrics"),
        ("bias_metrics", "none", "bias_metrics"),
        ("bias_metrics", {"demographic_parity_diff": 0.03, "threshold": "0.9"}, "bias_metrics.threshold"),
        ("bias_metrics", {"demographic_parity_diff": 0.03, "compliant": "true"}, "bias_metrics.compliant"),
    ],
)
def test_a_field_of_another_type_is_invalid_under_its_v0_name(
    field: str, wrong: object, v0_name: str
) -> None:
    """Reading says so as a problem, and converting refuses."""
    document = v0(**{field: wrong})
    assert any(finding.message.startswith(f"{v0_name}: ") for finding in invalid(document))
    with pytest.raises(EvidenceError, match=v0_name):
        convert(document)


def test_converting_names_every_problem_at_once() -> None:
    """One pass of fixes is enough."""
    with pytest.raises(EvidenceError) as caught:
        convert(v0(model_name=5, training_timestamp="yesterday"))
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize("stated", ["true", "yes", 1, 1.0, [True], {"enabled": True}, False])
def test_only_the_boolean_true_is_oversight(stated: object) -> None:
    """Everything else converts to no oversight, and the conversion says what stood there."""
    document = v0(human_oversight_enabled=stated)
    assert "oversight/missing" in judged(read_document(document)).failed_rules
    conversion = convert(document)
    assert conversion.manifest["spec"]["humanOversight"] == {"enabled": False}
    if stated is not False:
        assert "only the boolean true" in weaknesses(conversion)["spec.humanOversight.enabled"]


@pytest.mark.parametrize(
    ("stated", "category"),
    [
        ("HIGH_RISK", RiskCategory.HIGH_RISK),
        ("high-risk", RiskCategory.HIGH_RISK),
        ("Limited Risk", RiskCategory.LIMITED_RISK),
        ("MinimalRisk", RiskCategory.MINIMAL_RISK),
        ("PROHIBITED", RiskCategory.PROHIBITED),
        ("unacceptable_risk", RiskCategory.PROHIBITED),
        ("UNACCEPTABLE", RiskCategory.PROHIBITED),
    ],
)
def test_risk_categories_are_known_in_any_spelling(stated: str, category: RiskCategory) -> None:
    """Letter case, hyphens, underscores and spaces do not count."""
    assert read_document(v0(risk_category=stated)).risk_category is category


def test_a_prohibited_system_is_refused() -> None:
    """Whatever else its file says."""
    assert "risk/prohibited" in judged(read_document(v0(risk_category="PROHIBITED"))).failed_rules


@pytest.mark.parametrize("stated", ["HARMLESS", "", "NOT_HIGH_RISK"])
def test_an_unknown_risk_category_is_judged_as_high_risk(stated: str) -> None:
    """It is a warning, not a refusal, and the conversion reports it."""
    manifest = read_document(v0(risk_category=stated))
    assert (manifest.risk_category, manifest.stated_category) == (None, stated)
    verdict = judged(manifest)
    assert verdict.allowed
    assert "risk/category" in {finding.rule for finding in verdict.findings}
    assert "HighRisk" in weaknesses(convert(v0(risk_category=stated)))["spec.riskCategory"]


@pytest.mark.parametrize(
    ("stated", "finished", "weak"),
    [
        ("2026-11-01T10:00:00.123456", "2026-11-01T10:00:00.123456Z", True),
        ("2026-11-01 10:00", "2026-11-01T10:00:00Z", True),
        ("2026-11-01T10:00:00+0100", "2026-11-01T10:00:00+01:00", False),
        ("2026-11-01T10:00:00z", "2026-11-01T10:00:00Z", False),
    ],
)
def test_a_time_keeps_its_digits_and_gets_a_zone(stated: str, finished: str, weak: bool) -> None:
    """A time without zone is UTC, which is a weakness."""
    conversion = convert(v0(training_timestamp=stated))
    assert conversion.manifest["spec"]["training"]["finishedAt"] == finished
    assert ("spec.training.finishedAt" in weaknesses(conversion)) is weak


def test_metrics_are_known_by_both_names() -> None:
    """v1's names and the short form of v0 count, and several metrics are several measurements."""
    metrics = {"equalized_odds_diff": 0.01, "statistical_parity_difference": -0.2, "disparate_impact": 0.9}
    manifest = read_document(v0(bias_metrics=metrics))
    assert {measurement.metric: measurement.value for measurement in manifest.bias} == {
        Metric.EQUALIZED_ODDS_DIFFERENCE: 0.01,
        Metric.STATISTICAL_PARITY_DIFFERENCE: -0.2,
        Metric.DISPARATE_IMPACT: 0.9,
    }
    assert "bias/limit" in judged(manifest).failed_rules


@pytest.mark.parametrize("value", [-0.2, 0.2])
def test_a_difference_counts_by_its_absolute_value(value: float) -> None:
    """-0.2 is as far from parity as 0.2, whatever the file claims about it."""
    verdict = judged(read_document(v0_bias(demographic_parity_diff=value)))
    assert {"bias/limit", "bias/claim"} <= set(verdict.failed_rules)


def test_a_threshold_of_its_own_loosens_nothing() -> None:
    """A manifest that claims 0.9 as its limit is held to the policy's."""
    verdict = judged(read_document(v0_bias(demographic_parity_diff=0.5, threshold=0.9)))
    assert "bias/limit" in verdict.failed_rules


def test_metrics_without_a_value_are_no_measurement() -> None:
    """A threshold alone measures nothing, and the conversion says that it is not carried over."""
    document = v0(bias_metrics={"threshold": 0.05, "compliant": True})
    assert "bias/missing" in judged(read_document(document)).failed_rules
    assert {"bias_metrics.threshold", "bias_metrics.compliant"} <= set(weaknesses(convert(document)))


def test_unknown_fields_are_reported() -> None:
    """What v1 has no place for is a weakness of the conversion, never lost silently."""
    found = weaknesses(convert(v0(owner="Credit team", git_commit="4f1c2d")))
    assert "not carried over" in found["owner"]
    assert "not carried over" in found["git_commit"]


@pytest.mark.parametrize("stated", ["eu-west-2 (Paris)", "EU", "Europe", "eu-west-1", "London", "   "])
def test_a_place_that_proves_nothing_is_refused(stated: str) -> None:
    """London, an ambiguous code, and words that only sound European."""
    verdict = judged(read_document(v0(training_data_sovereignty=stated)))
    assert "residency/training" in verdict.failed_rules


@pytest.mark.parametrize("field", sorted(v0()))
def test_a_missing_field_is_never_made_up(field: str) -> None:
    """Each field that decisions need, left out or null, is missed by the rule that asks for it."""
    expected = {
        "model_name": "manifest/invalid",
        "training_timestamp": "evidence/age",
        "human_oversight_enabled": "oversight/missing",
        "training_data_sovereignty": "residency/training",
        "bias_metrics": "bias/missing",
        "risk_category": "risk/category",
    }
    absent = {name: value for name, value in v0().items() if name != field}
    verdict = judged(read_document(absent))
    assert expected[field] in {finding.rule for finding in verdict.findings}
    assert read_document(v0(**{field: None})) == read_document(absent)


def test_a_v1_path_leads_to_the_v0_field() -> None:
    """A reader of a finding about v1 finds the field in the file."""
    origins = convert(v0()).origins
    assert origin("spec.bias[0].value", origins) == "bias_metrics.demographic_parity_diff"
    assert origin("spec.bias[0].groups", origins) == "bias_metrics"
    assert origin("spec.training.regions[0].statement", origins) == "training_data_sovereignty"
    assert origin("spec.validity.notAfter", origins) is None
    assert origin("", origins) is None


def test_the_name_may_be_chosen() -> None:
    """Of the object and of what is read."""
    assert read_document(v0(), name="scorer").name == "scorer"
    assert convert(v0(), name="scorer").manifest["metadata"] == {"name": "scorer"}


def test_what_is_no_v0_is_not_converted() -> None:
    """A ComplianceManifest needs no conversion, and anything else is none."""
    others: list[object] = [manifest_object(), [], None, {"a": 1}]
    for document in others:
        with pytest.raises(EvidenceError, match="v0"):
            convert(document)


def test_what_a_logger_assumed_is_a_weakness() -> None:
    """Values that were not declared are weaknesses of the file."""
    found = weaknesses(convert(v0(assumed_defaults=["human_oversight_enabled", "x", 5])))
    assert "was not declared" in found["human_oversight_enabled"]
    assert "x" not in found
