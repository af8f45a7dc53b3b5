"""Whether the operator lives and works: watches that are answered, a lease, a queue that moves.

``/readyz`` fails when something is late, ``/livez`` when it is so late that a restart may fix it. A replica
that waits for the lease keeps its caches warm, and has no queue.

What was never answered has no age. ``/readyz`` waits for the first answer; for ``/livez`` it may take as long
as any later one, since an API server that does not answer yet is no reason for a restart.
"""

import logging
import math
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from aiohttp import web

from actgate.kube.reflector import Reflector
from actgate.kube.resources import MODEL_DEPLOYMENTS
from actgate.kube.timing import boot_clock
from actgate.runtime.health import Health
from actgate.runtime.listener import Limits, Listener, listen
from actgate_operator.metrics import Metrics

logger = logging.getLogger(__name__)

LIMITS: Final = Limits(connections=64, lifetime=60.0)
"""Of the connections to the health pages. A scraper or a kubelet opens another one when one is closed."""


class Election(Protocol):
    """What is asked of the lease."""

    def held(self) -> bool:
        """Return whether it is certain that no other replica leads."""

    def age(self) -> float:
        """Return the seconds since the API server last answered about the lease."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What is checked beside the lease."""

    reflectors: Iterable[Reflector[Any]]
    silence: Callable[[], float]
    """Seconds since kopf's watch of models was answered."""
    queue_age: Callable[[], float]


class Checks:
    """Every check, with one patience for all of them, in seconds.

    Args:
        election: The lease.
        parts: Caches and queue.
        patience: How old the last answer may be.
        first: How long the first answer may take: 0.0 for a check that waits for it.
        now: A clock that cannot be set, in seconds.
    """

    def __init__(
        self,
        election: Election,
        parts: Parts,
        patience: float,
        *,
        first: float = 0.0,
        now: Callable[[], float] = boot_clock,
    ) -> None:
        self._election = election
        self._parts = parts
        self._patience = patience
        self._first = first
        self._now = now
        self._since = now()
        self._leads = False

    def lead(self) -> None:
        """Check what only the leader has, too, from now on."""
        self._leads = True

    def failing_checks(self) -> Mapping[str, str | None]:
        """Return for each check why it fails, None where it holds."""
        if self._leads:
            results = {"lease": None if self._election.held() else "lost"}
        else:
            results = {"lease": self._late("no answer about the lease", self._election.age())}
        for reflector in self._parts.reflectors:
            results[f"watch {reflector.resource}"] = self._cache(reflector)
        results[f"watch {MODEL_DEPLOYMENTS}"] = self._late("no answer", self._parts.silence())
        if self._leads:
            results["queue"] = self._late("the oldest model has waited", self._parts.queue_age())
        return results

    def _cache(self, reflector: Reflector[Any]) -> str | None:
        why = f": {reflector.last_error}" if reflector.last_error is not None else ""
        late = self._late("no contact", reflector.age())
        return None if late is None else f"{late}{why}"

    def _late(self, what: str, seconds: float) -> str | None:
        if math.isfinite(seconds):
            return f"{what} for {seconds:.0f} s" if seconds > self._patience else None
        waited = self._now() - self._since
        return f"{what} yet, after {waited:.0f} s" if waited >= self._first else None


def pages(metrics: Metrics, live: Health, ready: Health) -> web.Application:
    """Return an app for ``/livez``, ``/readyz`` and ``/metrics``; ``?verbose`` names each check."""

    async def livez(request: web.Request) -> web.Response:
        return _page(live, request)

    async def readyz(request: web.Request) -> web.Response:
        return _page(ready, request)

    async def exposition(request: web.Request) -> web.Response:
        body, content_type = metrics.exposition(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    app = web.Application()
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", exposition)
    return app


def _page(health: Health, request: web.Request) -> web.Response:
    status, text = health.page(verbose="verbose" in request.query)
    return web.Response(status=status, text=text)


@asynccontextmanager
async def answering(app: web.Application, address: str, port: int) -> AsyncIterator[None]:
    """Answer within limits: aiohttp waits for ever for the header of a first request."""
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        with listen(address, port) as listening:
            assert runner.server is not None  # noqa: S101 - it is there after setup
            listener = Listener(listening, runner.server, LIMITS)
            listener.start()
            try:
                logger.info("health on %s, port %d", *listening.getsockname()[:2])
                yield
            finally:
                listener.close()
                await listener.wait_closed()
    finally:
        await runner.cleanup()
