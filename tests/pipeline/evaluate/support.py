"""A model written by hand, which needs no library, and reports as the libraries document them."""

import json
import math
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from tests.pipeline.audit.support import write_csv

Row = dict[str, Any]


class Scorer:
    """Grants above an income, which men reach more easily; takes rows, and no missing income."""

    def __init__(self, bonus: float = 0.0) -> None:
        self.bonus = bonus

    def score(self, row: Row) -> float:
        """Return the probability of a grant."""
        edge = float(row["income"]) + (self.bonus if row["sex"] == "male" else 0.0) - 50
        return 1 / (1 + math.exp(-edge / 4))

    def predict(self, rows: Sequence[Row]) -> list[int]:
        """Return 1 or 0 for each row."""
        return [int(self.score(row) > 0.5) for row in rows]

    def predict_proba(self, rows: Sequence[Row]) -> list[list[float]]:
        """Return both probabilities for each row."""
        return [[1 - self.score(row), self.score(row)] for row in rows]


def fair(rows: Sequence[Row]) -> list[int]:
    """Return predictions; for ``module:function``."""
    return Scorer().predict(rows)


def words(rows: Sequence[Row]) -> list[str]:
    """Return predictions in a notation that no label has."""
    return ["granted" for _ in rows]


unfair = Scorer(bonus=10.0)
"""For ``module:object``."""
MODULE = "tests.pipeline.evaluate.support"


def people(number: int = 400, seed: int = 3) -> list[Row]:
    """Return persons whose right class follows the income, with some noise."""
    dice = Random(seed)  # noqa: S311 - a fixed seed, no secret
    found = []
    for _ in range(number):
        income = round(dice.gauss(50, 10), 2)
        sex = dice.choice(["female", "male"])
        found.append({"sex": sex, "income": income, "y": int(income + dice.gauss(0, 4) > 50)})
    return found


def data_file(folder: Path, name: str = "test.csv", seed: int = 3) -> str:
    """Write persons as CSV."""
    return str(write_csv(folder / name, people(seed=seed)))


def pickled(folder: Path, model: object) -> str:
    """Write a model as a pickle."""
    path = folder / "model.pkl"
    path.write_bytes(pickle.dumps(model))
    return str(path)


def plan_file(folder: Path, *tests: Mapping[str, Any], **more: object) -> str:
    """Write a plan of evaluations."""
    path = folder / "plan.json"
    path.write_text(json.dumps({"evaluations": [*tests], **more}))
    return str(path)


def planned(kind: str, metric: str, comparator: str, threshold: float) -> dict[str, Any]:
    """Return one planned test."""
    return {"kind": kind, "metric": metric, "comparator": comparator, "threshold": threshold}


FAIRLEARN_CSV = "sex,accuracy,selection_rate,count\nf,0.75,0.25,4.0\nm,0.5,0.5,6.0\n"
FAIRLEARN_JSON = (
    '{"accuracy":{"f":0.75,"m":0.5},"selection_rate":{"f":0.25,"m":0.5},"count":{"f":4.0,"m":6.0}}'
)
POINTBLANK: list[dict[str, Any]] = [
    {
        "i": 1,
        "i_o": 1,
        "assertion_type": "col_vals_not_null",
        "column": "income",
        "values": None,
        "thresholds": "Thresholds(warning=None, error=0.2, critical=None)",
        "active": True,
        "eval_error": None,
        "all_passed": False,
        "n": 100,
        "n_passed": 90,
        "n_failed": 10,
    },
    {
        "i": 2,
        "i_o": 2,
        "assertion_type": "rows_distinct",
        "column": None,
        "thresholds": "Thresholds(warning=None, error=None, critical=None)",
        "active": True,
        "eval_error": None,
        "all_passed": False,
        "n": 100,
        "n_passed": 98,
        "n_failed": 2,
    },
]
GREAT_EXPECTATIONS: dict[str, Any] = {
    "success": False,
    "suite_name": "credit",
    "meta": {"great_expectations_version": "1.6.1"},
    "statistics": {"evaluated_expectations": 2, "successful_expectations": 1},
    "results": [
        {
            "success": True,
            "expectation_config": {
                "type": "expect_column_values_to_not_be_null",
                "kwargs": {"column": "income", "mostly": 0.95},
            },
            "result": {"element_count": 100, "unexpected_count": 4, "unexpected_percent": 4.0},
        },
        {
            "success": False,
            "expectation_config": {
                "type": "expect_column_values_to_be_in_set",
                "kwargs": {"column": "sex", "value_set": ["f", "m"]},
            },
            "result": {
                "element_count": 100,
                "missing_count": 20,
                "unexpected_count": 8,
                "partial_unexpected_list": ["Qx7-secret-value"],
            },
        },
    ],
}
LM_EVAL: dict[str, Any] = {
    "lm_eval_version": "0.4.9",
    "results": {
        "arc_easy": {
            "alias": "arc_easy",
            "acc,none": 0.71,
            "acc_stderr,none": 0.01,
            "acc_norm,none": 0.69,
            "acc_norm_stderr,none": "N/A",
        },
        "gsm8k": {"alias": "gsm8k", "exact_match,strict-match": "N/A"},
    },
    "n-samples": {"arc_easy": {"original": 2376, "effective": 100}},
}
