"""Whether the table of serving kinds fits the cluster; what does not is a metric, a log line and an Event.

Asked of the API server's OpenAPI documents, which every authenticated client may read. Groups of the rows of
the package that a cluster lacks are normal; a row that an administrator added is meant for this cluster.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NoReturn

from actgate.kube.client import Cluster
from actgate.kube.errors import ClusterError
from actgate.kube.objects import Object
from actgate.lookup.added_kinds import AddedKinds, KindProblem
from actgate.subjects.served import misfits_of
from actgate.subjects.serving_kinds import ServingKind
from actgate_operator.events import WARNING, Events, Note
from actgate_operator.metrics import Metrics

logger = logging.getLogger(__name__)

EVERY_SECONDS: Final = 600.0
RECHECK_SECONDS: Final = 30.0
"""With a problem: the API server publishes the schema of a new kind a few seconds after it serves it."""
ABSENT: Final = "NotServed"
MISFIT: Final = "PathNotServed"
MISNAMED: Final = "ResourceNotServed"
EVENT: Final = "ServingKindProblem"


class ServingKindCheck:
    """Checks each row against what is served, while this replica leads; the rows are read by every replica.

    Args:
        cluster: The API server.
        namespace: Of the ConfigMap with the rows of the administrator.
        events: Takes an Event on that ConfigMap.
        metrics: Gets each problem.
        on_change: Called when other rows are read.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        events: Events,
        metrics: Metrics,
        on_change: Callable[[], None] = lambda: None,
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self._changed = asyncio.Event()
        self._on_change = on_change
        self.added = AddedKinds(cluster, namespace, self._take, sleep)
        self._cluster = cluster
        self._events = events
        self._metrics = metrics
        self._reported: tuple[KindProblem, ...] = ()

    async def run(self) -> NoReturn:
        """Check at the start, when the rows change, and every ten minutes; no answer ends it.

        With a problem it is every half a minute, so that one which was solved is not reported any longer.
        """
        while True:
            self._changed.clear()
            try:
                await self.check()
            except ClusterError as error:
                logger.warning("serving kinds cannot be checked against the cluster: %s", error)
            try:
                async with asyncio.timeout(RECHECK_SECONDS if self._reported else EVERY_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _take(self) -> None:
        self._changed.set()
        self._on_change()

    async def check(self) -> tuple[KindProblem, ...]:
        """Find every problem, and report those that are new.

        Raises:
            ClusterError: The API server did not say what it serves.
        """
        problems = tuple(await self._problems())
        self._metrics.serving_kind_problems((problem.kind, problem.reason) for problem in problems)
        for problem in problems:
            if problem not in self._reported:
                logger.warning("serving kinds: %s: %s", problem.kind, problem.message)
                if self.added.config_map is not None:
                    self._events.note(self.added.config_map, Note(WARNING, EVENT, problem.message))
        self._reported = problems
        return problems

    def notes(self) -> Mapping[str, str]:
        """Return what readers of ``/readyz?verbose`` should know: every problem that is known."""
        known = self._reported or self.added.problems
        return {"serving kinds": "; ".join(problem.message for problem in known)} if known else {}

    async def _problems(self) -> list[KindProblem]:
        index = (await self._cluster.discover("/openapi/v3")).get("paths") or {}
        own = {(row.group, row.kind) for row in self.added.added}
        found = list(self.added.problems)
        documents: dict[str, Mapping[str, Object]] = {}
        for row in self.added.table.rows.values():
            if not isinstance(row, ServingKind):
                continue
            if row.group not in documents:
                documents[row.group] = await self._documents(row.group, index)
            found += _misfits(row, documents[row.group], added=(row.group, row.kind) in own)
        return found

    async def _documents(self, group: str, index: Mapping[str, Any]) -> dict[str, Object]:
        """Return the document of each served version of a group."""
        prefix = f"apis/{group}/"
        return {
            path.removeprefix(prefix): await self._cluster.discover(f"/openapi/v3/{path}")
            for path in index
            if path.startswith(prefix)
        }


def _misfits(row: ServingKind, documents: Mapping[str, Object], *, added: bool) -> Iterator[KindProblem]:
    """Yield what of a row is not as the documents of its group say, by version."""
    called = f"{row.kind}.{row.group}"
    served = {
        version: schema
        for version, document in documents.items()
        if (schema := _schema_of(document, row.group, version, row.kind)) is not None
    }
    if not served:
        if added:
            yield KindProblem(called, ABSENT, f"{called}: the cluster does not serve this kind")
        return
    for version in served:
        base = f"/apis/{row.group}/{version}"
        path = f"{base}/{'namespaces/{namespace}/' if row.scope == 'Namespaced' else ''}{row.plural}/{{name}}"
        if path not in (documents[version].get("paths") or {}):
            message = f"{called}: {version} has no resource {row.plural} with the scope {row.scope}"
            yield KindProblem(called, MISNAMED, message)
    for missing in misfits_of(row, served):
        yield KindProblem(called, MISFIT, f"{called}: {missing}: no served version has this field")


def _schema_of(document: Object, group: str, version: str, kind: str) -> Object | None:
    """Return the schema of a kind in the OpenAPI document of its group and version."""
    schemas = (document.get("components") or {}).get("schemas") or {}
    wanted = {"group": group, "version": version, "kind": kind}
    for schema in schemas.values():
        if wanted in (schema.get("x-kubernetes-group-version-kind") or ()):
            found: Object = schema
            return found
    return None
