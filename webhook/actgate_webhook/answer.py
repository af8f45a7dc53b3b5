"""What follows from a judgement: its record, and the answer for the API server.

Every refusal is a 403: Flux takes a 409 or a 422 for a change of an immutable field, and deletes and
recreates the object. Where there is no verdict for now, it is a 503, which is not taken for one.
"""

from typing import Final

from actgate.api.compliance_policy import Enforcement
from actgate.api.quoting import cut
from actgate.decision.verdict import WARNING, refusal, warnings
from actgate.records.record import (
    ALLOWED,
    Caller,
    DecisionRecord,
    Outcome,
    RecordedObject,
    audit_annotations,
    strongest,
    used_exemptions,
)
from actgate.subjects.reading import package_table
from actgate_webhook.judge import Judgement
from actgate_webhook.review import Response, Review, Status

_LONGEST_REASON: Final = 1024
"""Characters of a reason that is no verdict; it can hold words of the API server."""


def record_of(review: Review, judgement: Judgement, caller: Caller, *, with_object: bool) -> DecisionRecord:
    """Return the record of a judgement; ``with_object`` where the object's digest and images are wanted."""
    kind, evidence, verdict = review.kind, judgement.evidence, judgement.verdict
    rules = strongest(verdict.findings) if verdict is not None else ()
    found = RecordedObject(kind.group, kind.version, kind.kind, review.namespace, review.name)
    is_decision = judgement.outcome is not Outcome.NOT_JUDGED and not review.dry_run
    if with_object and is_decision and review.object.raw:
        is_added = (kind.group, kind.kind) not in package_table().rows
        read = judgement.subject.images if is_added and judgement.subject is not None else None
        found = found.with_content(review.object.raw, review.object.value, read)
    return DecisionRecord(
        uid=review.uid,
        caller=caller,
        user=review.user_info.username,
        operation=review.operation.value,
        object=found,
        outcome=judgement.outcome,
        reason=judgement.reason,
        verdict=verdict,
        rules=rules,
        policies=evidence.policies if evidence is not None else (),
        manifests=evidence.manifests if evidence is not None else (),
        exemptions=used_exemptions(verdict, evidence.exemptions) if verdict is not None and evidence else (),
        subject=judgement.subject,
        cache_age=evidence.age if evidence is not None else None,
        governed_change=judgement.governed_change,
        dry_run=review.dry_run,
        is_decision=is_decision,
    )


def answer(record: DecisionRecord) -> Response:
    """Return the answer for the API server."""
    status: Status | None = None
    warned: list[str] = []
    if record.verdict is not None:
        if record.outcome not in ALLOWED:
            status = Status(403, "Forbidden", refusal(record.verdict))
        if mild := [
            item for item in record.verdict.findings if item.effect is Enforcement.WARN or item.exemption
        ]:
            warned = warnings(mild, record.verdict.exemptions)
    elif record.outcome is not Outcome.NOT_JUDGED:
        reason = cut(record.reason, _LONGEST_REASON)
        match record.outcome:
            case Outcome.WARN:
                warned = [cut(f"actgate: {reason}", WARNING)]
            case Outcome.MALFORMED:
                status = Status(403, "Forbidden", f"the object is invalid: {reason}")
            case _:
                status = Status(503, "ServiceUnavailable", reason)
    audit = audit_annotations(record)
    return Response(record.uid, status is None, status, tuple(warned), audit)
