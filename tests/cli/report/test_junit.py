"""JUnit XML as its consumers read it.

The facts below are those in which the schemas of the Jenkins xUnit plugin (junit-10.xsd) and of Apache Ant
(JUnit.xsd) agree: what keeps to them is accepted by both.
"""

import re
from xml.etree import ElementTree

import pytest
from junitparser import Failure, JUnitXml, TestSuite

from actgate.cli.check import Report
from actgate.cli.report import junit

ATTRIBUTES = {
    "testsuites": set[str](),
    "testsuite": {"name", "package", "id", "hostname", "timestamp", "time"}
    | {"tests", "failures", "errors", "skipped"},
    "properties": set[str](),
    "property": {"name", "value"},
    "testcase": {"classname", "name", "time"},
    "failure": {"type", "message"},
    "system-out": set[str](),
    "system-err": set[str](),
}


def suite_of(text: str) -> TestSuite:
    (suite,) = JUnitXml.fromstring(text.encode())
    assert isinstance(suite, TestSuite)
    return suite


def test_a_consumer_reads_the_counts_and_the_reasons(report: Report) -> None:
    """To junitparser every subject is a test case, and a refusal one failure with all its reasons."""
    suite = suite_of(junit.render(report))
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (4, 2, 0, 0)
    cases = {case.name: case.result for case in suite}
    assert [name for name, result in cases.items() if result] == ["bad", "none"]
    (failure,) = cases["bad"]
    assert isinstance(failure, Failure)
    assert failure.message == "bias/limit, bias/claim"
    assert len(str(failure.text).splitlines()) == 2
    assert "fix: mitigate the disparity" in str(failure.text)


def test_warnings_stand_in_the_output_of_the_suite(report: Report) -> None:
    """What does not refuse is no failure, and is kept where both schemas have a place for it."""
    root = ElementTree.fromstring(junit.render(report))  # noqa: S314 - our own text
    output = root.findtext("testsuite/system-out") or ""
    assert "Warn ComplianceManifest default/credit-risk-scorer-v2: link/digest v0.json:2" in output
    assert output.endswith("4 judged: 2 failed, 1 passed with warnings, 1 passed")


@pytest.mark.parametrize("which", ["report", "hostile"])
def test_both_published_schemas_know_every_part(which: str, request: pytest.FixtureRequest) -> None:
    """Elements stand in Ant's order with the attributes that Ant requires and Jenkins knows, no others."""
    root = ElementTree.fromstring(junit.render(request.getfixturevalue(which)))  # noqa: S314 - our own text
    for element in root.iter():
        assert set(element.attrib) == ATTRIBUTES[element.tag]
    (suite,) = root
    order = [element.tag for element in suite]
    cases = int(suite.attrib["tests"])
    assert order == ["properties", *["testcase"] * cases, "system-out", "system-err"]
    assert all(len(case) <= 1 for case in suite.iter("testcase"))
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}", suite.attrib["timestamp"])


def test_nothing_to_judge_is_a_suite_without_cases(report: Report) -> None:
    """An empty report is well-formed too, so that a consumer sees that nothing ran."""
    suite = suite_of(junit.render(Report((), (), report.now)))
    assert (suite.tests, list(suite)) == (0, [])
