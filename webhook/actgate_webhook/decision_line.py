"""What the decision log says of one decision: on what object, on what evidence, by what rules."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec
import orjson
from msgspec import UNSET

from actgate.decision.data import RULESET
from actgate.decision.verdict import Finding
from actgate.records.canonical import digest_of_object
from actgate.subjects.pods import images_of
from actgate_webhook.caller import Caller
from actgate_webhook.evidence import Evidence
from actgate_webhook.judge import Judgement, Outcome
from actgate_webhook.review import Response, Review

_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def is_recorded(review: Review, judgement: Judgement) -> bool:
    """Return whether a review is one for the log: judged, and not a dry run."""
    return not review.dry_run and judgement.outcome is not Outcome.NOT_JUDGED


def fields_of(review: Review, judgement: Judgement, response: Response, caller: Caller) -> dict[str, Any]:
    """Return what a line says of a decision; whole numbers and text only, so that it is hashed fast."""
    verdict, evidence = judgement.verdict, judgement.evidence
    return {
        "uid": review.uid,
        "caller": caller._asdict(),
        "user": review.user_info.username,
        "operation": review.operation.value,
        "object": _object(review),
        "governed_change": judgement.governed_change,
        "dry_run": False,
        "outcome": judgement.outcome.value,
        "allowed": response.allowed,
        "reason": judgement.reason,
        "rules": _rules(verdict.findings) if verdict is not None else [],
        "policies": list(verdict.policies) if verdict is not None else [],
        "ruleset": verdict.ruleset if verdict is not None else RULESET,
        "manifest": _manifest(evidence),
        "cache_age_ms": round(evidence.age * 1000) if evidence is not None else None,
    }


def _object(review: Review) -> dict[str, Any]:
    told: dict[str, Any] = {
        "group": review.kind.group,
        "version": review.kind.version,
        "kind": review.kind.kind,
        "namespace": review.namespace,
        "name": review.name,
        "digest": None,
        "digest_of": None,
        "images": [],
    }
    if review.object is not UNSET:
        raw = bytes(review.object)
        obj = _parsed(raw)
        told["digest"], told["digest_of"] = digest_of_object(raw, obj)
        told["images"] = [image for _, image in images_of(obj or {}) if "@sha256:" in image]
        told["name"] = review.name or _generated(obj)
    return told


def _parsed(raw: bytes) -> dict[str, Any] | None:
    """Return an object without its ``managedFields``; None where it cannot be read."""
    try:
        parts = _members.decode(raw)
        metadata = parts.pop("metadata", None)
        obj = {key: orjson.loads(memoryview(part)) for key, part in parts.items()}
        return obj if metadata is None else obj | {"metadata": _metadata(metadata)}
    except (ValueError, RecursionError):
        return None


def _metadata(raw: msgspec.Raw) -> Any:  # noqa: ANN401 - whatever stands there
    """Return metadata without ``managedFields``, unread: they are most of an object, and in no digest."""
    if b'"managedFields"' not in bytes(raw):
        return orjson.loads(memoryview(raw))
    return {
        key: orjson.loads(memoryview(part))
        for key, part in _members.decode(raw).items()
        if key != "managedFields"
    }


def _generated(obj: dict[str, Any] | None) -> str:
    """Return what the API server will make a name of, where there is none yet."""
    metadata = (obj or {}).get("metadata")
    prefix = metadata.get("generateName") if isinstance(metadata, dict) else None
    return f"{prefix}*" if isinstance(prefix, str) else ""


def _rules(findings: Iterable[Finding]) -> list[dict[str, str]]:
    """Return each rule that found something once, with its strongest effect and where it found that."""
    strongest: dict[str, Finding] = {}
    for finding in findings:
        strongest.setdefault(finding.rule, finding)
    return [
        {"rule": finding.rule, "outcome": finding.effect.value, "basis": finding.basis, "path": finding.path}
        for finding in strongest.values()
    ]


def _manifest(evidence: Evidence | None) -> dict[str, str | None] | None:
    manifest = evidence.manifest if evidence is not None else None
    if manifest is None:
        return None
    return {
        "name": manifest.name,
        "uid": manifest.uid,
        "resource_version": manifest.resource_version,
        "digest": manifest.digest,
    }
