"""A cache of all objects of one kind that knows how old it is.

Two loops share one `Store`. One lists: at the start, when the watch has lost its place, when
nothing was heard for longer than a bookmark takes, and every ten minutes against whatever a watch
may silently miss. The other watches from where it left off. Neither stops the other, so a periodic
list hides nothing from the readers: they keep the old objects, and changes, until the new ones have
been merged in.

What counts as contact, the proof that the cache is what the API server has:

- a complete list, as of the moment at which its first page was asked for (not when it came in);
- a bookmark, as of the moment at which it was heard: it says that the watch has delivered all up to now.

A connection that opens, or a watch that ends in peace, proves nothing. An event proves little: after
an outage it may be the first of many that are still on their way. Nor does silence: an API server
sends no bookmark while its version stands still, which without etcd's progress notifications is as
long as nothing happens to the kind, and none at all where it was restored from a backup and counts
from an earlier version again (observed with 1.36). Hence the list after silence, which distinguishes
the two.

`age` is the time since the last contact, and it is the reader's to say how old is too old.
"""

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Generic, TypeVar

from actgate.kube.client import Cluster, Event, Page
from actgate.kube.errors import (
    ClusterError,
    Forbidden,
    Gone,
    NotFound,
    Silent,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    Unintelligible,
    refusal,
)
from actgate.kube.objects import Key, Object, version_of
from actgate.kube.resources import Resource
from actgate.kube.store import Change, Parse, Store, Unreadable
from actgate.kube.timing import Backoff, Timing

logger = logging.getLogger(__name__)

T = TypeVar("T")

SLICE = 20
"""So many objects are parsed before others on the event loop get their turn."""

_RESUMABLE = (Unavailable, TooManyRequests, Unauthorized, Forbidden)
"""After these a watch goes on where it was; after any other error only a list helps."""
_ALIVE = ("ADDED", "MODIFIED")
"""Types of the events that bring an object as it is now."""


