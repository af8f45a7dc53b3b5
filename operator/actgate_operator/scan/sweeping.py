"""What is written once for the cluster, and what is removed: reports of an API that none are written to."""

import logging
from collections import Counter
from collections.abc import Mapping

from actgate.kube.client import Cluster
from actgate.kube.errors import ClusterError, NotFound
from actgate.kube.objects import key_of
from actgate.kube.resources import Resource
from actgate.scan.reports import SELECTOR, hash_of, summary
from actgate_operator.scan.judging import Result
from actgate_operator.scan.pacing import Budget
from actgate_operator.scan.served import ReportsApi
from actgate_operator.writer import Writer

logger = logging.getLogger(__name__)


class Summary:
    """The one report of the cluster: how many subjects there are of each outcome."""

    def __init__(self, cluster: Cluster, api: ReportsApi, writer: Writer, budget: Budget) -> None:
        self._cluster = cluster
        self._api = api
        self._writer = writer
        self._budget = budget
        self._written: str | None = None

    async def write(self, results: Mapping[str, Result]) -> bool:
        """Write it where it says something else; return whether it was written.

        Raises:
            ClusterError: It is not known what it says, or it could not be written.
        """
        counts = Counter(result.counts_as for result in results.values())
        made = summary(counts, self._api.dialect)
        digest = hash_of(made)
        if self._written is None:
            self._written = await self._stored(made["metadata"]["name"])
        if digest == self._written:
            return False
        await self._budget.take()
        await self._writer.apply(self._api.summaries, made)
        self._written = digest
        return True

    async def _stored(self, name: str) -> str | None:
        async for page in self._cluster.list_pages(self._api.summaries, label_selector=SELECTOR):
            for thing in page.items:
                if key_of(thing)[1] == name:
                    return hash_of(thing)
        return None


async def sweep(cluster: Cluster, writer: Writer, api: ReportsApi, budget: Budget) -> int:
    """Delete every report of ours in an API; return how many there were. What fails is logged, and left."""
    number = 0
    for resource in (api.reports, api.summaries):
        try:
            number += await _sweep(cluster, writer, resource, budget)
        except ClusterError as error:
            logger.warning("%s of a former setting are left: %s", resource, error)
    if number:
        logger.info("%d reports of %s were deleted", number, api.dialect.api_version)
    return number


async def _sweep(cluster: Cluster, writer: Writer, resource: Resource, budget: Budget) -> int:
    number = 0
    async for page in cluster.list_pages(resource, label_selector=SELECTOR):
        for thing in page.items:
            namespace, name = key_of(thing)
            if hash_of(thing) is None:
                continue  # Of another writer, whatever it calls itself.
            await budget.take()
            try:
                await writer.delete(resource, name, namespace or None, thing["metadata"]["uid"])
                number += 1
            except NotFound:
                continue
    return number
