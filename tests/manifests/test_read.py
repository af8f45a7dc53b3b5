"""Reading a ComplianceManifest: what is right is kept, what is wrong is named, and nothing is raised."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from actgate.api.compliance_manifest import Metric, RiskCategory
from actgate.decision import Outcome
from actgate.decision.manifest import GroupCount, ModelIdentity, Oversight, Problem, Region
from actgate.manifests import read_document, read_manifest
from tests.manifests.build import Location, at, judged, locations, manifest_object, put
from tests.manifests.strategies import wrong_for

_SPEC = manifest_object()["spec"]
_FIELDS = [*locations(_SPEC)]
_NAMED_FIELDS = [location for location in locations(_SPEC) if isinstance(location[-1], str)]


def problems(**changes: Any) -> dict[str, Problem]:  # noqa: ANN401 - any JSON value
    return {problem.path: problem for problem in read_manifest(manifest_object(**changes)).problems}


_BESIDE = {
    "status": {"status": {"verdict": {"outcome": "Pass", "policies": [], "ruleset": "forged"}}},
    "a malformed status": {"status": ["Pass"]},
    "labels": {"metadata": {"labels": {"team": "credit"}}},
    "version and fields": {
        "metadata": {"resourceVersion": "18", "managedFields": [{"manager": "x", "subresource": "status"}]}
    },
}


@pytest.mark.parametrize("beside", _BESIDE.values(), ids=_BESIDE)
def test_what_stands_beside_the_spec_is_no_other_evidence(beside: dict[str, Any]) -> None:
    """A status is never an input; caches take an object that is equal for one that did not change."""
    known = manifest_object()
    changed = {**known, **beside, "metadata": {**known["metadata"], **beside.get("metadata", {})}}
    assert read_manifest(changed) == read_manifest(known)
    for other in ({"uid": "another"}, {"name": "another"}):
        assert read_manifest({**known, "metadata": {**known["metadata"], **other}}) != read_manifest(known)


def test_every_count_of_a_group_is_read() -> None:
    """Each number arrives under its own name, the reference group and the plan with them."""
    counts = {"selected": 690, "positives": 800, "truePositives": 600, "falsePositives": 90}
    measured = {
        "metric": "average_odds_difference",
        "value": 0.0,
        "groups": [{"name": "a", "count": 2000, "selectionRate": 0.345, **counts}, {"name": "b", "count": 7}],
        "referenceGroup": "a",
        "planDigest": f"sha256:{'b' * 64}",
    }
    known = manifest_object()
    manifest = read_manifest({**known, "spec": {**known["spec"], "bias": [measured]}})
    assert manifest.problems == ()
    (measurement,) = manifest.bias
    assert measurement.groups == (GroupCount("a", 2000, 0.345, 690, 800, 600, 90), GroupCount("b", 7))
    assert (measurement.reference_group, measurement.plan_digest) == ("a", f"sha256:{'b' * 64}")


def test_a_manifest_that_uses_every_field_is_read_whole_and_passes() -> None:
    """Every field that decisions need arrives, and the baseline lets it pass without a warning."""
    manifest = read_manifest(manifest_object())
    assert manifest.problems == ()
    assert (manifest.namespace, manifest.name) == ("credit", "credit-risk-scorer-v2")
    assert (manifest.uid, manifest.resource_version) == ("6c1f9f6e-0001", "17")
    assert manifest.model == ModelIdentity("CreditRiskScorer", "2", f"sha256:{'a' * 64}")
    assert manifest.risk_category is RiskCategory.HIGH_RISK
    assert manifest.training_regions == (Region("eu-west-3", "aws", "Paris"),)
    assert manifest.bias[0].groups == (GroupCount("female", 4120, 0.41), GroupCount("male", 5010, 0.44))
    assert manifest.bias[1].metric is Metric.DISPARATE_IMPACT
    assert manifest.oversight == Oversight(
        enabled=True, filled=frozenset({"role", "contact", "override", "stop"})
    )
    assert dict(manifest.records) == {
        "spec.classification.assessedAt": datetime(2026, 10, 1, 9, tzinfo=UTC),
        "spec.approvals[0].at": datetime(2026, 11, 2, 8, tzinfo=UTC),
    }
    assert judged(manifest).allowed
    assert "manifest/invalid" not in {finding.rule for finding in judged(manifest).findings}


def test_a_field_of_the_wrong_type_is_invalid_and_named() -> None:
    """Each field, given every other type, is refused by manifest/invalid at its own path or below."""
    for location, wrong in ((one, wrong) for one in _FIELDS for wrong in wrong_for(at(_SPEC, one))):
        damaged = manifest_object()
        put(damaged["spec"], location, wrong)
        if wrong in ({}, []) and isinstance(at(_SPEC, location), list | dict):
            continue
        verdict = judged(read_manifest(damaged))
        path = "spec" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
        invalid = [finding.path for finding in verdict.findings if finding.rule == "manifest/invalid"]
        assert verdict.outcome is Outcome.FAIL, (location, wrong)
        assert [found for found in invalid if found.startswith(path)], (wrong, invalid)


def test_a_null_is_as_good_as_absent() -> None:
    """The API server drops nulls from objects; a null never adds a problem that absence does not."""
    for location in _NAMED_FIELDS:
        with_null, without = manifest_object(), manifest_object()
        put(with_null["spec"], location, None)
        del at(without["spec"], location[:-1])[location[-1]]
        assert read_manifest(with_null) == read_manifest(without), location


@pytest.mark.parametrize(
    ("location", "value"),
    [
        (("biasMetrics",), {"demographic_parity_diff": 0.9}),
        (("bias_metrics",), None),
        (("Bias",), []),
        (("bias", 0, "metrik"), "disparate_impact"),
        (("bias", 0, "equalizedOdds"), None),
        (("bias", 0, "groups", 0, "selection_rate"), 0.9),
        (("bias", 0, "groups", 0, "rate"), None),
        (("bias", 0, "metric"), "demographic_parity_dif"),
        (("bias", 0, "metric"), "Demographic_Parity_Difference"),
        (("bias", 0, "value"), None),
        (("bias", 0, "value"), float("nan")),
        (("bias", 0, "value"), float("-inf")),
        (("bias", 0, "value"), "0.03"),
        (("bias", 0, "value"), {"gender": 0.9}),
        (("bias", 0, "threshold"), float("nan")),
        (("bias", 0, "groups", 0, "selectionRate"), float("nan")),
        (("bias", 0), None),
        (("bias",), {"metric": "disparate_impact", "value": 0.1}),
        (("humanOversight", "enable"), False),
    ],
)
def test_what_a_manifest_measures_never_disappears(location: Location, value: object) -> None:
    """Unknown, misspelt, null, not finite, of another type: refused, whatever stands beside it."""
    damaged = manifest_object()
    at(damaged["spec"], location[:-1]).__setitem__(location[-1], value)
    manifest = read_document(damaged)
    path = "spec" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    assert [problem.path for problem in manifest.problems] == [path]
    assert "manifest/invalid" in judged(manifest).failed_rules


@pytest.mark.parametrize("key", ["bias", "biasMetrics", "Spec", "evidence", " spec"])
@pytest.mark.parametrize("value", [None, {"demographic_parity_diff": 0.9}])
def test_a_field_beside_the_spec_is_refused(key: str, value: object) -> None:
    """The API server drops it with a warning that pipelines do not read; a status is not evidence."""
    problems = read_document({**manifest_object(), key: value}).problems
    assert len(problems) == 1
    assert "unknown field" in problems[0].message
    assert read_document({**manifest_object(), "status": {"x": 1}}).problems == ()


def test_an_unknown_null_is_found_in_nested_files_only_as_deep_as_they_are_read() -> None:
    """Nesting beyond what is read is a problem already, and ends the search."""
    deep: dict[str, Any] = {}
    for _ in range(2000):
        deep = {"x": deep}
    assert read_document(manifest_object(lineage=deep)).problems


@pytest.mark.parametrize("blank", [" ", "\t\n", "\u200b", "\u00a0", "\u2028 \u00ad"])
@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("spec.model.name", ("model", "name")),
        ("spec.bias[0].attribute", ("bias", 0, "attribute")),
        ("spec.bias[0].groups[1].name", ("bias", 0, "groups", 1, "name")),
    ],
)
def test_a_blank_name_is_none(blank: str, path: str, location: Location) -> None:
    """White space and characters without a shape name no model, no attribute and no group."""
    damaged = manifest_object()
    put(damaged["spec"], location, blank)
    manifest = read_manifest(damaged)
    assert path in {problem.path for problem in manifest.problems}
    assert judged(manifest).outcome is Outcome.FAIL


def test_a_null_within_a_list_stays_and_is_refused() -> None:
    """The API server drops nulls from objects only."""
    assert "spec.bias[0]" in problems(bias=[None])


def test_what_is_left_is_still_judged() -> None:
    """One unreadable field does not hide what is wrong elsewhere."""
    damaged = manifest_object(humanOversight={"enabled": False})
    damaged["spec"]["bias"][0]["value"] = "0.03"
    damaged["spec"]["bias"][1]["value"] = 0.5
    verdict = judged(read_manifest(damaged))
    assert {"manifest/invalid", "bias/limit", "oversight/missing"} <= set(verdict.failed_rules)


def test_a_part_whose_required_field_is_unreadable_is_cut_out_with_it() -> None:
    """A measurement without a readable value is no measurement, and is reported once."""
    damaged = manifest_object()
    damaged["spec"]["bias"][0]["value"] = "0.03"
    manifest = read_manifest(damaged)
    assert [measurement.attribute for measurement in manifest.bias] == ["age"]
    assert [problem.path for problem in manifest.problems] == ["spec.bias[0].value"]


def test_problems_count_lists_as_the_document_does() -> None:
    """Paths keep their positions, although what stood before them was cut out."""
    approvals = [5, {"role": "a", "by": "b", "at": "2026-11-02T08:00:00Z"}, {"role": "a", "by": 7, "at": 8}]
    manifest = read_manifest(manifest_object(approvals=approvals))
    assert [path for path, _ in manifest.records if "approvals" in path] == ["spec.approvals[1].at"]
    assert [problem.path for problem in manifest.problems] == [
        "spec.approvals[0]",
        "spec.approvals[2].by",
        "spec.approvals[2].at",
    ]


@pytest.mark.parametrize("model", [{"name": 5}, {}, 5, [], {"version": "2"}])
def test_a_model_that_cannot_be_read_is_no_model(model: object) -> None:
    """Nothing stands in for it when decisions ask which model the evidence speaks of."""
    manifest = read_manifest(manifest_object(model=model))
    assert manifest.model is None
    assert manifest.images == ()
    assert len(manifest.bias) == 2
    assert manifest.problems


def test_an_unknown_field_is_a_problem() -> None:
    """A misspelt field is not passed over; the API server would drop it and with it the evidence."""
    assert "spec.humanOversigth" in problems(humanOversigth={"enabled": True})
    assert 'spec["a b"]' in problems(**{"a b": 1})


def test_python_spelling_of_a_field_is_unknown() -> None:
    """`risk_category` is no field of the API, though the models' attribute is called so."""
    assert "spec.risk_category" in problems(risk_category="HighRisk")


