"""The examples of what happens to models at work."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from actgate.cli.main import main
from demo.examples import Example, load_all

FOLDER = Path(__file__).parents[2] / "examples" / "lifecycle"
EXAMPLES = load_all(FOLDER, datetime.now(UTC))


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.name for example in EXAMPLES])
def test_an_example_is_answered_as_it_says(
    example: Example, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What ``actgate check`` finds is what the comment announces, in that order."""
    path = tmp_path / "example.yaml"
    path.write_text(example.text, encoding="utf-8")
    assert main(["check", "-f", str(path), "-o", "json"]) == 0
    (verdict,) = json.loads(capsys.readouterr().out)["verdicts"]
    rules = tuple(item["rule"] for item in verdict["findings"])
    assert (verdict["outcome"], rules) == (example.outcome, example.rules)


def test_the_other_model_keeps_its_name() -> None:
    """New evidence speaks for the model that the old evidence spoke for, and names itself otherwise."""
    found = {example.name: example.documents for example in EXAMPLES}
    before, after = found["scaled-to-zero-when-evidence-expires"], found["restored-by-new-evidence"]
    models = [
        next(obj for obj in documents if obj["kind"] == "ModelDeployment") for documents in (before, after)
    ]
    assert models[0]["metadata"] == models[1]["metadata"]
    references = [model["spec"].pop("complianceManifestRef")["name"] for model in models]
    assert models[0]["spec"] == models[1]["spec"]
    assert len(set(references)) == 2
