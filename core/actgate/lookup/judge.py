"""Whether a verdict may rest on the cache, or takes a live read first; and the verdict.

- An allow may come from the cache, where that has every linked manifest.
- A miss, a refusal and a cache that cannot tell take one live read. A refusal that was reported before needs
  none: thousand subjects without evidence cost the API server nothing.
- Where that read fails, there is no verdict.
- Who judges every subject after each change leaves signatures that are being verified to the cache: else a
  policy that brings a key would take a live read for each of them.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final, NamedTuple

from actgate.decision import Outcome, Subject, Verdict
from actgate.decision.decide import appraise, decide_under
from actgate.lookup.evidence import (
    Evidence,
    EvidenceSource,
    EvidenceUnavailableError,
    SignaturesPendingError,
)

MANY: Final = 200
"""Policies that apply to one subject from which on a decision takes some milliseconds.

Ten thousand policies that all select one namespace take a quarter of a second: sixteen such decisions in one
round of the event loop, and a lease is not renewed in time. One thread does them, one after the other."""

_thread: Final = ThreadPoolExecutor(1, "decide")


class Judged(NamedTuple):
    """A verdict, and what it rests on."""

    verdict: Verdict
    evidence: Evidence


class SubjectJudge:
    """Judges subjects on the evidence of one source, whatever labels of their namespace they carry.

    Args:
        source: The evidence.
        now: The wall clock, aware.
        patient: Whether signatures that are being verified have no verdict, instead of a live read.
    """

    def __init__(
        self,
        source: EvidenceSource,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        patient: bool = False,
    ) -> None:
        self._source = source
        self._now = now
        self._patient = patient

    async def judge(self, subject: Subject, within: float, reported: str | None = None) -> Judged:
        """Judge a subject within so many seconds.

        Args:
            subject: What is asked about.
            within: Seconds that a live read may take.
            reported: The outcome that is known of the subject already, which the cache may confirm.

        Raises:
            SignaturesPendingError: They are being verified, and this judge is patient.
            EvidenceUnavailableError: Neither the cache nor the API server has it.
        """
        try:
            judged = await self._judged(subject)
        except EvidenceUnavailableError as error:
            if self._patient and isinstance(error, SignaturesPendingError):
                raise
            return await self._judged(subject, within)
        complete = 0 < len(judged.evidence.manifests) == len(subject.manifest_names)
        outcome = judged.verdict.outcome
        if (complete and outcome is not Outcome.FAIL) or outcome == reported:
            return judged
        return await self._judged(subject, within)

    async def judge_from_cache(self, subject: Subject) -> Judged:
        """Judge a subject on what the cache has.

        Raises:
            EvidenceUnavailableError: That is nothing to build on.
        """
        return await self._judged(subject)

    async def _judged(self, subject: Subject, within: float | None = None) -> Judged:
        """Judge a subject on a live read within so many seconds; without them, on what the cache has."""
        names = subject.manifest_names
        if within is None:
            moment, worth = self._now(), self._source.appraisals.appraise
            evidence = self._source.from_cache(subject.namespace, names)
        else:
            evidence = await self._source.fetch_live(subject.namespace, names, within)
            moment, worth = self._now(), appraise
        arguments = (evidence.policies, subject, evidence.manifests, moment, worth, evidence.exemptions)
        if len(evidence.policies) < MANY:
            return Judged(decide_under(*arguments), evidence)
        loop = asyncio.get_running_loop()
        return Judged(await loop.run_in_executor(_thread, decide_under, *arguments), evidence)
