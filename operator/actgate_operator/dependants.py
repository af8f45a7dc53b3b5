"""Finds the models that a change of evidence concerns, in the cache of models.

Those for which it is urgent are put on the queue as they are found, and the others when all are found. A
model that the cache does not know yet, or by a former reference, is reconciled when the cache learns of it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Final, NoReturn

from actgate.kube.objects import Key, Object
from actgate.kube.reflector import SLICE
from actgate.lookup.cache import Scope
from actgate_operator.models import ModelCache

_ALL: Final = None
"""In place of names: every one."""


class Dependants:
    """Collects what changed, and puts the models that it concerns on the queue while ``run`` runs."""

    def __init__(
        self,
        models: ModelCache,
        enqueue: Callable[[Key], None],
        urgent: Callable[[Object], bool] = lambda _: True,
    ) -> None:
        self._models = models
        self._enqueue = enqueue
        self._urgent = urgent
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
            await self.find()

    async def find(self) -> None:
        """Put every model that the changes noted so far concern on the queue."""
        wanted, others = _by_namespace(self._scopes), []
        self._scopes = set()
        for number, key in enumerate(self._concerned(wanted)):
            model = self._models.get(key)
            if model is not None and self._urgent(model):
                self._enqueue(key)
            else:
                others.append(key)
            if number % SLICE == SLICE - 1:
                await asyncio.sleep(0)
        for key in others:
            self._enqueue(key)

    def _concerned(self, wanted: dict[str | None, set[str] | None]) -> list[Key]:
        if None in wanted:
            return list(self._models.references())
        return [
            key
            for key, manifest in self._models.references().items()
            if key[0] in wanted and ((names := wanted[key[0]]) is _ALL or manifest in names)
        ]


def _by_namespace(scopes: set[Scope]) -> dict[str | None, set[str] | None]:
    """Return the manifests whose dependants are wanted, by namespace; None stands for everything."""
    if any(scope.namespace is None for scope in scopes):
        return {None: _ALL}
    wanted: dict[str | None, set[str] | None] = defaultdict(set)
    for scope in scopes:
        names = wanted[scope.namespace]
        if scope.manifest is None:
            wanted[scope.namespace] = _ALL
        elif names is not None:
            names.add(scope.manifest)
    return dict(wanted)
