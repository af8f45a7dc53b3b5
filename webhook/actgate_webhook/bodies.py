"""The bytes of bodies that are held at a time, however many clients send.

A small body always has room: the number of connections bounds them. A larger one waits, unread, until its
whole length is free; so none that was begun can wait for another. Who waits longest is next, of the peer
address that holds the least. While a request waits, a body that has been arriving for a second gives way, of
the address that holds the most: an API server needs milliseconds, and a client that stalls must not keep
others out.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

SMALL: Final = 64 * 1024
"""Bytes of a body that never waits: what uvicorn has received before it stops reading."""
LARGE: Final = 256 * 1024
"""Bytes from which on bodies are judged one at a time: what is made of one can be many times its size."""
WAITING: Final = 16
"""Bodies that may wait; each has sent up to 64 KiB already."""

_GRACE_SECONDS: Final = 1.0


class ExhaustedError(Exception):
    """There is no room for this body now; the text is one sentence."""


class Held:
    """One body that is being read or judged."""

    def __init__(self, address: str, size: int) -> None:
        self.address = address
        self.size = size
        self.evicted = False
        self._reading: asyncio.Timeout | None = None
        self._began = 0.0

    @asynccontextmanager
    async def arriving(self, within: float) -> AsyncIterator[None]:
        """Read it in this block, in which it may have to give way.

        Raises:
            TimeoutError: It did not arrive within so many seconds.
            ExhaustedError: It has to give way.
        """
        self._began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(within) as self._reading:
                yield
        except TimeoutError:
            if self.evicted:
                raise ExhaustedError("the body arrived too slowly while others wait, send it again") from None
            raise
        finally:
            self._reading = None

    def age(self, now: float) -> float | None:
        """Return for how many seconds it has been arriving; None where it is not, or ends by itself now."""
        if self._reading is None or self._reading.expired():
            return None
        return None if self.evicted else now - self._began

    def evict(self, now: float) -> None:
        """Break off its arrival."""
        if self._reading is not None:
            self.evicted = True
            self._reading.reschedule(now)


class Bodies:
    """What is held now, and who waits.

    Args:
        limit: Bytes of all bodies beyond ``SMALL`` together.
        grace: Seconds for which a body may arrive before it has to give way to others.
    """

    def __init__(self, limit: int, grace: float = _GRACE_SECONDS) -> None:
        self.bytes = 0
        """Bytes that are held now."""
        self._limit = limit
        self._grace = grace
        self._held: set[Held] = set()
        self._waiting: list[tuple[Held, asyncio.Future[None]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._judging = asyncio.Lock()

    @asynccontextmanager
    async def room(self, address: str, size: int, within: float) -> AsyncIterator[Held]:
        """Hold so many bytes for a client in this block, as soon as they are free.

        Raises:
            ExhaustedError: They are not within so many seconds, or too many wait.
        """
        held = Held(address, size)
        if self._waiting or self.bytes + size > self._limit:
            await self._wait(held, within)
        else:
            self._take(held)
        try:
            yield held
        finally:
            self._held.discard(held)
            self.bytes -= size
            self._grant()

    @asynccontextmanager
    async def turn(self, within: float) -> AsyncIterator[None]:
        """Judge a body of ``LARGE`` bytes or more in this block, when no other one is judged.

        Raises:
            ExhaustedError: That takes longer than so many seconds.
        """
        try:
            async with asyncio.timeout(within):
                await self._judging.acquire()
        except TimeoutError:
            raise ExhaustedError("other large reviews were not judged in time, send it again") from None
        try:
            yield
        finally:
            self._judging.release()

    async def _wait(self, held: Held, within: float) -> None:
        if len(self._waiting) >= WAITING:
            raise ExhaustedError("too many bodies wait, send it again")
        entry = (held, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        self._press()
        try:
            async with asyncio.timeout(within):
                await entry[1]
        except TimeoutError:
            if held not in self._held:
                raise ExhaustedError("no room for the body became free in time, send it again") from None
        except asyncio.CancelledError:
            if held in self._held:
                self._held.discard(held)
                self.bytes -= held.size
            raise
        finally:
            if entry in self._waiting:
                self._waiting.remove(entry)
                self._grant()

    def _take(self, held: Held) -> None:
        self._held.add(held)
        self.bytes += held.size

    def _grant(self) -> None:
        while self._waiting:
            load = self._load()
            held, ready = entry = min(self._waiting, key=lambda waiter: load[waiter[0].address])
            if self.bytes + held.size > self._limit:
                break
            self._waiting.remove(entry)
            if not ready.done():
                self._take(held)
                ready.set_result(None)
        self._press()

    def _press(self) -> None:
        """Let bodies give way that keep others waiting, now or when their grace is over."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._waiting or any(held.evicted for held in self._held):
            return
        loop = asyncio.get_running_loop()
        now, load = loop.time(), self._load()
        ages = [(held, age) for held in self._held if (age := held.age(now)) is not None]
        late = [(load[held.address], age, held) for held, age in ages if age >= self._grace]
        if late:
            # It gives its room to who waits, and that comes by here again.
            max(late, key=lambda item: item[:2])[2].evict(now)
        elif ages:
            self._timer = loop.call_later(self._grace - max(age for _, age in ages), self._press)

    def _load(self) -> Counter[str]:
        load: Counter[str] = Counter()
        for held in self._held:
            load[held.address] += held.size
        return load
