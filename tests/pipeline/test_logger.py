"""The governance logger: the calls that pipelines know, and evidence that says who said what."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from actgate import EUAIActGovernanceLogger
from actgate.decision import Manifest, Outcome, Subject, decide, metrics
from actgate.decision.manifest import GroupCount
from actgate.documents import load
from actgate.manifests import EvidenceError, convert, read_document
from tests.manifests.build import NOW

_ENVIRONMENT = ("ACTGATE_HUMAN_OVERSIGHT", "ACTGATE_TRAINING_REGION", "AWS_REGION", "AWS_DEFAULT_REGION")
_DECLARED: dict[str, Any] = {
    "human_oversight": True,
    "training_regions": "aws eu-west-3",
    "finished_at": datetime(2026, 11, 1, 10, tzinfo=UTC),
}


@pytest.fixture(autouse=True)
def _nothing_declared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in _ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def declaring(**changes: Any) -> EUAIActGovernanceLogger:  # noqa: ANN401 - arguments of the logger
    return EUAIActGovernanceLogger("CreditRiskScorer-v2", "HIGH_RISK", **{**_DECLARED, **changes})


def written(path: str) -> Any:  # noqa: ANN401 - any JSON value
    (document,) = load(Path(path).read_bytes(), path)
    return document.value


def judged(manifest: Manifest, now: datetime = NOW) -> Outcome:
    return decide(Subject.of_manifest(manifest), [manifest], [], now).outcome


def test_the_three_calls_write_a_file_that_passes() -> None:
    """The snippet that pipelines contain runs as it is, and the baseline lets its file pass."""
    logger = EUAIActGovernanceLogger("CreditRiskScorer-v2", "HIGH_RISK")
    logger.log_bias_check(0.03)
    logger.export_compliance_manifest("model_compliance_manifest.json")
    manifest = read_document(written("model_compliance_manifest.json"))
    assert manifest.problems == ()
    # A second later than the export, by this machine's own clock.
    assert judged(manifest, datetime.now(UTC) + timedelta(seconds=1)) is Outcome.WARN


def test_the_v0_file_has_the_fields_that_it_always_had() -> None:
    """Field for field, in their order, and nothing else where everything was declared."""
    logger = declaring(training_regions="EU-WEST-3 (Paris)")
    logger.log_bias_check(0.03)
    logger.export_compliance_manifest("m.json")
    assert list(written("m.json").items()) == [
        ("model_name", "CreditRiskScorer-v2"),
        ("risk_category", "HIGH_RISK"),
        ("training_timestamp", "2026-11-01T10:00:00+00:00"),
        ("human_oversight_enabled", True),
        ("training_data_sovereignty", "EU-WEST-3 (Paris)"),
        ("bias_metrics", {"demographic_parity_diff": 0.03, "threshold": 0.05, "compliant": True}),
    ]


def test_what_was_not_declared_is_marked_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The assumed defaults stand in the file, in the log, and among the weaknesses of a conversion."""
    logger = EUAIActGovernanceLogger("CreditRiskScorer-v2", "HIGH_RISK", training_regions="aws eu-west-3")
    logger.log_bias_check(0.03)
    with caplog.at_level(logging.WARNING, "actgate.pipeline"):
        logger.export_compliance_manifest("m.json")
    assert written("m.json")["assumed_defaults"] == ["human_oversight_enabled"]
    assert "human_oversight_enabled not declared" in caplog.text
    assert "human_oversight_enabled" in {weakness.path for weakness in convert(written("m.json")).weaknesses}


