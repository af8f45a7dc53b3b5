"""Fairlearn as the oracle for its own metrics; importing it takes seconds, so that this is no unit test."""

from __future__ import annotations

import importlib
import random
from typing import Any

import pytest

from actgate.api.compliance_manifest import Metric
from actgate.decision import metrics
from actgate.decision.manifest import GroupCount, Measurement

pytestmark = pytest.mark.system

ORACLES = {
    Metric.DEMOGRAPHIC_PARITY_DIFFERENCE: {},
    Metric.DEMOGRAPHIC_PARITY_RATIO: {},
    Metric.EQUAL_OPPORTUNITY_DIFFERENCE: {},
    Metric.EQUALIZED_ODDS_DIFFERENCE: {"agg": "worst_case"},
    Metric.EQUALIZED_ODDS_RATIO: {"agg": "worst_case"},
}
"""Fairlearn's functions have the names of the metrics; what else they may compute is fixed here."""


def rows_of(table: list[tuple[int, int, int, int]]) -> tuple[list[int], list[int], list[str]]:
    """Return labels, predictions and groups of persons with these cells: (tp, fn, fp, tn) for each group."""
    kinds = ((1, 1), (1, 0), (0, 1), (0, 0))
    persons = [
        (label, prediction, f"g{place}")
        for place, cells in enumerate(table)
        for (label, prediction), number in zip(kinds, cells, strict=True)
        for _ in range(number)
    ]
    labels, predictions, groups = zip(*persons, strict=True)
    return list(labels), list(predictions), list(groups)


@pytest.mark.parametrize("metric", list(ORACLES))
def test_counts_have_the_value_that_fairlearn_computes_from_persons(metric: Metric) -> None:
    """Equal to 1e-12 on random tables of two to six groups, those with empty cells included."""
    oracle: Any = getattr(importlib.import_module("fairlearn.metrics"), metric.value)
    dice = random.Random(metric.value)  # noqa: S311 - a fixed seed, no secret
    compared = 0
    for _ in range(25):
        table = [
            (
                dice.randint(1, 60),
                dice.choice([0, dice.randint(1, 60)]),
                dice.choice([0, dice.randint(1, 60)]),
                dice.randint(1, 60),
            )
            for _ in range(dice.randint(2, 6))
        ]
        groups = tuple(
            GroupCount(f"g{place}", tp + fn + fp + tn, None, tp + fp, tp + fn, tp, fp)
            for place, (tp, fn, fp, tn) in enumerate(table)
        )
        found = metrics.values(Measurement(metric, 0.0, groups=groups))
        if not found:
            assert not any(fp for _, _, fp, _ in table)
            continue
        labels, predictions, named = rows_of(table)
        value = oracle(
            labels, predictions, sensitive_features=named, method="between_groups", **ORACLES[metric]
        )
        assert found[0] == pytest.approx(float(value), abs=1e-12)
        compared += 1
    assert compared > 20
