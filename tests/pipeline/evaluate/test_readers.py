"""Reports of other libraries: what is taken, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actgate.api.canonical import sha256
from actgate.cli.evaluate_arguments import CHECKS, FORMATS
from actgate.pipeline.evaluate import checks, readers
from actgate.pipeline.evaluate.errors import EvaluationError
from actgate.pipeline.evaluate.readers import Extract
from tests.pipeline.evaluate.support import (
    FAIRLEARN_CSV,
    FAIRLEARN_JSON,
    GREAT_EXPECTATIONS,
    LM_EVAL,
    POINTBLANK,
)


def extract(folder: Path, form: str, report: object) -> Extract:
    """Return the extract of a report."""
    path = folder / "report"
    path.write_text(report if isinstance(report, str) else json.dumps(report))
    return readers.extract(str(path), form)


def values(found: Extract) -> dict[str | None, tuple[float | None, int | None, float | None]]:
    """Return value, n and threshold of each metric."""
    return {one.metric: (one.value, one.samples, one.threshold) for one in found.results}


@pytest.mark.parametrize(
    "report",
    [
        FAIRLEARN_CSV,
        FAIRLEARN_JSON,
        f'{{"by_group": {FAIRLEARN_JSON}, "overall": {{"accuracy": 0.6}}}}',
        FAIRLEARN_CSV.replace("sex,", "sex,race,").replace("f,", "f,a,").replace("m,", "m,b,"),
    ],
)
def test_a_metric_frame_gives_the_range_over_groups(tmp_path: Path, report: str) -> None:
    """In CSV and JSON, as pandas writes them; the metric count says of how many persons."""
    found = extract(tmp_path, "fairlearn", report)
    numbers = values(found)
    assert numbers["accuracy_difference"] == (0.25, 10, None)
    assert numbers["selection_rate_min"] == (0.25, 10, None)
    assert ("accuracy" in numbers) is ("overall" in report)
    assert {one.report_digest for one in found.results} == {sha256(report.encode())}


@pytest.mark.parametrize(
    ("report", "metric"),
    [
        ('{"f":0.5,"m":1.0}', "metric"),
        ("sex,accuracy_score\nf,0.5\nm,1.0\n", "accuracy_score"),
        ("{\"accuracy\":{\"('f', 'a')\":0.5,\"('m', 'b')\":1.0}}", "accuracy"),
    ],
)
def test_a_single_metric_and_an_intersection_are_read(tmp_path: Path, report: str, metric: str) -> None:
    """As pandas 3.1 writes by_group of fairlearn 0.13."""
    assert values(extract(tmp_path, "fairlearn", report))[f"{metric}_difference"] == (0.5, None, None)


def test_a_group_without_a_value_leaves_the_difference_unknown(tmp_path: Path) -> None:
    """Fairlearn writes NaN there; the others alone would be another claim."""
    found = values(extract(tmp_path, "fairlearn", '{"tpr": {"f": NaN, "m": 0.5}}'))
    assert found == {f"tpr_{name}": (None, None, None) for name in ("min", "max", "difference")}


def test_pointblank_steps_are_held_against_their_thresholds(tmp_path: Path) -> None:
    """A fifth of one step may fail, nothing of the other."""
    found = extract(tmp_path, "pointblank", POINTBLANK)
    assert values(found) == {
        "checks_met": (0.5, 2, 1.0),
        "col_vals_not_null[income]": (0.9, 100, 0.8),
        "rows_distinct": (0.98, 100, 1.0),
    }
    assert [one.met for one in found.results] == [False, True, False]


def test_great_expectations_are_counts_without_the_values_that_failed(tmp_path: Path) -> None:
    """The share is over values that are there; mostly is the threshold. A checkpoint holds the same."""
    alone = extract(tmp_path, "great-expectations", GREAT_EXPECTATIONS)
    assert values(alone) == {
        "checks_met": (0.5, 2, 1.0),
        "expect_column_values_to_not_be_null[income]": (0.96, 100, 0.95),
        "expect_column_values_to_be_in_set[sex]": (0.9, 80, 1.0),
    }
    assert (alone.suite, alone.version) == ("credit", "1.6.1")
    assert "secret" not in repr([alone.document(), *alone.results])
    for report in (
        {"run_results": {"one": {"validation_result": GREAT_EXPECTATIONS}}},
        {"validation_results": [GREAT_EXPECTATIONS]},
    ):
        assert values(extract(tmp_path, "great-expectations", report)) == values(alone)


def test_lm_eval_gives_each_metric_of_each_task(tmp_path: Path) -> None:
    """Standard errors are left out, and N/A is not measured."""
    found = extract(tmp_path, "lm-eval", LM_EVAL)
    assert values(found) == {
        "arc_easy/acc": (0.71, 100, None),
        "arc_easy/acc_norm": (0.69, 100, None),
        "gsm8k/exact_match,strict-match": (None, None, None),
    }
    assert found.version == "0.4.9"


def test_many_checks_that_passed_stand_in_the_overall_result_alone(tmp_path: Path) -> None:
    """A manifest has 64 evaluations; what failed is always there."""
    step = {**POINTBLANK[1], "n_passed": 100, "all_passed": True}
    found = extract(tmp_path, "pointblank", [*POINTBLANK, *[step] * 100])
    assert [one.metric for one in found.results] == ["checks_met", "rows_distinct"]
    assert (found.results[0].samples, found.left_out) == (102, 101)


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, form: str) -> None:
    """Such as a table or an archive."""
    path = tmp_path / "report"
    path.write_bytes(b"\xff\xfe\x00PAR1")
    with pytest.raises(EvaluationError, match="is not UTF-8"):
        readers.extract(str(path), form)


def changed(report: Any, change: Callable[[Any], object]) -> Any:  # noqa: ANN401 - JSON
    """Return a report with a change."""
    copy = json.loads(json.dumps(report))
    change(copy)
    return copy


@pytest.mark.parametrize(
    ("form", "report", "why"),
    [
        ("lm-eval", "", "is not valid JSON"),
        ("lm-eval", "[" * 100_000, "cannot be read as JSON"),
        ("lm-eval", "[]", "must be an object"),
        ("lm-eval", "{}", "results: Required value"),
        ("lm-eval", {"results": {"a": 1}}, "results.a"),
        ("lm-eval", {"results": {"a": {f"m{n},none": 1 for n in range(99)}}}, "99 results"),
        ("lm-eval", {"results": {"a": {"b,none": 1}}, "n-samples": {"a": {"effective": -1}}}, "a count"),
        ("lm-eval", '{"results": {"a": {"b,none": 1, "b,none": 2}}}', "a key twice"),
        ("lm-eval", {"results": {"a": {"b,none": 10**400}}}, "a finite number"),
        ("pointblank", {}, "must be a list"),
        ("pointblank", [], "holds no check"),
        ("pointblank", [{**POINTBLANK[1], "n_passed": 101}], "at most n"),
        ("pointblank", [{**POINTBLANK[1], "all_passed": True}], "contradicts"),
        ("pointblank", [{**POINTBLANK[1], "n": "many"}], "[0].n"),
        ("great-expectations", {"success": True}, "results: Required value"),
        (
            "great-expectations",
            changed(GREAT_EXPECTATIONS, lambda one: one["results"][1].update(success=True)),
            "contradict",
        ),
        ("fairlearn", "", "columns"),
        ("fairlearn", "sex,accuracy\nf,0.5\n", "one group"),
        ("fairlearn", "sex,accuracy\nf,0.5\nm,inf\n", "a finite number"),
        ("fairlearn", "sex,accuracy\nf,0.5\nf,0.5\n", "twice"),
        ("fairlearn", '{"accuracy": {"f": 1e999, "m": "Qx7-secret"}}', "accuracy"),
    ],
)
def test_an_odd_report_is_refused_in_one_sentence(
    tmp_path: Path, form: str, report: object, why: str
) -> None:
    """A report is input of strangers; a wrong one must not become evidence that something was measured."""
    with pytest.raises(EvaluationError) as refused:
        extract(tmp_path, form, report)
    (sentence,) = str(refused.value).splitlines()
    assert why in sentence
    assert "secret" not in sentence
    assert f"name a report of {form}" in sentence


def test_help_names_every_reader_and_check() -> None:
    """It names them without loading them."""
    assert sorted(readers.FORMATS) == [*FORMATS]
    assert checks.CHECKS == CHECKS
