"""Finds the models that a change of evidence concerns, by asking the API server which ones refer to it.

Those for which it is urgent are put on the queue as they are found, and the others when all are found.

An index of our own could go stale without anybody noticing; the selectable field
``spec.complianceManifestRef.name`` cannot.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from typing import NoReturn

from actgate.kube.client import Cluster
from actgate.kube.errors import ClusterError
from actgate.kube.objects import Key, Object, key_of
from actgate.kube.reflector import SLICE
from actgate.kube.resources import MODEL_DEPLOYMENTS
from actgate.kube.timing import Backoff, Timing
from actgate.lookup.cache import Scope
from actgate_operator.models import reference_of

logger = logging.getLogger(__name__)

REFERENCE_FIELD = "spec.complianceManifestRef.name"
"""Selectable field that names a model's manifest."""

TOGETHER = 16
"""From so many changed manifests of one namespace on, one list of it is cheaper than one each."""


class Dependants:
    """Collects what changed, and puts the models that it concerns on the queue while ``run`` runs."""

    def __init__(
        self,
        cluster: Cluster,
        enqueue: Callable[[Key], None],
        timing: Timing | None = None,
        urgent: Callable[[Object], bool] = lambda _: True,
    ) -> None:
        self._cluster = cluster
        self._enqueue = enqueue
        self._urgent = urgent
        self._backoff = Backoff(timing or Timing())
        self._scopes: set[Scope] = set()
        self._noted = asyncio.Event()

    def note(self, scope: Scope) -> None:
        """Note what a change concerns, to be found by the next ``find``."""
        self._scopes.add(scope)
        self._noted.set()

    async def run(self) -> NoReturn:
        """Find whom the changes concern until cancelled."""
        while True:
            await self._noted.wait()
            self._noted.clear()
            try:
                await self.find()
            except ClusterError as error:
                logger.warning("who depends on changed evidence is asked again: %s", error)
                self._noted.set()
                await self._backoff.pause(error.retry_after)
            else:
                self._backoff.reset()

    async def find(self) -> None:
        """Put every model that the changes noted so far concern on the queue.

        Raises:
            ClusterError: The API server did not tell; what was noted is kept for another try.
        """
        scopes, self._scopes = self._scopes, set()
        others = []
        try:
            for namespace, names in _by_namespace(scopes).items():
                async for model in self._models(namespace, names):
                    if self._urgent(model):
                        self._enqueue(key_of(model))
                    else:
                        others.append(key_of(model))
        except BaseException:
            self._scopes |= scopes
            raise
        for key in others:
            self._enqueue(key)

    async def _models(self, namespace: str | None, names: set[str] | None) -> AsyncIterator[Object]:
        if names is not None and len(names) < TOGETHER:
            for name in sorted(names):
                async for model in self._listed(namespace, f"{REFERENCE_FIELD}={name}"):
                    yield model
            return
        async for model in self._listed(namespace, None):
            if names is None or reference_of(model) in names:
                yield model

    async def _listed(self, namespace: str | None, field_selector: str | None) -> AsyncIterator[Object]:
        pages = self._cluster.list_pages(MODEL_DEPLOYMENTS, namespace, field_selector=field_selector)
        async for page in pages:
            for start in range(0, len(page.items), SLICE):
                for model in page.items[start : start + SLICE]:
                    yield model
                await asyncio.sleep(0)


def _by_namespace(scopes: set[Scope]) -> dict[str | None, set[str] | None]:
    """Return the manifests whose dependants are wanted, by namespace; None stands for everything."""
    if any(scope.namespace is None for scope in scopes):
        return {None: None}
    wanted: dict[str | None, set[str] | None] = defaultdict(set)
    for scope in scopes:
        names = wanted[scope.namespace]
        if scope.manifest is None:
            wanted[scope.namespace] = None
        elif names is not None:
            names.add(scope.manifest)
    return dict(wanted)
