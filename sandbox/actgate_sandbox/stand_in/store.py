"""The memory of the stand-in: objects, one revision counter, and a bounded history of events.

Stored objects are never changed in place: a writer makes a new object and commits it. Each is kept
beside its JSON, so that lists and watches send bytes that were encoded once. The store outlives a
server that is stopped and started again on it. It is used from one thread only, its event loop's.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from actgate_sandbox.status import Object


class Place(NamedTuple):
    """Where objects of one kind are kept; all versions of a kind share one place."""

    group: str
    plural: str


class Key(NamedTuple):
    """An object's key within its place; the namespace is empty for cluster-scoped objects."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Stored:
    """One committed state of an object."""

    obj: Object
    raw: bytes
    revision: int

    def copy(self) -> Object:
        """Return a deep copy that a writer may change."""
        copied: Object = orjson.loads(self.raw)
        return copied


class Event(NamedTuple):
    """One commit: what was there before and what is there now."""

    revision: int
    previous: Stored | None
    current: Stored | None
    last: Stored
    """The current state, or for a deletion the last state with the deletion's revision."""


class CompactedError(Exception):
    """The history does not reach back to the revision that was asked for."""

    def __init__(self, asked: int, oldest: int) -> None:
        super().__init__(f"too old resource version: {asked} ({oldest})")


class ChangedError(Exception):
    """The object is no longer in the state that the writer started from."""


Listener = Callable[[Place, Event], None]


@dataclass(slots=True)
class Shelf:
    """All objects of one place, and what happened to them lately."""

    items: dict[Key, Stored] = field(default_factory=dict)
    history: deque[Event] = field(default_factory=deque)
    compacted: int = 0
    changed: int = 0
    order: list[Key] | None = None


class Store:
    """Objects by place and key, with compare-and-swap commits.

    Args:
        history: How many events each place remembers; a watch that starts earlier is too old.
    """

    def __init__(self, history: int = 10_000) -> None:
        self.revision = 1
        self.by_uid: dict[str, tuple[Place, Key]] = {}
        self.dependents: defaultdict[str, set[tuple[Place, Key]]] = defaultdict(set)
        self.listeners: list[Listener] = []
        self._history = history
        self._shelves: defaultdict[Place, Shelf] = defaultdict(Shelf)

    def get(self, place: Place, key: Key) -> Stored | None:
        """Return the current state of an object, or None."""
        return self._shelves[place].items.get(key)

    def places(self) -> list[Place]:
        """Return every place that has ever held an object."""
        return list(self._shelves)

    def all_of(self, place: Place, namespace: str | None = None) -> list[Stored]:
        """Return the objects of a place (of one namespace) in the order of their keys."""
        shelf = self._shelves[place]
        if shelf.order is None:
            shelf.order = sorted(shelf.items)
        if namespace is None:
            return [shelf.items[key] for key in shelf.order]
        return [shelf.items[key] for key in shelf.order if key.namespace == namespace]

    def changed(self, place: Place) -> int:
        """Return the revision of the last commit to a place."""
        return self._shelves[place].changed

    def compacted(self, place: Place) -> int:
        """Return the revision up to which the history of a place is forgotten."""
        return self._shelves[place].compacted

    def since(self, place: Place, revision: int) -> Iterator[Event]:
        """Return the events after a revision, oldest first.

        Raises:
            CompactedError: Some of them are forgotten.
        """
        shelf = self._shelves[place]
        if revision < shelf.compacted:
            raise CompactedError(revision, shelf.compacted)
        return (event for event in list(shelf.history) if event.revision > revision)

    def compact(self) -> None:
        """Forget all history: every watch from before now is too old, continue tokens too."""
        for shelf in self._shelves.values():
            shelf.history.clear()
            shelf.compacted = self.revision

    def commit(self, place: Place, key: Key, obj: Object, replaces: Stored | None) -> Stored:
        """Store an object and give it the next revision.

        Raises:
            ChangedError: The current state is not `replaces`.
        """
        shelf = self._shelves[place]
        if shelf.items.get(key) is not replaces:
            raise ChangedError
        stored = self._stamped(obj)
        shelf.items[key] = stored
        if replaces is None:
            shelf.order = None
        self._index(place, key, replaces, stored)
        self._record(place, shelf, Event(stored.revision, replaces, stored, stored))
        return stored

    def remove(self, place: Place, key: Key, expected: Stored) -> Stored:
        """Remove an object and return its last state, with the deletion's revision.

        Raises:
            ChangedError: The current state is not `expected`.
        """
        shelf = self._shelves[place]
        if shelf.items.get(key) is not expected:
            raise ChangedError
        del shelf.items[key]
        shelf.order = None
        last = self._stamped(expected.copy())
        self._index(place, key, expected, None)
        self._record(place, shelf, Event(last.revision, expected, None, last))
        return last

    def _stamped(self, obj: Object) -> Stored:
        self.revision += 1
        obj["metadata"]["resourceVersion"] = str(self.revision)
        # The type comes first, so that lists can leave it out.
        ordered = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], **obj}
        return Stored(ordered, orjson.dumps(ordered), self.revision)

    def _record(self, place: Place, shelf: Shelf, event: Event) -> None:
        shelf.changed = event.revision
        shelf.history.append(event)
        if len(shelf.history) > self._history:
            shelf.compacted = shelf.history.popleft().revision
        for listener in tuple(self.listeners):
            listener(place, event)

    def _index(self, place: Place, key: Key, before: Stored | None, now: Stored | None) -> None:
        here = (place, key)
        owners = owner_uids(now)
        for uid in owner_uids(before) - owners:
            self.dependents[uid].discard(here)
            if not self.dependents[uid]:
                del self.dependents[uid]
        for uid in owners:
            self.dependents[uid].add(here)
        if before is None and now is not None:
            self.by_uid[now.obj["metadata"]["uid"]] = here
        elif now is None and before is not None:
            self.by_uid.pop(before.obj["metadata"]["uid"], None)


def owner_uids(stored: Stored | None) -> set[str]:
    """Return the uids of an object's owners."""
    if stored is None:
        return set()
    return {owner["uid"] for owner in stored.obj["metadata"].get("ownerReferences") or ()}
