"""The examples of docs/kserve.md at ``actgate check``; ``tests/webhook/test_kserve`` asks the API server."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from actgate.cli.main import main
from demo.examples import load_all
from tests.examples.conftest import ROOT

FOLDER = ROOT / "examples" / "kserve"


def test_each_has_the_answer_that_it_states(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    examples = load_all(FOLDER, datetime.now(UTC))
    assert {example.outcome for example in examples} == {"Warn", "Fail"}
    for example in examples:
        path = tmp_path / f"{example.name}.yaml"
        path.write_text(example.text, encoding="utf-8")
        main(["check", "-f", str(path), "-o", "json"])
        [verdict] = json.loads(capsys.readouterr().out)["verdicts"]
        assert verdict["outcome"] == example.outcome, example.name
        strongest = "Deny" if example.outcome == "Fail" else "Audit"
        rules = {item["rule"] for item in verdict["findings"] if item["effect"] == strongest}
        assert rules == set(example.rules), example.name


def test_the_policy_is_one() -> None:
    assert main(["explain", "--policy", str(ROOT / "examples" / "policies" / "kserve.yaml")]) == 0
