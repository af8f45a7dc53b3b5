"""An Event on each object that is refused now and was not before: all that is ever done to it."""

import asyncio
import logging
from typing import NoReturn

from actgate.api.times import timestamp
from actgate.lookup.evidence import EvidenceUnavailableError
from actgate_operator.events import WARNING, Events, Note
from actgate_operator.scan.judging import Judging, fails
from actgate_operator.scan.pacing import Budget

logger = logging.getLogger(__name__)


class Announcements:
    """Records Events while ``run`` runs.

    Args:
        judging: What is known of subjects.
        events: Who records Events.
        budget: How often.
    """

    def __init__(self, judging: Judging, events: Events, budget: Budget) -> None:
        self._judging = judging
        self._events = events
        self._budget = budget
        self._waiting: asyncio.Queue[str] = asyncio.Queue()

    @property
    def idle(self) -> bool:
        """Whether no Event is to be recorded."""
        return self._waiting.empty()

    def note(self, uid: str) -> None:
        """Have an Event recorded about a subject, unless it passes by then."""
        self._waiting.put_nowait(uid)

    async def run(self) -> NoReturn:
        """Record until cancelled."""
        while True:
            uid = await self._waiting.get()
            try:
                await self._announce(uid)
            except Exception:
                # A defect that one subject brings to light must not end the operator.
                logger.exception("no Event is recorded about %s", uid)

    async def _announce(self, uid: str) -> None:
        about = self._judging.reference(uid)
        if about is not None and fails(self._judging.results.get(uid)):
            await self._budget.take()
            await self._events.record(about, Note(WARNING, "PolicyViolation", await self._words(uid)))

    async def _words(self, uid: str) -> str:
        try:
            made = await self._judging.report(uid)
            until = await self._judging.grace(uid)
        except EvidenceUnavailableError:
            made = until = None  # The Event is recorded in any case, with fewer words.
        if made is None:
            return "refused by the policies that apply"
        first = made["results"][0]
        # No user sees the warning of a pod that a controller creates.
        grace = f"; pods of an unchanged template are replaced until {timestamp(until)}" if until else ""
        return f"{first['rule']}: {first['message']}{grace}"
