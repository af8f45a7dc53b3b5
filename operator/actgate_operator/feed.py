"""Which ModelDeployments to look at: kopf watches them, in a thread and an event loop of its own.

kopf is used for what it does well, to list and watch for years whatever the API server does, and for
nothing else: a registry with one handler, a login, no state of its own on our objects, no finalizers, no
retries of handlers. What it sees becomes a key in the caller's hands; everything else is for the queue and
the reconciler.
"""

import asyncio
import math
from collections.abc import Callable
from pathlib import Path

import aiohttp
import kopf
from kubernetes.aio.client import Configuration

from actgate.kube import access
from actgate.kube.objects import key_of, version_of
from actgate.kube.observing import Observer
from actgate.kube.resources import MODEL_DEPLOYMENTS as KIND
from actgate.kube.transport import open_session
from actgate_operator.kopf_session import Pace, listening, pacing, seeking, translating
from actgate_operator.kopf_settings import FeedTiming, quiet, settings_for
from actgate_operator.loop_thread import LoopThread
from actgate_operator.names import MANAGER

__all__ = ["Feed", "FeedEnded", "FeedTiming"]

SETTLE_SECONDS = 1.0
"""How long kopf may take to hear the rest of what the API server serves."""

CLOSING_SECONDS = 0.25
"""aiohttp closes its TLS connections a moment after it says so, if the loop is still there."""


class FeedEnded(Exception):  # noqa: N818 - the name says it already
    """kopf has ended, and nobody tells of changes any more."""


class Feed:
    """kopf in its own thread and event loop: it watches ModelDeployments and says which one to look at.

    `seen(namespace, name, resource_version)` is called on the loop on which `run` runs: for each
    object once at the start, and whenever one is made, changed or deleted. After a gap it is called
    for all that exist; what vanished in the gap is not told. `observe` is told of kopf's requests,
    on kopf's thread.
    """

    def __init__(
        self,
        kubeconfig: Path | None,
        seen: Callable[[str, str, int], None],
        *,
        observe: Observer | None = None,
        timing: FeedTiming | None = None,
    ) -> None:
        self._kubeconfig = kubeconfig
        self._seen = seen
        self._observe = observe
        self._timing = timing or FeedTiming()
        self._heard_at = -math.inf

    def silence(self) -> float:
        """Return the seconds since kopf's list or watch heard from the API server, infinity before.

        As long as the API server answers this stays below `inactivity` and a little: a watch that
        is silent for longer is opened anew.
        """
        return self._timing.now() - self._heard_at

    async def run(self) -> None:
        """Watch until cancelled, then stop kopf; raise `FeedEnded` where kopf ends by itself."""
        quiet()
        caller = asyncio.get_running_loop()

        def told(namespace: str, name: str, version: int) -> None:
            caller.call_soon_threadsafe(self._seen, namespace, name, version)

        kopf_run = _KopfRun(self._kubeconfig, told, self._hear, self._observe, self._timing)
        thread = LoopThread("kopf", kopf_run.until)
        thread.start()
        try:
            error = await thread.ended()
        finally:
            await thread.stop(self._timing.stop)
        raise FeedEnded(f"kopf ended: {error or 'unexpectedly'}") from error

    def _hear(self) -> None:
        self._heard_at = self._timing.now()


class NotInstalled(Exception):  # noqa: N818 - the name says it already
    """The API server does not serve the kind that we watch."""


class _KopfRun:
    """Runs kopf on the loop that calls `until`; `told` and `heard` are called there, too."""

    def __init__(
        self,
        kubeconfig: Path | None,
        told: Callable[[str, str, int], None],
        heard: Callable[[], None],
        observe: Observer | None,
        timing: FeedTiming,
    ) -> None:
        self._kubeconfig = kubeconfig
        self._told = told
        self._heard = heard
        self._observe = observe
        self._timing = timing
        self._logins = Pace(timing.pauses(), timing.steady)
        self._session: aiohttp.ClientSession | None = None
        self._installed = True

    async def until(self, stop: asyncio.Event) -> None:
        """Return soon after `stop` is set; raise what ended kopf earlier.

        Raises `Misconfigured` or `NotInstalled` at once, where kopf alone would wait for ever.
        """
        configuration = await access.find(self._kubeconfig)
        self._session = self._open(configuration, stop)
        try:
            # kopf takes seconds to stop while it starts.
            if not stop.is_set():
                await self._operate(configuration, stop)
        finally:
            # kopf closes it, but only where it ends in peace.
            await self._session.close()
            await asyncio.sleep(CLOSING_SECONDS)
        if not self._installed:
            raise NotInstalled(
                f"the API server does not serve {KIND.plural} of {KIND.api_version}: "
                "install the definitions in crds/ and start again"
            )

    async def _operate(self, configuration: Configuration, stop: asyncio.Event) -> None:
        await kopf.operator(
            registry=self._registry(configuration, stop),
            settings=settings_for(self._timing),
            clusterwide=True,
            standalone=True,
            stop_flag=stop,
        )

    def _registry(self, configuration: Configuration, stop: asyncio.Event) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()

        @kopf.on.login(registry=registry)
        async def login(**_: object) -> kopf.AiohttpSession:
            return await self._login(configuration, stop)

        @kopf.on.event(KIND.group, KIND.version, KIND.plural, registry=registry)
        async def event(body: kopf.Body, **_: object) -> None:
            self._told(*key_of(body), version_of(body))

        return registry

    async def _login(self, configuration: Configuration, stop: asyncio.Event) -> kopf.AiohttpSession:
        """Return the session, or another one since kopf found it broken and closed it."""
        await self._logins.step()
        if self._session is None or self._session.closed:
            self._session = self._open(configuration, stop)
        return kopf.AiohttpSession(server=configuration.host, aiohttp_session=self._session)

    def _open(self, configuration: Configuration, stop: asyncio.Event) -> aiohttp.ClientSession:
        return open_session(
            configuration,
            pacing(self._timing.pauses(), self._timing.steady),
            translating(),
            listening(self._heard),
            seeking(lambda: self._give_up(stop)),
            observe=self._observe,
            agent=MANAGER,
        )

    def _give_up(self, stop: asyncio.Event) -> None:
        self._installed = False
        # kopf is asking about other kinds yet; to stop it in the midst of that takes it long.
        asyncio.get_running_loop().call_later(SETTLE_SECONDS, stop.set)
