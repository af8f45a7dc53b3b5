"""The example on real persons: what is committed of it, and, with the wheel of the data, its numbers anew."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from actgate.cli.main import main
from tests.examples.conftest import ROOT

EXAMPLE = ROOT / "examples" / "credit"
EVIDENCE = EXAMPLE / "evidence"
README = (EXAMPLE / "README.md").read_text("utf-8")
POLICY = str(EVIDENCE / "policy.yaml")
CASES = ("german", "income")

Json = dict[str, Any]


def measured(case: str) -> Json:
    """Return the bias measurement that is committed of a model."""
    manifest: Json = yaml.safe_load((EVIDENCE / f"{case}-manifest.yaml").read_text("utf-8"))
    (found,) = manifest["spec"]["bias"]
    return dict(found)


@pytest.mark.parametrize(
    ("case", "code", "rules"), [("german", 1, {"bias/limit", "bias/interval"}), ("income", 0, set[str]())]
)
def test_the_committed_evidence_is_judged_as_the_page_says(
    case: str, code: int, rules: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """One policy, three signatures, both models: one is inconclusive, and nothing else is wrong with it."""
    files = [
        str(EVIDENCE / name) for name in (f"{case}-manifest.yaml", f"{case}-model.yaml", "namespace.yaml")
    ]
    assert main(["check", "-o", "json", "-f", *files, "--policy", POLICY]) == code
    (verdict,) = json.loads(capsys.readouterr().out)["verdicts"]
    assert {item["rule"] for item in verdict["findings"]} == rules
    assert main(["verify", files[0], "--policy", POLICY]) == code
    assert "level Attested" in capsys.readouterr().out


def test_the_page_states_the_committed_numbers() -> None:
    """Values and group sizes are read from the evidence, and not typed beside it."""
    for case in CASES:
        found = measured(case)
        assert f"{found['value']:.3f}" in README, case
        assert f"{sum(group['count'] for group in found['groups']):,} persons" in README, case


def test_the_data_and_the_models_have_the_committed_numbers(tmp_path: Path) -> None:
    """Data, training, prediction and audit anew: the same persons are selected, group by group."""
    wheels = os.environ.get("ACTGATE_REAL_DATA")
    if not wheels:
        pytest.skip("ACTGATE_REAL_DATA names no folder with the wheel of tests/pipeline/audit/real-data.txt")
    for case, most, label in (("german", "1", "repaid"), ("income", "0.04", "above_50k")):
        folder, model = tmp_path / case, tmp_path / f"{case}.joblib"
        _python("prepare.py", case, wheels, folder)
        _python("train.py", folder / "train.csv", model, most)
        _python("predict.py", model, folder / "test.csv", folder / "predictions.csv")
        report = tmp_path / f"{case}.json"
        data = str(folder / "predictions.csv")
        columns = ["--label", label, "--prediction", "granted", "--by", "sex"]
        assert main(["audit", data, *columns, "--output-file", str(report)]) in (0, 1)
        (found,) = json.loads(report.read_text("utf-8"))["bias"]
        counts = [
            [(group["name"], group["count"], group["selected"]) for group in one["groups"]]
            for one in (found, measured(case))
        ]
        assert counts[0] == counts[1]


def _python(script: str, *arguments: str | Path) -> None:
    command = [sys.executable, EXAMPLE / script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603 - our own
    assert done.returncode == 0, done.stderr
