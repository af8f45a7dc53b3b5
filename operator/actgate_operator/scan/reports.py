"""The reports that there are, and their writer: what differs is written, worst first, up to a cap.

The API server's own reports are the memory: a new leader lists them, and what has the hash that it should
have is not written. A report that was deleted or replaced comes back. Beyond the cap subjects are counted.
"""

import asyncio
import heapq
import itertools
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple, NoReturn

from actgate.kube.client import Cluster
from actgate.kube.errors import ClusterError, NotFound
from actgate.kube.objects import Object
from actgate.kube.reflector import Reflector
from actgate.kube.store import Change, Unreadable
from actgate.kube.timing import Timing
from actgate.lookup.evidence import EvidenceUnavailableError
from actgate.scan.reports import SELECTOR, hash_of
from actgate_operator.obstacles import is_terminating
from actgate_operator.scan.judging import Result
from actgate_operator.scan.metrics import ScanMetrics
from actgate_operator.scan.pacing import Budget
from actgate_operator.scan.served import ReportsApi
from actgate_operator.scan.stored import Stored, stored_of
from actgate_operator.writer import NotLeadingError, Writer

logger = logging.getLogger(__name__)

MOST: Final = 10_000
"""Reports in a cluster: of some kilobytes each, and etcd keeps several versions of them."""
_FIRST_SECONDS: Final = 1.0
_LONGEST_SECONDS: Final = 300.0
"""Ceilings of the pause before a write that failed is tried again."""
_LAST: Final = 99
"""Urgency of a deletion: findings come first."""


class Source(NamedTuple):
    """What the writer asks about subjects."""

    results: Mapping[str, Result]
    make: Callable[[str], Awaitable[Object | None]]
    """Returns the report of a subject as of now."""
    is_gone: Callable[[str, str, str], bool]
    """Returns whether a uid of a group and kind is known to be no subject any more."""


