import json
from pathlib import Path

import pytest
import yaml

from actgate.api.compliance_manifest import ComplianceManifest
from tests.cli.support import NOW, Json, actgate, manifest, model, pipeline_file, write


@pytest.mark.parametrize(("output", "read"), [("yaml", yaml.safe_load), ("json", json.loads)])
def test_a_pipeline_file_becomes_a_manifest(tmp_path: Path, output: str, read: object) -> None:
    """The converted object is a valid ComplianceManifest, and what it cannot prove is on standard error."""
    assert callable(read)
    file = write(tmp_path / "v0.json", pipeline_file())
    done = actgate("manifest", "convert", str(file), "-o", output, "--namespace", "prod", "--name", "credit")
    found: Json = read(done.stdout)
    assert done.returncode == 0
    assert found["metadata"] == {"name": "credit", "namespace": "prod"}
    assert ComplianceManifest.model_validate(found).spec.model.name == "CreditRiskScorer"
    assert "warning: spec.model.digest: " in done.stderr


def test_the_digest_is_the_same_before_and_after_conversion(tmp_path: Path) -> None:
    """A pipeline's file, its conversion and its JSON have one digest, on one line."""
    file = write(tmp_path / "v0.json", pipeline_file())
    converted = actgate("manifest", "convert", str(file)).stdout
    first, second = (
        actgate("manifest", "digest", str(file)),
        actgate("manifest", "digest", "-", stdin=converted),
    )
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == second.stdout
    assert first.stdout.startswith("sha256:")
    assert len(first.stdout) == len("sha256:") + 64 + 1


def test_the_converted_manifest_passes_like_its_source(tmp_path: Path) -> None:
    """The verdict on a pipeline's file holds for the object made of it."""
    converted = actgate("manifest", "convert", str(write(tmp_path / "v0.json", pipeline_file()))).stdout
    done = actgate("check", "-f", "-", "--now", NOW, stdin=converted)
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("verb", "document", "words"),
    [
        ("convert", manifest(), "needs no conversion"),
        ("convert", model(), "expected the compliance file of a training pipeline"),
        (
            "convert",
            pipeline_file(bias_metrics={"demographic_parity_diff": "low"}),
            "demographic_parity_diff",
        ),
        ("convert", pipeline_file(model_name=" "), "model_name"),
        ("digest", pipeline_file(model_name=None), "model_name"),
        (
            "convert",
            pipeline_file(bias_metrics={"demographic_parity_diff": 0.03, "demographic_parity_dif": 0.9}),
            "did you mean demographic_parity_diff?",
        ),
        ("digest", model(), "expected a ComplianceManifest or the compliance file"),
        ("digest", [1], "expected a ComplianceManifest or the compliance file"),
        ("digest", manifest(bias=[{"value": float("nan")}]), "spec.bias[0].value"),
    ],
)
def test_what_is_no_evidence_is_refused(tmp_path: Path, verb: str, document: Json, words: str) -> None:
    """Other documents, and evidence that cannot be converted or digested, are unusable input."""
    file = write(tmp_path / "input.json", document)
    done = actgate("manifest", verb, str(file))
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert str(file) in done.stderr


def test_exactly_one_document_is_expected(tmp_path: Path) -> None:
    """A file of two manifests has no one digest."""
    done = actgate("manifest", "digest", str(write(tmp_path / "two.yaml", manifest("a"), manifest("b"))))
    assert done.returncode == 2
    assert "holds 2 documents" in done.stderr
