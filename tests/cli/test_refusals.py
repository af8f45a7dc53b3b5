"""Every refusal that the command line owes its users, on files, through the installed command."""

import json
from pathlib import Path

import pytest

from tests.cli.support import (
    Json,
    bias,
    check,
    manifest,
    model,
    pipeline_file,
    report,
    workload,
)


def trained_in(region: str, provider: str | None = None) -> Json:
    """Return a manifest whose model was trained in one region."""
    place = {"region": region} if provider is None else {"region": region, "provider": provider}
    return manifest(training={"finishedAt": "2026-11-01T10:00:00Z", "regions": [place]})


REFUSED = {
    "a difference of -0.2": (manifest(bias=[bias(-0.2)]), model(), {"bias/limit"}),
    "over the limit, and compliant true claimed": (
        manifest(bias=[bias(0.2, threshold=0.05, compliant=True)]),
        model(),
        {"bias/limit", "bias/claim"},
    ),
    "a threshold of 0.9 of the manifest's own": (
        manifest(bias=[bias(0.2, threshold=0.9)]),
        model(),
        {"bias/limit"},
    ),
    "London": (trained_in("eu-west-2", "aws"), model(), {"residency/training"}),
    "Zurich": (trained_in("europe-west6", "gcp"), model(), {"residency/training"}),
    "an ambiguous region": (trained_in("eu-west-1"), model(), {"residency/training"}),
    "serving in London": (
        manifest(),
        model(placement={"regions": [{"provider": "gcp", "region": "europe-west2"}]}),
        {"residency/serving"},
    ),
    'oversight "true" as a string': (
        manifest(humanOversight={"enabled": "true"}),
        model(),
        {"manifest/invalid", "oversight/missing"},
    ),
    "oversight false": (manifest(humanOversight={"enabled": False}), model(), {"oversight/missing"}),
    "a manifest of another model": (
        manifest(),
        model(model={"name": "LoanPricer", "version": "2"}),
        {"link/model"},
    ),
    "no such manifest": (manifest("another"), model(), {"link/manifest"}),
    "a value that its selection rates refute": (
        manifest(
            bias=[
                bias(
                    0.03,
                    groups=[
                        {"name": "female", "count": 4120, "selectionRate": 0.31},
                        {"name": "male", "count": 5010, "selectionRate": 0.44},
                    ],
                )
            ]
        ),
        model(),
        {"bias/counts"},
    ),
    "a group twice, and an empty one": (
        manifest(
            bias=[
                bias(
                    0.03,
                    groups=[
                        {"name": "female", "count": 4120},
                        {"name": "Female", "count": 5010},
                        {"name": "male", "count": 0},
                    ],
                )
            ]
        ),
        model(),
        {"bias/counts", "bias/sample"},
    ),
    "a measurement under another name": (
        manifest(biasMetrics={"demographic_parity_diff": 0.9}),
        model(),
        {"manifest/invalid"},
    ),
    "an expired manifest": (
        manifest(validity={"notAfter": "2026-11-23T12:00:00Z"}),
        model(),
        {"evidence/expired"},
    ),
    "a prohibited system": (manifest(riskCategory="Prohibited"), model(), {"risk/prohibited"}),
}

PIPELINE_REFUSED = {
    "a difference of -0.2": ({"bias_metrics": {"demographic_parity_diff": -0.2}}, {"bias/limit"}),
    "over the limit, and compliant true claimed": (
        {"bias_metrics": {"demographic_parity_diff": 0.2, "threshold": 0.05, "compliant": True}},
        {"bias/limit", "bias/claim"},
    ),
    "a threshold of 0.9 of the manifest's own": (
        {"bias_metrics": {"demographic_parity_diff": 0.2, "threshold": 0.9, "compliant": True}},
        {"bias/limit", "bias/claim"},
    ),
    "London": ({"training_data_sovereignty": "EU-WEST-2 (London)"}, {"residency/training"}),
    "Zurich": ({"training_data_sovereignty": "gcp europe-west6"}, {"residency/training"}),
    "an ambiguous region": ({"training_data_sovereignty": "eu-west-1"}, {"residency/training"}),
    'oversight "true" as a string': ({"human_oversight_enabled": "true"}, {"oversight/missing"}),
    "oversight false": ({"human_oversight_enabled": False}, {"oversight/missing"}),
    "a prohibited system": ({"risk_category": "PROHIBITED"}, {"risk/prohibited"}),
    "a misspelt metric beside a good one": (
        {"bias_metrics": {"demographic_parity_diff": 0.03, "equalized_ods_diff": 0.9}},
        {"manifest/invalid"},
    ),
    "a nested metric beside a good one": (
        {"bias_metrics": {"demographic_parity_diff": 0.03, "gender": {"demographic_parity_diff": 0.9}}},
        {"manifest/invalid"},
    ),
    "a null beside a good one": (
        {"bias_metrics": {"demographic_parity_diff": 0.03, "disparate_impact": None}},
        {"manifest/invalid"},
    ),
}


def denied(found: Json) -> set[str]:
    """Return the rules that deny in a report's verdicts on subjects."""
    return {
        finding["rule"]
        for verdict in found["verdicts"]
        for finding in verdict["findings"]
        if finding["effect"] == "Deny"
    }


@pytest.mark.parametrize(("evidence", "subject", "rules"), REFUSED.values(), ids=REFUSED)
def test_a_model_is_refused(tmp_path: Path, evidence: Json, subject: Json, rules: set[str]) -> None:
    """A ModelDeployment and its manifest in one file are refused with exit code 1, for these rules alone."""
    done = check(tmp_path, evidence, subject, arguments=("-o", "json"))
    assert (done.returncode, done.stderr) == (1, "")
    assert denied(json.loads(done.stdout)) == rules


@pytest.mark.parametrize(("changed", "rules"), PIPELINE_REFUSED.values(), ids=PIPELINE_REFUSED)
def test_a_pipeline_file_is_refused(tmp_path: Path, changed: Json, rules: set[str]) -> None:
    """The file of a training pipeline is refused by itself, and its own field names say where."""
    found = report(tmp_path, pipeline_file(**changed))
    assert denied(found) == rules
    finding = next(item for item in found["verdicts"][0]["findings"] if item["effect"] == "Deny")
    assert finding["origin"].partition(".")[0] in changed


def test_a_workload_is_refused_like_a_model_deployment(tmp_path: Path) -> None:
    """A Deployment that is marked as inference is judged by the manifest that it names."""
    other = workload(**{"actgate.dev/model": "LoanPricer"})
    assert denied(report(tmp_path, manifest(), other)) == {"link/model"}


@pytest.mark.parametrize("documents", [(manifest(), model()), (manifest(), workload()), (pipeline_file(),)])
def test_what_holds_is_let_through(tmp_path: Path, documents: tuple[Json, ...]) -> None:
    """A model, a workload and a pipeline's file pass with exit code 0 when their evidence holds."""
    done = check(tmp_path, *documents)
    assert (done.returncode, done.stderr) == (0, "")
