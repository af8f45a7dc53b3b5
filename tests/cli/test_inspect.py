"""``actgate inspect``: what is read of each object, and why the gate judges it or not."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
import yaml

from actgate.cli.main import main
from tests.subjects.objects import linked, workload
from tests.subjects.test_reading import LINK, ROW, SAMPLES, sampled

SCHEMA: Final = json.loads((files("actgate.cli.report") / "inspect.schema.json").read_text())
VLLM: Final = {"containers": [{"image": "vllm/vllm-openai:1", "args": ["--model", "bank/credit"]}]}
OWN: Final = {"apiVersion": "models.example.com/v1", "kind": "Scorer", "spec": {"from": "s3://models/credit"}}


def inspected(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    *objects: object,
    arguments: tuple[str, ...] = (),
) -> tuple[int, list[dict[str, Any]]]:
    """Return the exit code and the objects of the report, which keeps to its schema."""
    file = tmp_path / "objects.yaml"
    file.write_text(yaml.safe_dump_all(objects))
    code = main(["inspect", "-f", str(file), "-o", "json", *arguments])
    report = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator(SCHEMA).validate(report)
    return code, report["objects"]


def test_each_object_is_listed_with_why_it_is_judged_or_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runtime = {"apiVersion": "serving.kserve.io/v1alpha1", "kind": "ServingRuntime", "metadata": {}}
    rows = [
        (sampled("InferenceService"), "Always", True),
        (workload("Deployment", template=linked(compliance_manifest="m")), "Declared", True),
        (workload("Pod", VLLM), "Detected", True),
        (workload("Deployment"), "Unmarked", False),
        (runtime, "Never", False),
        ({"apiVersion": "v1", "kind": "ConfigMap"}, "UnknownKind", False),
        (OWN, "UnknownKind", False),
        ({"apiVersion": 1, "kind": []}, "UnknownKind", False),
        (["x"], "NoObject", False),
    ]
    code, found = inspected(tmp_path, capsys, *(obj for obj, _, _ in rows))
    assert code == 0
    assert [(item["why"], item["judged"]) for item in found] == [(why, judged) for _, why, judged in rows]
    assert "the InferenceServices that use it" in found[4]["reason"]


def test_everything_that_a_decision_reads_is_in_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pod = {**VLLM, "nodeSelector": {"topology.kubernetes.io/region": "eu-west-3"}}
    obj = workload("Deployment", pod, template={"annotations": {**LINK, "actgate.dev/model-version": "3"}})
    _, (found,) = inspected(tmp_path, capsys, obj)
    assert found["model"] == {"name": "Credit", "version": "3", "digest": None}
    assert found["links"] == [{"manifest": "credit-3", "model": None}]
    assert found["references"][0]["value"] == "bank/credit"
    assert found["images"][0]["value"] == "vllm/vllm-openai:1"
    assert found["placement"][0]["region"] == "eu-west-3"
    assert (found["tier"], found["signals"][0]["id"]) == ("Strong", "image/vllm")
    assert found["place"].endswith("objects.yaml:1")


def test_an_object_of_every_serving_kind_keeps_to_the_schema(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    objects = [sampled(sample["kind"].partition(" ")[2], annotations=LINK) for sample in SAMPLES]
    _, found = inspected(tmp_path, capsys, *objects)
    assert all(item["judged"] and item["links"] for item in found)


def test_exit_codes_are_those_of_every_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """3 where nothing is judged, and 2 where the input or the rows cannot be used."""
    assert inspected(tmp_path, capsys, workload("Deployment"))[0] == 3
    rows = tmp_path / "rows.txt"
    for text, words in (("{", "invalid YAML"), (ROW.replace("always", "x"), "judged"), (None, "not exist")):
        if text is None:
            rows.unlink()
        else:
            rows.write_text(text)
        assert main(["inspect", "-f", str(tmp_path / "objects.yaml"), "--kinds", str(rows)]) == 2
        assert words in capsys.readouterr().err


def test_rows_of_a_file_are_used_by_inspect_and_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A kind of the user's own is judged like one of actgate's: without evidence it is refused."""
    rows = tmp_path / "rows.txt"
    rows.write_text(ROW)
    obj = {**OWN, "metadata": {"name": "s", "annotations": {}}}
    _, (found,) = inspected(tmp_path, capsys, obj, arguments=("--kinds", str(rows)))
    assert [item["value"] for item in found["references"]] == ["s3://models/credit"]
    file = str(tmp_path / "objects.yaml")
    assert main(["check", "-f", file]) == 3
    assert main(["check", "-f", file, "--kinds", str(rows)]) == 1
    assert "link/manifest" in capsys.readouterr().out


def test_the_text_names_what_is_read_and_cannot_break_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "objects.yaml"
    file.write_text(yaml.safe_dump(workload("Pod", {"containers": [{"image": "vllm/vllm-openai\n\x1b[1m"}]})))
    assert main(["inspect", "-f", str(file)]) in (0, 3)
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "spec.containers[0].image: vllm/vllm-openai" in printed
