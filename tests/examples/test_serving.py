"""The credit scorer of examples/serving: the Open Inference Protocol v2, and no word of a log in it."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from starlette.testclient import TestClient

from actgate.recording.named import Named, values
from actgate.recording.settings import Settings
from actgate.recording.use import PROBES
from actgate.trace.asgi import Recorder
from tests.recording.test_writer import lines

FOLDER = Path(__file__).parents[2] / "examples" / "serving"
INFER = "/v2/models/IncomeScorer/infer"
REQUEST: dict[str, Any] = json.loads((FOLDER / "request.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def scorer() -> ModuleType:
    found = importlib.util.spec_from_file_location("scorer", FOLDER / "scorer.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_it_answers_as_the_protocol_says(scorer: ModuleType) -> None:
    """Model, id and outputs with shape and type; what is wrong is a 400 or a 422, and never a 500."""
    client = TestClient(scorer.app)
    answer = client.post(INFER, json=REQUEST).json()
    assert (answer["model_name"], answer["model_version"], answer["id"]) == ("IncomeScorer", "1", "A-17")
    score, granted = answer["outputs"]
    assert (score["name"], score["shape"], score["datatype"]) == ("score", [1], "FP64")
    assert 0 < score["data"][0] < 1
    assert granted["data"] == [score["data"][0] >= scorer.THRESHOLD]
    for path in ("/v2/health/live", "/v2/health/ready"):
        assert client.get(path).status_code == 200
        assert path in PROBES, "a probe is no use of the model"
    columns = REQUEST["inputs"]
    for inputs in ([], columns[:1], [*columns[:2], {**columns[2], "data": [1, 2]}], [{"name": "x"}]):
        assert client.post(INFER, json={"inputs": inputs}).status_code in (400, 422), inputs


def test_its_score_can_be_named_in_the_log_and_the_middleware_records_it(
    scorer: ModuleType, tmp_path: Path
) -> None:
    """By the pointer of the page; nothing else of the person gets in."""
    recorder = Recorder(scorer.app, settings=Settings(directory=tmp_path, name="test"))
    answer = TestClient(recorder).post(INFER, json=REQUEST)
    found = values([Named.parse("score=response:/outputs/0/data/0")], "response", answer.content)
    assert found == {"score": answer.json()["outputs"][0]["data"][0]}
    uses = [entry.record for entry in lines(tmp_path) if entry.event == "inference"]
    assert [use["id"] for use in uses] == [answer.headers["actgate-record-id"]]


def test_the_model_of_the_credit_example_is_served_where_it_is_there(tmp_path: Path) -> None:
    """Any model with the interface of scikit-learn, of the columns that it was trained on."""
    pandas = pytest.importorskip("pandas")
    sklearn = pytest.importorskip("sklearn.linear_model")
    joblib = pytest.importorskip("joblib")
    table = pandas.DataFrame({"hours": [1.0, 2.0, 8.0, 9.0], "gain": [0.0, 1.0, 0.0, 1.0]})
    joblib.dump(sklearn.LogisticRegression().fit(table, [0, 0, 1, 1]), tmp_path / "model.joblib")
    program = f"""
import runpy
found = runpy.run_path({str(FOLDER / "scorer.py")!r})["score"]([{{"gain": 0.0, "hours": 9.0, "other": 1}}])
assert 0.5 < found[0] < 1, found
"""
    environment = {**os.environ, "CREDIT_MODEL": str(tmp_path / "model.joblib")}
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
