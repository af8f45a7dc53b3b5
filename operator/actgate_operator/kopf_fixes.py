"""What stands between kopf 1.45 and the API server, each for a behaviour of kopf's that we cannot live with.

| kopf | here |
|---|---|
| does not say when its watch was last answered, and keeps bookmarks to itself | ``listening`` |
| delivers no deletion from before its list, nor says that it lists again | ``listening`` |
| opens a watch that ended at once again without a pause: more than a thousand a second | ``pacing`` |
| ends on a list that expires between two pages (410) | ``relisting`` |
| after 401 gives up where a login has the same credentials, and else logs in without a pause | ``Logins`` |
| after a startup that failed leaves a coroutine behind that nothing awaits | ``ignore_abandoned_login`` |

``tests/operator/frame/test_kopf_alone.py`` shows each of them on kopf without the remedy, and fails when a
later release needs it no longer.
"""

import warnings
from collections.abc import Callable
from pathlib import Path

import aiohttp
import kopf

from actgate.kube import access
from actgate.kube.observing import Observer
from actgate.kube.resources import MODEL_DEPLOYMENTS
from actgate.kube.timing import Backoff, Timing
from actgate.kube.transport import open_session
from actgate_operator.kopf_settings import KopfTiming
from actgate_operator.names import MANAGER

_COLLECTION = MODEL_DEPLOYMENTS.collection()


def listening(on_answer: Callable[[], None], on_list: Callable[[], None]) -> aiohttp.ClientMiddlewareType:
    """Call ``on_answer`` whenever kopf's list or watch has an answer; watches last a minute at most.

    ``on_list`` is called once for each list, and means that what went before it went unobserved.
    """

    async def middleware(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        response = await handler(request)
        if request.url.path.endswith(_COLLECTION) and response.status == 200:
            on_answer()
            # Its first page has the version that the watch goes on from.
            if "watch" not in request.url.query and "continue" not in request.url.query:
                on_list()
        return response

    return middleware


def pacing(timing: Timing, steady: float) -> aiohttp.ClientMiddlewareType:
    """Pause, ever longer, before a list or a watch that follows its like within ``steady`` seconds."""
    lists, watches = Pace(timing, steady), Pace(timing, steady)

    async def middleware(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if request.url.path.endswith(_COLLECTION) and "continue" not in request.url.query:
            await (watches if "watch" in request.url.query else lists).step()
        return await handler(request)

    return middleware


def relisting() -> aiohttp.ClientMiddlewareType:
    """Let a 410 look like a connection that broke, after which kopf lists anew."""

    async def middleware(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        response = await handler(request)
        if response.status == 410 and "watch" not in request.url.query:
            response.release()
            raise aiohttp.ClientPayloadError("410: the list expired before its last page")
        return response

    return middleware


def ignore_abandoned_login() -> None:
    """Keep Python's warning of it from standard error, which has one sentence on why startup failed."""
    warnings.filterwarnings("ignore", "coroutine 'authenticator' was never awaited", RuntimeWarning)


class Logins:
    """What the login handler answers: another session each time, and not too often.

    Every request carries the token of its moment, so that no login is needed for a token that was replaced.
    """

    def __init__(
        self,
        kubeconfig: Path | None,
        timing: KopfTiming,
        on_answer: Callable[[], None],
        on_list: Callable[[], None],
        observe: Observer | None,
    ) -> None:
        self._kubeconfig = kubeconfig
        self._timing = timing
        self._listening = listening(on_answer, on_list)
        self._observe = observe
        self._pace = Pace(timing.pauses(), timing.steady)
        # They outlive a session, else each login would begin to ask in a rush.
        self._pacing = pacing(timing.pauses(), timing.steady)
        self._session: aiohttp.ClientSession | None = None

    async def login(self) -> kopf.AiohttpSession:
        """Return a session, which kopf closes when it is refused.

        Raises:
            Misconfigured: There is no configuration that leads to an API server.
        """
        await self._pace.step()
        configuration = await access.find(self._kubeconfig)
        self._session = open_session(
            configuration,
            self._pacing,
            relisting(),
            self._listening,
            observe=self._observe,
            agent=MANAGER,
        )
        return kopf.AiohttpSession(server=configuration.host, aiohttp_session=self._session)

    async def close(self) -> None:
        """Close the last session, which kopf leaves open where it ends in an error."""
        if self._session is not None:
            await self._session.close()


class Pace:
    """Lets a step be taken at once, unless the one before was less than ``steady`` seconds ago."""

    def __init__(self, timing: Timing, steady: float) -> None:
        self._timing = timing
        self._steady = steady
        self._backoff = Backoff(timing)
        self._last = float("-inf")

    async def step(self) -> None:
        """Pause where it is too soon: each time longer."""
        if self._timing.now() - self._last < self._steady:
            await self._backoff.pause()
        else:
            self._backoff.reset()
        self._last = self._timing.now()
