"""Words that every report shares: names and places."""

from actgate.api.quoting import printable
from actgate.api.times import timestamp
from actgate.cli.check import Judged, Report
from actgate.cli.inventory import Evidence
from actgate.decision import Finding, Outcome


def subject_words(judged: Judged) -> str:
    """Return what was judged, as ``ModelDeployment default/credit-risk``."""
    subject = judged.subject
    return printable(f"{subject.kind} {subject.namespace}/{subject.name}")


def place(judged: Judged, finding: Finding | None = None) -> tuple[str, int]:
    """Return file and line of a finding's field, or of the subject itself."""
    if finding is None:
        return judged.document.source, judged.document.line_of()
    document = judged.about(finding)
    return document.source, document.line_of(judged.origin(finding) or finding.path)


def place_words(judged: Judged, finding: Finding | None = None) -> str:
    """Return file and line as editors and compilers write them."""
    name, line = place(judged, finding)
    return printable(f"{name}:{line}")


def path_words(judged: Judged, finding: Finding) -> str:
    """Return a finding's field, with what the pipeline's own file calls it."""
    origin = judged.origin(finding)
    return printable(f"{finding.path} ({origin})" if origin else finding.path)


def evidence_words(judged: Judged) -> str:
    """Return which evidence was judged, and where it stands."""
    return "; ".join(_manifest_words(found) for found in judged.evidence) or "no manifest"


def exemption_words(judged: Judged, finding: Finding | None = None) -> str:
    """Return which exemptions accept findings or one of them, and until when; nothing where none does."""
    names = [
        f"{name} until {timestamp(end, 'auto')}"
        for name, end in judged.verdict.exemptions
        if finding is None or finding.exemption == name
    ]
    return printable(f"exempted by {', '.join(names)}") if names else ""


def _manifest_words(found: Evidence) -> str:
    digest = f" {found.manifest.digest}" if found.manifest.digest else ""
    return printable(f"manifest {found.manifest.name} ({found.document.place()}){digest}")


def summary(report: Report) -> str:
    """Return the counts in one line."""
    counts = ((Outcome.FAIL, "failed"), (Outcome.WARN, "passed with warnings"), (Outcome.PASS, "passed"))
    words = ", ".join(f"{count} {what}" for outcome, what in counts if (count := report.count(outcome)))
    total = f"{len(report.judged)} judged: {words}" if report.judged else "0 judged"
    others = f"; {len(report.others)} other objects not judged" if report.others else ""
    return f"{total}{others}"