def test_an_unknown_risk_category_is_kept_and_refused() -> None:
    """The rules say what stood there, and manifest/invalid says what may stand there."""
    manifest = read_manifest(manifest_object(riskCategory="Harmless"))
    assert (manifest.risk_category, manifest.stated_category) == (None, "Harmless")
    assert {"manifest/invalid"} == set(judged(manifest).failed_rules)
    assert "risk/category" in {finding.rule for finding in judged(manifest).findings}


def test_oversight_as_text_counts_as_absent() -> None:
    """Only the boolean true enables oversight."""
    manifest = read_manifest(manifest_object(humanOversight={"enabled": "true", "role": "Officer"}))
    assert manifest.oversight is None
    assert {"manifest/invalid", "oversight/missing"} == set(judged(manifest).failed_rules)


def test_blank_text_fills_no_field() -> None:
    """Spaces name no party."""
    manifest = read_manifest(manifest_object(humanOversight={"enabled": True, "role": "  ", "stop": "s"}))
    assert manifest.oversight == Oversight(enabled=True, filled=frozenset({"stop"}))
    blank = manifest_object(classification={"basis": "III.5.b", "rationale": " \t"})
    classification = read_manifest(blank).classification
    assert classification is not None
    assert not classification.reasoned


def test_a_message_holds_the_value_and_what_it_must_be() -> None:
    """One sentence: what stood there, escaped and short, and what should."""
    long = "\x1b[31m" + "x" * 500
    found = problems(riskCategory=long)["spec.riskCategory"]
    assert "\\x1b" in found.message
    assert len(found.message) < 250
    assert 'supported values: "Prohibited", "HighRisk"' in found.message
    assert problems(bias=[{"metric": "disparate_impact", "value": "1"}])["spec.bias[0].value"].message == (
        'Invalid value: "1": must be a number'
    )


