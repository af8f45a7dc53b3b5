"""The arithmetic of an evaluation, against values by hand."""

import math
from pathlib import Path
from typing import Any

import pytest

from actgate.pipeline.audit import files
from actgate.pipeline.audit.engine import Engine
from actgate.pipeline.evaluate import drift, scores, table
from actgate.pipeline.evaluate.errors import EvaluationError
from actgate.pipeline.evaluate.table import Data
from tests.pipeline.audit.support import write_csv, write_parquet


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (1.0, "1"), (True, "1"), ("+1", "1"), ("TRUE", "1"), (0, "0"), (False, "0"), (" a ", "a")],
)
def test_a_class_is_one_in_every_notation(value: object, text: str) -> None:
    """CSV has text, Parquet numbers and models numpy's own: a label must not differ by its notation."""
    assert scores.class_of(value) == text


@pytest.mark.parametrize("value", [None, math.nan, "", "NaN"])
def test_a_missing_class_is_no_class(value: object) -> None:
    """It would count as an error of the model, or as a right result."""
    assert scores.class_of(value) is None


def test_calibration_is_a_table_of_tenths_and_their_weighted_distance() -> None:
    """Of two persons at 0.95 one is positive, and of two at 0.05 none: (2 * 0.45 + 2 * 0.05) / 4."""
    found = scores.curve([0.95, 0.95, 0.05, 0.05], [True, False, False, False])
    assert [one.count for one in found.bins] == [2, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    assert found.error == pytest.approx(0.25)
    assert scores.curve([1.0], [True]).bins[9].count == 1
    assert scores.brier([0.9, 0.2], [True, False]) == pytest.approx((0.01 + 0.04) / 2)


def test_text_is_a_number_only_where_all_of_a_column_is(tmp_path: Path) -> None:
    """As pandas reads CSV; odd notations stay text, and a huge number is no crash."""
    rows = [
        {"a": "1", "b": "1.5", "c": "1_000", "d": "x", "e": "9" * 400, "f": "", "g": "inf"},
        {"a": "2", "b": "", "c": "2", "d": "1", "e": "1", "f": "", "g": "1"},
    ]
    data = files.listed([str(write_csv(tmp_path / "d.csv", rows))])
    with Engine() as engine:
        found = table.read(engine, engine.open(data), rows[0]).columns
    numbers = {name for name, values in found.items() if any(isinstance(one, int | float) for one in values)}
    assert numbers == {"a", "b"}
    assert (found["a"], found["b"]) == ([1, 2], [1.5, None])


def test_an_infinite_number_is_refused(tmp_path: Path) -> None:
    """No noise and no bin is defined for it."""
    data = files.listed([str(write_parquet(tmp_path / "d.parquet", [{"a": math.inf}]))])
    with Engine() as engine, pytest.raises(EvaluationError, match='"a": holds infinite'):
        table.read(engine, engine.open(data), ["a"])


def test_an_empty_bin_does_not_decide_the_stability_index() -> None:
    """With Laplace smoothing no share is 0: 1 of 12 against 11 of 12, both ways."""
    assert scores.stability([5, 5], [50, 50]) == pytest.approx(0)
    assert scores.stability([10, 0], [0, 10]) == pytest.approx(2 * (10 / 12) * math.log(11))


def test_a_baseline_holds_no_value_of_a_single_person() -> None:
    """Edges are rounded, rare categories stand together, and columns of names are left out."""
    columns: dict[str, list[Any]] = {
        "income": [float(number) + 0.123456 for number in range(1000)],
        "job": ["clerk"] * 990 + ["astronaut"] * 10,
        "town": ["Paris"] * 995 + ["Qx7-secret-value"] * 5,
        "name": [f"person {number}" for number in range(1000)],
    }
    found = {one.name: one for one in drift.baseline(Data(columns), columns)}
    assert [*found] == ["income", "job", "town"]
    assert found["income"].edges == [100, 200, 300, 400, 500, 600, 700, 800, 900]
    assert (found["job"].categories, found["job"].counts) == (["astronaut", "clerk"], [10, 990, 0])
    assert (found["town"].categories, found["town"].counts) == (["Paris"], [995, 5])
    assert all(value == 0 for value in drift.compare(found.values(), Data(columns)).values())


def test_a_baseline_finds_what_moved_and_what_went_missing() -> None:
    """A stored baseline is read again as it was written; one that does not fit is refused."""
    before = Data({"income": [float(number) for number in range(500)]})
    stored = drift.document(drift.baseline(before, ["income"]))
    after = Data({"income": [float(number + 200) for number in range(500)]})
    gone = Data({"income": [None] * 250 + [float(number * 2) for number in range(250)]})
    again = drift.read(stored, "evaluation.json")
    assert drift.compare(again, before) == {"income": 0}
    assert drift.compare(again, after)["income"] > 0.25
    assert drift.compare(again, gone)["income"] > 0.25
    for wrong in (None, [{"name": "a", "counts": [1], "missing": 0}], [{**stored[0], "counts": [1]}]):
        with pytest.raises(EvaluationError, match="driftBaseline"):
            drift.read(wrong, "evaluation.json")
