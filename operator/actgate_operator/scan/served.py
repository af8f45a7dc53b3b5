"""What the cluster serves: kinds of the table, and an API of reports. Asked every ten minutes and on changes.

A change is that of a CustomResourceDefinition of a group that matters here. Its watch begins at the present:
definitions are large, and nothing in them is of interest but that they changed.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing, suppress
from typing import Final, Literal, NamedTuple, NoReturn

from actgate.kube.client import Cluster
from actgate.kube.discovery import Served, served
from actgate.kube.errors import ClusterError
from actgate.kube.resources import CUSTOM_RESOURCE_DEFINITIONS, Resource
from actgate.kube.timing import Backoff, Timing
from actgate.lookup.evidence import EvidenceUnavailableError
from actgate.scan.reports import OPEN_REPORTS, POLICY_REPORTS, Dialect
from actgate.subjects.reading import Row, Table

logger = logging.getLogger(__name__)

RECHECK_SECONDS: Final = 600.0
_QUIET_SECONDS: Final = 1.0
"""After a change: definitions come in groups, and are served a moment later."""
DIALECTS: Final = (OPEN_REPORTS, POLICY_REPORTS)
"""Those that can be written, the one that is preferred first."""

ReportsSetting = Literal["Auto", "OpenReports", "PolicyReports", "None"]
_ALLOWED: Final[Mapping[ReportsSetting, tuple[Dialect, ...]]] = {
    "Auto": DIALECTS,
    "OpenReports": (OPEN_REPORTS,),
    "PolicyReports": (POLICY_REPORTS,),
    "None": (),
}


class ReportsApi(NamedTuple):
    """One API of reports that is served."""

    dialect: Dialect
    reports: Resource
    summaries: Resource
    """Reports of the cluster."""


class Found(NamedTuple):
    """What there is to judge, and where to report."""

    kinds: Mapping[Resource, Row]
    unknown: frozenset[str]
    """Groups of which it is not known now what is served."""
    api: ReportsApi | None
    """The API that reports are written to."""
    others: tuple[ReportsApi, ...]
    """Those that none are written to."""


def found_in(answer: Served, rows: Mapping[tuple[str, str], Row], setting: ReportsSetting) -> Found:
    """Return what of an answer is used: kinds that are judged and in namespaces, and one API."""
    kinds = {
        resource: rows[key]
        for key, resource in answer.resources.items()
        if key in rows and rows[key].judged != "never" and resource.namespaced
    }
    apis = [api for dialect in DIALECTS if (api := _api(answer, dialect)) is not None]
    chosen = next((api for api in apis if api.dialect in _ALLOWED[setting]), None)
    return Found(kinds, answer.unknown, chosen, tuple(api for api in apis if api is not chosen))


def _api(answer: Served, dialect: Dialect) -> ReportsApi | None:
    reports = answer.resources.get((dialect.group, dialect.kind))
    summaries = answer.resources.get((dialect.group, dialect.cluster_kind))
    if reports is None or summaries is None or reports.version != dialect.version:
        return None
    return ReportsApi(dialect, reports, summaries)


class ServedKinds:
    """Asks while ``run`` runs, and reports what it found where it is something else than before.

    Args:
        cluster: The API server.
        table: Returns the kinds that are known now.
        setting: Where reports go.
        on_change: Called with what is found, the first time in any case.
        timing: How it waits after failures, and between two questions.
    """

    def __init__(
        self,
        cluster: Cluster,
        table: Callable[[], Table],
        setting: ReportsSetting,
        on_change: Callable[[Found], None],
        timing: Timing,
    ) -> None:
        self._cluster = cluster
        self._table = table
        self._setting = setting
        self._on_change = on_change
        self._timing = timing
        self._wanted = asyncio.Event()
        self._groups = frozenset[str]()
        self._last: Found | None = None

    def table_changed(self) -> None:
        """Ask again: other kinds are known."""
        self._wanted.set()

    async def run(self) -> NoReturn:
        """Ask until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_asking())
            group.create_task(self._keep_watching())
        raise AssertionError("unreachable: the tasks never end by themselves")

    async def _keep_asking(self) -> NoReturn:
        backoff = Backoff(self._timing)
        while True:
            self._wanted.clear()
            try:
                rows = self._table().rows
                self._groups = groups_of(rows)
                self._take(await served(self._cluster, self._groups), rows)
            except (ClusterError, EvidenceUnavailableError) as error:
                logger.warning("which kinds are served is not known: %s", error)
                await backoff.pause(error.retry_after)
                continue
            backoff.reset()
            with suppress(TimeoutError):
                async with asyncio.timeout(RECHECK_SECONDS):
                    await self._wanted.wait()
                await self._timing.sleep(_QUIET_SECONDS)

    def _take(self, answer: Served, rows: Mapping[tuple[str, str], Row]) -> None:
        found = found_in(answer, rows, self._setting)
        if found != self._last:
            self._last = found
            self._on_change(found)

    async def _keep_watching(self) -> NoReturn:
        backoff = Backoff(self._timing)
        while True:
            try:
                await self._watch()
            except ClusterError as error:
                logger.debug("definitions of kinds are not watched: %s", error)
                await backoff.pause(error.retry_after)
            else:
                backoff.reset()
                await backoff.pause()

    async def _watch(self) -> None:
        async with aclosing(self._cluster.list_pages(CUSTOM_RESOURCE_DEFINITIONS, limit=1)) as pages:
            version = (await anext(pages)).version
        # What changed between the last question and this version is asked for once more.
        self._wanted.set()
        watching = self._cluster.watch(
            CUSTOM_RESOURCE_DEFINITIONS,
            version,
            lasting=self._timing.watch_seconds(),
            silence=self._timing.watch_longest,
        )
        async with watching as events:
            async for event in events:
                spec = event.object.get("spec") or {}
                if event.type != "BOOKMARK" and spec.get("group") in self._groups:
                    self._wanted.set()


def groups_of(rows: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return the groups that are asked about: those of the table and those of reports."""
    return frozenset({group for group, _ in rows} | {dialect.group for dialect in DIALECTS})
