"""The status of Exemptions, for readers of ``kubectl get aex``, and warning Events before one ends.

A status says whether the period has begun or ended, how many objects have a finding that it accepts, and to
the hour when a judgement last depended on it. It is written when that changes, never an input of a decision,
and a new leader that finds the status that it would write writes nothing.
"""

import asyncio
import logging
from collections import Counter
from datetime import datetime
from typing import Final, NoReturn

from actgate.kube.client import Cluster
from actgate.kube.errors import ClusterError, NotFound
from actgate.kube.reflector import Reflector
from actgate.kube.resources import EXEMPTIONS
from actgate.kube.store import Change
from actgate.kube.timing import Timing
from actgate_operator.deadlines import Clocks, Deadlines
from actgate_operator.events import WARNING, Events, Note
from actgate_operator.queue import WorkQueue
from actgate_operator.scan.exemption_status import (
    Known,
    ends_soon,
    hour_of,
    known_of,
    next_change,
    status_of,
    words,
)
from actgate_operator.scan.judging import Result
from actgate_operator.scan.pacing import Budget
from actgate_operator.writer import NotLeadingError, Writer

logger = logging.getLogger(__name__)

COLLECT_SECONDS: Final = 2.0
"""Judgements come in groups: a status waits so long for further ones."""


class ExemptionStatuses:
    """Writes statuses while ``run`` runs, once every subject was judged.

    Args:
        cluster: The API server.
        writer: Who writes.
        events: Who records Events.
        budget: How often.
        clocks: The clocks.
        timing: How the reflector waits.
    """

    def __init__(
        self,
        cluster: Cluster,
        writer: Writer,
        events: Events,
        budget: Budget,
        clocks: Clocks,
        timing: Timing,
    ) -> None:
        self._writer = writer
        self._events = events
        self._budget = budget
        self._clocks = clocks
        self._queue: WorkQueue[str] = WorkQueue()
        self._deadlines: Deadlines[str] = Deadlines(self._queue.add, self._clock_was_set, clocks)
        self._matched: Counter[str] = Counter()
        self._used: dict[str, datetime] = {}
        """The hour in which a judgement depended on an exemption, since every subject was judged once."""
        self._all_judged = asyncio.Event()
        self._exemptions: Reflector[Known] = Reflector(
            cluster, EXEMPTIONS, known_of, self._changed, optional=True, timing=timing
        )

    def judged(self, former: Result | None, result: Result | None) -> None:
        """Note on which exemptions a judgement depended."""
        before = former.exemptions if former is not None else ()
        after = result.exemptions if result is not None else ()
        self._matched.subtract(before)
        self._matched.update(after)
        if self._all_judged.is_set():
            for name in after:
                self._used[name] = hour_of(self._clocks.now())
            for name in {*before, *after}:
                self._queue.add_after(name, COLLECT_SECONDS)

    def all_judged(self) -> None:
        """Begin to write: it is known of every subject what it depends on."""
        self._all_judged.set()

    async def run(self) -> NoReturn:
        """Write what differs until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._exemptions.run())
            await self._exemptions.synced.wait()
            await self._all_judged.wait()
            group.create_task(self._queue.run())
            group.create_task(self._deadlines.run())
            self._enqueue_all()
            while True:
                await self._next()
        raise AssertionError("unreachable: the loop never ends by itself")

    async def _next(self) -> None:
        name = await self._queue.get()
        try:
            await self._reconcile(name)
        except ClusterError as error:
            logger.warning("the status of Exemption %s is not written: %s", name, error)
            self._queue.retry(name, error.retry_after)
        except NotLeadingError:
            raise
        except Exception:
            # A defect that one exemption brings to light must not end the work on others.
            logger.exception("the status of Exemption %s is not written", name)
            self._queue.retry(name)
        else:
            self._queue.forget(name)
        finally:
            self._queue.done(name)

    async def _reconcile(self, name: str) -> None:
        known = self._exemptions.get(None, name)
        if not isinstance(known, Known):
            self._deadlines.set(name, None)
            self._used.pop(name, None)
            return
        now = self._clocks.now()
        status = status_of(known, max(self._matched[name], 0), self._used.get(name), now)
        self._deadlines.set(name, next_change(known, now))
        if status == known.status:
            return
        await self._budget.take()
        body = {
            "apiVersion": EXEMPTIONS.api_version,
            "kind": EXEMPTIONS.kind,
            "metadata": {"name": name},
            "status": status,
        }
        try:
            stored = await self._writer.merge_status(EXEMPTIONS, body)
        except NotFound:
            return
        reason = ends_soon(status)
        if reason and reason != ends_soon(known.status):
            note = Note(
                WARNING, reason, f"{words(status)}: renew it by another Exemption, or fix the findings"
            )
            await self._events.record(stored, note)

    def _changed(self, change: Change[Known]) -> None:
        if self._all_judged.is_set():
            self._queue.add(change.key[1])

    def _enqueue_all(self) -> None:
        for (_, name), _known in self._exemptions.items():
            self._queue.add(name)

    def _clock_was_set(self, _: float) -> None:
        self._enqueue_all()
