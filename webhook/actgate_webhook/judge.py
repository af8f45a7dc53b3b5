"""The judgement of one review: what is asked, on which evidence, and what follows.

- What is not ours, and DELETE, CONNECT, ``/status`` and ``/scale``, passes without a look.
- An update that leaves the governed fields as they were passes with warnings, whatever became of the
  evidence: else no finalizer could be removed, and no commit applied that repairs the evidence.
- Only an allow may come from memory, and only while memory was in contact within ``MEMORY_SECONDS``
  and has the manifest. A miss, a refusal and an old memory take one live read, within the deadline: of the
  manifest and the namespace, and of the policies where memory of them is old.
- Where that read fails nothing is known, and the answer is "not now".
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, NamedTuple

from actgate import decision
from actgate.decision import Subject, Verdict
from actgate.decision.appraisal import Appraise, appraise
from actgate.records.record import Outcome
from actgate.runtime.deciding import decided
from actgate.subjects.workload import governed_fields, is_judged, subject_of
from actgate_webhook.evidence import FRESH_SECONDS, Evidence, EvidenceSource, NotNowError
from actgate_webhook.malformed import MalformedError, Object, readable, readable_old
from actgate_webhook.review import Operation, Review

logger = logging.getLogger(__name__)

MEMORY_SECONDS: Final = FRESH_SECONDS

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


def utc_now() -> datetime:
    """Return the time of the machine's clock."""
    return datetime.now(UTC)


class Judge:
    """Judges reviews on the evidence of one source."""

    def __init__(self, source: EvidenceSource, now: Callable[[], datetime] = utc_now) -> None:
        self._source = source
        self._now = now

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
            subject = self._subject(review, obj, governed_change=governed_change)
            if governed_change:
                return await self._changed(subject, within)
            return await self._unchanged(subject)
        except MalformedError as error:
            return Judgement(Outcome.MALFORMED, str(error))
        except RecursionError:
            return Judgement(Outcome.MALFORMED, "the object is nested too deeply to be compared")
        except NotNowError as error:
            return Judgement(Outcome.NOT_NOW, str(error))
        except Exception:
            # A defect of ours is an outage: it must neither allow nor look like a verdict.
            logger.exception("review %s could not be judged", review.uid)
            return Judgement(Outcome.ERROR, "actgate failed to judge the request; its log says why")

    async def _unchanged(self, subject: Subject) -> Judgement:
        evidence = self._recalled(subject)
        if evidence is None:
            reason = "not judged: the evidence cannot be read right now"
            return Judgement(Outcome.WARN, reason, governed_change=False)
        return await self._decided(subject, evidence, self._source.appraisals.appraise)

    async def _changed(self, subject: Subject, within: float) -> Judgement:
        evidence = self._recalled(subject)
        if evidence is not None and 0 < len(evidence.manifests) == len(subject.manifest_names):
            judgement = await self._decided(subject, evidence, self._source.appraisals.appraise)
            if judgement.outcome is not Outcome.FAIL:
                return judgement
        evidence = await self._source.read(subject.namespace, subject.manifest_names, within)
        return await self._decided(subject, evidence)

    def _subject(self, review: Review, obj: Object, *, governed_change: bool) -> Subject:
        return subject_of(
            obj,
            self._source.labels(review.namespace) or {},
            namespace=review.namespace,
            governed_change=governed_change,
            dry_run=review.dry_run,
        )

    def _recalled(self, subject: Subject) -> Evidence | None:
        """Return what memory has, or None where it is too old to count."""
        evidence = self._source.recalled(subject.namespace, subject.manifest_names)
        return evidence if evidence is not None and evidence.age < MEMORY_SECONDS else None

    async def _decided(
        self, subject: Subject, evidence: Evidence, appraise: Appraise = appraise
    ) -> Judgement:
        if subject.namespace_labels is not evidence.namespace_labels:
            subject = replace(subject, namespace_labels=evidence.namespace_labels)
        verdict = await decided(subject, evidence.manifests, evidence.policies, self._now(), appraise)
        return Judgement(_OUTCOMES[verdict.outcome], "", verdict, evidence, subject.governed_change)


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
