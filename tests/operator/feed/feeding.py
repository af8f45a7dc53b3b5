"""A feed that runs while a test looks at it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from kubernetes.aio.client import Configuration

from actgate.kube.observing import Asked
from actgate_operator.feed import Feed, FeedTiming
from tests.kube.running import PATIENCE_SECONDS

PATIENT = FeedTiming(inactivity=3600.0, backoff_first=0.01, backoff_longest=0.05)
"""Nothing happens by time alone within a test, and what failed is tried again soon."""


@dataclass
class Feeding:
    """What a running feed has told so far; `thread` is the one on which it was told."""

    seen: list[tuple[str, str, int]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    told_on: set[threading.Thread] = field(default_factory=set)
    feed: Feed = field(init=False)
    task: asyncio.Task[None] = field(init=False)

    def see(self, namespace: str, name: str, version: int) -> None:
        """Be the one that is told."""
        self.told_on.add(threading.current_thread())
        self.seen.append((namespace, name, version))

    def names(self) -> set[str]:
        """Return who was told of."""
        return {name for _, name, _ in self.seen}

    def latest(self) -> dict[str, int]:
        """Return the highest version that was told, by name."""
        return {name: max(version for _, each, version in self.seen if each == name) for name in self.names()}

    async def stop(self) -> None:
        """Cancel the feed, and wait for its end."""
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self.task


def begun(kubeconfig: Path, timing: FeedTiming = PATIENT) -> Feeding:
    """Start a feed."""
    feeding = Feeding()
    feeding.feed = Feed(kubeconfig, feeding.see, observe=feeding.asked.append, timing=timing)
    feeding.task = asyncio.create_task(feeding.feed.run())
    return feeding


@asynccontextmanager
async def fed(kubeconfig: Path, timing: FeedTiming = PATIENT) -> AsyncIterator[Feeding]:
    """Run a feed; the test fails when it ends by itself."""
    feeding = begun(kubeconfig, timing)
    try:
        yield feeding
        assert not feeding.task.done(), feeding.task
    finally:
        await feeding.stop()


def threads() -> set[str]:
    """Return the names of the threads of feeds that live."""
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("kopf")}


def impatient(read: Callable[..., Awaitable[Configuration]]) -> Callable[[str], Awaitable[Configuration]]:
    """Look tokens up for every request."""
    return lambda paths: read(paths, token_seconds=0.0)


def replace_token(kubeconfig: Path) -> None:
    """Replace the token, as the kubelet does."""
    (kubeconfig.parent / "token").write_text("second")
