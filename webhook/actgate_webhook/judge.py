"""One review, judged: whether it is ours to judge, what is asked of it, and with which owners.

- What is not ours, and DELETE, CONNECT, ``/status`` and ``/scale``, passes without a look.
- An update that leaves the governed fields as they were passes with warnings, on the cache alone, whatever
  became of the evidence: else no finalizer could be removed, and no commit applied that repairs the evidence.
- The API server sends objects of the right shape. Any other object is refused, since a field that is
  skipped because it has the wrong type is a field that was not judged. Which fields are read is defined by
  the rows of ``actgate.subjects``.
- An update that takes the last mark away is judged as if it were still there: hints would count for less.
- Anything else is judged within the deadline as ``actgate.lookup.judge`` says; where the evidence is not
  known, there is no verdict.
- What names a controller as its owner is judged with what its verified chain of owners lends to it. An owner
  that cannot be read is no missing one: there is no verdict. Before a refusal, and before a replacement pod
  is admitted although its evidence is too old, all of them are read anew; and with them what shows how old
  the template of a pod is.
"""

import logging
from dataclasses import replace
from time import monotonic
from typing import Any, Final, NamedTuple, Protocol

from actgate import decision
from actgate.api.quoting import cut, invalid, quoted
from actgate.decision.grace import only_time_denies
from actgate.decision.subject import Subject
from actgate.decision.verdict import Verdict
from actgate.lookup.added_kinds import AddedKinds
from actgate.lookup.evidence import Evidence, EvidenceUnavailableError
from actgate.lookup.judge import Judged, SubjectJudge
from actgate.records.record import Outcome
from actgate.subjects.fields import METADATA, Shape, misfits
from actgate.subjects.owners import Chain, controller_of, owned
from actgate.subjects.reading import Reading, Row, package_table, reading, shape_of
from actgate.subjects.replacements import replacing, revision_of
from actgate_webhook.review import Operation, Review, ReviewedObject

logger = logging.getLogger(__name__)

Object = dict[str, Any]

_LONGEST: Final = 250
_IDENTITY: Final[Shape] = {"metadata": METADATA}
_FREE_SUBRESOURCES: Final = frozenset({"status", "scale"})
_FREE_OPERATIONS: Final = frozenset({Operation.DELETE, Operation.CONNECT})
_OUTCOMES: Final = {outcome: Outcome(outcome) for outcome in decision.Outcome}


class MalformedError(Exception):
    """The object cannot be judged; one sentence that says where and what is expected."""


class _NotJudgedError(Exception):
    """Nothing is known, and nothing governed changes."""


class Judgement(NamedTuple):
    """What came out, with everything that an answer or a log line is made of."""

    outcome: Outcome
    reason: str = ""
    """Why there is no verdict, in one sentence, where that is so."""
    verdict: Verdict | None = None
    evidence: Evidence | None = None
    governed_change: bool = True
    """False for an update that leaves every governed field as it was."""
    subject: Subject | None = None
    """What was judged, with what its owners lent to it."""


NOT_JUDGED: Final = Judgement(Outcome.NOT_JUDGED)


class Owners(Protocol):
    """Where chains of owners come from."""

    async def top(
        self, obj: Object, namespace: str, within: float, *, live: bool = False, revised: bool = False
    ) -> Chain:
        """Return the owners of an object, as ``actgate.lookup.owners.OwnerChains`` does."""
        ...


class _Asked(NamedTuple):
    """What is judged of a review."""

    row: Row
    reading: Reading
    governed_change: bool
    was_declared: bool = False
    """Whether an update takes the last mark away that declared the object."""


