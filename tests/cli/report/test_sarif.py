import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import BaseModel
from sarif_pydantic import Sarif

from actgate.cli.check import Report
from actgate.cli.report import sarif
from actgate.decision import rules
from tests.cli.report.conftest import line_of_the_bad_value
from tests.cli.support import NOW, actgate, bias, manifest, model, write


def run_of(report: Report) -> dict[str, Any]:
    (run,) = json.loads(sarif.render(report))["runs"]
    assert isinstance(run, dict)
    return run


def models(value: object) -> Iterator[BaseModel]:
    """Yield every model within a value."""
    if isinstance(value, BaseModel):
        yield value
        for name in type(value).model_fields:
            yield from models(getattr(value, name))
    elif isinstance(value, list):
        for item in value:
            yield from models(item)


@pytest.mark.parametrize("which", ["report", "hostile"])
def test_a_consumer_reads_every_field(which: str, request: pytest.FixtureRequest) -> None:
    """sarif-pydantic, made after SARIF 2.1.0, accepts the types and leaves no field over as unknown."""
    log = Sarif.model_validate_json(sarif.render(request.getfixturevalue(which)))
    assert log.version == "2.1.0"
    assert {type(model).__name__: model.model_extra for model in models(log) if model.model_extra} == {}


def test_results_point_at_the_line_of_their_field(report: Report) -> None:
    """File and line of the field are the location, and those of the subject the related one."""
    result = next(item for item in run_of(report)["results"] if item["ruleId"] == "bias/limit")
    (location,), (related,) = result["locations"], result["relatedLocations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "my%20models/all.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": line_of_the_bad_value()},
    }
    assert related["physicalLocation"]["artifactLocation"]["uri"] == "more.yaml"
    assert location["logicalLocations"][0]["fullyQualifiedName"] == (
        "ModelDeployment default/bad spec.bias[0].value"
    )


def test_results_refer_to_their_rules(report: Report) -> None:
    """Every rule has its help, and every result the index and the id of one of them."""
    run = run_of(report)
    described = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in described] == [rule.id for rule in rules.ALL]
    assert all(rule["help"]["text"] and rule["help"]["markdown"] for rule in described)
    assert run["results"]
    assert all(described[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])


def test_the_level_is_the_effect(report: Report) -> None:
    """Deny is an error, Warn a warning, Audit a note."""
    levels = {"Deny": "error", "Warn": "warning", "Audit": "note"}
    expected = [levels[finding.effect] for judged in report.judged for finding in judged.verdict.findings]
    assert [result["level"] for result in run_of(report)["results"]] == expected
    assert {"error", "warning", "note"} >= set(expected) >= {"error", "warning"}


def test_fingerprints_tell_results_apart(report: Report) -> None:
    """Each finding has one fingerprint, which does not depend on where its lines are."""
    run = run_of(report)
    prints = {result["partialFingerprints"]["actgate/v1"] for result in run["results"]}
    findings = {
        (judged.subject.name, finding.rule, finding.path)
        for judged in report.judged
        for finding in judged.verdict.findings
    }
    assert len(prints) == len(findings)


def test_paths_are_uris(report: Report, hostile: Report) -> None:
    """Artifact locations are URI references, whatever a file is called."""
    for each in (report, hostile):
        for result in run_of(each)["results"]:
            uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            assert uri.isascii()
            assert urlsplit(uri).geturl() == uri
            assert " " not in uri


def test_the_run_says_what_was_judged(report: Report) -> None:
    """The moment and the number of subjects stand in the run, and that it came to its end."""
    run = run_of(report)
    assert (run["properties"]["judged"], run["properties"]["evaluatedAt"]) == (4, "2026-11-23T12:00:00Z")
    assert run["invocations"] == [{"executionSuccessful": True}]


def uris(folder: Path, file: str) -> set[str]:
    """Return the artifact locations of a refused model's report, as asked for in a folder."""
    done = actgate("check", "-f", file, "--now", NOW, "-o", "sarif", cwd=folder)
    (run,) = json.loads(done.stdout)["runs"]
    assert run["results"]
    return {
        location["physicalLocation"]["artifactLocation"]["uri"]
        for result in run["results"]
        for location in (*result["locations"], *result["relatedLocations"])
    }


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a Git checkout that holds a refused model below ``deploy/models``."""
    root = tmp_path / "checkout"
    (root / ".git").mkdir(parents=True)
    (root / "deploy" / "models").mkdir(parents=True)
    write(root / "deploy" / "models" / "a b.yaml", manifest(bias=[bias(0.2)]), model())
    return root


@pytest.mark.parametrize(
    ("here", "stated"),
    [
        (".", "deploy/models/a b.yaml"),
        (".", "./deploy/../deploy/models/a b.yaml"),
        (".", "../checkout/deploy/models/a b.yaml"),
        ("deploy", "models/a b.yaml"),
        ("deploy", "../deploy/models"),
        ("deploy/models", "."),
        ("deploy/models", "ROOT/deploy/models/a b.yaml"),
    ],
)
def test_uris_are_relative_to_the_repository(checkout: Path, here: str, stated: str) -> None:
    """Code scanning finds a file by its path in the repository, wherever and however it was named."""
    file = stated.replace("ROOT", str(checkout))
    assert uris(checkout / here, file) == {"deploy/models/a%20b.yaml"}


def test_a_worktree_is_a_repository_too(checkout: Path) -> None:
    """In a worktree or a submodule ``.git`` is a file."""
    (checkout / ".git").rmdir()
    (checkout / ".git").write_text("gitdir: elsewhere")
    assert uris(checkout / "deploy", "models") == {"deploy/models/a%20b.yaml"}


def test_files_beyond_the_repository_have_absolute_uris(checkout: Path) -> None:
    """A file outside is in no repository, and a relative URI would name another one."""
    outside = write(checkout.parent / "outside.yaml", manifest(bias=[bias(0.2)]), model())
    assert uris(checkout, "../outside.yaml") == {outside.resolve().as_uri()}


def test_a_tracked_link_keeps_its_own_path(checkout: Path) -> None:
    """What Git tracks is the link, not what it leads to."""
    (checkout / "linked.yaml").symlink_to("deploy/models/a b.yaml")
    assert uris(checkout, "linked.yaml") == {"linked.yaml"}


def test_a_run_holds_no_more_results_than_code_scanning_takes(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The strongest stay, and the log and standard error say how many are left out."""
    everything = run_of(report)["results"]
    monkeypatch.setattr(sarif, "MOST_RESULTS", 2)
    run = run_of(report)
    assert len(run["results"]) == 2 < len(everything)
    assert {result["level"] for result in run["results"]} == {"error"}
    (remark,) = sarif.remarks(report)
    assert f"{len(everything) - 2} of {len(everything)} findings are left out" in remark
    (invocation,) = run["invocations"]
    assert invocation["toolExecutionNotifications"][0]["message"]["text"] == remark


def test_25000_results_are_the_limit_of_code_scanning() -> None:
    """GitHub's documentation, "SARIF support for code scanning": results per run."""
    assert sarif.MOST_RESULTS == 25_000
