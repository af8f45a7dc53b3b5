"""The background scan, while this replica leads: what is served, what is judged, what is reported."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final, NoReturn

from actgate.kube.client import Cluster
from actgate.kube.errors import ClusterError
from actgate.kube.timing import Timing
from actgate.lookup.cache import Scope
from actgate.lookup.evidence import EvidenceSource
from actgate.lookup.judge import SubjectJudge
from actgate.subjects.reading import Table
from actgate_operator.deadlines import Clocks, Deadlines
from actgate_operator.events import Events
from actgate_operator.queue import WorkQueue
from actgate_operator.scan.announcements import Announcements
from actgate_operator.scan.exemptions import ExemptionStatuses
from actgate_operator.scan.judging import Judging, Result, fails
from actgate_operator.scan.metrics import Observed, ScanMetrics
from actgate_operator.scan.objects import Objects
from actgate_operator.scan.pacing import Budget, Pace
from actgate_operator.scan.reports import Reports, Source
from actgate_operator.scan.served import Found, ReportsApi, ReportsSetting, ServedKinds
from actgate_operator.scan.sweeping import Summary, sweep
from actgate_operator.writer import Writer

logger = logging.getLogger(__name__)

RELIST_SECONDS: Final = 3600.0
"""A list of a hundred thousand objects is half a gigabyte; watches bring what changes meanwhile."""
_QUIET_SECONDS: Final = 600.0
_SUMMARY_SECONDS: Final = 60.0
"""How often the counts of the cluster are written at most, where they changed."""
_RETRY_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 1.0
_COLLECT_SECONDS: Final = 0.5
"""An object that changed waits so long: what was applied with it, its evidence say, is known then."""


def scan_timing(timing: Timing) -> Timing:
    """Return how the scan's reflectors wait, which no admission depends on."""
    return replace(timing, relist=RELIST_SECONDS, quiet=_QUIET_SECONDS)


