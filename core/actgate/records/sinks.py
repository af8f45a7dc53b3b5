"""Every form in which a decision is said, each a function of its record and the only home of its format.

Audit annotations and the decision log are for auditors, log lines, spans and metrics for those who operate
the gate. ``docs/decision-log.md`` documents names and values.
"""

from typing import Any, Final

from actgate.decision.data import RULESET
from actgate.decision.manifest import Manifest
from actgate.records.record import DecisionRecord, Outcome
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


def decision_fields(record: DecisionRecord) -> dict[str, Any]:
    """Return what the decision log says; whole numbers and text only, which every reader hashes alike."""
    verdict = record.verdict
    fields = {
        "uid": record.uid,
        "caller": record.caller._asdict(),
        "user": record.user,
        "operation": record.operation,
        "object": _object(record),
        "governed_change": record.governed_change,
        "dry_run": record.dry_run,
        "outcome": record.outcome.value,
        "allowed": record.allowed,
        "reason": record.reason,
        "rules": [
            {"rule": item.rule, "outcome": item.effect.value, "basis": item.basis, "path": item.path}
            for item in record.rules
        ],
        "policies": list(verdict.policies) if verdict is not None else [],
        "ruleset": verdict.ruleset if verdict is not None else RULESET,
        "manifest": _manifest(record.manifests[0]) if record.manifests else None,
        "cache_age_ms": round(record.cache_age * 1000) if record.cache_age is not None else None,
    }
    if len(record.manifests) > 1:
        fields["manifests"] = [_manifest(manifest) for manifest in record.manifests]
    return fields


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
        "actgate.allowed": record.allowed,
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


def _object(record: DecisionRecord) -> dict[str, Any]:
    obj = record.object
    digest, of = obj.digest or (None, None)
    return {
        "group": obj.group,
        "version": obj.version,
        "kind": obj.kind,
        "namespace": obj.namespace,
        "name": f"{obj.name_prefix}*" if obj.name_prefix else obj.name,
        "digest": digest,
        "digest_of": of,
        "images": list(obj.images),
    }


def _manifest(manifest: Manifest) -> dict[str, str | None]:
    return {
        "name": manifest.name,
        "uid": manifest.uid,
        "resource_version": manifest.resource_version,
        "digest": manifest.digest,
    }
