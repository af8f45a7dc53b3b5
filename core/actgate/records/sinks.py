"""The forms in which a decision is said beside the decision log, each a function of its record.

Each is the only home of its format. Audit annotations are for auditors, log lines, spans and metrics for
those who operate the gate; ``chain`` has the decision log's. ``docs/decision-log.md`` documents names and
values.
"""

from typing import Any, Final

from actgate.records.record import ALLOWED, DecisionRecord, Outcome
from actgate.subjects.kinds import kinds

METRIC_LABELS: Final = ("kind", "operation", "outcome", "dry_run")

_KINDS: Final = frozenset(kind for _, kind in kinds())
_LONGEST: Final = 253
"""Characters of a name in a log line; the API server takes none that is longer."""


def audit_annotations(record: DecisionRecord) -> dict[str, str]:
    """Return what the API server's audit log says of a request; it puts the webhook's name before each key.

    Where several manifests were judged each value has one item for each, with a comma between.
    """
    if record.outcome is Outcome.NOT_JUDGED:
        return {}
    # By the uid a line of the decision log is found in the API server's audit log.
    audit = {"review-uid": record.uid, "outcome": record.outcome.value}
    if record.verdict is None:
        return audit
    audit["rules"] = _rules(record)
    audit["policies"] = ", ".join(record.verdict.policies)
    audit["ruleset"] = record.verdict.ruleset
    if record.cache_age is not None:
        audit["cache-age"] = f"{record.cache_age:.1f}s"
    if record.manifests:
        audit["manifest-uid"] = ", ".join([manifest.uid or "" for manifest in record.manifests])
        versions = [manifest.resource_version or "" for manifest in record.manifests]
        audit["manifest-resource-version"] = ", ".join(versions)
        audit["manifest-digest"] = _digests(record)
    return audit


def log_fields(record: DecisionRecord, seconds: float) -> dict[str, Any]:
    """Return what the log line of a request says, which took so many seconds to be answered."""
    fields = {
        "uid": record.uid,
        "user": record.user[:_LONGEST],
        "operation": record.operation,
        "kind": record.object.kind[:_LONGEST],
        "namespace": record.object.namespace[:_LONGEST],
        "name": record.object.name[:_LONGEST],
        "dry_run": record.dry_run,
        "outcome": record.outcome.value,
        "rules": _rules(record),
        "duration_ms": round(seconds * 1000, 3),
    }
    if record.cache_age is not None:
        fields["cache_age_s"] = round(record.cache_age, 1)
    if record.reason:
        fields["reason"] = record.reason
    fields["authenticated"] = record.caller.authenticated
    return fields


def span_attributes(record: DecisionRecord) -> dict[str, str | bool | float]:
    """Return the attributes of a request's span; ``actgate.review.uid`` leads to the decision log."""
    attributes: dict[str, str | bool | float] = {
        "actgate.review.uid": record.uid,
        "actgate.caller.authenticated": record.caller.authenticated,
        "actgate.operation": record.operation,
        "actgate.kind": record.object.kind,
        "actgate.namespace": record.object.namespace,
        "actgate.name": record.object.name,
        "actgate.dry_run": record.dry_run,
        "actgate.outcome": record.outcome.value,
        "actgate.allowed": record.outcome in ALLOWED,
        "actgate.rules": _rules(record),
    }
    if record.cache_age is not None:
        attributes["actgate.cache_age_seconds"] = record.cache_age
    if record.manifests:
        attributes["actgate.manifest.digest"] = _digests(record)
    return attributes


def metric_labels(record: DecisionRecord) -> tuple[str, str, str, str]:
    """Return the values of ``METRIC_LABELS``: nobody can make up a kind, and so labels without end."""
    kind = record.object.kind if record.object.kind in _KINDS else "other"
    return kind, record.operation, record.outcome.value, "true" if record.dry_run else "false"


def _rules(record: DecisionRecord) -> str:
    """Return each rule that found something, with its strongest effect: ``bias/limit=Deny``."""
    return ", ".join([f"{finding.rule}={finding.effect.value}" for finding in record.rules])


def _digests(record: DecisionRecord) -> str:
    return ", ".join([manifest.digest or "" for manifest in record.manifests])
