"""``actgate audit``: what it answers, what it refuses in a sentence, and what it never says."""

import gzip
import json
import os
import pty
import re
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from actgate.api.compliance_manifest import Metric
from actgate.cli.audit_arguments import METRICS
from actgate.pipeline.audit import engine, files
from tests.cli.signing import key_file
from tests.cli.support import NOW, PROGRAM, Json, actgate, manifest, write
from tests.pipeline.audit.support import persons, write_csv, write_parquet

COLUMNS = ("--label", "y", "--prediction", "yhat")
SECRET = "Qx7-secret-value"
"""Stands for a value of a person; it must never be printed."""


def fair(each: int = 5000) -> list[Json]:
    """Return persons of two groups that are treated alike."""
    cells = [(1, 1)] * 3 + [(1, 0), (0, 1)] + [(0, 0)] * 5
    return [
        {"sex": sex, "y": label, "yhat": prediction}
        for sex in ("female", "male")
        for label, prediction in cells * (each // len(cells))
    ]


def unfair(part: int, each: int = 1000) -> list[Json]:
    """Return persons of two groups, of one of which so many fewer are selected."""
    return [
        {"sex": sex, "y": int(place < each // 2), "yhat": int(place < each // 2 - less)}
        for sex, less in (("female", part), ("male", 0))
        for place in range(each)
    ]


def audit(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command by sex, without a bootstrap."""
    return actgate("audit", *arguments, *COLUMNS, "--bootstrap", "0", cwd=cwd)


@pytest.mark.parametrize(
    ("rows", "code", "word", "why"),
    [
        (fair(), 0, "PASS", "is within it"),
        (unfair(10, 1000), 1, "INCONCLUSIVE", "straddles it"),
        (unfair(300, 1000), 1, "FAIL", "is beyond it"),
    ],
)
def test_the_answer_is_pass_fail_or_inconclusive_and_says_why(
    tmp_path: Path, rows: list[Json], code: int, word: str, why: str
) -> None:
    """Inconclusive is not a pass: the exit code says so, too."""
    path = write_csv(tmp_path / "scores.csv", rows)
    done = audit(str(path), "--by", "sex")
    assert done.returncode == code, done.stderr
    verdict = next(line for line in done.stdout.splitlines() if "sex demographic_parity_difference" in line)
    assert verdict.split()[0] == word
    assert why in done.stdout
    assert "2 groups" not in done.stdout


@pytest.mark.system
def test_the_value_alone_is_judged_where_no_certainty_is_asked_for(tmp_path: Path) -> None:
    """As a policy without bias.confidence does."""
    path = str(write_csv(tmp_path / "scores.csv", unfair(10, 1000)))
    assert audit(path, "--by", "sex", "--confidence", "0").returncode == 0
    assert audit(path, "--by", "sex", "--confidence", "0", "--max-difference", "0.005").returncode == 1


@pytest.mark.system
def test_a_small_group_makes_a_pass_inconclusive(tmp_path: Path) -> None:
    """It is named with its size, and stays in the evidence."""
    path = str(write_csv(tmp_path / "scores.csv", fair(5000)))
    done = audit(path, "--by", "sex", "--min-count", "6000", "-o", "json")
    (outcome,) = json.loads(done.stdout)["outcomes"]
    assert (done.returncode, outcome["outcome"]) == (1, "Inconclusive")
    assert 'fewer than 6000 persons in "female" (5000), "male" (5000)' in outcome["why"]


def test_the_evidence_goes_into_a_manifest_as_it_is(tmp_path: Path) -> None:
    """The gate reads what was written, recomputes it, and passes it with the certainty of the audit."""
    path = str(write_parquet(tmp_path / "scores.parquet", fair()))
    done = audit(path, "--by", "sex", "--run-dir", str(tmp_path / "run"))
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "run" / "audit.json").read_text())
    parts = {key: found[key] for key in ("bias", "dataQuality", "datasets")}
    policy = {
        "apiVersion": "actgate.dev/v1alpha1",
        "kind": "CompliancePolicy",
        "metadata": {"name": "certain"},
        "spec": {"bias": {"confidence": 0.95}, "evidence": {"level": {"HighRisk": "Recomputable"}}},
    }
    file, certain = write(tmp_path / "m.yaml", manifest(**parts)), write(tmp_path / "p.yaml", policy)
    checked = actgate("check", "-f", str(file), "--policy", str(certain), "--now", NOW)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_result_keeps_to_the_published_schema(tmp_path: Path) -> None:
    """Of data with every option, of counts, and of a measurement without a value."""
    schema = json.loads(resources.files("actgate.pipeline.audit").joinpath("audit.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    path = str(write_parquet(tmp_path / "scores.parquet", persons()))
    rules = str(write(tmp_path / "rules.json", {"duplicates": {"threshold": 0.5}}))
    planned = str(write(tmp_path / "plan.json", plan(0.2)))
    by = ("--by", "sex", "--by", "sex,race", "--reference", "sex=male", "--metric", "all")
    command = ("audit", path, *COLUMNS, *by, "--quality", rules, "--train", path, "--plan", planned)
    found = actgate(*command, "--bootstrap", "20", "-o", "json")
    validator.validate(json.loads(found.stdout))
    empty = [{**row, "y": 0, "yhat": 0} for row in fair(20)]
    without = str(write_csv(tmp_path / "empty.csv", empty))
    result = json.loads(
        audit(without, "--by", "sex", "--metric", "equalized_odds_ratio", "-o", "json").stdout
    )
    validator.validate(result)
    (outcome,) = result["outcomes"]
    assert (result["bias"], outcome["outcome"]) == ([], "Inconclusive")
    assert outcome["why"] == 'no value: group "female" has no person who could be a true positive'


@pytest.mark.system
def test_the_same_data_has_the_same_result(tmp_path: Path) -> None:
    """To the byte, bootstrap included: no time and no order of threads is in it."""
    path = str(write_parquet(tmp_path / "scores.parquet", persons()))
    command = ("audit", path, *COLUMNS, "--by", "sex", "--by", "sex,race", "--bootstrap", "50", "-o", "json")
    assert actgate(*command).stdout == actgate(*command).stdout


@pytest.mark.system
def test_the_digest_is_what_sha256sum_says(tmp_path: Path) -> None:
    """Of one file its own, of several that of the list of them: anyone can compute it again."""
    folder = tmp_path / "parts"
    folder.mkdir()
    for place in range(2):
        write_parquet(folder / f"{place}.parquet", fair())
    done = audit(str(folder), "--by", "sex", "-o", "json")
    listed = subprocess.run(  # noqa: S602 - a fixed command
        "sha256sum * | sha256sum",  # noqa: S607
        shell=True,
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    digest = json.loads(done.stdout)["dataset"]["digest"]
    assert digest == f"sha256:{listed.stdout.split()[0]}"
    assert json.loads(done.stdout)["bias"][0]["dataset"] == {"digest": digest}


def test_the_metrics_of_the_help_are_those_of_the_schema() -> None:
    """Named twice so that help loads no model."""
    assert set(METRICS) == set(Metric)


# What is planned


def plan(threshold: float = 0.05, attribute: str = "sex", **more: Any) -> Json:  # noqa: ANN401 - fields
    """Return a plan about a model."""
    bias = [{"attribute": attribute, "metric": "demographic_parity_difference", "threshold": threshold}]
    return {"model": {"name": "m", "digest": f"sha256:{'a' * 64}"}, "bias": bias, **more}


def test_what_was_planned_is_measured_and_named(tmp_path: Path) -> None:
    """Attributes, metrics and limits come from the plan of the run, and measurements name it."""
    path = str(write_csv(tmp_path / "scores.csv", fair()))
    run = str(tmp_path / "run")
    planned = actgate("plan", "-f", str(write(tmp_path / "p.yaml", plan())), "--run-dir", run, "-o", "json")
    done = audit(path, "--run-dir", run, "-o", "json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["deviations"]) == (0, [])
    assert found["bias"][0]["planDigest"] == json.loads(planned.stdout)["planDigest"]
    assert found["bias"][0]["threshold"] == 0.05


def test_the_signed_plan_counts_before_the_plain_one(tmp_path: Path) -> None:
    """Its payload is what the gate will read, so that its digest is taken of those bytes."""
    path = str(write_csv(tmp_path / "scores.csv", fair()))
    run, key = str(tmp_path / "run"), key_file(tmp_path, "model-risk")
    file = str(write(tmp_path / "p.yaml", plan()))
    printed = actgate("plan", "-f", file, "--run-dir", run, "--key", key, "-o", "json")
    (tmp_path / "run" / "plan.json").unlink()
    found = json.loads(audit(path, "--run-dir", run, "-o", "json").stdout)
    assert found["bias"][0]["planDigest"] == json.loads(printed.stdout)["planDigest"]


@pytest.mark.system
@pytest.mark.parametrize(
    ("planned", "flags", "deviation"),
    [
        (plan(), ("--max-difference", "0.2"), "bias[0].threshold: Invalid value: 0.2: must be 0.05, as plan"),
        (plan(attribute="race"), ("--by", "sex"), 'must hold demographic_parity_difference of "race"'),
        (plan(), ("--metric", "demographic_parity_ratio"), "must hold demographic_parity_difference of"),
        (plan(confidence=0.99), ("--confidence", "0.9"), "confidence: Invalid value: 0.9: must be 0.99"),
        (plan(minGroupCount=100), ("--min-count", "1"), "minGroupCount: Invalid value: 1: must be 100"),
        (
            plan(datasets=[{"name": "test", "digest": f"sha256:{'b' * 64}"}]),
            (),
            "must be that of a planned data set",
        ),
    ],
)
def test_what_was_not_planned_so_is_named_and_exits_1(
    tmp_path: Path, planned: Json, flags: tuple[str, ...], deviation: str
) -> None:
    """A limit that moved, a measurement that was dropped, other data: evidence/plan, before the gate."""
    path = str(write_csv(tmp_path / "scores.csv", fair()))
    file = str(write(tmp_path / "p.yaml", planned))
    done = audit(path, "--plan", file, *flags)
    assert done.returncode == 1, done.stderr
    assert deviation in done.stdout
    assert "1 deviation from the plan" in done.stdout


# What cannot be audited


def refusal(*arguments: str, cwd: Path) -> list[str]:
    """Return the sentences of a refusal: exit code 2, nothing on standard output, no file in the run."""
    done = audit(*arguments, "--run-dir", str(cwd / "run"), cwd=cwd)
    assert (done.returncode, done.stdout) == (2, ""), done.stdout
    assert not (cwd / "run").exists()
    assert SECRET not in done.stderr
    lines = done.stderr.splitlines()
    assert all(line.startswith("error: ") for line in lines)
    return lines


def changed(**values: object) -> list[Json]:
    """Return fair persons, with other values in every tenth row."""
    return [{**row, **(values if place % 10 == 0 else {})} for place, row in enumerate(fair(1000))]


@pytest.mark.system
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize(
    ("rows", "flags", "sentence"),
    [
        (fair(10), ("--by", "gender"), 'group "gender": not found: '),
        (
            [r for r in fair(20) if r["sex"] == "male"],
            (),
            'group "sex": has 1 group, and at least 2 are needed',
        ),
        ([{**row, "sex": None} for row in fair(20)], (), 'group "sex": has no value in any row'),
        ([{**row, "y": None} for row in fair(20)], (), 'label "y": has no value in any row'),
        (changed(y=None), (), 'label "y": 200 of 2000 rows have no value (null, NaN or blank)'),
        (changed(yhat=None), (), 'prediction "yhat": 200 of 2000 rows have no value'),
        (changed(sex=None), (), 'group "sex": 200 of 2000 rows have no value'),
        (changed(sex=" "), (), 'group "sex": 200 of 2000 rows have no value'),
        (changed(yhat=7), (), 'prediction "yhat": 200 of 2000 rows have a value that is neither 0 or false'),
        (
            [{**row, "y": SECRET if row["y"] else "no"} for row in fair(20)],
            (),
            'label "y": 40 of 40 rows have a value that is neither 0 or false nor 1 or true',
        ),
        (changed(sex="FEMALE"), (), 'group "sex": "FEMALE" and "female" are one group'),
        (
            [{**row, "sex": f"person {place}"} for place, row in enumerate(fair(50))],
            (),
            'group "sex": has more than 64 groups',
        ),
        (fair(20), ("--reference", "sex=woman", "--metric", "disparate_impact"), 'reference group "woman"'),
        (fair(20), ("--reference", "race=black"), "--reference:"),
    ],
)
def test_data_that_cannot_be_audited_is_refused_in_a_sentence(
    tmp_path: Path, suffix: str, rows: list[Json], flags: tuple[str, ...], sentence: str
) -> None:
    """With column and number, never with a value of a label or a prediction; nothing is written."""
    path = (write_csv if suffix == ".csv" else write_parquet)(tmp_path / f"scores{suffix}", rows)
    by = () if "--by" in flags else ("--by", "sex")
    (line,) = refusal(str(path), *by, *flags, cwd=tmp_path)
    assert sentence in line


def test_nan_is_a_missing_value(tmp_path: Path) -> None:
    """In labels and in groups; it is no class and no group."""
    rows = [{**row, "y": float(row["y"]), "age": 40.0} for row in fair(50)]
    rows[0]["y"] = rows[1]["age"] = float("nan")
    rows[2]["age"] = 50.0
    path = str(write_parquet(tmp_path / "scores.parquet", rows))
    lines = refusal(path, "--by", "age", cwd=tmp_path)
    assert [re.search(r'"\w+": \d+', line)[0] for line in lines] == ['"age": 1', '"y": 1']  # type: ignore[index]


def test_rows_without_a_value_are_left_out_on_demand_and_counted(tmp_path: Path) -> None:
    """The evidence says how many, and of which column."""
    rows = [{**row, "y": None if place < 5 else row["y"]} for place, row in enumerate(fair())]
    path = str(write_csv(tmp_path / "scores.csv", rows))
    found = json.loads(audit(path, "--by", "sex", "--nulls", "drop", "-o", "json").stdout)
    assert sum(group["count"] for group in found["bias"][0]["groups"]) == 9995
    (check,) = [
        one for one in found["dataQuality"] if '"y"' in one["definition"] and one["check"] == "completeness"
    ]
    assert (check["checked"], check["failed"]) == (10000, 5)
    assert "left out" in check["definition"]


def broken(folder: Path, kind: str) -> str:
    """Make a file that cannot be read to its end, with a secret value near the defect."""
    rows = [{**row, "note": SECRET} for row in fair(2000)]
    parquet, text = folder / "scores.parquet", folder / "scores.csv"
    match kind:
        case "cut off":
            write_parquet(parquet, rows)
            parquet.write_bytes(parquet.read_bytes()[:-100])
        case "no parquet":
            parquet.write_text(SECRET)
        case "hole":
            write_parquet(parquet, [{**row, "sex": f"{row['sex']}"} for row in rows])
            data = bytearray(parquet.read_bytes())
            data[4:60] = b"\xff" * 56
            parquet.write_bytes(bytes(data))
        case "empty":
            text.write_text("")
        case "short row":
            write_csv(text, rows)
            text.write_text(text.read_text() + f"male,{SECRET}\n")
        case "open quote":
            write_csv(text, rows)
            text.write_text(text.read_text() + f'male,1,1,"{SECRET}\n')
        case "latin-1":
            write_csv(text, rows)
            text.write_bytes(text.read_bytes() + f"männlich,1,1,{SECRET}\n".encode("latin-1"))
        case "utf-16":
            write_csv(text, rows)
            text.write_bytes(text.read_text().encode("utf-16"))
        case "json":
            (folder / "scores.jsonl").write_text('{"sex": "male", "y": 1, "yhat": 1}\n{"sex": "' + SECRET)
        case "gzip":
            write_csv(text, rows)
            (folder / "scores.csv.gz").write_bytes(gzip.compress(text.read_bytes())[:-20])
            text.unlink()
        case "mixed":
            write_csv(text, rows)
            write_parquet(parquet, rows)
            return str(folder)
        case "other columns":
            write_csv(folder / "a.csv", rows)
            write_csv(folder / "b.csv", [{"yhat": 1, "y": 1, "sex": SECRET, "note": SECRET}])
            return str(folder)
        case "other types":
            write_parquet(folder / "a.parquet", rows)
            write_parquet(folder / "b.parquet", [{**row, "y": str(row["y"])} for row in rows])
            return str(folder)
    return str(next(folder.iterdir()))


@pytest.mark.system
@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("cut off", "scores.parquet is cut off: a Parquet file ends with its index"),
        ("no parquet", "scores.parquet is not a Parquet file"),
        ("hole", "scores.parquet: is damaged"),
        ("empty", "scores.csv is empty: the first line must name the columns"),
        ("short row", "scores.csv, line 4002: has more or fewer values than the first line has columns"),
        ("open quote", "scores.csv, line 4002: a value in quotes does not end"),
        ("latin-1", "scores.csv: is not UTF-8 throughout"),
        ("utf-16", "scores.csv: is not UTF-8 throughout"),
        ("json", "scores.jsonl: is not valid JSON"),
        ("gzip", "scores.csv.gz"),
        ("mixed", "are of different formats"),
        ("other columns", "b.csv: its first line does not name the columns of"),
        ("other types", "b.parquet: its columns are not those of"),
    ],
)
def test_files_that_are_broken_are_named_in_a_sentence(tmp_path: Path, kind: str, sentence: str) -> None:
    """With the line where it is known; what the engine quotes of the data is never passed on."""
    folder = tmp_path / "data"
    folder.mkdir()
    (line,) = refusal(broken(folder, kind), "--by", "sex", cwd=tmp_path)
    assert sentence in line


@pytest.mark.system
def test_what_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file, a pattern without a match, an empty folder, a format that is not read, an address."""
    monkeypatch.setenv("HOME", str(tmp_path))  # where DuckDB looks for extensions
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    for argument, sentence in (
        ("nothing.csv", "nothing.csv cannot be read: No such file or directory"),
        ("*.parquet", "*.parquet: holds or matches no file"),
        ("empty", "empty: holds or matches no file"),
        ("notes.txt", "notes.txt: must be Parquet, CSV or JSON by its name"),
        ("s3://bucket/scores.parquet", "extension httpfs, which is not installed"),
    ):
        (line,) = refusal(argument, "--by", "sex", cwd=tmp_path)
        assert sentence in line


@pytest.mark.system
def test_a_directory_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is written, one that appears, one that goes: the digest would be of other bytes."""
    folder = tmp_path / "data"
    folder.mkdir()
    for place in range(2):
        write_csv(folder / f"{place}.csv", fair(100))
    counts = engine.Engine.rows

    def meddling(change: Any) -> None:  # noqa: ANN401 - a function
        def rows(self: engine.Engine, *arguments: Any) -> Any:  # noqa: ANN401 - as they come
            found = counts(self, *arguments)
            change()
            return found

        monkeypatch.setattr(engine.Engine, "rows", rows)

    for change in (
        lambda: write_csv(folder / "1.csv", fair(110)),
        lambda: write_csv(folder / "2.csv", fair(100)),
        lambda: (folder / "0.csv").unlink(),
    ):
        meddling(change)
        (line,) = refusal(str(folder), "--by", "sex", cwd=tmp_path)
        assert "changed while it was read: audit again when nothing writes to the data" in line


@pytest.mark.system
def test_an_older_result_stays_when_an_audit_fails(tmp_path: Path) -> None:
    """Whole or not at all: a run that is refused leaves the former evidence as it was."""
    path = write_csv(tmp_path / "scores.csv", fair())
    run = tmp_path / "run"
    audit(str(path), "--by", "sex", "--run-dir", str(run))
    before = (run / "audit.json").read_bytes()
    write_csv(path, changed(y=None))
    assert audit(str(path), "--by", "sex", "--run-dir", str(run)).returncode == 2
    assert ((run / "audit.json").read_bytes(), [*run.iterdir()]) == (before, [run / "audit.json"])


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ((), "DATA is missing"),
        (("a.csv", "--counts", "b.csv"), "two sources: name either"),
        (("--counts", "b.csv", "--train", "a.csv"), "--train needs the data itself"),
        (("--print-sql=duckdb",), "--print-sql duckdb reads the columns of the data"),
        (("a", "b", "--print-sql=ansi"), "is about one table"),
        (("scores.csv", "--min-count", "-1"), "must be a whole number"),
        (("scores.csv", "--confidence", "95"), "must be a number from 0 to 1"),
        (("scores.csv", "--metric", "parity"), "invalid choice"),
        (("scores.csv", "--memory", "lots"), "--memory"),
        (("scores.csv", "--positive", "yes"), 'label "y": has no value "yes"'),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(
    tmp_path: Path, flags: tuple[str, ...], sentence: str
) -> None:
    """Before any data is read."""
    write_csv(tmp_path / "scores.csv", fair(20))
    done = audit(*flags, "--by", "sex", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr


# Counts of others


@pytest.mark.system
def test_counts_of_another_engine_are_judged_alike(tmp_path: Path) -> None:
    """The same verdict, and no claim about a data set that was not seen."""
    import sqlite3

    query = audit("scores", "--by", "sex", "--print-sql").stdout
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    connection.execute("CREATE TABLE scores (sex TEXT, y INTEGER, yhat INTEGER)")
    connection.executemany("INSERT INTO scores VALUES (:sex, :y, :yhat)", fair())
    rows = [dict(row) for row in connection.execute(query)]
    connection.close()
    file = tmp_path / "counts.json"
    file.write_text(json.dumps(rows))
    done = audit("--counts", str(file), "--by", "sex", "-o", "json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["datasets"], found["dataset"]["countsOnly"]) == (0, [], True)
    assert "dataset" not in found["bias"][0]
    direct = audit(str(write_csv(tmp_path / "s.csv", fair())), "--by", "sex", "-o", "json")
    assert found["bias"][0]["groups"] == json.loads(direct.stdout)["bias"][0]["groups"]
    assert "counts that were made elsewhere" in done.stderr


# Data quality


@pytest.mark.system
def test_rules_of_quality_are_counted(tmp_path: Path) -> None:
    """Completeness, ranges, duplicates, balance and freshness, each with its definition and threshold."""
    rows = [
        {**row, "id": place, "age": 30 + place % 40, "at": "2026-01-01", "kind": "car"}
        for place, row in enumerate(fair(100))
    ]
    rows[1].update(age=300)
    rows[2].update(age=None)
    rows[3].update(at="2020-01-01")
    rows[4].update(at=None)
    rows[5].update(kind=SECRET)
    rows += [rows[0], rows[0]]
    rules = {
        "completeness": {"age": 0.0},
        "ranges": {"age": {"min": 18, "max": 120, "threshold": 0.1}, "kind": {"values": ["car", "house"]}},
        "duplicates": {"threshold": 0.001},
        "classBalance": {"minShare": 0.45},
        "freshness": {"column": "at", "notBefore": "2025-01-01", "threshold": 0.0},
    }
    file = str(write(tmp_path / "rules.yaml", rules))
    for path in (write_csv(tmp_path / "scores.csv", rows), write_parquet(tmp_path / "scores.parquet", rows)):
        done = audit(str(path), "--by", "sex", "--quality", file, "-o", "json")
        found = json.loads(done.stdout)["dataQuality"]
        counted = {
            one["check"]: (one["failed"], one["checked"]) for one in found if one.get("threshold") is not None
        }
        assert counted == {
            "completeness": (1, 202),
            "range": (1, 201),
            "duplicates": (2, 202),
            "class balance": (120, 202),
            "freshness": (2, 202),
        }
        (kinds,) = [one for one in found if '"kind"' in one["definition"]]
        assert (kinds["failed"], kinds["checked"], done.returncode) == (1, 202, 1)
        text = audit(str(path), "--by", "sex", "--quality", file).stdout
        assert "4 quality checks failed" in text
        assert SECRET not in text + done.stdout


@pytest.mark.system
def test_rows_of_the_training_data_are_found_again(tmp_path: Path) -> None:
    """By the values of the columns that both have, the prediction aside, whatever format each has."""
    rows = [{**row, "age": place} for place, row in enumerate(fair(100))]
    train = [{key: row[key] for key in ("age", "sex", "y")} for row in (*rows[:7], {**rows[8], "age": 999})]
    data = str(write_parquet(tmp_path / "test.parquet", rows))
    learnt = str(write_csv(tmp_path / "train.csv", train))
    found = json.loads(audit(data, "--by", "sex", "--train", learnt, "-o", "json").stdout)
    (check,) = [one for one in found["dataQuality"] if one["check"] == "train/test overlap"]
    assert (check["failed"], check["checked"]) == (7, 200)
    assert [one["name"] for one in found["datasets"]] == ["test", "test-training"]


@pytest.mark.system
@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ({"ranges": {"age": {}}}, "must have either values, or min or max"),
        ({"ranges": {"height": {"min": 1}}}, 'ranges "height": not found'),
        ({"duplicate": {}}, "unknown field"),
        ({"completeness": {"y": 2}}, "must be <= 1"),
        ({"freshness": {"column": "y", "notBefore": "yesterday"}}, "notBefore"),
    ],
)
def test_rules_that_cannot_be_checked_are_refused(tmp_path: Path, rules: Json, sentence: str) -> None:
    """A rule that is misspelt would check nothing."""
    path = str(write_csv(tmp_path / "scores.csv", fair(20)))
    file = write(tmp_path / "rules.json", rules)
    done = audit(path, "--by", "sex", "--quality", str(file))
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr


@pytest.mark.system
def test_a_terminal_shows_progress_and_a_pipe_does_not(tmp_path: Path) -> None:
    """On standard error alone, and gone at the end: the result stays the same."""
    path = str(write_csv(tmp_path / "scores.csv", fair()))
    command = [str(PROGRAM), "audit", path, *COLUMNS, "--by", "sex", "--bootstrap", "0"]
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs)  # noqa: S603 - ours
        os.close(theirs)
        shown = b""
        try:
            while part := screen.read(4096):
                shown += part
        except OSError:
            pass  # Linux says so when the last writer is gone.
        assert process.stdout is not None
        text = process.stdout.read().decode()
        process.stdout.close()
        assert process.wait() == 0
    assert b"taking the digest" in shown
    assert text == audit(path, "--by", "sex").stdout


def test_files_are_listed_whatever_way_they_are_named(tmp_path: Path) -> None:
    """Each once; hidden files and marks of other programs are none of the data."""
    for name in ("a.csv", "b.csv", ".hidden.csv", "_SUCCESS"):
        (tmp_path / name).write_text("x\n")
    found = files.listed([str(tmp_path), f"{tmp_path}/a.csv", f"{tmp_path}/*.csv"])
    assert [Path(path).name for path in found.paths] == ["a.csv", "b.csv"]