class Reflector(Generic[T]):
    """Keeps `parse(object)` for every object of a resource while `run` runs.

    `parse` is called once per version of an object, on the event loop; where it raises, an
    `Unreadable` stands for the object. `on_change` hears of every change, also of those found by a
    list, on the event loop.

    `prepare` is for objects that take long to parse. It returns None where `parse` is quick, else an
    awaitable of what is called in place of `parse`; neither raises. Versions keep the order in which an
    object changed, however long that takes. `outdated` is the `Store`'s; `relist` has such values parsed
    again.

    `optional` is for a kind that a cluster may not define, such as one that a newer version brings: while the
    API server says so, there is no such object, and the cache is as current as after a list.

    `rest` is awaited after each page of a list, with the seconds since the list was asked for: a caller
    that reads many objects may spread the work.
    """

    def __init__(
        self,
        cluster: Cluster,
        resource: Resource,
        parse: Callable[[Object], T],
        on_change: Callable[[Change[T]], None] | None = None,
        *,
        prepare: Callable[[Object], Awaitable[Parse[T]] | None] = lambda _: None,
        outdated: Callable[[T], bool] = lambda _: False,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
        page_size: int = 500,
        optional: bool = False,
        rest: Callable[[float], Awaitable[None]] | None = None,
        timing: Timing | None = None,
    ) -> None:
        self.resource = resource
        self.synced = asyncio.Event()
        """Set from the first complete list on."""
        self.last_contact = -math.inf
        """When the cache was last known to be current, on the clock of `timing`."""
        self.last_error: ClusterError | None = None
        """What went wrong since the last contact."""
        self.undefined = False
        """Whether the API server said at last that the cluster does not define this optional kind."""
        self._optional = optional
        self._rest = rest
        self._cluster = cluster
        self._namespace = namespace
        self._selectors = {"label_selector": label_selector, "field_selector": field_selector}
        self._page_size = page_size
        self._timing = timing or Timing()
        self._store = Store(parse, on_change, outdated)
        self._prepare = prepare
        self._version = 0
        """Up to here the store knows all: where a watch goes on."""
        self._newest = 0
        """The highest version that was received at all, in a list that broke off for one."""
        self._history = 0
        self._can_watch = asyncio.Event()
        self._list_wanted = asyncio.Event()
        self._contact = asyncio.Event()

    def get(self, namespace: str | None, name: str) -> T | Unreadable | None:
        """Return what is known about one object; None is no proof that there is none: see `age`."""
        return self._store.get((namespace or "", name))

    def items(self) -> list[tuple[Key, T | Unreadable]]:
        """Return everything that is known now; later changes do not show in it."""
        return self._store.items()

    def __len__(self) -> int:
        return len(self._store)

    @property
    def version(self) -> int:
        """The version up to which the cache has every change."""
        return self._version

    def relist(self) -> None:
        """List again as soon as possible; a list that is under way is followed by one more."""
        self._list_wanted.set()

    async def contact_since(self, moment: float) -> None:
        """Wait for a contact that is no older than a moment of `timing`'s clock; list if need be."""
        await self.synced.wait()
        if self.last_contact < moment:
            self.relist()
        while self.last_contact < moment:
            self._contact.clear()
            await self._contact.wait()

    def age(self, now: float | None = None) -> float:
        """Return the seconds since the last contact, infinity before the first."""
        return (self._timing.now() if now is None else now) - self.last_contact

    async def run(self) -> None:
        """List and watch until cancelled; no answer of the API server ends it."""
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._keep_listing())
            loops.create_task(self._keep_watching())

    async def _keep_listing(self) -> None:
        backoff = Backoff(self._timing)
        while True:
            try:
                await self._list()
            except ClusterError as error:
                self._note(error)
                await backoff.pause(error.retry_after)
            else:
                backoff.reset()
                await self._until_list_is_due()

    async def _until_list_is_due(self) -> None:
        timing, begun = self._timing, self._timing.now()
        routine = begun + timing.relist_seconds()
        while not self._list_wanted.is_set():
            left = min(routine, max(begun, self.last_contact) + timing.quiet) - timing.now()
            if left <= 0:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._list_wanted.wait()

    async def _list(self) -> None:
        """Take a list; none where the cluster does not define an optional kind."""
        asked_at = self._timing.now()
        try:
            await self._list_objects(asked_at)
        except NotFound:
            if not self._optional:
                raise
            self._take_undefined(asked_at)
        else:
            self.undefined = False

    def _take_undefined(self, asked_at: float) -> None:
        """Take that there is no such kind as a list without objects; nothing could be watched."""
        if not self.undefined:
            logger.warning("%s: the cluster does not define this kind, so that there are none", self.resource)
        self.undefined = True
        self._store.begin_list()
        self._store.end_list(self._newest)
        self._can_watch.clear()
        self._touch(asked_at)
        self.synced.set()

    async def _list_objects(self, asked_at: float) -> None:
        """Merge one whole list into the store, or raise after a part of it: what is in, is true."""
        known = self._newest
        self._list_wanted.clear()
        self._store.begin_list()
        snapshot = None
        async with aclosing(self._pages()) as pages:
            async for page in pages:
                if snapshot is None:
                    snapshot = page.version
                    if snapshot < known:
                        self._rewind(known, snapshot)
                    self._newest = max(self._newest, snapshot)
                await self._merge(page)
                if self._rest is not None:
                    await self._rest(self._timing.now() - asked_at)
        if snapshot is not None:
            self._store.end_list(snapshot)
            self._version = max(self._version, snapshot)
            self._touch(asked_at)
            self._can_watch.set()
            self.synced.set()

    def _pages(self) -> AsyncGenerator[Page, None]:
        return self._cluster.list_pages(
            self.resource,
            self._namespace,
            **self._selectors,
            limit=self._page_size,
            within=self._timing.page,
        )

    async def _merge(self, page: Page) -> None:
        for start in range(0, len(page.items), SLICE):
            for thing in page.items[start : start + SLICE]:
                self._store.listed(thing, await self._prepared(thing))
            await asyncio.sleep(0)

    async def _prepared(self, thing: Object) -> Parse[T] | None:
        waiting = self._prepare(thing) if self._store.wants(thing) else None
        return None if waiting is None else await waiting

    def _rewind(self, known: int, snapshot: int) -> None:
        """Start a new history: the API server was restored from a backup, or is another one."""
        logger.warning(
            "%s: the API server went back from version %d to %d, everything is listed again",
            self.resource,
            known,
            snapshot,
        )
        self._history += 1
        self._version = self._newest = 0
        self._can_watch.clear()
        self._store.rewind()

    async def _keep_watching(self) -> None:
        backoff = Backoff(self._timing)
        while True:
            await self._can_watch.wait()
            at_least = 0.0
            try:
                await self._watch(backoff)
            except Silent as error:
                # No error yet: on a quiet cluster this is the rule, and the list finds out.
                logger.debug("%s: %s", self.resource, error)
            except ClusterError as error:
                self._note(error)
                at_least = error.retry_after
                if not isinstance(error, _RESUMABLE):
                    self._can_watch.clear()
                    self._list_wanted.set()
            # Also after a peaceful end: a server that ends every watch must not be asked in a rush.
            await backoff.pause(at_least)

    async def _watch(self, backoff: Backoff) -> None:
        """Follow one watch to its end, or raise what ended it."""
        timing, history, position = self._timing, self._history, self._version
        opening = self._cluster.watch(
            self.resource,
            position,
            self._namespace,
            **self._selectors,
            lasting=timing.watch_seconds(),
            silence=timing.silence,
        )
        async with opening as events:
            opened_at, heard = timing.now(), 0
            try:
                async for event in events:
                    parse = None
                    if event.type in _ALIVE:
                        parse = await self._prepared(event.object)
                    if self._history != history:
                        return
                    position = self._take(event, position, parse)
                    self._version = max(self._version, position)
                    self._newest = max(self._newest, position)
                    heard += 1
                    if heard % SLICE == 0:
                        await asyncio.sleep(0)
            finally:
                if timing.now() - opened_at >= timing.steady:
                    backoff.reset()

    def _take(self, event: Event, position: int, parse: Parse[T] | None) -> int:
        """Learn from one event, and return the version up to which the watch has delivered all."""
        if event.type == "ERROR":
            raise self._ended(event.object)
        version = version_of(event.object)
        if event.type in _ALIVE:
            self._store.changed(event.object, parse)
        elif event.type == "DELETED":
            self._store.deleted(event.object)
        elif event.type != "BOOKMARK":
            raise Unintelligible(f"watch {self.resource}: an event of type {event.type[:40]!r}")
        elif version < position:
            raise Gone(f"watch {self.resource}: went back from version {position} to {version}")
        else:
            self._touch(self._timing.now())
        return max(version, position)

    def _ended(self, status: Object) -> Gone:
        """Return the error for a `Status` in the stream: whatever it says, the place is lost."""
        code = status.get("code")
        error = refusal(f"watch {self.resource}", code if isinstance(code, int) else 500, status)
        return Gone(str(error), code=error.code, reason=error.reason, retry_after=error.retry_after)

    def _touch(self, moment: float) -> None:
        self.last_contact = max(self.last_contact, moment)
        self.last_error = None
        self._contact.set()

    def _note(self, error: ClusterError) -> None:
        self.last_error = error
        logger.warning("%s: %s", self.resource, error)