class Judge:
    """Judges the subjects of reviews.

    Args:
        subjects: Judges a subject on the evidence.
        owners: Chains of owners; without them each object stands alone.
        added: The kinds of the cluster; without them those of the package are judged.
    """

    def __init__(
        self, subjects: SubjectJudge, owners: Owners | None = None, added: AddedKinds | None = None
    ) -> None:
        self._subjects = subjects
        self._owners = owners
        self._added = added

    async def judge(self, review: Review, within: float) -> Judgement:
        """Judge a review within so many seconds; nothing that it can hold makes this raise."""
        try:
            if review.operation in _FREE_OPERATIONS or review.sub_resource in _FREE_SUBRESOURCES:
                return NOT_JUDGED
            asked = _asked(review, self._row(review))
            if asked is None:
                return NOT_JUDGED
            if not review.namespace:
                return Judgement(Outcome.MALFORMED, "request.namespace is missing: manifests live in one")
            (verdict, evidence), subject = await self._judged(review, asked, within)
            outcome = _OUTCOMES[verdict.outcome]
            return Judgement(outcome, "", verdict, evidence, asked.governed_change, subject)
        except _NotJudgedError:
            reason = "not judged: the evidence is temporarily unavailable"
            return Judgement(Outcome.WARN, reason, governed_change=False)
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

    async def _judged(self, review: Review, asked: _Asked, within: float) -> tuple[Judged, Subject]:
        """Judge what is asked, with what its owners lend; and return that, too."""
        end = monotonic() + within
        subject = asked.reading.subject(
            namespace=review.namespace, governed_change=asked.governed_change, dry_run=review.dry_run
        )
        if asked.was_declared:
            subject = replace(subject, was_declared=True)
        obj: Object = review.object.value or {}
        owners = self._owners if controller_of(obj) is not None else None
        if not asked.governed_change:
            try:
                if owners is not None:
                    chain = await owners.top(obj, review.namespace, within)
                    subject = owned(subject, chain, obj, asked.row)
                return await self._subjects.judge_from_cache(subject), subject
            except EvidenceUnavailableError:
                raise _NotJudgedError from None
        if owners is None:
            return await self._subjects.judge(subject, within), subject
        chain = await owners.top(obj, review.namespace, within)
        lent = replacing(owned(subject, chain, obj, asked.row), chain)
        judged = await self._subjects.judge(lent, end - monotonic())
        verdict = judged.verdict
        aged = only_time_denies(verdict.findings)
        certain = verdict.allowed and verdict.grace_until is None
        if certain or not (chain.kept or (aged and revision_of(chain, obj) is not None)):
            return judged, lent
        chain = await owners.top(obj, review.namespace, end - monotonic(), live=True, revised=aged)
        lent = replacing(owned(subject, chain, obj, asked.row), chain)
        return await self._subjects.judge(lent, end - monotonic()), lent

    def _row(self, review: Review) -> Row | None:
        """Return the row of what is asked about.

        Raises:
            EvidenceUnavailableError: Whether it has one is not known.
        """
        group, kind = review.kind.group, review.kind.kind
        return self._added.row(group, kind) if self._added else package_table().rows.get((group, kind))


def _asked(review: Review, row: Row | None) -> _Asked | None:
    """Return what is to be judged; None where nothing of it is ours.

    Raises:
        MalformedError: An object is none of the kind and namespace that the review speaks of, or a level of
            the new one has a type that hides what is below it. An old one that was stored in a bad shape must
            not stand in the way of its own repair.
    """
    shape = _IDENTITY if row is None else shape_of(row)
    obj = _held(review, "request.object", review.object, shape)
    is_update = review.operation is Operation.UPDATE
    old = _held(review, "request.oldObject", review.old_object, _IDENTITY) if is_update else None
    asked = reading(obj, row) if row is not None else None
    if row is None or asked is None:
        return None
    if old is None:
        return _Asked(row, asked, governed_change=True) if asked.judged else None
    before = reading(old, row)
    if before is None or any(misfits(old, shape)):
        return _Asked(row, asked, governed_change=True)
    if not asked.judged and not before.declared:  # What only looked like a model server may cease to.
        return None
    governed_change = asked.governed_fields() != before.governed_fields()
    return _Asked(row, asked, governed_change, before.declared and not asked.declared)


def _held(review: Review, field: str, found: ReviewedObject, shape: Shape) -> Object:
    obj = found.value
    if obj is None:
        raise MalformedError(cut(f"{field}{found.fault}", _LONGEST))
    for part in ("apiVersion", "kind", "metadata"):
        if obj.get(part) is None:
            raise MalformedError(f"{field}.{part}: Required value")
    for path, expected, value in misfits(obj, shape, field):
        raise MalformedError(cut(f"{path}: {invalid(value, expected)}", _LONGEST))
    group, version, kind = review.kind.group, review.kind.version, review.kind.kind
    api_version = f"{group}/{version}" if group else version
    if obj["apiVersion"] != api_version or obj["kind"] != kind:
        raise MalformedError(
            f"{field} must be of the kind that request.kind names, {quoted(kind)} of {quoted(api_version)}"
        )
    stated = obj["metadata"].get("namespace")
    if stated is not None and stated != review.namespace:
        raise MalformedError(f"{field}.metadata.namespace must be request.namespace")
    return obj
