"""Whether the operator lives and works: watches that are heard, a queue that moves, a lease that is held.

``/readyz`` says that something is late, ``/healthz`` that it is so late that a restart may mend it. A replica
that waits for the lease has only the lease to be late with.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from actgate.cluster.reflector import Reflector
from actgate.service.health import Health
from actgate_operator.metrics import Metrics


class Election(Protocol):
    """What is asked of the lease."""

    def held(self) -> bool:
        """Return whether it is certain that nobody else leads."""

    def age(self) -> float:
        """Return the seconds since the API server last answered about the lease."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What works while leading."""

    reflectors: Iterable[Reflector[object]]
    silence: Callable[[], float]
    """Seconds since kopf's watch was heard."""
    queue_age: Callable[[], float]


class Checks:
    """Every check, with one patience for all of them, in seconds."""

    def __init__(self, election: Election, patience: float) -> None:
        self._election = election
        self._patience = patience
        self.parts: Parts | None = None
        """Set while leading."""

    def troubles(self) -> Mapping[str, str | None]:
        """Return for each check why it fails, None where it holds."""
        if self.parts is None:
            return {"lease": self._late("no answer about the lease", self._election.age())}
        troubles = {"lease": None if self._election.held() else "lost"}
        for reflector in self.parts.reflectors:
            troubles[f"watch {reflector.resource}"] = self._picture(reflector)
        troubles["watch modeldeployments.actgate.dev"] = self._late("nothing heard", self.parts.silence())
        troubles["queue"] = self._late("the oldest model has waited", self.parts.queue_age())
        return troubles

    def _picture(self, reflector: Reflector[object]) -> str | None:
        why = f": {reflector.trouble}" if reflector.trouble is not None else ""
        late = self._late("no contact", reflector.age())
        return None if late is None else f"{late}{why}"

    def _late(self, what: str, seconds: float) -> str | None:
        return f"{what} for {seconds:.0f} s" if seconds > self._patience else None


def pages(metrics: Metrics, live: Health, ready: Health) -> web.Application:
    """Return an app for ``/healthz``, ``/readyz`` and ``/metrics``; ``?verbose`` names each check."""

    async def healthz(request: web.Request) -> web.Response:
        return _page(live, request)

    async def readyz(request: web.Request) -> web.Response:
        return _page(ready, request)

    async def exposition(request: web.Request) -> web.Response:
        body, content_type = metrics.exposition(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", exposition)
    return app


def _page(health: Health, request: web.Request) -> web.Response:
    status, text = health.page(verbose="verbose" in request.query)
    return web.Response(status=status, text=text)
