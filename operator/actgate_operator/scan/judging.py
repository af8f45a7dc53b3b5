"""From a change to a verdict: each candidate that nothing else answers for is judged on the cached evidence.

The verdict itself is not kept: what is kept of it says as what the subject counts, how urgent its report is,
and by its hash whether the report that there is says the same.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final, NamedTuple, NoReturn

from actgate.decision.grace import period
from actgate.decision.subject import MODEL_DEPLOYMENT, Subject
from actgate.decision.verdict import Outcome, Verdict
from actgate.kube.objects import Object
from actgate.kube.resources import PODS
from actgate.lookup.evidence import EvidenceUnavailableError
from actgate.lookup.judge import SubjectJudge
from actgate.scan.candidates import Tier
from actgate.scan.judging import outside_because
from actgate.scan.owners import answering
from actgate.scan.reports import OPEN_REPORTS, Dialect, Identity, counted_as, hash_of, report
from actgate_operator.deadlines import Deadlines
from actgate_operator.queue import WorkQueue
from actgate_operator.scan.kept import Kept, Unpacking
from actgate_operator.scan.objects import Objects
from actgate_operator.scan.pacing import Pace

logger = logging.getLogger(__name__)

_SEVERITIES: Final = ("critical", "high", "medium", "low")
_FAILS: Final = Outcome.FAIL.value.lower()
_URGENCY: Final = {"fail": 0, "warn": 10, "skip": 20}
"""In tens, since within each the severity decides."""


class Result(NamedTuple):
    """What the last judgement of a subject came to."""

    counts_as: str
    """``pass``, ``warn``, ``fail``, ``skip`` (all is exempted) or ``error`` (no verdict)."""
    tier: Tier
    urgency: int
    """Of its report: the lowest is written first."""
    digest: str | None
    """Hash of its report; None where there is nothing to report."""
    exemptions: tuple[str, ...]
    """Names of the Exemptions that the verdict rests on."""


class Judging:
    """Judges what is on its queue while ``run`` runs.

    Args:
        objects: The candidates.
        judge: Of subjects.
        deadlines: Calls back when time alone changes a verdict.
        queue: Uids of candidates.
        pace: Keeps judging to its share of the event loop.
        now: The wall clock, aware.
        on_result: Called with a uid, its former result and its result; None for none.
    """

    def __init__(
        self,
        objects: Objects,
        judge: SubjectJudge,
        deadlines: Deadlines[str],
        queue: WorkQueue[str],
        pace: Pace,
        now: Callable[[], datetime],
        on_result: Callable[[str, Result | None, Result | None], None],
    ) -> None:
        self._objects = objects
        self._candidates = Unpacking(objects.known)
        self._judge = judge
        self._deadlines = deadlines
        self._queue = queue
        self._pace = pace
        self._now = now
        self._on_result = on_result
        self.dialect: Dialect = OPEN_REPORTS
        """What reports are made for; hashes are those of its reports."""
        self.results: dict[str, Result] = {}
        """By uid, of every subject."""

    async def run(self) -> NoReturn:
        """Judge until cancelled."""
        while True:
            uid = await self._queue.get()
            try:
                await self._judge_one(uid)
            finally:
                self._queue.done(uid)
            await self._pace.rest()

    async def report(self, uid: str) -> Object | None:
        """Return the report about a subject as of now; None where there is nothing to report.

        Raises:
            EvidenceUnavailableError: It cannot be judged now.
        """
        kept = self._objects.known.get(uid)
        if kept is None:
            return None
        subject = kept.candidate().subject
        verdict = (await self._judge.judge_from_cache(subject)).verdict
        return report(identity_of(kept, subject), subject, verdict, self._now(), self.dialect)

    async def grace(self, uid: str) -> datetime | None:
        """Return until when replacement pods of a subject are admitted, though its evidence is too old.

        None where that is not so: something else is wrong as well, or the period is over.

        Raises:
            EvidenceUnavailableError: It cannot be judged now.
        """
        kept = self._objects.known.get(uid)
        if kept is None or kept.resource == PODS:
            return None
        verdict, evidence = await self._judge.judge_from_cache(kept.candidate().subject)
        linked = {manifest.name: manifest for manifest in evidence.manifests}
        found = period(verdict.findings, linked, tuple(evidence.policies), self._now())
        return found.until if found is not None and self._now() < found.until else None

    def reference(self, uid: str) -> Object | None:
        """Return what an Event needs to know of a subject; None for one that is gone, or one of ours."""
        kept = self._objects.known.get(uid)
        if kept is None or kept.resource.kind == MODEL_DEPLOYMENT:
            return None  # A ModelDeployment's own reconciliation has its Events.
        subject = kept.candidate().subject
        metadata = {"namespace": kept.namespace, "name": subject.name, "uid": kept.uid}
        return {
            "apiVersion": kept.resource.api_version,
            "kind": kept.resource.kind,
            "metadata": metadata,
        }

    def enqueue(self, uids: Iterable[str]) -> None:
        """Have candidates judged."""
        for uid in uids:
            self._queue.add(uid)

    async def _judge_one(self, uid: str) -> None:
        try:
            result, until = await self._result_of(uid)
        except EvidenceUnavailableError as error:
            # What was reported stays; where there was nothing yet, that it is not known counts.
            logger.debug("%s is not judged now: %s", uid, error)
            self._queue.retry(uid, error.retry_after)
            if uid not in self.results:
                self._note(uid, _unknown(self._objects.known.get(uid)))
            return
        except Exception:
            # A defect that one object brings to light must not end the scan of all others.
            logger.exception("%s could not be judged", uid)
            self._queue.retry(uid)
            if uid not in self.results:
                self._note(uid, _unknown(self._objects.known.get(uid)))
            return
        self._queue.forget(uid)
        self._deadlines.set(uid, until)
        self._note(uid, result)

    async def _result_of(self, uid: str) -> tuple[Result | None, datetime | None]:
        kept = self._objects.known.get(uid)
        if kept is None:
            return None, None
        one = kept.candidate()
        if answering(one, self._candidates) is not None:
            return None, None
        verdict, evidence = await self._judge.judge_from_cache(one.subject)
        if outside_because(kept.namespace, {kept.namespace: evidence.namespace_labels}) is not None:
            return None, None
        made = report(identity_of(kept, one.subject), one.subject, verdict, self._now(), self.dialect)
        return _result(verdict, one.tier, made), verdict.valid_until

    def _note(self, uid: str, result: Result | None) -> None:
        former = self.results.get(uid)
        if result is None:
            self.results.pop(uid, None)
        else:
            self.results[uid] = result
        if former is not None or result is not None:
            self._on_result(uid, former, result)


def identity_of(kept: Kept, subject: Subject) -> Identity:
    """Return what a report knows an object by."""
    return Identity(kept.resource.api_version, kept.resource.kind, kept.namespace, subject.name, kept.uid)


def _result(verdict: Verdict, tier: Tier, made: Object | None) -> Result:
    counts_as = counted_as(verdict.outcome, verdict.findings)
    names = tuple(name for name, _ in verdict.exemptions)
    if made is None:
        return Result(counts_as, tier, 0, None, names)
    severity = min(_SEVERITIES.index(item["severity"]) for item in made["results"])
    return Result(counts_as, tier, _URGENCY[counts_as] + severity, hash_of(made), names)


def _unknown(kept: Kept | None) -> Result | None:
    if kept is None:
        return None
    return Result(counted_as(None), kept.tier, 0, None, ())


def fails(result: Result | None) -> bool:
    """Return whether a subject is refused."""
    return result is not None and result.counts_as == _FAILS
