"""The result of a scan as JUnit XML, as ``check`` writes it: what could not be read is an error."""

from collections.abc import Iterator

from actgate.api.compliance_policy import Enforcement
from actgate.api.quoting import printable
from actgate.cli.report.junit import Case, suite
from actgate.cli.scanning.result import Result
from actgate.cli.scanning.words import notes, outcomes
from actgate.decision import Finding, Outcome
from actgate.scan.judging import Judged


def render(result: Result) -> str:
    """Return the result as one test suite."""
    cases = [*_cases(result)]
    output = [
        f"{finding.reported_effect} {_called(one)}: {_words(finding)}"
        for one in result.judged
        for finding in one.verdict.findings
        if finding.effect is not Enforcement.DENY
    ]
    lines = map(printable, [*output, outcomes(result), *notes(result)])
    return suite("actgate scan", cases, result.now, lines)


def _cases(result: Result) -> Iterator[Case]:
    for one in result.judged:
        subject, verdict = one.subject, one.verdict
        failure = None
        if verdict.outcome is Outcome.FAIL:
            denying = (item for item in verdict.findings if item.effect is Enforcement.DENY)
            failure = ", ".join(verdict.failed_rules), "\n".join(map(_words, denying))
        yield Case(f"{subject.kind}.{subject.namespace}", subject.name, failure)
    for subject in result.unjudged:
        unknown = "the evidence is not known", "the ComplianceManifests could not be read"
        yield Case(f"{subject.kind}.{subject.namespace}", subject.name, error=unknown)
    for missed in result.missed:
        yield Case("scan", missed.what, error=(missed.means, printable(missed.reason)))


def _called(one: Judged) -> str:
    return f"{one.subject.kind} {one.subject.namespace}/{one.subject.name}"


def _words(finding: Finding) -> str:
    about = f"compliancemanifest/{finding.about} " if finding.about is not None else ""
    return printable(
        f"{finding.rule} {about}{finding.path}: {finding.message}; "
        f"fix: {finding.remediation} ({finding.basis})"
    )
