"""From a judgement to what the API server is told: refusal, warnings, audit annotations.

Every refusal is a 403: Flux takes a 409 or a 422 for a change of an immutable field, and deletes and
recreates the object. "Not now" is a 503, so that nobody takes it for a verdict.
"""

from actgate.api.compliance_policy import Enforcement
from actgate.policy import wording
from actgate.policy.verdict import Verdict
from actgate_webhook.evidence import Evidence
from actgate_webhook.judge import Judgement, Outcome
from actgate_webhook.review import Answer, Refusal

_MORE = 1024
"""Characters of a reason that is no verdict; it can hold words of the API server."""


def answer(judgement: Judgement) -> Answer:
    """Return what the API server is told about a judgement."""
    if judgement.verdict is None:
        return _without_verdict(judgement)
    verdict = judgement.verdict
    told = [item for item in verdict.findings if item.effect is Enforcement.WARN]
    return Answer(
        refusal=None if verdict.allowed else Refusal(403, "Forbidden", wording.refusal(verdict)),
        warnings=wording.warnings(told) if told else [],
        audit=_audit(verdict, judgement.evidence),
    )


def _without_verdict(judgement: Judgement) -> Answer:
    if judgement.outcome is Outcome.NOT_JUDGED:
        return Answer()
    audit = {"outcome": judgement.outcome.value}
    reason = wording.cut(judgement.reason, _MORE)
    match judgement.outcome:
        case Outcome.WARN:
            return Answer(warnings=[wording.cut(f"actgate: {reason}", wording.WARNING)], audit=audit)
        case Outcome.MALFORMED:
            return Answer(Refusal(403, "Forbidden", f"the object cannot be judged: {reason}"), audit=audit)
        case _:
            return Answer(Refusal(503, "ServiceUnavailable", f"not now, try again: {reason}"), audit=audit)


def rules(verdict: Verdict) -> list[str]:
    """Return each rule that found something once, with its strongest effect: ``bias/limit=Deny``."""
    strongest: dict[str, str] = {}
    for finding in verdict.findings:
        strongest.setdefault(finding.rule, finding.effect.value)
    return [f"{rule}={effect}" for rule, effect in strongest.items()]


def _audit(verdict: Verdict, evidence: Evidence | None) -> dict[str, str]:
    audit = {
        "outcome": verdict.outcome.value,
        "rules": ", ".join(rules(verdict)),
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
