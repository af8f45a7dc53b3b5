import json
from importlib.resources import files

from jsonschema import Draft202012Validator

from actgate.cli.check import Report
from actgate.cli.report import machine
from actgate.decision.data import RULESET
from tests.cli.report.conftest import line_of_the_bad_value

SCHEMA = json.loads((files("actgate.cli.report") / "check.schema.json").read_text())


def test_reports_have_the_published_shape(report: Report, hostile: Report) -> None:
    """What is written is valid by the schema that is shipped, which is one itself."""
    Draft202012Validator.check_schema(SCHEMA)
    for each in (report, hostile):
        Draft202012Validator(SCHEMA).validate(json.loads(machine.render(each)))


def test_the_shape_describes_every_field(report: Report) -> None:
    """No field is written that the schema does not describe."""
    found = json.loads(machine.render(report))
    verdict, shapes = found["verdicts"][1], SCHEMA["$defs"]
    for value, shape in (
        (found, SCHEMA),
        (found["summary"], SCHEMA["properties"]["summary"]),
        (verdict, shapes["verdict"]),
        (verdict["subject"], shapes["verdict"]["properties"]["subject"]),
        (verdict["manifest"], shapes["manifest"]),
        (verdict["findings"][0], shapes["finding"]),
    ):
        assert set(value) == set(shape["properties"]) == set(shape["required"])


def test_facts_are_exact(report: Report) -> None:
    """Ruleset, moment, counts, places and the time until which a verdict holds."""
    found = json.loads(machine.render(report))
    assert (found["ruleset"], found["evaluatedAt"]) == (RULESET, "2026-11-23T12:00:00Z")
    assert found["summary"] == {"judged": 4, "passed": 1, "warned": 1, "failed": 2, "notJudged": 0}
    passed, failed, without, piped = found["verdicts"]
    assert passed["validUntil"] == "2027-11-01T10:00:00Z"
    assert failed["findings"][0]["line"] == line_of_the_bad_value()
    assert (without["manifest"], without["findings"][0]["file"]) == (None, "none.yaml")
    assert (without["manifests"], failed["manifests"]) == ([], [failed["manifest"]])
    assert piped["findings"][0]["origin"] is not None
