"""Reports that the libraries themselves wrote, ``reports/README.md`` says how: what is taken from each."""

from pathlib import Path
from typing import Final

import pytest

from actgate.pipeline.evaluate import readers

Taken = dict[str, tuple[float, int | None, bool | None]]
REPORTS: Final = Path(__file__).parent / "reports"
_GREAT_EXPECTATIONS: Final[Taken] = {
    "checks_met": (0.5, 4, False),
    "expect_column_values_to_not_be_null[income]": (0.96, 100, True),
    "expect_column_values_to_be_between[age]": (0.81, 100, False),
    "expect_column_mean_to_be_between[age]": (1.0, None, True),
    "expect_column_values_to_be_in_set[absent]": (0.0, None, False),
}
_RANGES: Final = {
    "accuracy": (0.492537, 1.0),
    "selection_rate": (0.0, 0.5),
    "true_positive_rate": (0.0, 0.515152),
}
_METRIC_FRAME: Final[Taken] = {
    f"{metric}_{name}": (value, 200, None)
    for metric, (low, high) in _RANGES.items()
    for name, value in {"min": low, "max": high, "difference": high - low}.items()
}
_OVERALL: Final[Taken] = {
    "accuracy": (0.585, 200, None),
    "selection_rate": (0.25, 200, None),
    "true_positive_rate": (0.253731, 200, None),
}
TAKEN: Final[dict[str, Taken]] = {
    "fairlearn-0.15.0.csv": _METRIC_FRAME,
    "fairlearn-0.15.0.json": _METRIC_FRAME,
    "fairlearn-0.15.0-by-group.json": _METRIC_FRAME,
    "fairlearn-0.15.0-both.json": _METRIC_FRAME | _OVERALL,
    "fairlearn-0.15.0-one-metric.json": {
        "metric_min": (0.51, None, None),
        "metric_max": (0.66, None, None),
        "metric_difference": (0.15, None, None),
    },
    "great-expectations-1.24.1.json": _GREAT_EXPECTATIONS,
    "great-expectations-1.24.1-checkpoint.json": _GREAT_EXPECTATIONS,
    "lm-eval-0.4.13.json": {
        "credit_generated/exact_match,strict-match": (0.0, 20, None),
        "credit_yes_no/acc": (0.7, 20, None),
        "credit_yes_no/acc_norm": (0.5, 20, None),
    },
    "pointblank-1.1.1.json": {
        "checks_met": (0.5, 6, False),
        "col_vals_not_null[income]": (0.96, 100, True),
        "col_vals_between[age]": (0.81, 100, False),
        "col_vals_gt[age]": (0.98, 100, True),
        "rows_distinct[sex,age]": (1.0, 100, True),
        "col_vals_gt[absent]": (0.0, None, False),
        "row_count_match": (0.0, None, False),
    },
}
"""Value, number of samples, and whether the threshold is met, by metric."""


@pytest.mark.parametrize("name", TAKEN)
def test_a_report_as_its_library_writes_it(name: str) -> None:
    """Each number is there, and what could not be checked is not met."""
    form = next(one for one in readers.FORMATS if name.startswith(one))
    found = readers.extract(str(REPORTS / name), form)
    taken = {one.metric: one for one in found.results}
    assert taken.keys() == TAKEN[name].keys()
    for metric, (value, samples, met) in TAKEN[name].items():
        one = taken[metric]
        assert one.value == pytest.approx(value, abs=1e-6), metric
        assert (one.samples, one.met) == (samples, met), metric


def test_every_report_here_is_read() -> None:
    """None is left without a claim, and every reader has one."""
    assert {path.name for path in REPORTS.iterdir() if path.suffix != ".md"} == TAKEN.keys()
    assert all(any(name.startswith(form) for name in TAKEN) for form in readers.FORMATS)
