"""The report as JUnit XML: one test suite, one test case per subject, one failure with every reason.

It keeps to what the Jenkins xUnit schema (junit-10) and the Apache Ant schema both accept, which is why
warnings stand in the suite's output rather than in the test case, and files in the text of a failure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree

from actgate.api.compliance_policy import Enforcement
from actgate.api.quoting import printable
from actgate.api.times import timestamp
from actgate.cli.check import Judged, Report
from actgate.cli.report.words import exemption_words, path_words, place_words, subject_words, summary
from actgate.decision import Finding, Outcome
from actgate.decision.data import RULESET


@dataclass(frozen=True, slots=True)
class Case:
    """A test case: passed, unless it has a failure or an error."""

    classname: str
    name: str
    failure: tuple[str, str] | None = None
    """(message, text): what was judged is refused."""
    error: tuple[str, str] | None = None
    """(message, text): it could not be judged."""


def render(report: Report) -> str:
    """Return the report as an XML document."""
    cases = [_case(judged) for judged in report.judged]
    return suite("actgate check", cases, report.now, [*_warnings(report), summary(report)])


def suite(name: str, cases: Sequence[Case], now: datetime, output: Iterable[str]) -> str:
    """Return one test suite as an XML document.

    Args:
        name: Name of the suite.
        cases: What was judged.
        now: The moment that was asked about.
        output: Lines that belong to no failure.
    """
    suites = ElementTree.Element("testsuites")
    attributes = {
        "name": name,
        "package": "actgate",
        "id": "0",
        "hostname": "localhost",
        "timestamp": timestamp(now).removesuffix("Z"),
        "tests": str(len(cases)),
        "failures": str(sum(case.failure is not None for case in cases)),
        "errors": str(sum(case.error is not None for case in cases)),
        "skipped": "0",
        "time": "0",
    }
    element = ElementTree.SubElement(suites, "testsuite", attributes)
    properties = ElementTree.SubElement(element, "properties")
    for key, value in (("ruleset", RULESET), ("evaluatedAt", timestamp(now, "auto"))):
        ElementTree.SubElement(properties, "property", name=key, value=value)
    for case in cases:
        _add_case(element, case)
    ElementTree.SubElement(element, "system-out").text = "\n".join(output)
    ElementTree.SubElement(element, "system-err")
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=False).join(
        ('<?xml version="1.0" encoding="UTF-8"?>\n', "\n")
    )


def _add_case(suite: ElementTree.Element, case: Case) -> None:
    element = ElementTree.SubElement(
        suite, "testcase", classname=printable(case.classname), name=printable(case.name), time="0"
    )
    for kind, given in (("failure", case.failure), ("error", case.error)):
        if given is not None:
            message, text = given
            found = ElementTree.SubElement(element, kind, type="actgate", message=printable(message))
            found.text = text


def _case(judged: Judged) -> Case:
    subject, verdict = judged.subject, judged.verdict
    failure = None
    if verdict.outcome is Outcome.FAIL:
        denying = (item for item in verdict.findings if item.effect is Enforcement.DENY)
        failure = ", ".join(verdict.failed_rules), "\n".join(_words(judged, item) for item in denying)
    return Case(f"{subject.kind}.{subject.namespace}", subject.name, failure)


def _warnings(report: Report) -> list[str]:
    return [
        f"{finding.reported_effect} {subject_words(judged)}: {_words(judged, finding)}"
        for judged in report.judged
        for finding in judged.verdict.findings
        if finding.effect is not Enforcement.DENY
    ]


def _words(judged: Judged, finding: Finding) -> str:
    exempted = exemption_words(judged, finding) if finding.exemption is not None else ""
    return (
        f"{finding.rule} {place_words(judged, finding)} {path_words(judged, finding)}: "
        f"{printable(finding.message)}; fix: {printable(finding.remediation)} ({finding.basis})"
        f"{f'; {exempted}' if exempted else ''}"
    )
