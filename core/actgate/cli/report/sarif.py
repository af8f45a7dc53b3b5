"""The report as SARIF 2.1.0, for code scanning: one result per finding, where its field stands.

Source: Static Analysis Results Interchange Format 2.1.0, OASIS Standard, with Errata 01.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from actgate import __version__
from actgate.api import Enforcement
from actgate.cli.check import Judged, Report
from actgate.cli.escaping import printable
from actgate.cli.report.words import moment, path_words, place, subject_words
from actgate.policy import Finding, rules
from actgate.policy.data import RULESET

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final = {Enforcement.DENY: "error", Enforcement.WARN: "warning", Enforcement.AUDIT: "note"}
_INDEX: Final = {rule.id: index for index, rule in enumerate(rules.ALL)}


def render(report: Report) -> str:
    """Return the report as a SARIF log with one run."""
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [_run(report)]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _run(report: Report) -> dict[str, Any]:
    driver = {
        "name": "actgate",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule(rule) for rule in rules.ALL],
    }
    return {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True}],
        "results": [
            _result(judged, finding) for judged in report.judged for finding in judged.verdict.findings
        ],
        "properties": {"ruleset": RULESET, "evaluatedAt": moment(report.now), "judged": len(report.judged)},
    }


def _rule(rule: rules.Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.id.split("/")),
        "shortDescription": {"text": rule.asks},
        "fullDescription": {"text": rule.why},
        "help": {
            "text": f"{rule.asks} {rule.why} To mend it: {rule.mend}",
            "markdown": f"{rule.asks}\n\n**Why:** {rule.why}\n\n**To mend it:** {rule.mend}",
        },
        "defaultConfiguration": {"level": "error"},
        "properties": {"basis": rule.basis, "tags": ["compliance", rule.id.partition("/")[0]]},
    }


def _result(judged: Judged, finding: Finding) -> dict[str, Any]:
    return {
        "ruleId": finding.rule,
        "ruleIndex": _INDEX[finding.rule],
        "level": _LEVELS[finding.effect],
        "message": {
            "text": f"{subject_words(judged)}: {printable(finding.message)}. "
            f"To mend it: {printable(finding.remedy)} ({finding.basis})"
        },
        "locations": [
            {
                "physicalLocation": _physical(*place(judged, finding)),
                "logicalLocations": [_logical(judged, path_words(judged, finding))],
            }
        ],
        "relatedLocations": [
            {
                "id": 0,
                "physicalLocation": _physical(*place(judged)),
                "message": {"text": subject_words(judged)},
            }
        ],
        "partialFingerprints": {"actgate/v1": _fingerprint(judged, finding)},
    }


def _physical(name: str, line: int) -> dict[str, Any]:
    return {"artifactLocation": _artifact(name), "region": {"startLine": line}}


def _artifact(name: str) -> dict[str, str]:
    path = Path(name)
    if path.is_absolute():
        return {"uri": path.as_uri()}
    return {"uri": quote(os.fsencode(path.as_posix())), "uriBaseId": "%SRCROOT%"}


def _logical(judged: Judged, path: str) -> dict[str, str]:
    return {"name": path, "fullyQualifiedName": f"{subject_words(judged)} {path}", "kind": "member"}


def _fingerprint(judged: Judged, finding: Finding) -> str:
    """Return what stays the same when lines move: the subject, the rule and the field."""
    subject = judged.subject
    identity = (subject.kind, subject.namespace, subject.name, finding.rule, finding.path)
    return hashlib.sha256("\x00".join(identity).encode("utf-8", "surrogatepass")).hexdigest()
