"""What a v0 file measures never disappears: every key that holds evidence is read or refused."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from actgate.decision import Outcome
from actgate.manifests import EvidenceError, convert, read_document, read_manifest, unnamed
from actgate.manifests.v0 import METRICS
from tests.manifests.build import judged, v0, v0_bias
from tests.manifests.strategies import json_values, scalars, v0_documents


def refused_at(document: dict[str, Any]) -> dict[str, str]:
    """Return the problems of a file, which manifest/invalid refuses and convert as well."""
    manifest = read_document(document)
    found = {problem.path: problem.message for problem in manifest.problems}
    if found:
        assert "manifest/invalid" in judged(manifest).failed_rules
        with pytest.raises(EvidenceError):
            convert(document)
    else:
        convert(document)
    return found


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("demographic_parity_dif", "demographic_parity_diff"),
        ("demografic_parity_diff", "demographic_parity_diff"),
        ("DEMOGRAPHIC_PARITY_DIFF", "demographic_parity_diff"),
        (" demographic_parity_diff", "demographic_parity_diff"),
        ("demographic-parity-diff", "demographic_parity_diff"),
        ("demographicParityDifference", "demographic_parity_difference"),
        ("equalized_odds", "equalized_odds_diff"),
        ("disparate_impact_ratio", "disparate_impact"),
        ("Threshold", "threshold"),
        ("is_compliant", "compliant"),
    ],
)
def test_a_misspelt_key_beside_a_good_one_is_refused_with_what_was_meant(key: str, meant: str) -> None:
    """Whatever it holds, a null included: it is not read, and so the rest cannot be relied on."""
    values: tuple[object, ...] = (0.9, 0.0, None, "0.03", True, [0.9], {"gender": 0.9})
    for value in values:
        (message,) = refused_at(v0_bias(**{key: value})).values()
        assert message.startswith("Unsupported value: "), value
        assert f"did you mean {meant}?" in message, value


@pytest.mark.parametrize("key", ["gender", "p_value", "theil_index", "spd", "", "n", "age.demographic", "ü"])
def test_any_other_key_beside_a_good_one_is_refused(key: str) -> None:
    """Nested measurements, metrics that actgate does not know, remarks: none of them is dropped."""
    values: tuple[object, ...] = (0.9, None, {"demographic_parity_diff": 0.9}, "see report", [])
    for value in values:
        (path,) = refused_at(v0_bias(**{key: value}))
        assert path.startswith("bias_metrics."), value


@pytest.mark.parametrize("key", sorted(METRICS))
def test_a_measurement_that_is_null_is_refused(key: str) -> None:
    """The number that was not written may be the bad one."""
    metrics = {"disparate_impact" if key != "disparate_impact" else "equalized_odds_ratio": 0.9, key: None}
    assert refused_at(v0(bias_metrics=metrics)) == {
        f"bias_metrics.{key}": "Required value: the measured value is null"
    }


@pytest.mark.parametrize("metric", sorted({key for key in METRICS if key.endswith("_diff")}))
@pytest.mark.parametrize("again", [0.03, 0.9])
def test_two_spellings_of_one_metric_are_refused(metric: str, again: float) -> None:
    """One measurement is stated once, also when both say the same."""
    document = v0(bias_metrics={metric: 0.03, f"{metric}erence": again})
    assert [*refused_at(document)] == [f"bias_metrics.{metric}erence"]


@pytest.mark.parametrize(
    ("key", "value", "meant"),
    [
        ("bias_metric", {"demographic_parity_diff": 0.9}, "bias_metrics"),
        ("biasMetrics", {"demographic_parity_diff": 0.9}, "bias_metrics"),
        ("BIAS_METRICS", {}, "bias_metrics"),
        (" bias_metrics", None, "bias_metrics"),
        ("bias", [{"metric": "disparate_impact", "value": 0.1}], "bias_metrics"),
        ("bias_metrics_by_age", {"x": 0.9}, "bias_metrics"),
        ("fairness", {"gender": 0.9}, "bias_metrics"),
        ("fairness_ok", False, "bias_metrics"),
        ("bias_score", "0.9", "bias_metrics"),
        ("bias_score", "90 %", "bias_metrics"),
        ("demographic_parity_diff", 0.9, "bias_metrics"),
        ("Equalized Odds Difference", None, "bias_metrics"),
        ("evaluation", {"by_group": [{"demographic_parity_diff": 0.9}]}, "bias_metrics"),
        ("evaluation", {"metric": "Disparate Impact", "result": 0.1}, "bias_metrics"),
        ("metrics", {"fairness": {"age": 0.9}}, "bias_metrics"),
        ("assumed_defaults", [{"demographic_parity_diff": 0.9}], "bias_metrics"),
        ("compliant", False, "bias_metrics.compliant"),
        ("threshold", 0.001, "bias_metrics.threshold"),
        ("human_oversight", False, "human_oversight_enabled"),
        ("humanOversightEnabled", False, "human_oversight_enabled"),
        ("human_oversight_enable", False, "human_oversight_enabled"),
        ("riskCategory", "PROHIBITED", "risk_category"),
        ("risk_level", "PROHIBITED", "risk_category"),
        ("training_timestmp", "2020-01-01T00:00:00Z", "training_timestamp"),
        ("data_sovereignty", "us-east-1", "training_data_sovereignty"),
        ("training_regions", ["us-east-1"], "training_data_sovereignty"),
        ("ModelName", "Other", "model_name"),
    ],
)
def test_a_renamed_or_nested_key_beside_the_known_ones_is_refused(
    key: str, value: object, meant: str
) -> None:
    """What reads like a known field, or holds a measurement anywhere, is no remark."""
    (message,) = refused_at(v0(**{key: value})).values()
    assert f"did you mean {meant}?" in message


@pytest.mark.parametrize("key", ["validity", "approvals", "evaluations", "classification", "training"])
def test_what_only_a_manifest_has_a_place_for_is_refused(key: str) -> None:
    """An end of validity that v0 cannot hold would never come."""
    (message,) = refused_at(v0(**{key: {"notAfter": "2020-01-01T00:00:00Z"}})).values()
    assert "ComplianceManifest" in message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("owner", "Credit team"),
        ("git_commit", "4f1c2d"),
        ("framework", {"name": "scikit-learn", "version": "1.7"}),
        ("model_version", "2"),
        ("model_type", "gradient boosting"),
        ("datasets", ["loans"]),
        ("training_data", "loans 2026"),
        ("training_time", 3600),
        ("risk_score", 0.3),
        ("risk_owner", "Credit board"),
        ("human_oversight_contact", "credit@bank.example"),
        ("bias_report", "https://wiki.example/bias"),
        ("metrics", {"accuracy": 0.91, "auc": 0.8}),
        ("hyperparameters", {"use_bias": True, "learning_rate": 0.1}),
        ("description", "demographic parity was measured by gender"),
        ("note", None),
    ],
)
def test_a_remark_stays_a_weakness(key: str, value: object) -> None:
    """Pipelines write more than evidence; the conversion says what it leaves out."""
    assert refused_at(v0(**{key: value})) == {}
    reported = {weakness.path for weakness in convert(v0(**{key: value})).weaknesses}
    assert (key in reported) is (value is not None)


def test_one_refusal_names_every_key() -> None:
    """One pass of corrections is enough, and a file of a million keys has a message all the same."""
    found = refused_at(v0_bias(theil_index=0.1, spd=0.2) | {"biasMetrics": {}})
    assert set(found) == {"bias_metrics.theil_index", "bias_metrics.spd", "biasMetrics"}
    assert len(read_document(v0_bias(**{f"x{number}": 1 for number in range(500)})).problems) == 64


keys = st.sampled_from([*METRICS, "threshold", "compliant"])
spellings = st.one_of(
    keys,
    keys.map(str.upper),
    keys.map(lambda key: key.replace("_", "-")),
    keys.map(lambda key: f" {key}"),
    st.builds(lambda key, cut: key[:cut] + key[cut + 1 :], keys, st.integers(0, 30)),
    st.text(max_size=12),
    st.sampled_from(["gender", "age", "value", "metrics", "p_value"]),
)
measured = st.one_of(
    scalars, st.floats(-1, 1), json_values, st.dictionaries(spellings, st.floats(-1, 1), max_size=2)
)


@given(st.sampled_from(sorted(METRICS)), spellings, measured)
def test_no_key_under_bias_metrics_disappears(first: str, key: str, value: object) -> None:
    """For any key and value: the file is invalid, or the number is among what is judged."""
    document = v0(bias_metrics={first: 0.03 if first.endswith(("_diff", "_difference")) else 0.9, key: value})
    manifest = read_document(copy.deepcopy(document))
    if manifest.problems:
        event("refused")
        assert "manifest/invalid" in judged(manifest).failed_rules
        return
    event(f"read: {key if key in METRICS else 'other'}")
    assert key in (*METRICS, "threshold", "compliant")
    expected = {METRICS[name]: number for name, number in document["bias_metrics"].items() if name in METRICS}
    assert {item.metric: item.value for item in manifest.bias} == expected
    if key in ("threshold", "compliant"):
        assert all(getattr(item, key) == value for item in manifest.bias)


nesting = st.recursive(
    st.sampled_from(sorted(METRICS)).map(lambda key: {key: 0.1 if METRICS[key].is_ratio else 0.9}),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=2)
        | st.dictionaries(st.sampled_from(["a", "gender", "results"]), inner, min_size=1, max_size=2)
    ),
    max_leaves=4,
)


@given(st.text(max_size=10).filter(lambda key: key not in v0()), nesting)
def test_no_metric_disappears_wherever_it_is_put(key: str, value: object) -> None:
    """Beside the known fields, at any depth, and in the place of each of them."""
    assert read_document(v0(**{key: value})).problems
    for field in v0():
        assert judged(read_document(v0(**{field: value}))).outcome is Outcome.FAIL


@given(v0_documents)
def test_a_v0_file_is_never_judged_laxer_than_its_conversion(document: dict[str, Any]) -> None:
    """Whatever v1 finds in the conversion, the file itself is refused for too."""
    try:
        converted = convert(document).manifest
    except EvidenceError:
        assert judged(read_document(document)).outcome is Outcome.FAIL or "model_name" not in document
        return
    as_v1 = {(item.rule, item.path, item.effect) for item in judged(read_manifest(converted)).findings}
    as_v0 = {(item.rule, item.path, item.effect) for item in judged(read_document(document)).findings}
    assert as_v1 <= as_v0


@pytest.mark.parametrize("stated", [None, "", " ", "\u200b\n", 5, True, [], ["x"], {"name": "x"}, 0.5])
def test_a_file_without_the_name_of_its_model_names_none(stated: object) -> None:
    """Missing, null, blank and of another type alike; reading and converting refuse it too."""
    document = v0(model_name=stated)
    sentence = unnamed(document)
    assert sentence is not None
    assert sentence.startswith("model_name: ")
    assert refused_at(document)


def test_a_renamed_model_name_is_recognised() -> None:
    """An author who wrote modelName gets a message."""
    document = v0(modelName="CreditRiskScorer-v2")
    del document["model_name"]
    assert '"modelName"' in (unnamed(document) or "")
    assert unnamed(v0()) is None
