"""The candidates of the cluster: one reflector for each kind that is served, and indexes by what changes.

Of an object that serves no model nothing is kept but its key and version. What changed is passed on as uids:
a candidate, those that it controls, and those that evidence of a scope concerns.
"""

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from functools import partial
from typing import Final, TypeVar

from actgate.kube.client import Cluster
from actgate.kube.objects import Key, Object
from actgate.kube.reflector import Reflector
from actgate.kube.resources import Resource
from actgate.kube.store import Change, Unreadable
from actgate.kube.timing import Timing
from actgate.lookup.cache import Scope
from actgate.scan.candidates import Tier, candidate
from actgate.subjects.reading import Row
from actgate_operator.scan.kept import Kept
from actgate_operator.scan.pacing import Pace

logger = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)

PATIENCE_SECONDS: Final = 60.0
"""So long a kind that cannot be listed holds up what needs to know of all objects."""
PAGE: Final = 250
"""Objects of one page of a list: what is decoded at once is the peak of the scan's memory."""

Value = Kept | Tier | None
"""What a reflector keeps of an object: a candidate, that its signals are weak, or nothing."""


class Objects:
    """Candidates by uid while ``follow`` has reflectors run.

    Args:
        cluster: The API server.
        on_change: Called with the uid of each candidate that came, changed or went, or whose owner did.
        pace: Keeps reading to its share of the event loop.
        timing: How the reflectors wait.
    """

    def __init__(
        self, cluster: Cluster, on_change: Callable[[str], None], pace: Pace, timing: Timing
    ) -> None:
        self._cluster = cluster
        self._on_change = on_change
        self._pace = pace
        self._timing = timing
        self._running: dict[Resource, tuple[Reflector[Value], asyncio.Task[None]]] = {}
        self._rows: dict[Resource, Row] = {}
        self._unknown: frozenset[str] = frozenset()
        self._since = math.inf
        self._controlled: dict[str, set[str]] = {}
        self._linking: dict[Key, set[str]] = {}
        self._in: dict[str, set[str]] = {}
        self.known: dict[str, Kept] = {}
        """Candidates by uid."""
        self.weak: Counter[Resource] = Counter()
        """Objects with weak signals alone, which are only counted."""

    @property
    def complete(self) -> bool:
        """Whether every kind was listed, but for those that have not been listable for a while."""
        patient = self._timing.now() - self._since < PATIENCE_SECONDS
        return all(
            reflector.synced.is_set() or (reflector.last_error is not None and not patient)
            for reflector, _ in self._running.values()
        )

    @property
    def unread(self) -> dict[Resource, str]:
        """The kinds that are served and were never listed, each with the last error."""
        return {
            resource: str(reflector.last_error)
            for resource, (reflector, _) in self._running.items()
            if not reflector.synced.is_set() and reflector.last_error is not None
        }

    def covers(self, group: str, kind: str) -> bool:
        """Return whether all objects of a kind are known; of one that is not served, there are none."""
        if group in self._unknown:
            return False
        for resource, (reflector, _) in self._running.items():
            if (resource.group, resource.kind) == (group, kind):
                return reflector.synced.is_set()
        return True

    def follow(
        self, kinds: Mapping[Resource, Row], unknown: Collection[str], tasks: asyncio.TaskGroup
    ) -> None:
        """Follow these kinds from now on, and no others but those of groups that are unknown now."""
        self._unknown = frozenset(unknown)
        self._since = min(self._since, self._timing.now())
        for resource in [*self._running]:
            if resource not in kinds and resource.group not in unknown:
                logger.info("%s are not served any more, or have no row", resource)
                self._leave(resource)
            elif resource in kinds and kinds[resource] != self._rows[resource]:
                self._leave(resource)
        for resource, row in kinds.items():
            if resource not in self._running:
                reflector = self._reflector(resource, row)
                task = tasks.create_task(reflector.run(), name=f"scan of {resource}")
                self._running[resource] = reflector, task
                self._rows[resource] = row

    def concerned(self, scope: Scope) -> Iterable[str]:
        """Return the uids of the candidates that a change of evidence concerns."""
        if scope.namespace is None:
            return [*self.known]
        if scope.manifest is None:
            return [*self._in.get(scope.namespace, ())]
        return [*self._linking.get((scope.namespace, scope.manifest), ())]

    def _reflector(self, resource: Resource, row: Row) -> Reflector[Value]:
        return Reflector(
            self._cluster,
            resource,
            partial(_read, resource, row),
            partial(self._changed, resource),
            page_size=PAGE,
            optional=True,
            rest=self._pace.rest_in_list,
            timing=self._timing,
        )

    def _leave(self, resource: Resource) -> None:
        reflector, task = self._running.pop(resource)
        task.cancel()
        self.weak.pop(resource, None)
        for _, value in reflector.items():
            if isinstance(value, Kept):
                self._remove(value)

    def _changed(self, resource: Resource, change: Change[Value]) -> None:
        old, new = change.old, change.new
        self.weak[resource] += (new is Tier.WEAK) - (old is Tier.WEAK)
        if isinstance(new, Unreadable):
            logger.warning("%s %s cannot be read for the scan: %s", resource, "/".join(change.key), new.error)
        if isinstance(old, Kept):
            self._remove(old)
        if isinstance(new, Kept):
            self._add(new)

    def _add(self, kept: Kept) -> None:
        self.known[kept.uid] = kept
        self._in.setdefault(kept.namespace, set()).add(kept.uid)
        if kept.controller is not None:
            self._controlled.setdefault(kept.controller, set()).add(kept.uid)
        for name in kept.candidate().subject.manifest_names:
            self._linking.setdefault((kept.namespace, name), set()).add(kept.uid)
        self._announce(kept.uid)

    def _remove(self, kept: Kept) -> None:
        del self.known[kept.uid]
        _discard(self._in, kept.namespace, kept.uid)
        if kept.controller is not None:
            _discard(self._controlled, kept.controller, kept.uid)
        for name in kept.candidate().subject.manifest_names:
            _discard(self._linking, (kept.namespace, name), kept.uid)
        self._announce(kept.uid)

    def _announce(self, uid: str) -> None:
        """Have a candidate judged, and those that it may answer for."""
        passed, waiting = set(), [uid]
        while waiting:
            one = waiting.pop()
            if one not in passed:
                passed.add(one)
                self._on_change(one)
                waiting += self._controlled.get(one, ())


def _discard(index: dict[K, set[str]], key: K, uid: str) -> None:
    found = index[key]
    found.discard(uid)
    if not found:
        del index[key]


def _read(resource: Resource, row: Row, thing: Object) -> Value:
    # The items of a list do not say of which kind they are.
    found = candidate({**thing, "apiVersion": resource.api_version, "kind": resource.kind}, row)
    return found if found is None or isinstance(found, Tier) else Kept.of(found, resource)
