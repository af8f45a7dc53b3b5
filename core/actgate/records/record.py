"""One decision: who asked for what, and what came of it, and the forms in which it is recorded.

A record is made once, beside the decision. Nothing of the object is in it but what says which object it was.
Each form is a function of a record, and the only home of its format. Audit annotations are for auditors, log
lines, spans and metrics for those who operate the gate; ``chain`` has the decision log's.
``docs/decision-log.md`` documents names and values.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from itertools import accumulate
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from actgate.api.canonical import canonical_of_json, sha256
from actgate.api.times import timestamp
from actgate.decision.attestation import Assessment
from actgate.decision.exemptions import Exemption
from actgate.decision.manifest import Manifest
from actgate.decision.policies import Policy
from actgate.decision.subject import Subject
from actgate.decision.verdict import Finding, Verdict
from actgate.subjects.fields import map_at
from actgate.subjects.reading import images_of, package_table


class Outcome(StrEnum):
    """How a request ended; the first three are the outcomes of a verdict."""

    PASS = "Pass"  # noqa: S105 - an outcome, not a credential
    WARN = "Warn"
    FAIL = "Fail"
    NOT_JUDGED = "NotJudged"
    MALFORMED = "Malformed"
    UNAVAILABLE = "Unavailable"
    ERROR = "Error"


ALLOWED: Final = frozenset({Outcome.PASS, Outcome.WARN, Outcome.NOT_JUDGED})
"""The outcomes that let a request through."""

METRIC_LABELS: Final = ("kind", "operation", "outcome", "dry_run")

_KINDS: Final = frozenset(kind for _, kind in package_table().rows)
_LONGEST: Final = 253
"""Characters of a name in a log line; the API server takes none that is longer."""
_MOST: Final = 4096
"""Characters of the attestations in an audit annotation."""
_PLAIN: Final = ":/@.+-_="
"""Characters of a signer that stand for themselves there, beside letters and digits."""


class Caller(NamedTuple):
    """The other end of a connection, as TLS knows it; what a request itself says of users is its sender's."""

    authenticated: bool
    """Whether it showed a certificate that --client-ca-file signed."""
    name: str | None
    """Common name of that certificate; "" where it has none or several, None without a certificate."""


UNKNOWN_CALLER: Final = Caller(authenticated=False, name=None)
"""Anyone who reaches the port."""


class ObjectDigest(NamedTuple):
    """What an object is known by in the log."""

    digest: str
    """``sha256:<64 hex digits>``."""
    of: str
    """``canonical`` for the object's canonical JSON; ``bytes`` for what came, where it has none."""


class RecordedObject(NamedTuple):
    """An object; of its content no more than proves which one it was."""

    group: str
    version: str
    kind: str
    namespace: str
    name: str
    """Empty where the API server is to make it up."""
    name_prefix: str = ""
    """What the API server makes the name of, where that is so and known."""
    digest: ObjectDigest | None = None
    """None where no object came, or where it is not recorded."""
    images: tuple[str, ...] = ()
    """Images that it names by digest; a tag proves nothing."""

    def with_content(
        self, raw: bytes, obj: Mapping[str, Any] | None, images: Iterable[tuple[str, str]] | None = None
    ) -> "RecordedObject":
        """Return the same with what its content says.

        Args:
            raw: The object as it came.
            obj: The same, parsed; None where it cannot be.
            images: What was read of it as (field, image); by default what the package's row of it reads.
        """
        content = obj if obj is not None else {}
        prefix = map_at(content, "metadata").get("generateName")
        read = images_of(content) if images is None else images
        return RecordedObject(
            *(self.group, self.version, self.kind, self.namespace, self.name),
            name_prefix=prefix if isinstance(prefix, str) and not self.name else "",
            digest=digest_of_object(raw, obj),
            images=tuple([image for _, image in read if "@sha256:" in image]),
        )


class DecisionRecord(NamedTuple):
    """Everything that is recorded of one decision."""

    uid: str
    """Of the request, by which the API server's audit log has it."""
    caller: Caller
    user: str
    """Who asked, in the words of the caller."""
    operation: str
    object: RecordedObject
    outcome: Outcome
    reason: str = ""
    """Why there is no verdict, in one sentence, where that is so."""
    verdict: Verdict | None = None
    rules: tuple[Finding, ...] = ()
    """The strongest finding of each rule, the strongest rules first."""
    policies: tuple[Policy, ...] = ()
    """Those that applied."""
    manifests: tuple[Manifest, ...] = ()
    """The evidence that was judged, in the order in which the object links it."""
    exemptions: tuple[Exemption, ...] = ()
    """Those that accept a finding, sorted by name."""
    subject: Subject | None = None
    """What was judged, with what its owners lent to it; of it no more is recorded."""
    cache_age: float | None = None
    """Seconds since the evidence was last known to be what the API server has; 0.0 for a live read, None
    where there was none."""
    governed_change: bool = True
    """False for an update that leaves every governed field as it was."""
    dry_run: bool = False
    is_decision: bool = True
    """Whether something was decided that takes effect: judged, and not a dry run."""

    def accepted(self, manifest: str) -> list[Assessment]:
        """Return the attestations of a manifest that an authority of a policy that applies has signed."""
        judged = self.verdict.attestations if self.verdict is not None else ()
        return [found for name, found in judged if name == manifest]


