"""``actgate train-run`` and ``actgate manifest build``: a run, from its training to one signed manifest."""

import json
import sys
from pathlib import Path

import pytest

from tests.cli.signing import key_file, loaded
from tests.cli.support import Json, actgate, write

TRAIN = ("-c", "open('model.bin', 'w').write('weights')")
OVERSIGHT = {
    "enabled": True,
    "role": "Credit officer",
    "contact": "c@example.org",
    "override": "o",
    "stop": "s",
}
STATED = {"humanOversight": OVERSIGHT, "datasets": [{"name": "train", "license": "CC-BY-4.0"}]}


def train(folder: Path, *command: str) -> tuple[int, str]:
    """Run a training command in a folder with data."""
    (folder / "train.csv").write_text("sex,y\nf,1\n")
    done = actgate(
        *("train-run", "--run-dir", "run", "--dataset", "train.csv", "--region", "aws eu-west-3"),
        *("--cloud-metadata", "never", "--podinfo", "absent", "--model", "model.bin", "--", *command),
        cwd=folder,
        env={},
    )
    return done.returncode, done.stderr


def audited(folder: Path, digest: str | None, **changed: object) -> None:
    """Write what an audit of a run found."""
    groups = [{"name": "f", "count": 4000, "selected": 2000}, {"name": "m", "count": 4000, "selected": 2040}]
    measured: Json = {
        "attribute": "sex",
        "metric": "demographic_parity_difference",
        "value": 0.01,
        "threshold": 0.05,
        "groups": groups,
    }
    if digest is not None:
        measured["planDigest"] = digest
    test = {"name": "test", "digest": f"sha256:{'b' * 64}"}
    document = {"bias": [measured], "dataQuality": [], "datasets": [test], "dataset": {**test, "files": []}}
    write(folder / "run" / "audit.json", {**document, **changed})


def planned(folder: Path, *, signed: bool = True, **more: object) -> str:
    """Plan the audit, and return the digest of the plan; other fields of it as keywords."""
    bias = [{"attribute": "sex", "metric": "demographic_parity_difference", "threshold": 0.05}]
    key = ("--key", key_file(folder, "risk")) if signed else ()
    file = write(folder / "plan.yaml", {"bias": bias, **more})
    done = actgate(
        *("plan", "-f", str(file), "--model", "model.bin", "--run-dir", "run", "-o", "json", *key), cwd=folder
    )
    found: str = json.loads(done.stdout)["planDigest"]
    return found


def build(folder: Path, *arguments: str) -> tuple[int, str]:
    """Build the manifest of the run."""
    file = str(write(folder / "stated.yaml", STATED))
    done = actgate(
        *("manifest", "build", "--run-dir", "run", "--name", "Scorer", "--model-version", "2"),
        *("--risk-category", "HighRisk", "--spec", file, *arguments),
        cwd=folder,
    )
    return done.returncode, done.stderr


def test_a_run_becomes_one_manifest_that_is_signed_and_passes(tmp_path: Path) -> None:
    """Plan, training, audit and what people state, and the provenance of the model beside it."""
    assert train(tmp_path, sys.executable, *TRAIN)[0] == 0
    audited(tmp_path, planned(tmp_path))
    assert build(tmp_path) == (0, "")
    manifest = tmp_path / "run" / "manifest.yaml"
    found = loaded(manifest)
    assert found["metadata"]["name"] == "scorer-v2"
    spec = found["spec"]
    train_data = next(one for one in spec["datasets"] if one["name"] == "train")
    assert train_data.keys() == {"name", "digest", "license"}
    assert [one["name"] for one in spec["attestations"]] == ["plan"]
    before = manifest.read_bytes()
    assert (build(tmp_path), manifest.read_bytes()) == ((0, ""), before)
    sign = ("--key", key_file(tmp_path, "training"), "--output-file", str(manifest))
    provenance = ("--type", "provenance", "--predicate", str(tmp_path / "run" / "provenance.json"))
    assert actgate("attest", str(manifest), *sign, *provenance).returncode == 0
    assert actgate("check", "-f", str(manifest)).returncode == 0


def test_the_data_of_the_evaluation_is_data_of_the_manifest(tmp_path: Path) -> None:
    """Under its own name, and once where the plan names the same bytes; planned tests are all there."""
    train(tmp_path, sys.executable, *TRAIN)
    test = {"kind": "accuracy", "metric": "accuracy", "comparator": ">=", "threshold": 0.7}
    data = {"name": "holdout", "digest": f"sha256:{'c' * 64}"}
    plan = planned(
        tmp_path,
        evaluations=[test],
        datasets=[{**data, "name": "planned"}, {"name": "test", "digest": f"sha256:{'b' * 64}"}],
    )
    audited(tmp_path, plan)
    result = {**test, "value": 0.8, "planDigest": plan}
    file = tmp_path / "run" / "evaluation.json"
    write(file, {"evaluations": [result], "datasets": [data], "dataset": {**data, "files": []}})
    assert build(tmp_path) == (0, "")
    spec = loaded(tmp_path / "run" / "manifest.yaml")["spec"]
    assert sorted(one["name"] for one in spec["datasets"]) == ["holdout", "test", "train"]
    write(file, {"evaluations": [{**result, "threshold": 0.6}], "datasets": [data]})
    code, stderr = build(tmp_path)
    assert (code, "spec.evaluations[0].threshold: Invalid value: 0.6" in stderr) == (2, True)


