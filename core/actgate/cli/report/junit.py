"""The report as JUnit XML: one test suite, one test case per subject, one failure with every reason.

It keeps to what the Jenkins xUnit schema (junit-10) and the Apache Ant schema both accept, which is why
warnings stand in the suite's output rather than in the test case, and files in the text of a failure.
"""

from xml.etree import ElementTree

from actgate.api.compliance_policy import Enforcement
from actgate.api.quoting import printable
from actgate.api.times import timestamp
from actgate.cli.check import Judged, Report
from actgate.cli.report.words import exemption_words, path_words, place_words, subject_words, summary
from actgate.decision import Finding, Outcome
from actgate.decision.data import RULESET


def render(report: Report) -> str:
    """Return the report as an XML document."""
    suites = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(suites, "testsuite", _attributes(report))
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in (("ruleset", RULESET), ("evaluatedAt", timestamp(report.now, "auto"))):
        ElementTree.SubElement(properties, "property", name=name, value=value)
    for judged in report.judged:
        _case(suite, judged)
    ElementTree.SubElement(suite, "system-out").text = "\n".join([*_warnings(report), summary(report)])
    ElementTree.SubElement(suite, "system-err")
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=False).join(
        ('<?xml version="1.0" encoding="UTF-8"?>\n', "\n")
    )


def _attributes(report: Report) -> dict[str, str]:
    return {
        "name": "actgate check",
        "package": "actgate",
        "id": "0",
        "hostname": "localhost",
        "timestamp": timestamp(report.now).removesuffix("Z"),
        "tests": str(len(report.judged)),
        "failures": str(report.count(Outcome.FAIL)),
        "errors": "0",
        "skipped": "0",
        "time": "0",
    }


def _case(suite: ElementTree.Element, judged: Judged) -> None:
    subject, verdict = judged.subject, judged.verdict
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=printable(f"{subject.kind}.{subject.namespace}"),
        name=printable(subject.name),
        time="0",
    )
    if verdict.outcome is not Outcome.FAIL:
        return
    rules = ", ".join(verdict.failed_rules)
    failure = ElementTree.SubElement(case, "failure", type="actgate", message=rules)
    denying = (item for item in verdict.findings if item.effect is Enforcement.DENY)
    failure.text = "\n".join(_words(judged, finding) for finding in denying)


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
