"""One run of kopf: a registry with one handler, a login, and nothing that anybody else shares."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import aiohttp
import kopf
from kubernetes.aio.client import Configuration

from actgate.kube import access
from actgate.kube.objects import version_of
from actgate.kube.observing import Observer
from actgate.kube.resources import MODEL_DEPLOYMENTS as KIND
from actgate.kube.transport import open_session
from actgate_operator.kopf_session import Pace, listening, pacing, seeking, translating
from actgate_operator.kopf_settings import FeedTiming, settings_for
from actgate_operator.names import MANAGER

SETTLE_SECONDS = 1.0
"""How long kopf may take to hear the rest of what the API server serves."""

CLOSING_SECONDS = 0.25
"""aiohttp closes its TLS connections a moment after it says so, if the loop is still there."""


class NotInstalled(Exception):  # noqa: N818 - the name says it already
    """The API server does not serve the kind that we watch."""


class KopfRun:
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
        async def event(namespace: str | None, name: str | None, body: kopf.Body, **_: object) -> None:
            self._told(namespace or "", name or "", version_of(body))

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
