"""One read at a time for all callers that want the same, and never one that is older than the wish.

A read that has begun before it was asked for may show what was there before: who comes while it is under way
waits for the next one, which all callers that have come by then share. So a crowd costs two reads, whatever
its size.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Shares the results of ``read``, which has to end by itself."""

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read
        self._current: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """Return what a read that begins from now on finds, or raise what it raises.

        Who is cancelled leaves the read to the others.
        """
        if self._current is None or self._current.done():
            self._current = asyncio.create_task(self._read_now())
            return await asyncio.shield(self._current)
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._current))
        return await asyncio.shield(self._next)

    async def _after(self, current: asyncio.Task[T]) -> T:
        await asyncio.wait({current})
        self._current, self._next = self._next, None
        return await self._read()

    async def _read_now(self) -> T:
        return await self._read()