def strongest(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the strongest finding of each rule, of findings of which the strongest come first."""
    first: dict[str, Finding] = {}
    for finding in findings:
        first.setdefault(finding.rule, finding)
    return tuple(first.values())


def used_exemptions(verdict: Verdict, exemptions: Iterable[Exemption]) -> tuple[Exemption, ...]:
    """Return those of the exemptions that accept a finding of a verdict, sorted by name."""
    if not verdict.exemptions:
        return ()
    by_name = {one.name: one for one in exemptions}
    return tuple(by_name[name] for name, _ in verdict.exemptions)


def digest_of_object(raw: bytes, obj: Mapping[str, Any] | None) -> ObjectDigest:
    """Return the digest of a Kubernetes object, ``metadata.managedFields`` apart.

    The API server's book-keeping is left out: it differs between two applies of the same object.

    Args:
        raw: The object as it came.
        obj: The same, parsed; None where it cannot be.
    """
    if obj is not None:
        try:
            return ObjectDigest(sha256(canonical_of_json(_without_bookkeeping(obj))), "canonical")
        except ValueError:
            pass
    return ObjectDigest(sha256(raw), "bytes")


def _without_bookkeeping(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict) or "managedFields" not in metadata:
        return obj
    return {**obj, "metadata": {key: value for key, value in metadata.items() if key != "managedFields"}}


def audit_annotations(record: DecisionRecord) -> dict[str, str]:
    """Return what the API server's audit log says of a request; it puts the webhook's name before each key.

    Where several manifests were judged each value has one item for each, with a comma between.
    """
    if record.outcome is Outcome.NOT_JUDGED:
        return {}
    # By the uid a line of the decision log is found in the API server's audit log.
    audit: dict[str, str] = {"review-uid": record.uid, "outcome": record.outcome}
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
    if attestations := _attestations(record):
        audit["attestations"] = attestations
    if record.exemptions:
        audit["exemptions"] = _exemptions(record)
    if record.verdict.grace_until is not None:
        audit["grace-until"] = timestamp(record.verdict.grace_until, "auto")
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
        "outcome": record.outcome,
        "rules": _rules(record),
        "duration_ms": round(seconds * 1000, 3),
    }
    if record.exemptions:
        fields["exemptions"] = _exemptions(record)
    if record.verdict is not None and record.verdict.grace_until is not None:
        fields["grace_until"] = timestamp(record.verdict.grace_until, "auto")
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
    if attestations := _attestations(record):
        attributes["actgate.attestations"] = attestations
    if record.exemptions:
        attributes["actgate.exemptions"] = _exemptions(record)
    if record.verdict is not None and record.verdict.grace_until is not None:
        attributes["actgate.grace_until"] = timestamp(record.verdict.grace_until, "auto")
    return attributes


def metric_labels(record: DecisionRecord) -> tuple[str, str, str, str]:
    """Return the values of ``METRIC_LABELS``: an unknown kind is other, so that labels stay few."""
    kind = record.object.kind if record.object.kind in _KINDS else "other"
    return kind, record.operation, record.outcome, "true" if record.dry_run else "false"


def _rules(record: DecisionRecord) -> str:
    """Return each rule that found something, with its strongest effect: ``bias/limit=Deny``."""
    return ", ".join([f"{finding.rule}={finding.reported_effect}" for finding in record.rules])


def _exemptions(record: DecisionRecord) -> str:
    """Return each exemption that accepts a finding, with its end: ``NAME until 2026-12-01T00:00:00Z``."""
    return ", ".join([f"{one.name} until {timestamp(one.not_after, 'auto')}" for one in record.exemptions])


def _attestations(record: DecisionRecord) -> str:
    return _accepted(record.verdict.attestations) if record.verdict is not None else ""


@lru_cache(maxsize=1024)
def _accepted(found: tuple[tuple[str, Assessment], ...]) -> str:
    """Return accepted attestations, as many as fit: ``MANIFEST/NAME=AUTHORITY SIGNER PAYLOAD-DIGEST``.

    A signer can be a name out of a certificate; what could be taken for a separator is percent-encoded.
    """
    items = [
        f"{manifest}/{one.name}={one.authority or ''} "
        f"{quote(signer_of(one) or '', safe=_PLAIN)} {one.payload_digest or ''}"
        for manifest, one in found
    ]
    kept = [item for item, end in zip(items, accumulate(map(len, items)), strict=True) if end <= _MOST]
    more = len(items) - len(kept)
    return ", ".join([*kept, f"and {more} more"] if more else kept)


def signer_of(found: Assessment) -> str | None:
    """Return the key or identity that signed, cut where a certificate holds a longer one."""
    return None if found.signer is None else found.signer[:_LONGEST]


def _digests(record: DecisionRecord) -> str:
    return ", ".join([manifest.digest or "" for manifest in record.manifests])