class Scan:
    """Judges and reports while ``run`` runs; only the leader may.

    Args:
        cluster: The API server.
        evidence: What subjects are judged on.
        writer: Who writes.
        events: Who records Events.
        metrics: What is counted.
        table: Returns the kinds that are known now.
        setting: Where reports go.
        clocks: The clocks.
        timing: How reflectors wait.
        budget: How often something is written.
    """

    def __init__(
        self,
        cluster: Cluster,
        evidence: EvidenceSource,
        writer: Writer,
        events: Events,
        metrics: ScanMetrics,
        table: Callable[[], Table],
        setting: ReportsSetting = "Auto",
        *,
        clocks: Clocks | None = None,
        timing: Timing | None = None,
        budget: Budget | None = None,
    ) -> None:
        self._clocks = clocks or Clocks()
        self._timing = scan_timing(timing or Timing())
        self._cluster = cluster
        self._writer = writer
        self._events = events
        self._metrics = metrics
        self._setting = setting
        self._budget = budget or Budget()
        self._pace = pace = Pace()
        self._queue: WorkQueue[str] = WorkQueue()
        self._objects = Objects(cluster, self._object_changed, pace, self._timing)
        self._deadlines: Deadlines[str] = Deadlines(self._queue.add, self._clock_was_set, self._clocks)
        judge = SubjectJudge(evidence, self._clocks.now, patient=True)
        self.judging = Judging(
            self._objects, judge, self._deadlines, self._queue, pace, self._clocks.now, self._judged
        )
        self._announcements = Announcements(self.judging, events, self._budget)
        self._served = ServedKinds(cluster, table, setting, self._found, self._timing)
        self._exemptions = ExemptionStatuses(
            cluster, writer, events, self._budget, self._clocks, self._timing
        )
        self.reports: Reports | None = None
        self._latest: Found | None = None
        self._changed = asyncio.Event()
        self._first_pass = False
        self._counts_changed = True

    @property
    def idle(self) -> bool:
        """Whether everything that is known is judged and reported."""
        writing = self.reports is not None and self.reports.waiting > 0
        return self._first_pass and self._queue.age() == 0.0 and not writing and self._announcements.idle

    def evidence_changed(self, scope: Scope) -> None:
        """Have those judged anew that a change of evidence concerns."""
        self.judging.enqueue(self._objects.concerned(scope))

    def table_changed(self) -> None:
        """Follow the kinds that are known now."""
        self._served.table_changed()

    def notes(self) -> dict[str, str]:
        """Return what readers of ``/readyz?verbose`` should know, though nothing fails."""
        found: dict[str, str] = {}
        if self._latest is None:
            return found
        if unread := self._objects.unread:
            found["scan"] = "; ".join(
                f"{resource} cannot be listed: {why}" for resource, why in unread.items()
            )
        if self.reports is None:
            if self._setting != "None":
                found["reports"] = "no API of reports is served"
        elif number := len(self.reports.suppressed):
            found["reports"] = f"{number} subjects beyond the cap are only counted"
        return found

    async def run(self) -> NoReturn:
        """Scan until cancelled."""
        self._metrics.observed = self._observed()
        self._pace.begin()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._served.run())
            group.create_task(self._deadlines.run())
            group.create_task(self._queue.run())
            group.create_task(self.judging.run())
            group.create_task(self._exemptions.run())
            group.create_task(self._announcements.run())
            group.create_task(self._finish_first_pass())
            await self._follow(group)
        raise AssertionError("unreachable: the tasks never end by themselves")

    def _observed(self) -> Observed:
        return Observed(
            results=lambda: self.judging.results,
            weak=self._objects.weak.total,
            lag=self._queue.age,
            complete=lambda: self._first_pass,
            unread=lambda: len(self._objects.unread),
            reports=lambda: len(self.reports.stored) if self.reports is not None else 0,
            waiting=lambda: self.reports.waiting if self.reports is not None else 0,
            suppressed=lambda: len(self.reports.suppressed) if self.reports is not None else 0,
        )

    def _found(self, found: Found) -> None:
        self._latest = found
        self._changed.set()

    async def _follow(self, group: asyncio.TaskGroup) -> NoReturn:
        """Follow the kinds that are served, and write to the API of reports that is."""
        api, tasks = None, list[asyncio.Task[object]]()
        first = True
        while True:
            await self._changed.wait()
            self._changed.clear()
            found = self._latest
            assert found is not None  # noqa: S101 - it was set with the event
            self._objects.follow(found.kinds, found.unknown, group)
            if api is not None and found.api is None and api.dialect.group in found.unknown:
                continue
            if first or found.api != api:
                for task in tasks:
                    task.cancel()
                api, first = found.api, False
                tasks = self._report_to(api, group)
            tasks += [
                group.create_task(sweep(self._cluster, self._writer, other, self._budget))
                for other in found.others
            ]

    def _report_to(self, api: ReportsApi | None, group: asyncio.TaskGroup) -> list[asyncio.Task[object]]:
        self._metrics.available(api is not None)
        self.reports = None
        if api is None:
            if self._setting != "None":
                logger.warning(
                    "no API of reports is served (setting %s): findings are counted", self._setting
                )
            return []
        logger.info("findings are reported to %s", api.dialect.api_version)
        self._counts_changed = True
        if api.dialect is not self.judging.dialect:
            self.judging.dialect = api.dialect
            self.judging.enqueue([*self._objects.known])
        source = Source(self.judging.results, self.judging.report, self._is_gone)
        self.reports = reports = Reports(
            self._cluster, api, self._writer, source, self._budget, self._metrics, self._timing
        )
        summary = Summary(self._cluster, api, self._writer, self._budget)
        return [group.create_task(reports.run()), group.create_task(self._summarise(summary))]

    def _is_gone(self, uid: str, group: str, kind: str) -> bool:
        """Return whether a uid is no subject any more: every object of its kind is known and judged."""
        if uid in self._objects.known:
            return self._first_pass
        return self._first_pass and self._objects.covers(group, kind)

    async def _finish_first_pass(self) -> None:
        """Wait until all that runs was judged once; reports about what is gone can go then."""
        while not (self._latest is not None and self._objects.complete and self._queue.age() == 0.0):
            await self._timing.sleep(_POLL_SECONDS)
        self._first_pass = True
        self._exemptions.all_judged()
        logger.info("%d subjects are judged", len(self.judging.results))
        if self.reports is not None:
            self.reports.recheck()

    async def _summarise(self, summary: Summary) -> NoReturn:
        while True:
            pause = _POLL_SECONDS
            if self._first_pass and self._counts_changed:
                self._counts_changed = False
                try:
                    if await summary.write(self.judging.results):
                        pause = _SUMMARY_SECONDS
                except ClusterError as error:
                    self._counts_changed = True
                    pause = _RETRY_SECONDS
                    logger.warning("the counts of the cluster are not written: %s", error)
            await self._timing.sleep(pause)

    def _object_changed(self, uid: str) -> None:
        if self._first_pass:
            self._queue.add_after(uid, _COLLECT_SECONDS)
        else:
            self._queue.add(uid)

    def _judged(self, uid: str, former: Result | None, result: Result | None) -> None:
        if self.reports is not None:
            self.reports.enqueue(uid)
        if (former.counts_as if former else None) != (result.counts_as if result else None):
            self._counts_changed = True
        self._exemptions.judged(former, result)
        if self._first_pass and fails(result) and not fails(former):
            self._announcements.note(uid)

    def _clock_was_set(self, seconds: float) -> None:
        logger.warning("the clock was set by %+.0f s: every subject is judged again", seconds)
        self.judging.enqueue([*self._objects.known])