def test_what_was_declared_is_neither_marked_nor_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A pipeline that says everything hears nothing."""
    logger = declaring()
    logger.log_bias_check(0.03)
    logger.export_compliance_manifest("m.json")
    assert "assumed_defaults" not in written("m.json")
    assert caplog.text == ""


def test_declared_absence_of_oversight_is_written() -> None:
    """False is a declaration too, and the gate refuses it."""
    logger = declaring(human_oversight=False)
    logger.log_bias_check(0.03)
    logger.export_compliance_manifest("m.json")
    assert written("m.json")["human_oversight_enabled"] is False
    assert judged(read_document(written("m.json"))) is Outcome.FAIL


@pytest.mark.parametrize(
    ("environment", "regions"),
    [
        (
            {"ACTGATE_TRAINING_REGION": "gcp europe-west9", "AWS_REGION": "us-east-1"},
            [("europe-west9", "gcp")],
        ),
        ({"AWS_REGION": "eu-west-3"}, [("eu-west-3", "aws")]),
        ({"AWS_DEFAULT_REGION": "us-east-1"}, [("us-east-1", "aws")]),
    ],
)
def test_the_environment_declares(
    environment: dict[str, str], regions: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The training job's environment is believed before any default, also where that refuses it."""
    for name, value in {**environment, "ACTGATE_HUMAN_OVERSIGHT": "true"}.items():
        monkeypatch.setenv(name, value)
    logger = EUAIActGovernanceLogger("CreditRiskScorer-v2", "HIGH_RISK")
    logger.log_bias_check(0.03)
    logger.export_compliance_manifest("m.json")
    assert "assumed_defaults" not in written("m.json")
    found = read_document(written("m.json")).training_regions
    assert [(region.code, region.provider) for region in found] == regions


