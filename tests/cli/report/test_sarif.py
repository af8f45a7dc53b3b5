import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import BaseModel
from sarif_pydantic import Sarif

from actgate.cli.check import Report
from actgate.cli.report import sarif
from actgate.policy import rules
from tests.cli.report.conftest import line_of_the_bad_value


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
