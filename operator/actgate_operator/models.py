"""Every ModelDeployment as the API server has it, from three sources that versions put in order.

- Events, which kopf delivers. It delivers no deletion from before its list: the first one, and each one that
  it takes because its watch has lost its place.
- Lists of our own, which find those: at the start of a leader, after each list of kopf's, every ten minutes,
  and when the clock was set.
- The answers to our own writes, before an event brings them: a pass never works on a status that is older
  than the one that it wrote itself.

A pass may therefore work on a model that has changed meanwhile. The write of its status names the version
that it builds on, so that such a pass ends in a conflict and is made again.
"""

import logging
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, Self

import orjson

from actgate.kube.client import Cluster
from actgate.kube.errors import NotFound
from actgate.kube.objects import Key, Object, key_of, version_of
from actgate.kube.resources import MODEL_DEPLOYMENTS
from actgate.kube.store import Change, Store, Unreadable
from actgate.kube.timing import boot_clock
from actgate_operator.kopf_settings import PAGE_SIZE

logger = logging.getLogger(__name__)


def reference_of(model: Object) -> str | None:
    """Return the manifest that a model names; None for one that is older than the schema and names none."""
    spec = model.get("spec")
    reference = spec.get("complianceManifestRef") if isinstance(spec, dict) else None
    name = reference.get("name") if isinstance(reference, dict) else None
    return name if isinstance(name, str) else None


class _Record(NamedTuple):
    """A model as compressed JSON, since thousands of them are kept, without the records of field managers."""

    data: bytes
    manifest: str | None

    @classmethod
    def of(cls, model: Object) -> Self:
        metadata = {name: value for name, value in model["metadata"].items() if name != "managedFields"}
        return cls(zlib.compress(orjson.dumps({**model, "metadata": metadata}), 1), reference_of(model))


class ModelCache:
    """The models of the cluster, on one event loop.

    Args:
        cluster: The API server.
        changed: Called with the key of a model that came, changed or went; not for our own writes.
        now: A clock that cannot be set, in seconds.
    """

    def __init__(
        self, cluster: Cluster, changed: Callable[[Key], None], now: Callable[[], float] = boot_clock
    ) -> None:
        self._cluster = cluster
        self._changed = changed
        self._now = now
        self._store: Store[_Record] = Store(_Record.of, self._on_change)
        self._newest = 0
        self._is_known = False
        self._held: dict[Key, list[tuple[str | None, Object]]] = {}
        """Events of models that the API server is being asked about."""
        self._answered_at = float("-inf")

    def get(self, key: Key) -> Object | None:
        """Return a model, without ``managedFields``; None where none is known."""
        record = self._store.get(key)
        if record is None or isinstance(record, Unreadable):
            return None
        model: Object = orjson.loads(zlib.decompress(record.data))
        return model

    def references(self) -> dict[Key, str | None]:
        """Return the manifest that each model refers to."""
        return {
            key: None if isinstance(record, Unreadable) else record.manifest
            for key, record in self._store.items()
        }

    def __len__(self) -> int:
        return len(self._store)

    def note_answer(self) -> None:
        """Note that the API server answered kopf's list or watch."""
        self._answered_at = self._now()

    def silence(self) -> float:
        """Return the seconds since kopf's list or watch had an answer or an event; infinity before."""
        return self._now() - self._answered_at

    def observe(self, event: str | None, model: Object) -> None:
        """Take an event of a watch, or an object of a list of kopf's, whose event is None."""
        self.note_answer()
        if (held := self._held.get(key_of(model))) is not None:
            held.append((event, model))
            return
        self._newest = max(self._newest, version_of(model))
        if event == "DELETED":
            self._store.deleted(model)
        else:
            self._store.changed(model)

    @contextmanager
    def asking(self, key: Key) -> Iterator[None]:
        """Hold events of a model until a read or write of it is answered: they may come before the answer.

        So a write's own event is no news, and a model that is deleted right after a read stays deleted.
        """
        held = self._held[key] = []
        try:
            yield
        finally:
            del self._held[key]
            for event, model in held:
                self.observe(event, model)

    def note(self, model: Object) -> None:
        """Take the answer to a write of ours, which built on the version that is known: it is no news."""
        self._newest = max(self._newest, version_of(model))
        self._is_known = True
        try:
            self._store.changed(model)
        finally:
            self._is_known = False

    async def fetch_live(self, key: Key) -> Object | None:
        """Read a model, and return it as it is; None where there is none any more.

        Raises:
            ClusterError: The API server did not answer.
        """
        asked_at = self._newest
        with self.asking(key):
            try:
                model = await self._cluster.get(MODEL_DEPLOYMENTS, key[1], key[0])
            except NotFound:
                self._forget(key, asked_at)
                return None
            self._newest = max(self._newest, version_of(model))
            self._store.changed(model)
        return model

    async def list(self) -> None:
        """List all models; those that are not listed are gone.

        Raises:
            ClusterError: The list broke off; what it brought is known.
        """
        known, snapshot = self._newest, None
        self._store.begin_list()
        async for page in self._cluster.list_pages(MODEL_DEPLOYMENTS, limit=PAGE_SIZE):
            if snapshot is None:
                snapshot = page.version
                if snapshot < known:
                    # The API server was restored from a backup, and counts from an earlier version again.
                    logger.warning("models: the API server went back from version %d to %d", known, snapshot)
                    self._newest = 0
                    self._store.rewind()
                self._newest = max(self._newest, snapshot)
            for model in page.items:
                self._store.listed(model)
        if snapshot is not None:
            self._store.end_list(snapshot)

    def _forget(self, key: Key, version: int) -> None:
        """Drop a model that a live read did not find, unless it came while that was under way."""
        model = self.get(key)
        if model is not None and version_of(model) <= version:
            self._store.deleted(model)

    def _on_change(self, change: Change[_Record]) -> None:
        if not self._is_known:
            self._changed(change.key)
