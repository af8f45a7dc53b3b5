"""kopf with our handlers, in a thread and an event loop of its own, while a test plays the API server.

When kopf ends it cancels every task of its loop that is younger than itself, the fake API server's too.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import kopf
from kubernetes.aio.client import Configuration

from actgate.kube.client import Cluster
from actgate.kube.objects import Key
from actgate.kube.observing import Asked
from actgate_operator.kopf_fixes import Logins
from actgate_operator.kopf_run import run_kopf
from actgate_operator.kopf_settings import KopfTiming, configure
from actgate_operator.models import ModelCache
from tests.kube.fake_leases import no_server
from tests.kube.running import PATIENCE_SECONDS, until

PATIENT = KopfTiming(watch=3600, inactivity=3600.0, backoff_first=0.01, backoff_longest=0.02)
"""Nothing happens by time alone within a test, and what failed is tried again soon."""


@dataclass
class Following:
    """A process without work of its own, and what it has observed of models."""

    kubeconfig: Path
    timing: KopfTiming
    changed: list[tuple[Key, int | None]] = field(default_factory=list)
    """Each change with the version that the cache had then, None for one that is gone."""
    asked: list[Asked] = field(default_factory=list)
    lists: int = 0
    """Lists of kopf's after which another one has to look for deletions."""
    closed: bool = False
    failure: BaseException | None = None

    def __post_init__(self) -> None:
        self.models = ModelCache(Cluster(no_server), self._note, self.timing.now)
        self.logins = Logins(
            self.kubeconfig, self.timing, self.models.note_answer, self._note_list, self.asked.append
        )
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="kopf under test", daemon=True)
        self._thread.start()

    # What the handlers ask of a process.

    async def open(self, settings: kopf.OperatorSettings) -> None:
        """Set kopf up."""
        configure(settings, self.timing)

    async def close(self) -> None:
        """Have nothing to end."""
        self.closed = True
        self._stop.set()

    def livez(self) -> str:
        """Return that all is well."""
        return "ok"

    # What a test asks.

    def versions(self) -> dict[str, int]:
        """Return the versions of the models that are known, by name."""
        models = {key[1]: self.models.get(key) for key in self.models.references()}
        return {name: int(model["metadata"]["resourceVersion"]) for name, model in models.items() if model}

    def ended(self) -> bool:
        """Return whether kopf has ended."""
        return not self._thread.is_alive()

    async def stop(self) -> None:
        """End kopf as a signal would, and wait for it."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stop.set)
        await self.end()

    async def end(self) -> None:
        """Wait until kopf has ended."""
        await asyncio.to_thread(self._thread.join, PATIENCE_SECONDS)
        assert self.ended()

    def _note(self, key: Key) -> None:
        model = self.models.get(key)
        self.changed.append((key, int(model["metadata"]["resourceVersion"]) if model else None))

    def _note_list(self) -> None:
        self.lists += 1

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(run_kopf(self, self._stop))  # type: ignore[arg-type]
        except BaseException as error:
            self.failure = error
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            # aiohttp closes its TLS connections a moment after it says so.
            self._loop.run_until_complete(asyncio.sleep(0.1))
            self._loop.close()


@asynccontextmanager
async def following(kubeconfig: Path, timing: KopfTiming = PATIENT) -> AsyncIterator[Following]:
    """Run kopf; the test fails when it ends by itself."""
    running = Following(kubeconfig, timing)
    try:
        yield running
        assert running.failure is None, running.failure
        assert not running.ended()
    finally:
        await running.stop()


async def failure_of(running: Following) -> BaseException:
    """Wait until kopf has ended by itself, and return what the process would end with."""
    await until(running.ended)
    assert running.failure is not None
    return running.failure


def impatient(read: Callable[..., Awaitable[Configuration]]) -> Callable[..., Awaitable[Configuration]]:
    """Look tokens up for every request."""
    return partial(read, token_seconds=0.0)


def replace_token(kubeconfig: Path) -> None:
    """Replace the token, as the kubelet does."""
    (kubeconfig.parent / "token").write_text("second")
