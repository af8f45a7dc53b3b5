"""What a trace says of a review: how it was decided, never what the object holds."""

from opentelemetry.util.types import AttributeValue

from actgate_webhook.caller import Caller
from actgate_webhook.judge import Judgement
from actgate_webhook.review import Response, Review


def attributes(
    review: Review, judgement: Judgement, response: Response, caller: Caller
) -> dict[str, AttributeValue]:
    """Return the attributes of a review's span; ``actgate.review.uid`` leads to the decision log."""
    found: dict[str, AttributeValue] = {
        "actgate.review.uid": review.uid,
        "actgate.caller.authenticated": caller.authenticated,
        "actgate.operation": review.operation.value,
        "actgate.kind": review.kind.kind,
        "actgate.namespace": review.namespace,
        "actgate.name": review.name,
        "actgate.dry_run": review.dry_run,
        "actgate.outcome": judgement.outcome.value,
        "actgate.allowed": response.allowed,
        "actgate.rules": response.audit_annotations.get("rules", ""),
    }
    if judgement.evidence is not None:
        found["actgate.cache_age_seconds"] = judgement.evidence.age
        if judgement.evidence.manifest is not None:
            found["actgate.manifest.digest"] = judgement.evidence.manifest.digest or ""
    return found