@pytest.mark.parametrize("stated", ["TRUE", "1", "yes", ""])
def test_an_unclear_environment_is_refused(stated: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only true and false are clear."""
    monkeypatch.setenv("ACTGATE_HUMAN_OVERSIGHT", stated)
    with pytest.raises(EvidenceError, match="ACTGATE_HUMAN_OVERSIGHT"):
        EUAIActGovernanceLogger("CreditRiskScorer-v2", "HIGH_RISK")


@pytest.mark.parametrize(
    ("difference", "threshold", "holds"),
    [(0.03, 0.05, True), (0.05, 0.05, True), (0.06, 0.05, False), (-0.2, 0.05, False), (-0.04, 0.05, True)],
)
def test_a_difference_is_held_against_its_limit_by_absolute_value(
    difference: float, threshold: float, holds: bool
) -> None:
    """A negative difference is as far from parity as a positive one."""
    assert declaring().log_bias_check(difference, threshold) is holds


def test_a_failed_check_is_written_as_it_is() -> None:
    """Evidence of a failure is evidence: the file says compliant: false, and the gate refuses it."""
    logger = declaring()
    logger.log_bias_check(-0.2)
    logger.export_compliance_manifest("m.json")
    assert written("m.json")["bias_metrics"]["compliant"] is False
    assert judged(read_document(written("m.json"))) is Outcome.FAIL


@pytest.mark.parametrize(
    "wrong", [float("nan"), float("inf"), True, "0.03", None, 1.5, 10**400, Decimal("0.1"), [0.1]]
)
def test_what_is_no_difference_is_refused(wrong: Any) -> None:  # noqa: ANN401 - any value
    """Before anything is recorded or written."""
    logger = declaring()
    with pytest.raises(EvidenceError, match="parity_difference"):
        logger.log_bias_check(wrong)
    with pytest.raises(EvidenceError, match="no bias check"):
        logger.export_compliance_manifest("m.json")
    assert not Path("m.json").exists()


@pytest.mark.parametrize("wrong", [float("nan"), True, "0.05", -0.1, 1.1])
def test_what_is_no_threshold_is_refused(wrong: Any) -> None:  # noqa: ANN401 - any value
    """A limit lies from 0 to 1."""
    with pytest.raises(EvidenceError, match="threshold"):
        declaring().log_bias_check(0.03, wrong)


def test_numbers_of_other_libraries_count() -> None:
    """Those of numpy and pandas are registered as numbers.Real; so is a fraction."""
    logger = declaring()
    assert logger.log_bias_check(Fraction(3, 100))  # type: ignore[arg-type]
    logger.export_compliance_manifest("m.json")
    assert written("m.json")["bias_metrics"]["demographic_parity_diff"] == 0.03


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"model_name": ""}, "model_name"),
        ({"model_name": 5}, "model_name"),
        ({"risk_category": "HARMLESS"}, "risk_category"),
        ({"risk_category": None}, "risk_category"),
        ({"human_oversight": "true"}, "human_oversight"),
        ({"training_regions": ""}, "training region"),
        ({"training_regions": [5]}, "training region"),
        ({"training_regions": [{"provider": "aws"}]}, "training region"),
        ({"finished_at": datetime(2026, 11, 1)}, "zone"),  # noqa: DTZ001 - what is refused
    ],
)
def test_what_is_no_evidence_is_refused_at_once(arguments: dict[str, Any], words: str) -> None:
    """The sentence names the argument."""
    given = {"model_name": "CreditRiskScorer-v2", "risk_category": "HIGH_RISK", **arguments}
    with pytest.raises(EvidenceError, match=words):
        EUAIActGovernanceLogger(**given)


def test_without_a_bias_check_nothing_is_written() -> None:
    """A manifest without a measurement would look like one that has passed something."""
    with pytest.raises(EvidenceError, match="log_bias_check"):
        declaring().export_compliance_manifest("m.json")
    assert not Path("m.json").exists()


def test_a_later_check_of_the_same_attribute_counts() -> None:
    """After mitigation the model is measured again."""
    logger = declaring()
    logger.log_bias_check(0.2)
    logger.log_bias_check(0.03)
    logger.export_compliance_manifest("m.json")
    assert written("m.json")["bias_metrics"]["demographic_parity_diff"] == 0.03


@pytest.mark.parametrize("name", ["m.yaml", "m.json"])
def test_v1_holds_everything_and_passes(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """A user who states more exports a ComplianceManifest, which passes without a warning."""
    logger = declaring(training_regions=[{"provider": "aws", "region": "eu-west-3"}, "gcp europe-west9"])
    groups = [{"name": "female", "count": 4120, "selection_rate": 0.41}, {"name": "male", "count": 5010}]
    logger.log_bias_check(-0.03, attribute="gender", groups=groups, library="fairlearn 0.15.0")
    logger.log_bias_check(0.01, attribute="gender", metric="equalized_odds_difference", groups=groups)
    assert logger.log_bias_ratio(1.1, attribute="age", metric="disparate_impact", groups=groups)
    logger.log_model(digest=f"sha256:{'a' * 64}", images=(f"r.example/m@sha256:{'b' * 64}",))
    logger.log_human_oversight(True, role="Credit officer", contact="c", override="y", stop="off")
    logger.log_classification(basis="III.5.b", profiling=True, rationale="creditworthiness", assessed_by="x")
    logger.log_dataset("loans", version="7", licence="CC-BY-4.0")
    logger.log_evaluation("robustness", metric="accuracy", value=0.91, threshold=0.9)
    logger.log_lineage(code_commit="4f1c2d", run_id="run-17", base_models=["bert-base"])
    logger.log_validity(not_after="2027-11-01T00:00:00Z")
    logger.log_approval("Model owner", "Credit board", datetime(2026, 11, 2, tzinfo=UTC))
    logger.export_compliance_manifest(name, version="v1")
    manifest = read_document(written(name))
    assert manifest.problems == ()
    assert manifest.model is not None
    assert (manifest.model.name, manifest.model.version) == ("CreditRiskScorer", "2")
    assert [region.code for region in manifest.training_regions] == ["eu-west-3", "europe-west9"]
    assert judged(manifest) is Outcome.PASS
    assert caplog.text == ""


def test_results_name_the_plan_that_fixed_them() -> None:
    """Measurements and tests, in what v1 alone has a place for."""
    logger, plan = declaring(), f"sha256:{'c' * 64}"
    logger.log_bias_check(0.03, attribute="gender", plan_digest=plan)
    logger.log_bias_ratio(0.9, attribute="gender", plan_digest=plan)
    test = {"metric": "f1", "value": 0.91, "comparator": ">=", "threshold": 0.9}
    logger.log_evaluation("accuracy", **test, plan_digest=plan)  # type: ignore[arg-type]
    logger.export_compliance_manifest("m.yaml")
    spec = written("m.yaml")["spec"]
    assert [one["planDigest"] for one in (*spec["bias"], *spec["evaluations"])] == [plan] * 3
    assert spec["evaluations"][0].items() >= test.items()
    alone = declaring()
    alone.log_bias_check(0.03, plan_digest=plan)
    with pytest.raises(EvidenceError, match="no field for plan_digest"):
        alone.export_compliance_manifest("m.json")


def test_v1_states_nothing_that_was_not_declared(caplog: pytest.LogCaptureFixture) -> None:
    """The assumed defaults belong to v0; a ComplianceManifest leaves out what the gate will then miss."""
    logger = EUAIActGovernanceLogger("CreditRiskScorer-v2", "HIGH_RISK")
    logger.log_bias_check(0.03)
    logger.export_compliance_manifest("m.yaml")
    spec = written("m.yaml")["spec"]
    assert "humanOversight" not in spec
    assert "regions" not in spec["training"]
    assert "not declared" in caplog.text


def test_v0_refuses_what_it_has_no_place_for() -> None:
    """Losing the attribute or the digests silently would weaken the evidence."""
    logger = declaring()
    logger.log_bias_check(0.03, attribute="gender")
    logger.log_model(digest=f"sha256:{'a' * 64}")
    logger.log_dataset("loans")
    with pytest.raises(EvidenceError, match="attribute, digests, datasets"):
        logger.export_compliance_manifest("m.json")
    assert not Path("m.json").exists()


def test_a_version_beside_the_name_is_the_models() -> None:
    """A version that is stated keeps the name whole, unless it is the one that the name ends with."""
    for version, name in (("2", "CreditRiskScorer"), ("2.1", "CreditRiskScorer-v2")):
        logger = declaring()
        logger.log_bias_check(0.03)
        logger.log_model(version=version)
        logger.export_compliance_manifest("m.yaml")
        assert written("m.yaml")["spec"]["model"] == {"name": name, "version": version}


@pytest.mark.parametrize(
    ("call", "arguments", "details"),
    [
        ("log_model", (), {"digest": "sha256:x"}),
        ("log_human_oversight", ("true",), {}),
        ("log_bias_check", (0.03,), {"metric": "disparate_impact"}),
        ("log_bias_check", (0.03,), {"groups": [{"name": "a", "count": "5"}]}),
        ("log_bias_ratio", (-0.1,), {}),
        ("log_bias_ratio", (0.9,), {"metric": "demographic_parity_difference"}),
        ("log_validity", (), {"not_after": "tomorrow"}),
        ("log_evaluation", ("robustness",), {"value": float("nan")}),
        ("log_dataset", ("",), {}),
    ],
)
def test_what_v1_cannot_hold_is_refused_at_once(
    call: str, arguments: tuple[object, ...], details: dict[str, object]
) -> None:
    """At the call that states it, not at the end of a long training run."""
    with pytest.raises(EvidenceError):
        getattr(declaring(), call)(*arguments, **details)


_PAIR = ({"name": "female", "count": 4120}, {"name": "male", "count": 5010})


@pytest.mark.parametrize(
    ("value", "groups", "words"),
    [
        (0.03, [{**_PAIR[0], "selection_rate": 0.41}, {**_PAIR[1], "selection_rate": 0.61}], "bias.value"),
        (0.03, [*_PAIR, {"name": "Female ", "count": 9}], "Duplicate value"),
        (0.03, [*_PAIR, {"name": "other", "count": 0}], "groups[2].count"),
        (0.03, [_PAIR[0]], "at least 2"),
        (0.03, [{"name": "female", "count": 3, "selection_rate": 0.5}, _PAIR[1]], "selectionRate"),
        (0.03, [{"name": "  ", "count": 3}, _PAIR[1]], "blank"),
    ],
)
def test_what_the_gate_would_refuse_as_a_contradiction_is_refused_at_once(
    value: float, groups: list[dict[str, Any]], words: str
) -> None:
    """At the call that states it; nothing is recorded, and so nothing is written."""
    logger = declaring()
    with pytest.raises(EvidenceError, match=re.escape(words)):
        logger.log_bias_check(value, attribute="gender", groups=groups)
    with pytest.raises(EvidenceError, match="no bias check"):
        logger.export_compliance_manifest("m.yaml")


_COUNTED = (
    {"name": "female", "count": 2000, "selected": 690, "positives": 800, "true_positives": 600},
    {"name": "male", "count": 2500, "positives": 1000, "true_positives": 740, "false_positives": 160},
)


def test_groups_with_counts_are_recorded_and_recomputed() -> None:
    """The manifest holds them in its own spelling, and the gate agrees."""
    logger = declaring()
    groups = list(_COUNTED)
    assert logger.log_bias_check(0.015, attribute="gender", groups=groups)
    assert logger.log_bias_check(
        0.01, attribute="gender", metric="equal_opportunity_difference", groups=groups
    )
    assert logger.log_bias_ratio(
        0.96, attribute="gender", metric="disparate_impact", groups=groups, reference_group="male"
    )
    logger.export_compliance_manifest("m.yaml")
    *_, last = written("m.yaml")["spec"]["bias"]
    assert last["referenceGroup"] == "male"
    assert last["groups"][1] == {
        "name": "male",
        "count": 2500,
        "positives": 1000,
        "truePositives": 740,
        "falsePositives": 160,
    }
    manifest = read_document(written("m.yaml"))
    assert manifest.bias[0].groups[0] == GroupCount("female", 2000, None, 690, 800, 600)
    assert manifest.bias[-1].reference_group == "male"
    assert all(map(metrics.recomputable, manifest.bias))
    verdict = decide(Subject.of_manifest(manifest), [manifest], [], NOW)
    assert not any(finding.rule.startswith("bias/") for finding in verdict.findings)


def test_the_verdict_of_a_measurement_with_counts_is_that_of_its_counts() -> None:
    """Rounding brings no value within the limit, and the claim is what the gate recomputes."""
    logger = declaring()
    groups = [
        {"name": "a", "count": 10_000, "selected": 4504},
        {"name": "b", "count": 10_000, "selected": 4000},
    ]
    assert not logger.log_bias_check(0.05, attribute="gender", groups=groups)
    logger.export_compliance_manifest("m.yaml")
    assert written("m.yaml")["spec"]["bias"][0]["compliant"] is False


@pytest.mark.parametrize(
    ("value", "changes", "words"),
    [
        (0.03, {}, "bias.value: Invalid value: 0.03: must be 0.015, by its counts"),
        (0.015, {"selected": 2001}, "bias.groups[0].selected: Invalid value: 2001: must be <= 2000"),
        (0.015, {"true_positives": 801}, "bias.groups[0].truePositives"),
        (0.015, {"selected": 1.5}, "bias.groups[0].selected"),
        (0.015, {"selection_rate": 0.5}, "bias.groups[0].selectionRate"),
    ],
)
def test_counts_that_contradict_a_measurement_are_refused_at_once(
    value: float, changes: dict[str, Any], words: str
) -> None:
    """As the gate would refuse them, at the call that states them."""
    groups = [{**_COUNTED[0], **changes}, _COUNTED[1]]
    with pytest.raises(EvidenceError, match=re.escape(words)):
        declaring().log_bias_check(value, attribute="gender", groups=groups)


def test_v0_has_no_place_for_counts() -> None:
    """Nor for the reference group."""
    logger = declaring()
    logger.log_bias_ratio(
        0.96, metric="disparate_impact", groups=_COUNTED, reference_group="male", attribute="gender"
    )
    with pytest.raises(EvidenceError, match="attribute, groups, reference_group"):
        logger.export_compliance_manifest("m.json")


def test_one_attribute_in_two_spellings_is_one_attribute() -> None:
    """The gate takes them for one, so the export says so before it does."""
    logger = declaring()
    logger.log_bias_check(0.03, attribute="gender")
    logger.log_bias_check(0.01, attribute="Gender")
    with pytest.raises(EvidenceError, match="Duplicate value"):
        logger.export_compliance_manifest("m.yaml")
    assert not Path("m.yaml").exists()


def test_an_unknown_version_is_refused() -> None:
    """There are two."""
    logger = declaring()
    logger.log_bias_check(0.03)
    with pytest.raises(EvidenceError, match="supported values: v0, v1"):
        logger.export_compliance_manifest("m.json", version="v2")  # type: ignore[arg-type]


def test_an_earlier_file_is_replaced_whole(tmp_path: Path) -> None:
    """Nothing of the earlier file is left, and nothing lies beside it."""
    path = tmp_path / "m.json"
    path.write_text("earlier" * 1000, encoding="utf-8")
    logger = declaring()
    logger.log_bias_check(0.03)
    logger.export_compliance_manifest(path)
    assert json.loads(path.read_text(encoding="utf-8"))["model_name"] == "CreditRiskScorer-v2"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    """When the file cannot be put in its place, no half file lies beside it."""
    place = tmp_path / "m.json"
    place.mkdir()
    logger = declaring()
    logger.log_bias_check(0.03)
    with pytest.raises(OSError, match="directory"):
        logger.export_compliance_manifest(place)
    assert list(tmp_path.iterdir()) == [place]


@pytest.mark.parametrize(
    ("stated", "outcome"),
    [
        ({"provider": "aws", "region": "eu-west-3", "statement": "Paris, France"}, Outcome.WARN),
        ({"provider": "aws", "region": "eu-west-3", "statement": "trained in eu-west-3"}, Outcome.WARN),
        ({"provider": "aws", "region": "EU-WEST-3", "statement": "EU-WEST-3 (Paris)"}, Outcome.WARN),
        ({"provider": "ovhcloud", "region": "DE", "statement": "Frankfurt"}, Outcome.WARN),
        ({"provider": "aws", "region": "eu-west-3", "statement": "not eu-west-3"}, Outcome.FAIL),
        ({"provider": "aws", "region": "eu-west-3", "statement": "eu-west-3 or us-east-1"}, Outcome.FAIL),
        ({"provider": "aws", "region": "eu-west-3", "statement": "Paris) and London ("}, Outcome.FAIL),
        ("eu-west-3 (US failover)", Outcome.FAIL),
        ("aws eu-west-3, Paris", Outcome.WARN),
    ],
)
@pytest.mark.parametrize("name", ["m.json", "m.yaml"])
def test_a_region_with_a_statement_is_judged_alike_in_either_version(
    stated: Any,  # noqa: ANN401 - text, or a region with a statement
    outcome: Outcome,
    name: str,
) -> None:
    """v0's text says provider, code and statement, so that it is read back as the same region."""
    logger = declaring(training_regions=[stated])
    logger.log_bias_check(0.03)
    logger.export_compliance_manifest(name)
    manifest = read_document(written(name))
    assert manifest.problems == ()
    assert judged(manifest) is outcome
    (first, *_) = manifest.training_regions
    if isinstance(stated, dict):
        assert (first.provider, first.code) == (stated["provider"], first.code)
        assert first.code.lower() == stated["region"].lower()


def test_regions_from_the_environment_are_read_word_by_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """ACTGATE_TRAINING_REGION is free text like v0's own field."""
    for text, outcome in (("aws eu-west-3 (Paris)", Outcome.WARN), ("aws eu-west-3 mostly", Outcome.FAIL)):
        monkeypatch.setenv("ACTGATE_TRAINING_REGION", text)
        logger = declaring(training_regions=None)
        logger.log_bias_check(0.03)
        logger.export_compliance_manifest("m.json")
        assert judged(read_document(written("m.json"))) is outcome
