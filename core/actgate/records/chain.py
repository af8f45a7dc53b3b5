"""One chain of the decision log, as it is written.

A line is a JSON object. ``hash`` is the SHA-256 of the canonical JSON (RFC 8785) of the line without
``hash``; ``previous`` is the ``hash`` of the line before, null in the first. ``sequence`` counts the lines
from 0, and ``chain`` is random for every start of a process.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple

import orjson

from actgate.api.canonical import SORTED, sha256
from actgate.api.times import timestamp
from actgate.decision.attestation import Assessment
from actgate.decision.data import RULESET
from actgate.decision.exemptions import Exemption
from actgate.decision.manifest import Manifest
from actgate.records.lending import lending_fields
from actgate.records.lines import FORMAT, Kind
from actgate.records.record import ALLOWED, DecisionRecord, signer_of


class Chain(NamedTuple):
    """A chain up to its last line. A line counts once the chain that ends with it is kept."""

    id: str
    sequence: int = 0
    """Sequence number of the next line."""
    decisions: int = 0
    head: str | None = None
    """Hash of the last line; None before the first."""
    line: bytes = b""
    """The last line: canonical JSON, but for ``hash``, which stands last; with a line break."""

    def followed_by(self, kind: Kind, now: datetime, fields: Mapping[str, Any]) -> "Chain":
        """Return the chain with one line more.

        Args:
            kind: What it records.
            now: The present, aware and in UTC.
            fields: What else it holds, by names that no line has by itself: text, whole numbers, booleans,
                null, and lists and objects of them.

        Raises:
            TypeError: A number is beyond 2**53 - 1, or text is not Unicode.
        """
        content = orjson.dumps(
            {
                **fields,
                "format": FORMAT,
                "kind": kind.value,
                "chain": self.id,
                "sequence": self.sequence,
                "previous": self.head,
                "time": timestamp(now, "microseconds"),
            },
            option=SORTED,
        )
        head = sha256(content)
        line = b'%b,"hash":"%b"}\n' % (content[:-1], head.encode())
        return Chain(self.id, self.sequence + 1, self.decisions + (kind is Kind.DECISION), head, line)


def new_chain() -> Chain:
    """Return a chain that has no line yet."""
    return Chain(secrets.token_hex(16))


def decision_fields(record: DecisionRecord) -> dict[str, Any]:
    """Return what a decision's line says; whole numbers and text only, which every reader hashes alike."""
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
        "allowed": record.outcome in ALLOWED,
        "reason": record.reason,
        "rules": [
            {"rule": item.rule, "outcome": item.reported_effect, "basis": item.basis, "path": item.path}
            for item in record.rules
        ],
        "policies": list(verdict.policies) if verdict is not None else [],
        "policy_digests": [policy.digest for policy in record.policies] if verdict is not None else [],
        "ruleset": verdict.ruleset if verdict is not None else RULESET,
        "manifest": _manifest(record.manifests[0], record) if record.manifests else None,
        "cache_age_ms": round(record.cache_age * 1000) if record.cache_age is not None else None,
    }
    if len(record.manifests) > 1:
        fields["manifests"] = [_manifest(manifest, record) for manifest in record.manifests]
    if record.exemptions:
        fields["exemptions"] = [_exemption(one) for one in record.exemptions]
    if record.subject is not None:
        fields |= lending_fields(record.subject)
        if record.subject.was_declared:
            fields["was_declared"] = True
    if verdict is not None and verdict.grace_until is not None:
        fields["grace_until"] = timestamp(verdict.grace_until, "auto")
    return fields


def _exemption(one: Exemption) -> dict[str, str | None]:
    return {"name": one.name, "not_after": timestamp(one.not_after, "auto"), "digest": one.digest}


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


def _manifest(manifest: Manifest, record: DecisionRecord) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "name": manifest.name,
        "uid": manifest.uid,
        "resource_version": manifest.resource_version,
        "digest": manifest.digest,
    }
    if manifest.attestations:
        created = manifest.created_at
        # The time by which a signature is judged, where nothing in its bundle proves an earlier one.
        fields["created_at"] = _moment(created) if created is not None else None
        fields["attestations"] = [_attestation(found) for found in record.accepted(manifest.name)]
    return fields


_moment: Final = lru_cache(maxsize=4096)(partial(timestamp, precision="auto"))


def _attestation(found: Assessment) -> dict[str, str | None]:
    return {
        "name": found.name,
        "predicate_type": found.predicate_type,
        "authority": found.authority,
        "signer": signer_of(found),
        "payload_digest": found.payload_digest,
    }
