"""``actgate evaluate``: what it measures, what it judges by the plan, and what it says was not measured."""

import json
from pathlib import Path
from typing import Any

import pytest

from actgate.api.compliance_manifest import Evaluation
from actgate.pipeline.card import calibration
from tests.cli.support import actgate
from tests.pipeline.audit.support import diabetes, write_csv
from tests.pipeline.evaluate.support import (
    FAIRLEARN_CSV,
    LM_EVAL,
    MODULE,
    Scorer,
    data_file,
    people,
    pickled,
    plan_file,
    planned,
)

FAIR, UNFAIR = f"{MODULE}:fair", f"{MODULE}:unfair"


def evaluated(*arguments: str, code: int = 0) -> dict[str, Any]:
    """Run the command on the label y, and return its JSON."""
    done = actgate("evaluate", *arguments, "--label", "y", "-o", "json")
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def values(found: dict[str, Any]) -> dict[str, float | None]:
    """Return the value of each metric."""
    return {one["metric"]: one.get("value") for one in found["evaluations"]}


def test_every_check_of_a_model_is_evidence_as_spec_has_it(tmp_path: Path) -> None:
    """Each result is an item of spec.evaluations, and the calibration table is what cards draw."""
    model, data = pickled(tmp_path, Scorer(bonus=10)), data_file(tmp_path)
    more = ("--by", "sex", "--baseline", data_file(tmp_path, "train.csv", 4), "--trust-pickle")
    found = evaluated(model, data, *more)
    numbers = values(found)
    assert {*numbers} == {
        "accuracy",
        *(f"{what}_noise_{level}" for what in ("flip_rate", "accuracy_drop") for level in (0.05, 0.1, 0.25)),
        "flip_rate_unknown",
        "accuracy_drop_unknown",
        "worst_group_accuracy[sex]",
        "accuracy_gap[sex]",
        "ece",
        "brier",
        "worst_group_ece[sex]",
        "worst_group_brier[sex]",
        "psi_max",
        "counterfactual_flip_rate[sex]",
    }
    for one in found["evaluations"]:
        Evaluation.model_validate(one, by_alias=True, by_name=False)
    assert [one.group for one in calibration.read(found)] == [None, "sex=female", "sex=male"]
    assert found["model"]["digest"].startswith("sha256:")
    (left,) = found["notMeasured"]
    assert (left["check"], left["why"]) == ("missing", "the model raised TypeError")


def test_numbers_are_those_of_the_definitions(tmp_path: Path) -> None:
    """Accuracy, worst group and flips, counted here by hand."""
    rows = people()
    found = values(evaluated(UNFAIR, data_file(tmp_path), "--by", "sex"))
    scorer = Scorer(bonus=10)
    right = [a == row["y"] for a, row in zip(scorer.predict(rows), rows, strict=True)]
    men = [one for one, row in zip(right, rows, strict=True) if row["sex"] == "male"]
    assert found["accuracy"] == pytest.approx(sum(right) / len(rows))
    assert found["worst_group_accuracy[sex]"] == pytest.approx(sum(men) / len(men), abs=1e-6)
    women = scorer.predict([{**row, "sex": "female"} for row in rows])
    flips = sum(
        a != b for a, b in zip(women, scorer.predict([{**r, "sex": "male"} for r in rows]), strict=True)
    )
    assert found["counterfactual_flip_rate[sex]"] == pytest.approx(flips / len(rows))


def test_the_same_input_has_the_same_result_in_any_order_of_rows(tmp_path: Path) -> None:
    """Noise belongs to the seed and the values, not to the order in which they are read."""
    first = evaluated(FAIR, data_file(tmp_path), "--by", "sex")
    again = str(write_csv(tmp_path / "other.csv", people()[::-1]))
    other = evaluated(FAIR, again, "--by", "sex")
    assert first["evaluations"] == other["evaluations"]
    assert first["driftBaseline"] == other["driftBaseline"]
    assert values(evaluated(FAIR, again, "--seed", "1")) != values(other)


