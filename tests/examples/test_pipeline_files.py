"""The files in examples/pipeline, as a pipeline would hand them to ``actgate check``."""

import json

import pytest

from actgate.cli.main import main
from tests.examples.conftest import ROOT

FOLDER = ROOT / "examples" / "pipeline"


@pytest.mark.parametrize(
    ("name", "code", "rules"),
    [
        ("model_compliance_manifest.json", 0, set()),
        ("oversight-as-text.json", 1, {"oversight/missing"}),
        ("metric-misspelt.json", 1, {"manifest/invalid"}),
    ],
)
def test_a_pipelines_file_gets_the_answer_that_its_name_promises(
    name: str, code: int, rules: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Each file is refused for what its name says, and for nothing else."""
    arguments = ["check", "-f", str(FOLDER / name), "--now", "2026-11-23T12:00:00Z", "-o", "json"]
    assert main(arguments) == code
    (verdict,) = json.loads(capsys.readouterr().out)["verdicts"]
    assert {item["rule"] for item in verdict["findings"] if item["effect"] == "Deny"} == rules