def test_endless_problems_are_counted_not_listed() -> None:
    """A document of ten thousand errors does not fill the memory of a cache."""
    found = read_manifest(manifest_object(**{f"x{index}": index for index in range(10_000)})).problems
    assert len(found) == 65
    assert "9936 more" in found[-1].message


def test_nesting_without_end_is_a_problem() -> None:
    """A spec nested deeper than anything sensible is refused without a stack overflow."""
    deep: Any = 1
    for _ in range(50_000):
        deep = [deep]
    manifest = read_manifest(manifest_object(bias=deep))
    assert "nested" in manifest.problems[0].message
    assert manifest.digest is None


@pytest.mark.parametrize(
    "obj",
    [
        None,
        5,
        [],
        {},
        {"spec": []},
        {"metadata": "x"},
        {"kind": "ComplianceManifest"},
        {**manifest_object(), "apiVersion": "v1"},
        {**manifest_object(), "kind": "Deployment"},
        {**manifest_object(), "metadata": {"name": "Not_A_Name"}},
        {**manifest_object(), "metadata": {"name": "x" * 254}},
        {**manifest_object(), "metadata": {"name": "x", "namespace": 5}},
    ],
)
def test_what_is_no_manifest_is_refused(obj: Any) -> None:  # noqa: ANN401 - any JSON value
    """An object of another type or without a name leaves a problem, and never raises."""
    verdict = judged(read_manifest(obj))
    assert "manifest/invalid" in verdict.failed_rules


