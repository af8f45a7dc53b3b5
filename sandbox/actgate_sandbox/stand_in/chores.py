"""Work that follows from commits and is done in the background: one queue, one worker, retries."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from actgate_sandbox.stand_in.store import ChangedError, Event, Key, Place, Store
from actgate_sandbox.status import ApiError

_RETRY_SECONDS = 0.5
_log = logging.getLogger(__name__)

Work = tuple[Place, Key]


class Chores:
    """A de-duplicating queue of objects that are to be reconciled.

    Args:
        store: Whose commits are followed.
        wanted: Which objects have to be reconciled after a commit.
        do: Reconciles one of them; refused by the API server, it is tried again a little later.
    """

    def __init__(
        self,
        store: Store,
        wanted: Callable[[Place, Event], list[Work]],
        do: Callable[[Place, Key], Awaitable[None]],
    ) -> None:
        self._store = store
        self._wanted = wanted
        self._do = do
        self._waiting: dict[Work, None] = {}
        self._arrived = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled."""
        self._store.listeners.append(self._note)
        try:
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                while self._waiting:
                    await self._next()
        finally:
            self._store.listeners.remove(self._note)

    def add(self, place: Place, key: Key) -> None:
        """Put an object on the queue."""
        self._waiting[place, key] = None
        self._arrived.set()

    def _note(self, place: Place, event: Event) -> None:
        for work in self._wanted(place, event):
            self.add(*work)

    async def _next(self) -> None:
        work = next(iter(self._waiting))
        del self._waiting[work]
        try:
            await self._do(*work)
        except (ApiError, ChangedError) as error:
            _log.info("%s %s/%s is tried again: %s", work[0].plural, *work[1], error)
            asyncio.get_running_loop().call_later(_RETRY_SECONDS, self.add, *work)
        except Exception:
            # One object that cannot be dealt with must not end the work on all others.
            _log.exception("%s %s/%s is left as it is", work[0].plural, *work[1])
