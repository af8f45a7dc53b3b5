"""The judgement of one review: whether it is ours to judge, what is asked, and what follows.

- What is not ours, and DELETE, CONNECT, ``/status`` and ``/scale``, passes without a look.
- An update that leaves the governed fields as they were passes with warnings, on the cache alone, whatever
  became of the evidence: else no finalizer could be removed, and no commit applied that repairs the evidence.
- Anything else is judged within the deadline as ``actgate.lookup.judge`` says; where the evidence is not
  known, there is no verdict.
"""

import logging
from typing import Final, NamedTuple

from actgate import decision
from actgate.decision import Verdict
from actgate.lookup.evidence import Evidence, EvidenceUnavailableError
from actgate.lookup.judge import SubjectJudge
from actgate.records.record import Outcome
from actgate.subjects.workload import governed_fields, is_judged, subject_of
from actgate_webhook.malformed import MalformedError, Object, readable, readable_old
from actgate_webhook.review import Operation, Review

logger = logging.getLogger(__name__)

_FREE_SUBRESOURCES: Final = frozenset({"status", "scale"})
_FREE_OPERATIONS: Final = frozenset({Operation.DELETE, Operation.CONNECT})
_OUTCOMES: Final = {outcome: Outcome(outcome) for outcome in decision.Outcome}


class Judgement(NamedTuple):
    """What came out, with everything that an answer or a log line is made of."""

    outcome: Outcome
    reason: str = ""
    """Why there is no verdict, in one sentence, where that is so."""
    verdict: Verdict | None = None
    evidence: Evidence | None = None
    governed_change: bool = True
    """False for an update that leaves every governed field as it was."""


NOT_JUDGED: Final = Judgement(Outcome.NOT_JUDGED)


class Judge:
    """Judges the subjects of reviews."""

    def __init__(self, subjects: SubjectJudge) -> None:
        self._subjects = subjects

    async def judge(self, review: Review, within: float) -> Judgement:
        """Judge a review within so many seconds; nothing that it can hold makes this raise."""
        try:
            if review.operation in _FREE_OPERATIONS or review.sub_resource in _FREE_SUBRESOURCES:
                return NOT_JUDGED
            obj = readable(review)
            governed_change = _governed_change(review, obj)
            if governed_change is None:
                return NOT_JUDGED
            if not review.namespace:
                return Judgement(Outcome.MALFORMED, "request.namespace is missing: manifests live in one")
            return await self._judged(review, obj, within, governed_change=governed_change)
        except MalformedError as error:
            return Judgement(Outcome.MALFORMED, str(error))
        except RecursionError:
            return Judgement(Outcome.MALFORMED, "the object is nested too deeply to be compared")
        except EvidenceUnavailableError as error:
            return Judgement(Outcome.UNAVAILABLE, f"evidence is temporarily unavailable, retry: {error}")
        except Exception:
            # A defect of ours is an outage: it must neither allow nor look like a verdict.
            logger.exception("review %s could not be judged", review.uid)
            return Judgement(Outcome.ERROR, "internal error, retry: the log of actgate has the cause")

    async def _judged(
        self, review: Review, obj: Object, within: float, *, governed_change: bool
    ) -> Judgement:
        subject = subject_of(
            obj, namespace=review.namespace, governed_change=governed_change, dry_run=review.dry_run
        )
        if governed_change:
            verdict, evidence = await self._subjects.judge(subject, within)
        else:
            try:
                verdict, evidence = await self._subjects.judge_from_cache(subject)
            except EvidenceUnavailableError:
                reason = "not judged: the evidence is temporarily unavailable"
                return Judgement(Outcome.WARN, reason, governed_change=False)
        return Judgement(_OUTCOMES[verdict.outcome], "", verdict, evidence, governed_change)


def _governed_change(review: Review, obj: Object) -> bool | None:
    """Return whether a governed field changes; None where nothing of it is ours to judge."""
    if review.operation is not Operation.UPDATE:
        return True if is_judged(obj) else None
    old = readable_old(review)
    if old is None:
        return True
    if not is_judged(obj) and not is_judged(old):
        return None
    return governed_fields(obj) != governed_fields(old)
