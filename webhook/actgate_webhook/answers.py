"""From a judgement to what the API server is told: refusal, warnings, audit annotations.

Every refusal is a 403: Flux takes a 409 or a 422 for a change of an immutable field, and deletes and
recreates the object. "Not now" is a 503, so that nobody takes it for a verdict.
"""

from typing import Final

from actgate.api.compliance_policy import Enforcement
from actgate.api.quoting import cut
from actgate.decision import wording
from actgate.decision.verdict import Verdict
from actgate_webhook.evidence import Evidence
from actgate_webhook.judge import Judgement, Outcome
from actgate_webhook.review import Response, Status

_LONGEST_REASON: Final = 1024
"""Characters of a reason that is no verdict; it can hold words of the API server."""


def answer(uid: str, judgement: Judgement) -> Response:
    """Return what the API server is told about the review with this uid."""
    verdict = judgement.verdict
    if verdict is None:
        return _without_verdict(uid, judgement)
    audit = _audit(uid, verdict, judgement.evidence)
    told = [item for item in verdict.findings if item.effect is Enforcement.WARN]
    return Response(
        uid,
        verdict.allowed,
        None if verdict.allowed else Status(403, "Forbidden", wording.refusal(verdict)),
        tuple(wording.warnings(told)) if told else (),
        audit,
    )


def _without_verdict(uid: str, judgement: Judgement) -> Response:
    if judgement.outcome is Outcome.NOT_JUDGED:
        return Response(uid, allowed=True)
    audit = {"review-uid": uid, "outcome": judgement.outcome.value}
    reason = cut(judgement.reason, _LONGEST_REASON)
    match judgement.outcome:
        case Outcome.WARN:
            warnings = (cut(f"actgate: {reason}", wording.WARNING),)
            return Response(uid, allowed=True, warnings=warnings, audit_annotations=audit)
        case Outcome.MALFORMED:
            status = Status(403, "Forbidden", f"the object cannot be judged: {reason}")
        case _:
            status = Status(503, "ServiceUnavailable", f"not now, try again: {reason}")
    return Response(uid, allowed=False, status=status, audit_annotations=audit)


def _audit(uid: str, verdict: Verdict, evidence: Evidence | None) -> dict[str, str]:
    audit = {
        # By it a line of the decision log is found in the API server's audit log.
        "review-uid": uid,
        "outcome": verdict.outcome.value,
        "rules": _rules(verdict),
        "policies": ", ".join(verdict.policies),
        "ruleset": verdict.ruleset,
    }
    if evidence is not None:
        audit["cache-age"] = f"{evidence.age:.1f}s"
        if evidence.manifest is not None:
            audit["manifest-uid"] = evidence.manifest.uid or ""
            audit["manifest-resource-version"] = evidence.manifest.resource_version or ""
            audit["manifest-digest"] = evidence.manifest.digest or ""
    return audit


def _rules(verdict: Verdict) -> str:
    """Return each rule that found something once, with its strongest effect: ``bias/limit=Deny``."""
    if not verdict.findings:
        return ""
    strongest: dict[str, str] = {}
    for finding in verdict.findings:
        strongest.setdefault(finding.rule, finding.effect.value)
    return ", ".join([f"{rule}={effect}" for rule, effect in strongest.items()])
