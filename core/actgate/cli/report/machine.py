"""The report as JSON, in the shape that ``check.schema.json`` beside this module describes.

The shape is a promise: within a ``schema`` version fields are added, never renamed or removed.
"""

import json
from typing import Any, Final

from actgate.api.times import timestamp
from actgate.cli.check import Judged, Report
from actgate.cli.inventory import Evidence
from actgate.cli.report.words import place
from actgate.decision import Finding, Outcome
from actgate.decision.data import RULESET

SCHEMA: Final = "actgate.dev/check/v1"
"""Name of the shape, which every report carries."""


def render(report: Report) -> str:
    """Return the report as one JSON object."""
    return json.dumps(_report(report), indent=2, ensure_ascii=False) + "\n"


def _report(report: Report) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "ruleset": RULESET,
        "evaluatedAt": timestamp(report.now, "auto"),
        "summary": {
            "judged": len(report.judged),
            "passed": report.count(Outcome.PASS),
            "warned": report.count(Outcome.WARN),
            "failed": report.count(Outcome.FAIL),
            "notJudged": len(report.others),
        },
        "verdicts": [_verdict(judged) for judged in report.judged],
    }


def _verdict(judged: Judged) -> dict[str, Any]:
    subject, verdict = judged.subject, judged.verdict
    file, line = place(judged)
    manifests = [_manifest(found) for found in judged.evidence]
    return {
        "subject": {
            "kind": subject.kind,
            "namespace": subject.namespace,
            "name": subject.name,
            "file": file,
            "line": line,
        },
        "outcome": verdict.outcome,
        "manifest": manifests[0] if manifests else None,
        "manifests": manifests,
        "policies": list(verdict.policies),
        "exemptions": [
            {"name": name, "notAfter": timestamp(end, "auto")} for name, end in verdict.exemptions
        ],
        "validUntil": timestamp(verdict.valid_until, "auto") if verdict.valid_until else None,
        "findings": [_finding(judged, finding) for finding in verdict.findings],
    }


def _manifest(found: Evidence) -> dict[str, Any]:
    return {
        "name": found.manifest.name,
        "digest": found.manifest.digest,
        "file": found.document.source,
        "line": found.document.line_of(),
    }


def _finding(judged: Judged, finding: Finding) -> dict[str, Any]:
    file, line = place(judged, finding)
    return {
        "rule": finding.rule,
        "basis": finding.basis,
        "effect": finding.reported_effect,
        "exemption": finding.exemption,
        "manifest": finding.about,
        "path": finding.path,
        "origin": judged.origin(finding),
        "file": file,
        "line": line,
        "message": finding.message,
        "remediation": finding.remediation,
    }
