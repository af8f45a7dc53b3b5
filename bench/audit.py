"""What an audit costs: the digest of the data and the counts of three groupings, and pandas with Fairlearn.

Each measurement is a process of its own, ``python -m bench.audit WHAT FILE``, which prints what it measured
as one JSON object. CPU seconds of an import are in all of them, since a pipeline pays for it, too.
"""

import importlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from bench.report import ROOT, Section

ROWS: Final = (1_000_000, 10_000_000, 100_000_000)
COMPARED: Final = 1_000_000
"""Rows of which pandas and Fairlearn compute the same metrics: more take minutes, and gigabytes."""
CPU: Final = 1.5
"""Most CPU seconds for ten million rows."""
MEMORY: Final = 150
"""Most MiB for ten million rows."""
FASTER: Final = 30
"""Times less CPU than pandas and Fairlearn."""
BY: Final = ("sex", "race", "sex,race")
RATES: Final = ("count", "selection_rate", "true_positive_rate", "false_positive_rate")


def run() -> Section:
    """Audit generated predictions of several sizes, and the smallest one with pandas and Fairlearn, too."""
    rows, found = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for number in ROWS:
            path = Path(folder) / f"{number}.parquet"
            _measured("generate", path, number)
            found[number] = _measured("counts", path)
            rows.append(_row("digest and counts", number, found[number]))
            if number == COMPARED:
                whole, other = _measured("whole", path), _measured("fairlearn", path)
                rows.append(_row("`actgate audit`, bootstrap included", number, whole))
                rows.append(_row("pandas and Fairlearn", number, other))
            if number == 10_000_000:
                rows.append(_row("duplicates, ranges, completeness", number, _measured("quality", path)))
            path.unlink()
    ten = found[10_000_000]
    held = ten["cpu"] <= CPU and ten["mib"] <= MEMORY
    ratio, least = other["cpu"] / whole["cpu"], other["computing"] / whole["computing"]
    more = (found[ROWS[-1]]["computing"] - ten["computing"]) / (ROWS[-1] - 10_000_000) * 10_000_000
    return Section(
        "An audit of predictions",
        "Parquet with seven columns, two groupings and their intersection, from the page cache; processes of "
        f"their own, imports included. Goal: 10 million rows in {CPU} CPU s and {MEMORY} MiB; {FASTER} times "
        "less CPU than pandas and Fairlearn, which compute the same rates, differences and ratios.",
        ("what", "rows", "wall, s", "CPU, s", "of them without imports", "peak memory, MiB"),
        rows,
        f"{'Held' if held else 'Not held'} for 10 million rows. Each further 10 million take {more:.2f} "
        "CPU s, "
        f"in the same memory. At {COMPARED:,} rows the whole command takes {ratio:.0f} times less CPU than "
        f"pandas and Fairlearn with imports, {least:.0f} times without. DuckDB spills beyond its limit; "
        "quality checks that hash whole rows, such as duplicates, are what costs.",
    )


def _row(what: str, number: int, found: dict[str, float]) -> tuple[str, ...]:
    times = (f"{found[name]:.2f}" for name in ("wall", "cpu", "computing"))
    return what, f"{number:,}", *times, f"{found['mib']:.0f}"


def _measured(what: str, path: Path, number: int = 0) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.audit", what, str(path), str(number)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _generate(path: str, number: int) -> None:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SELECT setseed(0.5)")
        connection.execute(
            "COPY (SELECT CASE WHEN random() < 0.33 THEN 'female' ELSE 'male' END AS sex, "  # noqa: S608
            "['white', 'black', 'asian', 'native', 'other'][1 + CAST(floor(random() * 4.999) AS INTEGER)] "
            "AS race, CAST(18 + random() * 60 AS INTEGER) AS age, CAST(random() < 0.3 AS INTEGER) AS y, "
            "CAST(random() < 0.28 AS INTEGER) AS yhat, random() * 1000 AS income, i AS id "
            f"FROM range({number}) AS t(i)) TO '{path}' (FORMAT parquet)"
        )


def _audit(path: str, what: str) -> float:
    from actgate.api.compliance_manifest import Metric
    from actgate.pipeline.audit import engine, files, quality, quality_rules, run, site_counts, sql
    from actgate.pipeline.audit.measuring import Wanted

    began = time.process_time()
    groupings = site_counts.groupings_of(BY)
    wanted = [Wanted(one, Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.05) for one in groupings]
    question, data = sql.Question("y", "yhat", groupings), files.listed([path])
    if what == "counts":
        assert files.taken(data)
        with engine.Engine() as opened:
            table = opened.open(data)
            assert opened.rows(table, sql.duckdb(question, table.source, table.types))
        data.require_unchanged()
    elif what == "quality":
        rules = {
            "duplicates": {},
            "completeness": {"income": 0.0},
            "ranges": {"age": {"min": 18, "max": 120}},
        }
        with engine.Engine() as opened:
            table = opened.open(data)
            queries = quality.Queries(quality_rules.read(rules), "data", table.source, table.types)
            for query in (queries.of_rows(), queries.duplicates()):
                assert query is not None
                assert opened.rows(table, query)
    else:
        assert run.of_data(run.Request(question, wanted), data).passed
    return time.process_time() - began


def _fairlearn(path: str) -> float:
    import duckdb

    fairlearn: Any = importlib.import_module("fairlearn.metrics")
    began = time.process_time()
    # pandas reads Parquet with pyarrow alone; DuckDB hands it the same columns.
    frame: Any = duckdb.read_parquet(path).df()
    # One frame with the rates of all metrics is Fairlearn's cheapest way to all of them.
    rates = {name: getattr(fairlearn, name) for name in RATES}
    for columns in (["sex"], ["race"], ["sex", "race"]):
        found = fairlearn.MetricFrame(
            metrics=rates, y_true=frame["y"], y_pred=frame["yhat"], sensitive_features=frame[columns]
        )
        assert found.difference() is not None
        assert found.ratio() is not None
    return time.process_time() - began


def main() -> None:
    """Measure one thing, and print what it took."""
    what, path, number = sys.argv[1:]
    began = time.perf_counter()
    if what == "generate":
        _generate(path, int(number))
        computing = 0.0
    else:
        computing = _fairlearn(path) if what == "fairlearn" else _audit(path, what)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    took = {
        "wall": time.perf_counter() - began,
        "cpu": time.process_time(),
        "computing": computing,
        "mib": peak,
    }
    print(json.dumps(took))


if __name__ == "__main__":
    main()