def test_a_threshold_of_the_plan_that_is_missed_is_named(tmp_path: Path) -> None:
    """Art. 9(8): the limit was fixed before; exit code 1 names the result."""
    data, model = data_file(tmp_path), pickled(tmp_path, Scorer(bonus=10))
    tests = (
        planned("accuracy", "accuracy", ">=", 0.5),
        planned("fairness", "counterfactual_flip_rate[sex]", "<=", 0.01),
    )
    digest = actgate("model", "digest", model).stdout.split()[0]
    plan = plan_file(tmp_path, *tests, model={"name": "m", "digest": digest, "digestDomain": "file"})
    given = (model, data, "--by", "sex", "--plan", plan, "--trust-pickle")
    found = evaluated(*given, code=1)
    assert found["deviations"] == []
    assert found["missed"] == ["counterfactual_flip_rate[sex]"]
    named = json.loads(actgate("plan", "-f", plan, "-o", "json").stdout)["planDigest"]
    judged = {one["metric"]: one["planDigest"] for one in found["evaluations"] if "planDigest" in one}
    assert judged == {"accuracy": named, "counterfactual_flip_rate[sex]": named}
    done = actgate("evaluate", *given, "--label", "y")
    assert done.stdout.rstrip().endswith("1 failed, 2 not measured: counterfactual_flip_rate[sex]")


def test_a_planned_check_that_was_not_measured_is_no_pass(tmp_path: Path) -> None:
    """Nor is one that --checks names; what is not asked for is reported alone."""
    data = data_file(tmp_path)
    plan = plan_file(tmp_path, planned("calibration", "ece", "<=", 0.5))
    found = evaluated(FAIR, data, "--plan", plan, code=1)
    assert found["unplanned"] == ["calibration ece: planned, and not measured"]
    done = actgate("evaluate", FAIR, data, "--label", "y")
    assert done.returncode == 0
    assert "calibration: the model has no predict_proba" in done.stdout
    assert "nothing was judged" in done.stderr
    assert evaluated(FAIR, data, "--checks", "calibration", code=1)["passed"] is False


def test_a_run_that_is_not_as_planned_is_a_deviation(tmp_path: Path) -> None:
    """Another model, seed, smallest group or data than the plan fixed."""
    plan = plan_file(
        tmp_path,
        planned("accuracy", "accuracy", ">=", 0.5),
        model={"name": "m", "digest": f"sha256:{'a' * 64}"},
        datasets=[{"name": "test", "digest": f"sha256:{'b' * 64}"}],
        seeds={"evaluation": 7},
        minGroupCount=50,
    )
    more = ("--seed", "8", "--min-count", "10", "--plan", plan)
    found = evaluated(FAIR, data_file(tmp_path), *more, code=1)["deviations"]
    assert [line.partition(":")[0] for line in found] == [
        "dataset.digest",
        "model.digest",
        "seeds.evaluation",
        "minGroupCount",
    ]


def test_the_folder_of_a_run_collects_reports_beside_measurements(tmp_path: Path) -> None:
    """In any order, each step again with the same bytes; the plan of the folder judges all of it."""
    run, data = tmp_path / "run", data_file(tmp_path)
    run.mkdir()
    plan_file(
        run, planned("benchmark", "arc_easy/acc", ">=", 0.7), planned("accuracy", "accuracy", ">=", 0.8)
    )
    report, frame = tmp_path / "results.json", tmp_path / "frame.csv"
    report.write_text(json.dumps(LM_EVAL))
    frame.write_text(FAIRLEARN_CSV)
    measure = ("evaluate", FAIR, data, "--label", "y", "--run-dir", str(run))
    take = ("evaluate", "--import", str(report), "--format", "lm-eval", "--run-dir", str(run))
    other = ("evaluate", "--import", str(frame), "--format", "fairlearn", "--run-dir", str(run))
    assert [actgate(*step).returncode for step in (take, measure, other)] == [1, 0, 0]
    written = (run / "evaluation.json").read_bytes()
    for step in (measure, other, take):
        assert actgate(*step).returncode == 0
        assert (run / "evaluation.json").read_bytes() == written
    found = json.loads(written)
    assert [one["reportFormat"] for one in found["imported"]] == ["fairlearn", "lm-eval"]
    assert values(found)["arc_easy/acc"] == 0.71
    assert "accuracy" in values(found)


