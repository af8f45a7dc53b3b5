"""Watches: what happened since a revision, and from then on what happens.

Every watch has a queue that commits are put into; the stream drains it, and sends a bookmark with
the current revision when nothing came for a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain

import orjson

from actgate_sandbox.stand_in.call import Call
from actgate_sandbox.stand_in.reads import matcher
from actgate_sandbox.stand_in.selectors import Matches
from actgate_sandbox.stand_in.store import CompactedError, Event, Place, Store, Stored
from actgate_sandbox.stand_in.views import View, encode_object
from actgate_sandbox.status import (
    ApiError,
    Object,
    bad_request,
    failure,
    gone,
    not_implemented,
)

_LONGEST_SECONDS = 1800.0


@dataclass(eq=False, slots=True)
class _Watch:
    """One open watch."""

    call: Call
    matches: Matches | None
    view: View
    bookmarks: bool
    deadline: float
    queue: asyncio.Queue[Event | None] = field(default_factory=asyncio.Queue)

    def line(self, event: Event) -> bytes:
        """Return the event as this watch sees it; empty where it does not concern it."""
        namespace = self.call.namespace
        if namespace and event.last.obj["metadata"].get("namespace") != namespace:
            return b""
        before, now = self._sees(event.previous), self._sees(event.current)
        if now:
            return self.encoded("MODIFIED" if before else "ADDED", event.last)
        if not before:
            return b""
        return self.encoded("DELETED", _left(event))

    def _sees(self, stored: Stored | None) -> bool:
        return stored is not None and (self.matches is None or self.matches(stored.obj))

    def encoded(self, kind: str, stored: Stored) -> bytes:
        """Return one line of the stream."""
        obj = encode_object(self.call.resource, stored, self.view)
        return b'{"type":"%s","object":%s}\n' % (kind.encode(), obj)

    def bookmark(self, revision: int) -> bytes:
        """Return a line that says up to where everything was sent."""
        metadata: Object = {"resourceVersion": str(revision), "creationTimestamp": None}
        resource = self.call.resource
        obj = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
        return orjson.dumps({"type": "BOOKMARK", "object": obj}) + b"\n"


def _left(event: Event) -> Stored:
    """Return the last state that a watch sends of an object that is gone, or no longer selected."""
    if event.current is None or event.previous is None:
        return event.last
    obj = event.previous.copy()
    obj["metadata"]["resourceVersion"] = str(event.revision)
    return Stored(obj, orjson.dumps(obj), event.revision)


class Watches:
    """All open watches on one store.

    Args:
        store: What is watched.
        bookmark_seconds: After how much silence a watch that asked for bookmarks gets one.
    """

    def __init__(self, store: Store, bookmark_seconds: float) -> None:
        self._store = store
        self._bookmark_seconds = bookmark_seconds
        self._open: dict[Place, set[_Watch]] = {}
        self._ended = False
        store.listeners.append(self._publish)

    def detach(self) -> None:
        """End every watch and listen no longer."""
        self.drop_all()
        self._store.listeners.remove(self._publish)

    def drop_all(self) -> None:
        """End every watch, also one that is opened from now on, as a server does that is shutting down."""
        self._ended = True
        for watch in chain.from_iterable(tuple(watches) for watches in self._open.values()):
            watch.queue.put_nowait(None)

    def _publish(self, place: Place, event: Event) -> None:
        for watch in self._open.get(place, ()):
            watch.queue.put_nowait(event)

    def open(self, call: Call, query: Mapping[str, str], view: View) -> AsyncIterator[bytes]:
        """Begin a watch and return its stream.

        Raises:
            ApiError: 400 for parameters that make no sense. A watch that is too old answers with 200 and
                sends the 410 as an event, as the real server does.
        """
        watch = _Watch(
            call,
            matcher(call.resource, query),
            view,
            query.get("allowWatchBookmarks") in ("true", "1"),
            _now() + _seconds(query),
        )
        try:
            first = self._first_lines(watch, query)
        except CompactedError as error:
            return _only(_error_line(gone(str(error))))
        # No await lies between reading the past and listening to the future: nothing is missed.
        self._open.setdefault(call.resource.place, set()).add(watch)
        if self._ended:
            watch.queue.put_nowait(None)
        return self._stream(watch, first)

    def _first_lines(self, watch: _Watch, query: Mapping[str, str]) -> list[bytes]:
        place = watch.call.resource.place
        asked = query.get("resourceVersion") or "0"
        if not asked.isdecimal():
            raise failure(f'resourceVersion: Invalid value: "{asked}": must be a whole number')
        if query.get("sendInitialEvents") in ("true", "1"):
            raise not_implemented("sendInitialEvents; list first, then watch")
        if asked == "0":
            return list(self._all(watch))
        return [watch.line(event) for event in self._store.since(place, int(asked))]

    def _all(self, watch: _Watch) -> Iterable[bytes]:
        for stored in self._store.all_of(watch.call.resource.place, watch.call.namespace or None):
            if watch.matches is None or watch.matches(stored.obj):
                yield watch.encoded("ADDED", stored)

    async def _stream(self, watch: _Watch, first: list[bytes]) -> AsyncIterator[bytes]:
        try:
            if chunk := b"".join(first):
                yield chunk
            while (left := watch.deadline - _now()) > 0:
                events = await _drained(watch.queue, min(left, self._bookmark_seconds))
                ended = None in events
                lines = [watch.line(event) for event in events if event is not None]
                if not events and watch.bookmarks:
                    lines.append(watch.bookmark(self._store.revision))
                if chunk := b"".join(lines):
                    yield chunk
                if ended:
                    return
        finally:
            self._open[watch.call.resource.place].discard(watch)


async def _drained(queue: asyncio.Queue[Event | None], seconds: float) -> list[Event | None]:
    """Return everything that waits in the queue, after waiting for the first for some time."""
    try:
        async with asyncio.timeout(seconds):
            events = [await queue.get()]
    except TimeoutError:
        return []
    while not queue.empty():
        events.append(queue.get_nowait())
    return events


async def _only(line: bytes) -> AsyncIterator[bytes]:
    yield line


def _error_line(error: ApiError) -> bytes:
    return orjson.dumps({"type": "ERROR", "object": error.body()}) + b"\n"


def _now() -> float:
    return asyncio.get_running_loop().time()


def _seconds(query: Mapping[str, str]) -> float:
    text = query.get("timeoutSeconds") or "0"
    if not text.isdecimal():
        raise bad_request(f"timeoutSeconds: Invalid value: {text!r}: must be a whole number >= 0")
    return float(text) or _LONGEST_SECONDS
