"""The table of kinds of a cluster: the rows of the package, and those of its administrator in one ConfigMap.

The ConfigMap is read again every few seconds, with no right but to get this one object. A row that cannot be
used is reported, and the last good table stays: an error in a ConfigMap neither ends a service nor takes a
kind away. A service that starts with such a ConfigMap has no good table yet: it uses the rows that can be
used, and takes a kind that it does not know for one that it should.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from actgate.kube.client import Cluster
from actgate.kube.errors import ClusterError, NotFound
from actgate.kube.objects import Object
from actgate.kube.resources import CONFIG_MAPS
from actgate.lookup.evidence import EvidenceUnavailableError
from actgate.subjects.kinds import UnusableKindsError
from actgate.subjects.reading import Row, Table, package_table
from actgate.subjects.serving_kinds import UnusableRow

logger = logging.getLogger(__name__)

NAME: Final = "actgate-serving-kinds"
"""The ConfigMap, in the namespace of the services; each of its keys holds a file of rows."""
EVERY_SECONDS: Final = 5.0
UNREADABLE: Final = "Unreadable"
_LONGEST: Final = 400
_MOST: Final = 20
"""Problems of one ConfigMap that are reported."""


@dataclass(frozen=True, slots=True)
class KindProblem:
    """Why a row is not used, or does not fit the cluster."""

    kind: str
    """``KIND.GROUP``; the ConfigMap where that cannot be read."""
    reason: str
    """A word for metrics and Events."""
    message: str


class AddedKinds:
    """The table of kinds of a cluster, kept while ``run`` runs.

    Args:
        cluster: The API server.
        namespace: Where the ConfigMap is.
        on_change: Called when another ConfigMap was read.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        on_change: Callable[[], None] = lambda: None,
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self.table: Table = package_table()
        """The last table that could be used."""
        self.problems: tuple[KindProblem, ...] = ()
        """Why the ConfigMap as it is now is not in use."""
        self.config_map: Object | None = None
        """The ConfigMap as it was read last."""
        self._cluster = cluster
        self._namespace = namespace
        self._on_change = on_change
        self._sleep = sleep
        self._read: str | None = None
        """The version of the ConfigMap that was read; empty where there is none."""
        self._whole = False
        """Whether a ConfigMap without a problem was read since the start."""
        self._failure: str | None = "not read yet"

    @property
    def is_known(self) -> bool:
        """Whether the ConfigMap was read, or found missing, since the start."""
        return self._read is not None

    @property
    def added(self) -> Iterator[Row]:
        """Yield the rows of the administrator."""
        known = package_table().rows
        return (row for key, row in self.table.rows.items() if key not in known)

    def known_table(self) -> Table:
        """Return the table in use.

        Raises:
            EvidenceUnavailableError: The rows of the administrator are not read yet.
        """
        if not self.is_known:
            raise EvidenceUnavailableError(f"the rows of further kinds are not known: {self._failure}")
        return self.table

    def row(self, group: str, kind: str) -> Row | None:
        """Return the row of a kind; None where there is none.

        Raises:
            EvidenceUnavailableError: It may have one: the rows are not read yet, or were never usable.
        """
        row = package_table().rows.get((group, kind)) or self.known_table().rows.get((group, kind))
        if row is None and not self._whole:
            raise EvidenceUnavailableError(
                f"rows of further kinds cannot be used: {self.problems[0].message}"
            )
        return row

    async def run(self) -> NoReturn:
        """Read the ConfigMap again and again; no answer of the API server ends it."""
        while True:
            await self.refresh()
            await self._sleep(EVERY_SECONDS)

    async def refresh(self) -> None:
        """Read the ConfigMap once, and use its rows where they can be used."""
        try:
            found = await self._cluster.get(CONFIG_MAPS, NAME, self._namespace)
        except NotFound:
            found = None
        except ClusterError as error:
            if self._failure != str(error):
                logger.warning("ConfigMap %s/%s cannot be read: %s", self._namespace, NAME, error)
            self._failure = str(error)
            return
        self._failure = None
        version = "" if found is None else str(found["metadata"].get("resourceVersion"))
        if version != self._read:
            self._read, self.config_map = version, found
            self._take(found)
            self._on_change()

    def failing_checks(self) -> Mapping[str, str | None]:
        """Return whether the rows are known; with a broken one they are, since a table is in use."""
        return {"serving kinds": None if self.is_known else self._failure}

    def notes(self) -> Mapping[str, str]:
        """Return what readers of ``/readyz?verbose`` should know: why rows are not used."""
        if not self.problems:
            return {}
        why = "; ".join(problem.message for problem in self.problems)
        return {"serving kinds": f"{self._in_use}: {why}"}

    @property
    def _in_use(self) -> str:
        return "the last good rows are in use" if self._whole else "only the rows that are usable are in use"

    def _take(self, found: Object | None) -> None:
        before = list(self.added)
        table, unusable = _table(found)
        place = f"ConfigMap {self._namespace}/{NAME}"
        self.problems = tuple(
            KindProblem(
                row.kind or f"configmap/{NAME}",
                UNREADABLE,
                " ".join(f"{place}: {row.why}".split())[:_LONGEST],
            )
            for row in unusable[:_MOST]
        )
        if not self.problems or not self._whole:
            self.table, self._whole = table, not self.problems
        for problem in self.problems:
            logger.warning("serving kinds: %s: %s: %s", self._in_use, problem.kind, problem.message)
        names = [f"{row.plural}.{row.group}" for row in self.added]
        if names or before:
            logger.info("serving kinds: rows of the administrator: %s", ", ".join(names) or "none")


def _table(config_map: Object | None) -> tuple[Table, list[UnusableRow]]:
    """Return the table with every row of a ConfigMap that can be used, and why the others cannot."""
    table, unusable = package_table(), list[UnusableRow]()
    data = (config_map or {}).get("data") or {}
    for key in sorted(data):
        try:
            table, found = table.extended_where_usable(str(data[key]))
        except UnusableKindsError as error:
            found = [UnusableRow("", str(error))]
        unusable += [row._replace(why=f"data[{key}]: {row.why}") for row in found]
    if config_map is not None and config_map.get("binaryData"):
        why = "binaryData: Unsupported value: rows must be text, in data"
        unusable.append(UnusableRow("", why))
    return table, unusable
