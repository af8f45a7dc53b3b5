"""A residency text that is not understood ends in exit code 1, in files of either version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.support import (
    NOW,
    Json,
    actgate,
    check,
    manifest,
    model,
    pipeline_file,
    policy,
    workload,
    write,
)
from tests.decision.residency_samples import REMARKS, UNDERSTOOD


def stated(statement: str) -> Json:
    """Return a ComplianceManifest whose one region, eu-west-3, has a statement."""
    region = {"provider": "aws", "region": "eu-west-3", "statement": statement}
    return manifest(training={"finishedAt": "2026-11-01T10:00:00Z", "regions": [region]})


def failed(folder: Path, texts: tuple[str, ...]) -> dict[str, set[str]]:
    """Return the rules that deny each text, judged in one run as v0 files of a folder."""
    for number, text in enumerate(texts):
        file = pipeline_file(model_name=f"Scorer{number}-v1", training_data_sovereignty=text)
        write(folder / f"{number}.json", file)
    done = actgate("check", "-f", str(folder), "--now", NOW, "-o", "json")
    verdicts = json.loads(done.stdout)["verdicts"]
    assert len(verdicts) == len(texts)
    return {
        texts[int(item["subject"]["name"].removeprefix("scorer").partition("-")[0])]: {
            finding["rule"] for finding in item["findings"] if finding["effect"] == "Deny"
        }
        for item in verdicts
    }


def test_every_remark_fails_residency_and_nothing_else(tmp_path: Path) -> None:
    """No text that outsiders wrote beside an allowed code passes, in one run over all of them."""
    for text, rules in failed(tmp_path, REMARKS).items():
        # The longest text is longer than a region's name may be, too.
        assert rules - {"manifest/invalid"} == {"residency/training"}, text


def test_texts_that_are_understood_pass(tmp_path: Path) -> None:
    """Provider, town, country and several allowed regions are no fault."""
    for text, rules in failed(tmp_path, UNDERSTOOD).items():
        assert rules == set(), text


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (pipeline_file(training_data_sovereignty="EU-WEST-3 (Paris/Frankfurt)"), 0),
        (pipeline_file(training_data_sovereignty="AWS eu-west-3 (Parigi, Francia)"), 0),
        (pipeline_file(training_data_sovereignty="eu-west-3 eastus"), 1),
        (pipeline_file(training_data_sovereignty="eu-west-3 (US failover)"), 1),
        (pipeline_file(training_data_sovereignty="not eu-west-3"), 1),
        (pipeline_file(training_data_sovereignty="West Europe"), 1),
        (stated("eu-west-3 (Paris/Frankfurt)"), 0),
        (stated("Παρίσι, Γαλλία"), 0),
        (stated("trained in us-east-1"), 1),
        (stated("trained in us-east-1 (N. Virginia)"), 1),
        (stated("eu-west-3 or wherever"), 1),
        (stated("Azure"), 1),
    ],
)
def test_the_exit_code_says_whether_a_text_is_understood(tmp_path: Path, document: Json, code: int) -> None:
    """0 for what the region explains, with or without a warning; 1 for anything else."""
    done = check(tmp_path, document)
    assert done.returncode == code, done.stdout
    assert code == 0 or "residency/training" in done.stdout


def test_the_report_quotes_what_is_not_understood(tmp_path: Path) -> None:
    """The user sees the word, the region that does not explain it, and what to write instead."""
    done = check(tmp_path, pipeline_file(training_data_sovereignty="eu-west-3 with failover"))
    shown = " ".join(done.stdout.split())
    assert '"with" and "failover" cannot be understood as region "eu-west-3"' in shown
    assert "leave out remarks" in shown


def test_a_display_name_gets_its_code_suggested(tmp_path: Path) -> None:
    """`West Europe` is refused, and the remediation asks whether westeurope was meant."""
    done = check(tmp_path, pipeline_file(training_data_sovereignty="West Europe"))
    assert done.returncode == 1
    assert "did you mean westeurope (azure)?" in " ".join(done.stdout.split())


def test_a_policy_for_the_united_states_knows_its_regions(tmp_path: Path) -> None:
    """`countries: [US]` lets aws us-east-1 pass and refuses eu-west-3."""
    american = policy("american", residency={"countries": ["US"], "serving": "Ignore"})
    for text, code in (("aws us-east-1", 0), ("eu-west-3", 1)):
        assert check(tmp_path, pipeline_file(training_data_sovereignty=text), american).returncode == code


@pytest.mark.parametrize(
    ("label", "value", "code"),
    [
        ("failure-domain.beta.kubernetes.io/region", "us-east-1", 1),
        ("topology.gke.io/zone", "us-central1-a", 1),
        ("example.com/region", "rack-7", 1),
        ("topology.ebs.csi.aws.com/zone", "eu-west-3a", 0),
        ("kubernetes.io/arch", "arm64", 0),
    ],
)
def test_a_region_by_any_node_label_counts(tmp_path: Path, label: str, value: str, code: int) -> None:
    """A workload that selects nodes abroad, or in an unknown place, is refused."""
    serving = workload()
    serving["spec"]["template"]["spec"]["nodeSelector"] = {label: value}
    done = check(tmp_path, manifest(), serving)
    assert done.returncode == code, done.stdout
    assert ("residency/serving" in done.stdout) is (code == 1)


def test_a_remark_in_a_placement_is_refused(tmp_path: Path) -> None:
    """spec.placement.regions[].statement is read like the one of a manifest."""
    region = {"provider": "aws", "region": "eu-west-3", "statement": "eu-west-3, failover abroad"}
    done = check(tmp_path, manifest(), model(placement={"regions": [region]}))
    assert done.returncode == 1
    assert "spec.placement.regions[0].statement" in done.stdout
