"""Reports about subjects that run: from a verdict to an object of OpenReports or of wgpolicyk8s.io.

The two APIs are alike but for a field: one writer serves both. A report has findings only, is named after the
uid of its subject, belongs to it, and carries the hash of its content as a label. The time in it is when its
content changed, never when it was looked for, so that equal content is an equal report. Pure.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from actgate.api.canonical import canonical_of_json, sha256
from actgate.api.compliance_policy import Enforcement
from actgate.api.names import REPORT_LABEL
from actgate.api.quoting import cut
from actgate.api.times import timestamp
from actgate.decision.subject import Subject
from actgate.decision.verdict import Finding, Outcome, Verdict
from actgate.scan.severity import severity_of

SOURCE: Final = "actgate"
MOST_RESULTS: Final = 50
"""Findings that a report spells out, the strongest; its summary counts all of them."""
LONGEST_MESSAGE: Final = 512
"""Characters of a message, and of each property."""
_HASH_DIGITS: Final = 40
"""Hex digits of the hash: a label has at most 63 characters."""
_MANAGED_BY: Final = {"app.kubernetes.io/managed-by": SOURCE}
SELECTOR: Final = ",".join(f"{key}={value}" for key, value in _MANAGED_BY.items())
"""Selects the reports of this writer."""
_RESULTS: Final = {Enforcement.DENY: "fail", Enforcement.WARN: "warn", Enforcement.AUDIT: "warn"}
_SUMMARY: Final = ("pass", "fail", "warn", "error", "skip")


class Dialect(NamedTuple):
    """One of the two APIs: where it keeps reports, and whether they name their source."""

    group: str
    version: str
    kind: str
    plural: str
    cluster_kind: str
    cluster_plural: str
    names_source: bool

    @property
    def api_version(self) -> str:
        """What a report carries as ``apiVersion``."""
        return f"{self.group}/{self.version}"


OPEN_REPORTS: Final = Dialect(
    "openreports.io", "v1alpha1", "Report", "reports", "ClusterReport", "clusterreports", names_source=True
)
POLICY_REPORTS: Final = Dialect(
    "wgpolicyk8s.io",
    "v1alpha2",
    "PolicyReport",
    "policyreports",
    "ClusterPolicyReport",
    "clusterpolicyreports",
    names_source=False,
)


@dataclass(frozen=True, slots=True)
class Identity:
    """The object that a report is about, as the API server knows it."""

    api_version: str
    kind: str
    namespace: str
    """Empty for an object that is in no namespace: its report is one of the cluster."""
    name: str
    uid: str

    @property
    def report_name(self) -> str:
        """The name of its report: other writers name theirs by the bare uid."""
        return f"actgate-{self.uid}"


def report(
    identity: Identity, subject: Subject, verdict: Verdict, moment: datetime, dialect: Dialect
) -> dict[str, Any] | None:
    """Return the report about a subject; None where there is no finding.

    Args:
        identity: The object.
        subject: What is read of it.
        verdict: What was decided about it.
        moment: When the content became what it is; not part of its hash.
        dialect: The API that the report is for.
    """
    if not verdict.findings:
        return None
    common = _properties(subject, verdict)
    policy = cut(", ".join(verdict.policies), LONGEST_MESSAGE)
    results = [_result(item, policy, common) for item in verdict.findings[:MOST_RESULTS]]
    reference = {"apiVersion": identity.api_version, "kind": identity.kind, "name": identity.name}
    scope = {**reference, "uid": identity.uid}
    owner = {**reference, "uid": identity.uid}
    if identity.namespace:
        scope["namespace"] = identity.namespace
    metadata: dict[str, Any] = {"name": identity.report_name, "ownerReferences": [owner]}
    if identity.namespace:
        metadata["namespace"] = identity.namespace
    counts = Counter(result_of(item) for item in verdict.findings)
    content = {
        "apiVersion": dialect.api_version,
        "kind": dialect.kind if identity.namespace else dialect.cluster_kind,
        "metadata": metadata,
        **({"source": SOURCE} if dialect.names_source else {}),
        "scope": scope,
        "summary": {name: counts[name] for name in _SUMMARY},
        "results": results,
    }
    return _stamped(content, moment)


def summary(counts: Mapping[str, int], dialect: Dialect) -> dict[str, Any]:
    """Return the one report of the cluster: how many subjects there are of each outcome.

    Args:
        counts: Subjects by ``pass``, ``fail``, ``warn``, ``error`` (without a verdict) and ``skip``.
        dialect: The API that the report is for.
    """
    content = {
        "apiVersion": dialect.api_version,
        "kind": dialect.cluster_kind,
        "metadata": {"name": SOURCE},
        **({"source": SOURCE} if dialect.names_source else {}),
        "summary": {name: counts.get(name, 0) for name in _SUMMARY},
    }
    return _stamped(content, None)


def result_of(finding: Finding) -> str:
    """Return the result that a finding is in a report; the exempted ones are skipped."""
    return "skip" if finding.exemption is not None else _RESULTS[finding.effect]


def counted_as(outcome: Outcome | None, findings: Iterable[Finding] = ()) -> str:
    """Return as what a subject counts in the summary of the cluster; ``error`` without a verdict."""
    if outcome is None:
        return "error"
    if outcome is Outcome.WARN and all(item.exemption is not None for item in findings):
        return "skip"
    return outcome.value.lower()


def hash_of(thing: Mapping[str, Any]) -> str | None:
    """Return the hash that a report carries of its content; None where it has none."""
    labels = thing["metadata"].get("labels") or {}
    found = labels.get(REPORT_LABEL)
    return found if isinstance(found, str) else None


def _stamped(content: dict[str, Any], moment: datetime | None) -> dict[str, Any]:
    """Return a report with the hash of its content as a label, and then with its time."""
    digest = sha256(canonical_of_json(content)).removeprefix("sha256:")[:_HASH_DIGITS]
    metadata = {**content["metadata"], "labels": {**_MANAGED_BY, REPORT_LABEL: digest}}
    if moment is None:
        return {**content, "metadata": metadata}
    time = {"seconds": int(moment.timestamp()), "nanos": 0}
    results = [{**result, "timestamp": time} for result in content["results"]]
    return {**content, "metadata": metadata, "results": results}


def _result(finding: Finding, policy: str, common: Mapping[str, str]) -> dict[str, Any]:
    properties = {**common, "effect": finding.reported_effect}
    if finding.path:
        properties["path"] = cut(finding.path, LONGEST_MESSAGE)
    if finding.exemption is not None:
        properties["exemption"] = finding.exemption
    return {
        "source": SOURCE,
        "policy": policy,
        "rule": finding.rule,
        "category": finding.basis,
        "severity": severity_of(finding.rule),
        "result": result_of(finding),
        "scored": finding.effect is Enforcement.DENY,
        "message": _message(finding),
        "properties": properties,
    }


def _message(finding: Finding) -> str:
    """Return what was found and how to fix it; of a message that is too long, the end is cut."""
    about = f"compliancemanifest/{finding.about} " if finding.about is not None else ""
    return cut(f"{about}{finding.path}: {finding.message}; fix: {finding.remediation}", LONGEST_MESSAGE)


def _properties(subject: Subject, verdict: Verdict) -> dict[str, str]:
    """Return what is the same for every finding about a subject; what there is not is left out."""
    detection = subject.detection
    tier = "Declared" if subject.declared or detection is None else detection.tier.value
    signals = () if detection is None else dict.fromkeys(signal.id for signal in detection.signals)
    stated = {
        "tier": tier,
        "detectedBy": ", ".join(signals),
        "manifest": ", ".join(subject.manifest_names),
        "manifestDigest": ", ".join(digest for _, digest in verdict.manifest_digests),
        "ruleset": verdict.ruleset,
        "validUntil": timestamp(verdict.valid_until) if verdict.valid_until is not None else "",
    }
    return {name: cut(value, LONGEST_MESSAGE) for name, value in stated.items() if value}