def test_a_stored_baseline_finds_drift_without_the_old_data(tmp_path: Path) -> None:
    """The first evaluation stores it, and the next one names the file."""
    run, data = tmp_path / "run", data_file(tmp_path)
    actgate("evaluate", FAIR, data, "--label", "y", "--run-dir", str(run))
    shifted = [{**row, "income": row["income"] + 15, "y": 1} for row in people(seed=5)]
    moved = str(write_csv(tmp_path / "moved.csv", shifted))
    stored = str(run / "evaluation.json")
    assert (values(evaluated(FAIR, data, "--baseline", stored))["psi_max"] or 0) == 0
    assert (values(evaluated(FAIR, moved, "--baseline", stored))["psi_max"] or 0) > 0.25


@pytest.mark.system  # scikit-learn alone takes two seconds
def test_a_model_of_scikit_learn_is_given_what_it_was_trained_on(tmp_path: Path) -> None:
    """A data frame by its own names, or an array by their number; calibrated probabilities are read, too."""
    joblib, linear = pytest.importorskip("joblib"), pytest.importorskip("sklearn.linear_model")
    pandas = pytest.importorskip("pandas")
    rows = [{"age": int(one["age"] == "older"), "bmi": one["yhat"], "y": one["y"]} for one in diabetes()]
    data = str(write_csv(tmp_path / "diabetes.csv", rows))
    frame = pandas.DataFrame(rows)
    for given in (frame[["bmi", "age"]], frame[["bmi", "age"]].to_numpy()):
        joblib.dump(linear.LogisticRegression().fit(given, frame["y"]), tmp_path / "model.joblib")
        more = ("--trust-pickle", "--by", "age", "--min-count", "20")
        found = evaluated(str(tmp_path / "model.joblib"), data, *more, "--features", "bmi,age")
        numbers = values(found)
        assert numbers["accuracy"] == pytest.approx(0.71, abs=0.05)
        assert (numbers["ece"] or 0) < 0.05
        assert {"check": "missing", "why": "the model raised ValueError", "asked": "no"} in found[
            "notMeasured"
        ]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "MODEL is missing"),
        ((FAIR,), "DATA is missing"),
        ((FAIR, "DATA"), "--label is missing"),
        ((FAIR, "DATA", "--label", "z"), 'label "z": not found'),
        ((FAIR, "DATA", "--label", "y", "--by", "race"), 'group "race": not found'),
        ((f"{MODULE}:words", "DATA", "--label", "y"), "is one of the classes"),
        ((FAIR, "DATA", "--label", "y", "--features", "sex"), "the model raised KeyError"),
        ((FAIR, "DATA", "--label", "y", "--features", "sex,y"), "is a feature of the model as well"),
        ((FAIR, "DATA", "--label", "y", "--by", "income"), "at most 64"),
        ((FAIR, "absent.csv", "--label", "y"), "absent.csv"),
        (("--import", "absent.json"), "--import and --format go together"),
        (("--import", "absent.json", "--format", "lm-eval"), "absent.json cannot be read"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], why: str
) -> None:
    """Exit code 2, nothing on standard output, and no file."""
    data, run = data_file(tmp_path), tmp_path / "run"
    given = [data if one == "DATA" else one for one in arguments]
    done = actgate("evaluate", *given, "--run-dir", str(run), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert why in line
    assert not run.exists()


def test_a_plan_that_judges_nothing_is_refused(tmp_path: Path) -> None:
    """A threshold without a direction could be read both ways."""
    plan = plan_file(tmp_path, {"kind": "accuracy", "metric": "accuracy", "threshold": 0.9})
    done = actgate("evaluate", FAIR, data_file(tmp_path), "--label", "y", "--plan", plan)
    assert done.returncode == 2
    assert "evaluations[0].comparator: Required value" in done.stderr


def test_a_label_with_missing_values_and_a_foreign_result_are_refused(tmp_path: Path) -> None:
    """Rows are counted, never shown; a file of another tool is not written over."""
    rows = [*people(20), {"sex": "female", "income": 50.0, "y": None}]
    data = str(write_csv(tmp_path / "test.csv", rows))
    done = actgate("evaluate", FAIR, data, "--label", "y")
    assert (done.returncode, "1 of 21 rows have no value" in done.stderr) == (2, True)
    (tmp_path / "evaluation.json").write_text("[]")
    done = actgate("evaluate", FAIR, data_file(tmp_path), "--label", "y", "--run-dir", str(tmp_path))
    assert (done.returncode, "is not a result of actgate evaluate" in done.stderr) == (2, True)