def test_provenance_of_another_model_is_not_signed(tmp_path: Path) -> None:
    """A statement keeps its subject: nothing is signed for a model that the run did not make."""
    train(tmp_path, sys.executable, *TRAIN)
    audited(tmp_path, None)
    build(tmp_path)
    file = tmp_path / "run" / "provenance.json"
    stated = json.loads(file.read_text("utf-8"))
    stated["subject"][0]["digest"]["sha256"] = "c" * 64
    write(file, stated)
    done = actgate(
        *("attest", str(tmp_path / "run" / "manifest.yaml"), "--key", key_file(tmp_path, "training")),
        *("--type", "provenance", "--predicate", str(file)),
    )
    assert (done.returncode, "subject: must be the model of" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ((sys.executable, "-c", "raise SystemExit(7)"), "ended with exit code 7"),
        (("/nonexistent/train",), "cannot be run"),
        ((sys.executable, "-c", "pass"), "model.bin"),
        ((sys.executable, "-c", "open('train.csv', 'a').write('m,0')"), "changed during the run"),
    ],
)
def test_a_training_without_a_result_leaves_no_evidence(
    tmp_path: Path, command: tuple[str, ...], sentence: str
) -> None:
    """One sentence, exit code 2, and no file."""
    code, stderr = train(tmp_path, *command)
    (line,) = stderr.splitlines()
    assert (code, (tmp_path / "run").exists()) == (2, False)
    assert line.startswith("error: ")
    assert sentence in line


def other_plan(folder: Path) -> None:
    """Name a plan that is not that of the run."""
    audited(folder, f"sha256:{'d' * 64}")


def other_data(folder: Path) -> None:
    """Audit other data under the name of the training data."""
    audited(folder, None, datasets=[{"name": "train", "digest": f"sha256:{'e' * 64}"}])


def other_training_data(folder: Path) -> None:
    """Compare with training data that did not train the model."""
    audited(folder, None, datasets=[{"name": "test-training", "digest": f"sha256:{'e' * 64}"}])


def other_model(folder: Path) -> None:
    """Replace the model after its plan."""
    (folder / "model.bin").write_text("other weights")


def evaluated_other_model(folder: Path) -> None:
    """Evaluate a model that is not the one that was trained."""
    model = {"name": "model.bin", "digest": f"sha256:{'f' * 64}"}
    write(folder / "run" / "evaluation.json", {"evaluations": [], "model": model})


def evaluated_other_data(folder: Path) -> None:
    """Evaluate on other data than was planned."""
    named = planned(folder, datasets=[{"name": "test", "digest": f"sha256:{'b' * 64}"}])
    audited(folder, named)
    other = {"name": "other", "digest": f"sha256:{'c' * 64}"}
    document = {"evaluations": [], "datasets": [other], "dataset": {**other, "files": []}}
    write(folder / "run" / "evaluation.json", document)


def dropped(folder: Path) -> None:
    """Leave out what was planned."""
    audited(folder, None, bias=[])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (other_plan, "must be the same plan"),
        (other_data, "must be the same data"),
        (other_training_data, "names other data"),
        (other_model, "must be the same model"),
        (evaluated_other_model, "must be the same model"),
        (evaluated_other_data, "evaluate on the planned data"),
        (dropped, "spec.bias: Required value"),
    ],
)
def test_parts_that_contradict_each_other_are_refused(tmp_path: Path, change: object, sentence: str) -> None:
    """A step ran with other input than its neighbour: one sentence, and no manifest."""
    train(tmp_path, sys.executable, *TRAIN)
    audited(tmp_path, planned(tmp_path))
    assert callable(change)
    change(tmp_path)
    code, stderr = build(tmp_path, "--model", str(tmp_path / "model.bin"))
    (line,) = stderr.splitlines()
    assert (code, (tmp_path / "run" / "manifest.yaml").exists()) == (2, False)
    assert sentence in line


def test_measurements_do_not_name_a_plan_that_no_one_signed(tmp_path: Path) -> None:
    """It could have been written after the numbers were known; that is reported, and the rest is evidence."""
    train(tmp_path, sys.executable, *TRAIN)
    audited(tmp_path, planned(tmp_path, signed=False))
    code, stderr = build(tmp_path)
    assert (code, "plan.json is not signed" in stderr) == (0, True)
    (measured,) = loaded(tmp_path / "run" / "manifest.yaml")["spec"]["bias"]
    assert "planDigest" not in measured


@pytest.mark.parametrize(
    ("file", "field", "value"),
    [
        ("audit.json", "bias", ["sex"]),
        ("audit.json", "dataset", ["sha256"]),
        ("audit.json", "datasets", [{"name": "test"}]),
        ("training.json", "run", None),
        ("training.json", "lineage", {"baseModels": "bert"}),
        ("evaluation.json", "evaluations", {"kind": "robustness"}),
        ("evaluation.json", "evaluations", [{"kind": 1}]),
    ],
)
def test_a_file_that_no_step_writes_so_is_one_sentence(
    tmp_path: Path, file: str, field: str, value: object
) -> None:
    """A file that was edited or cut is bad input, with its place, and no defect of the command."""
    train(tmp_path, sys.executable, *TRAIN)
    audited(tmp_path, None)
    write(tmp_path / "run" / "evaluation.json", {"evaluations": []})
    target = tmp_path / "run" / file
    write(target, {**json.loads(target.read_text("utf-8")), field: value})
    code, stderr = build(tmp_path)
    (line,) = stderr.splitlines()
    assert (code, (tmp_path / "run" / "manifest.yaml").exists()) == (2, False)
    assert field in line