class Reports:
    """Keeps the reports of one API as they should be while ``run`` runs.

    Args:
        cluster: The API server.
        api: Where reports are kept.
        writer: Who writes.
        source: What there is to report.
        budget: How often.
        metrics: What is counted.
        timing: How the reflector waits.
        most: Reports that are kept at most.
    """

    def __init__(
        self,
        cluster: Cluster,
        api: ReportsApi,
        writer: Writer,
        source: Source,
        budget: Budget,
        metrics: ScanMetrics,
        timing: Timing,
        most: int = MOST,
    ) -> None:
        self.api = api
        self._writer = writer
        self._source = source
        self._budget = budget
        self._metrics = metrics
        self._most = most
        self.stored: dict[str, Stored] = {}
        """By the uid of the subject."""
        self.suppressed: set[str] = set()
        """Subjects with findings and without a report, beyond the cap."""
        self._heap: list[tuple[int, int, str]] = []
        self._waiting: set[str] = set()
        self._failures: dict[str, int] = {}
        self._numbers = itertools.count()
        self._arrived = asyncio.Event()
        self._listed = Reflector(
            cluster,
            api.reports,
            stored_of,
            self._changed,
            label_selector=SELECTOR,
            optional=True,
            timing=timing,
        )

    @property
    def waiting(self) -> int:
        """How many subjects wait for a write, or for the finding that none is needed."""
        return len(self._waiting)

    async def run(self) -> NoReturn:
        """Write until cancelled; not before it is known what there is."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listed.run())
            await self._listed.synced.wait()
            for uid in self._source.results.keys() | self.stored.keys():
                self.enqueue(uid)
            while True:
                await self._next()
        raise AssertionError("unreachable: the loop never ends by itself")

    def enqueue(self, uid: str) -> None:
        """Have the report of a subject written, deleted, or left as it is."""
        if uid not in self._waiting:
            self._waiting.add(uid)
            result = self._source.results.get(uid)
            urgency = _LAST if result is None or result.digest is None else result.urgency
            heapq.heappush(self._heap, (urgency, next(self._numbers), uid))
            self._arrived.set()

    def recheck(self) -> None:
        """Compare every report again: it is known now of more subjects that they are gone."""
        for uid in [*self.stored]:
            self.enqueue(uid)

    async def _next(self) -> None:
        while not self._heap:
            self._arrived.clear()
            await self._arrived.wait()
        _, _, uid = heapq.heappop(self._heap)
        self._waiting.discard(uid)
        try:
            await self._reconcile(uid)
        except EvidenceUnavailableError:
            self._later(uid)
        except ClusterError as error:
            if not is_terminating(error):  # The subject goes with its namespace, and the report went first.
                self._metrics.write("error")
                logger.warning("the report about %s is not written: %s", uid, error)
            self._later(uid, error.retry_after)
        except NotLeadingError:
            raise
        except Exception:
            # A defect that one subject brings to light must not end the reports about all others.
            logger.exception("the report about %s is not written", uid)
            self._later(uid)
        else:
            self._failures.pop(uid, None)
        await asyncio.sleep(0)

    def _later(self, uid: str, at_least: float = 0.0) -> None:
        failures = self._failures.get(uid, 0)
        self._failures[uid] = failures + 1
        pause = max(at_least, min(_LONGEST_SECONDS, _FIRST_SECONDS * 2 ** min(failures, 16)))
        asyncio.get_running_loop().call_later(pause, self.enqueue, uid)

    async def _reconcile(self, uid: str) -> None:
        result, stored = self._source.results.get(uid), self.stored.get(uid)
        if result is None or result.digest is None:
            self.suppressed.discard(uid)
            if stored is not None and self._may_go(stored, result):
                await self._delete(stored)
        elif stored is None and len(self.stored) >= self._most:
            self.suppressed.add(uid)
        elif stored is None or stored.digest != result.digest:
            await self._write(uid)

    def _may_go(self, stored: Stored, result: Result | None) -> bool:
        """Return whether it is known that there is nothing to report; no verdict is no such knowledge."""
        if result is not None:
            return result.counts_as != "error"
        return self._source.is_gone(stored.uid, stored.group, stored.kind)

    async def _write(self, uid: str) -> None:
        await self._budget.take()
        made = await self._source.make(uid)
        if made is None:
            self.enqueue(uid)
            return
        stored = self.stored.get(uid)
        if stored is not None and stored.digest == hash_of(made):
            return
        answer = await self._writer.apply(self.api.reports, made)
        self.stored[uid] = stored_of(answer) or self.stored[uid]
        self.suppressed.discard(uid)
        self._metrics.write("written")

    async def _delete(self, stored: Stored) -> None:
        await self._budget.take()
        try:
            await self._writer.delete(self.api.reports, stored.name, stored.namespace, stored.own_uid)
        except NotFound:
            pass  # The garbage collector was faster.
        else:
            self._metrics.write("deleted")
        self._forget(stored.uid)

    def _forget(self, uid: str) -> None:
        self.stored.pop(uid, None)
        if self.suppressed and len(self.stored) < self._most:
            results = self._source.results
            worst = min(self.suppressed, key=lambda one: results[one].urgency if one in results else _LAST)
            self.enqueue(worst)

    def _changed(self, change: Change[Stored | None]) -> None:
        """Take what the watch reports, but for what is older than the answer to our own write."""
        if isinstance(change.new, Stored):
            known = self.stored.get(change.new.uid)
            if known is None or known.version <= change.new.version:
                self.stored[change.new.uid] = change.new
                self._check(change.new.uid)
        elif isinstance(change.old, Stored) and not isinstance(change.new, Unreadable):
            known = self.stored.get(change.old.uid)
            if known is not None and known.version <= change.old.version:
                self._forget(change.old.uid)
                self._check(change.old.uid)

    def _check(self, uid: str) -> None:
        if self._listed.synced.is_set():
            self.enqueue(uid)
