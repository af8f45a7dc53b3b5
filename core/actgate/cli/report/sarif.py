"""The report as SARIF 2.1.0, for code scanning: one result per finding, where its field stands.

Sources: Static Analysis Results Interchange Format 2.1.0, OASIS Standard, with Errata 01; the limits and the
reading of URIs are those of GitHub's code scanning ("SARIF support for code scanning" in its documentation).
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from actgate.api.compliance_policy import Enforcement
from actgate.api.quoting import printable
from actgate.api.times import timestamp
from actgate.cli.check import Judged, Report
from actgate.cli.report.words import exemption_words, path_words, place, subject_words
from actgate.cli.sources import STDIN_NAME
from actgate.decision import Finding, rules
from actgate.decision.data import RULESET
from actgate.version import VERSION

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final = {Enforcement.DENY: "error", Enforcement.WARN: "warning", Enforcement.AUDIT: "note"}
MOST_RESULTS: Final = 25_000
"""Results in a run: GitHub's code scanning rejects an upload with more."""
_INDEX: Final = {rule.id: index for index, rule in enumerate(rules.ALL)}


def render(report: Report) -> str:
    """Return the report as a SARIF log with one run of at most ``MOST_RESULTS``, the strongest first."""
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [_run(report)]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def remarks(report: Report) -> list[str]:
    """Return what a reader of the log has to know that its results do not state."""
    total = sum(len(judged.verdict.findings) for judged in report.judged)
    if total <= MOST_RESULTS:
        return []
    return [
        f"{total - MOST_RESULTS} of {total} findings are left out, the weakest first: code scanning "
        f"takes {MOST_RESULTS} results in a run; -o json has all, and the exit code counts all"
    ]


def _run(report: Report) -> dict[str, Any]:
    driver = {
        "name": "actgate",
        "version": VERSION,
        "semanticVersion": VERSION,
        "rules": [_rule(rule) for rule in rules.ALL],
    }
    root = repository()
    return {
        "tool": {"driver": driver},
        "invocations": [_invocation(report)],
        "results": [_result(judged, finding, root) for judged, finding in _kept(report)],
        "properties": {
            "ruleset": RULESET,
            "evaluatedAt": timestamp(report.now, "auto"),
            "judged": len(report.judged),
        },
    }


def _invocation(report: Report) -> dict[str, Any]:
    notes = [{"level": "warning", "message": {"text": remark}} for remark in remarks(report)]
    return {"executionSuccessful": True, **({"toolExecutionNotifications": notes} if notes else {})}


def _kept(report: Report) -> list[tuple[Judged, Finding]]:
    """Return the findings in their order; where there are too many, the strongest of them."""
    found = [(judged, finding) for judged in report.judged for finding in judged.verdict.findings]
    if len(found) <= MOST_RESULTS:
        return found
    return sorted(found, key=lambda item: -item[1].strength)[:MOST_RESULTS]


def _rule(rule: rules.Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.id.split("/")),
        "shortDescription": {"text": rule.requirement},
        "fullDescription": {"text": rule.rationale},
        "help": {
            "text": f"{rule.requirement} {rule.rationale} Remediation: {rule.remediation}",
            "markdown": f"{rule.requirement}\n\n**Rationale:** {rule.rationale}\n\n**Remediation:** "
            f"{rule.remediation}",
        },
        "defaultConfiguration": {"level": "error"},
        "properties": {"basis": rule.basis, "tags": ["compliance", rule.id.partition("/")[0]]},
    }


def _result(judged: Judged, finding: Finding, root: Path) -> dict[str, Any]:
    return {
        "ruleId": finding.rule,
        "ruleIndex": _INDEX[finding.rule],
        "level": _LEVELS[finding.effect],
        "message": {
            "text": f"{subject_words(judged)}: {printable(finding.message)}. "
            f"Fix: {printable(finding.remediation)} ({finding.basis})"
        },
        "locations": [
            {
                "physicalLocation": _physical(*place(judged, finding), root),
                "logicalLocations": [_logical(judged, path_words(judged, finding))],
            }
        ],
        "relatedLocations": [
            {
                "id": 0,
                "physicalLocation": _physical(*place(judged), root),
                "message": {"text": subject_words(judged)},
            }
        ],
        "partialFingerprints": {"actgate/v1": _fingerprint(judged, finding)},
        **_suppressions(judged, finding),
    }


def _suppressions(judged: Judged, finding: Finding) -> dict[str, Any]:
    """Return what accepts a finding, as the standard has it (section 3.35): an Exemption, until its end."""
    if finding.exemption is None:
        return {}
    words = exemption_words(judged, finding)
    return {"suppressions": [{"kind": "external", "status": "accepted", "justification": words}]}


def _physical(name: str, line: int, root: Path) -> dict[str, Any]:
    return {"artifactLocation": _artifact(name, root), "region": {"startLine": line}}


def repository() -> Path:
    """Return the root of the Git repository around the working directory, else the working directory."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)


def _artifact(name: str, root: Path) -> dict[str, str]:
    """Return where a file is: in the repository as code scanning names it, else by its absolute URI."""
    if name == STDIN_NAME:
        return {"uri": name, "uriBaseId": "%SRCROOT%"}
    # Only what stands before a ".." is resolved: a link in the repository is tracked under its own name.
    stated = Path(name)
    path = Path(os.path.realpath(stated.parent), stated.name) if ".." in stated.parts else Path.cwd() / stated
    if not path.is_relative_to(root):
        return {"uri": path.as_uri()}
    return {"uri": quote(os.fsencode(path.relative_to(root).as_posix())), "uriBaseId": "%SRCROOT%"}


def _logical(judged: Judged, path: str) -> dict[str, str]:
    return {"name": path, "fullyQualifiedName": f"{subject_words(judged)} {path}", "kind": "member"}


def _fingerprint(judged: Judged, finding: Finding) -> str:
    """Return what stays the same when lines move: the subject, the rule and the field."""
    subject = judged.subject
    identity = (subject.kind, subject.namespace, subject.name, finding.rule, finding.path)
    return hashlib.sha256("\x00".join(identity).encode("utf-8", "surrogatepass")).hexdigest()