def test_a_manifest_without_namespace_is_in_default() -> None:
    """As kubectl applies it there."""
    obj = manifest_object()
    del obj["metadata"]["namespace"]
    assert read_manifest(obj).namespace == "default"


def test_nan_leaves_the_evidence_without_a_digest() -> None:
    """NaN has no canonical form: it is named, and the digest is None."""
    evaluations = [{"kind": "robustness", "value": float("nan")}]
    manifest = read_manifest(manifest_object(evaluations=evaluations))
    assert manifest.digest is None
    assert [problem.path for problem in manifest.problems] == ["spec.evaluations[0].value"]


def test_what_repeats_is_held_once() -> None:
    """A cache of many manifests shares regions, oversight and texts that are the same."""
    one, two = read_manifest(manifest_object()), read_manifest(manifest_object())
    assert one.training_regions[0] is two.training_regions[0]
    assert one.oversight is two.oversight
    assert one.bias[0].attribute is two.bias[0].attribute
    assert one.namespace is two.namespace


def test_findings_after_an_unreadable_item_keep_their_place() -> None:
    """A finding points at the item of the document, not of what was left of it."""
    good = {"metric": "demographic_parity_difference", "value": 0.2}
    regions = [{"region": 7}, {"provider": "aws", "region": "eu-west-2"}]
    damaged = manifest_object(
        bias=[{"metric": "demographic_parity_difference", "value": "0.2"}, good],
        training={"finishedAt": "2026-11-01T10:00:00Z", "regions": regions},
    )
    found = {(finding.rule, finding.path) for finding in judged(read_manifest(damaged)).findings}
    assert ("bias/limit", "spec.bias[1].value") in found
    assert ("residency/training", "spec.training.regions[1]") in found


def test_a_name_that_is_too_long_is_called_text_and_no_list() -> None:
    """Names are validated before their length is, and the message must fit what the author wrote."""
    (found,) = problems(model={"name": "x" * 254}).values()
    assert found.message.endswith("must be text of at most 253 characters")
