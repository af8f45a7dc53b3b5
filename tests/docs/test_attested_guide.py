"""The guide from declared to attested evidence: its policy does what the guide says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from actgate.cli.main import main
from tests.docs.pages import ROOT

GUIDE = ROOT / "docs" / "attested-evidence.md"


def test_the_policy_of_the_first_week_warns_of_values_that_are_not_certain(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It warns of values without counts and of samples that are too small, and lets in what has both."""
    [text] = re.findall(r"^```yaml\n(.*?)^```", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    policy = tmp_path / "policy.yaml"
    policy.write_text(text, "utf-8")

    def judged(path: Path) -> tuple[str, set[str]]:
        moment = "2026-11-23T12:00:00Z"
        assert main(["check", "-f", str(path), "--policy", str(policy), "--now", moment, "-o", "json"]) == 0
        [verdict] = json.loads(capsys.readouterr().out)["verdicts"]
        return verdict["outcome"], {item["rule"] for item in verdict["findings"]}

    examples = ROOT / "examples"
    assert judged(examples / "accepted" / "model-deployment.yaml") == (
        "Warn",
        {"evidence/level", "bias/interval"},
    )
    assert judged(examples / "attested" / "evidence.yaml") == ("Pass", set())
