"""What stands between kopf and the API server: it listens, slows down and translates.

kopf 1.45 hides bookmarks from handlers, opens a watch that ended at once again without a pause,
ends on a 410 that comes as a status and not in the stream, asks without a pause while it is answered
401, and waits for ever, silently, for a kind that is not installed. All of that is mended here, on
the public middlewares of aiohttp.
"""

import json
from collections.abc import AsyncIterator, Callable
from typing import cast

import aiohttp

from actgate.kube.resources import MODEL_DEPLOYMENTS as KIND
from actgate.kube.timing import Backoff, Timing

_COLLECTION = KIND.collection()

_GROUPS = "/apis"
_KINDS = f"/apis/{KIND.api_version}"

_EXPIRED = {
    "type": "ERROR",
    "object": {"kind": "Status", "status": "Failure", "code": 410, "reason": "Expired"},
}


def listening(heard: Callable[[], None]) -> aiohttp.ClientMiddlewareType:
    """Call `heard` whenever kopf's list or watch has an answer, and for every piece of a watch.

    An open watch counts: the API server answered, and tells everything that came after the last
    event. Bookmarks alone would not do, since on a quiet cluster there may be none.
    """

    async def middleware(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        response = await handler(request)
        if request.url.path.endswith(_COLLECTION) and response.status == 200:
            heard()
            if _watches(request):
                _read_instead(response, _Overheard(response.content, heard))
        return response

    return middleware


def pacing(timing: Timing, steady: float) -> aiohttp.ClientMiddlewareType:
    """Pause, ever longer, before a list or a watch that follows its like within `steady` seconds."""
    lists, watches = Pace(timing, steady), Pace(timing, steady)

    async def middleware(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if request.url.path.endswith(_COLLECTION) and "continue" not in request.url.query:
            await (watches if _watches(request) else lists).step()
        return await handler(request)

    return middleware


def translating() -> aiohttp.ClientMiddlewareType:
    """Say a 410 so that kopf lists anew, and a 401 so that it tries again later.

    To log in again, as kopf would, is of no use: every request carries the token of its moment.
    """

    async def middleware(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        response = await handler(request)
        if response.status == 401:
            response.release()
            raise aiohttp.ClientConnectionError("401: the API server does not accept our credentials")
        if response.status == 410 and request.url.path.endswith(_COLLECTION):
            response.release()
            if not _watches(request):
                raise aiohttp.ClientPayloadError("410: the list expired before its last page")
            response.status = 200
            _read_instead(response, _Recited(json.dumps(_EXPIRED).encode()))
        return response

    return middleware


def seeking(missing: Callable[[], None]) -> aiohttp.ClientMiddlewareType:
    """Call `missing` when the discovery that kopf builds on does not name our kind."""

    async def middleware(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        response = await handler(request)
        path = request.url.path
        if path.endswith(_GROUPS) and response.status == 200:
            # The body stays with the response: kopf reads it once more.
            groups = (await response.json()).get("groups") or []
            if KIND.group not in {group.get("name") for group in groups}:
                missing()
        elif path.endswith(_KINDS) and response.status in (200, 404):
            kinds = (await response.json()).get("resources") or [] if response.status == 200 else []
            if KIND.plural not in {kind.get("name") for kind in kinds}:
                missing()
        return response

    return middleware


class Pace:
    """Lets a step be taken at once, unless the one before was less than `steady` seconds ago."""

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


class _Overheard:
    """The body of a response; every piece that is read from it is noticed."""

    def __init__(self, content: aiohttp.StreamReader, heard: Callable[[], None]) -> None:
        self._content = content
        self._heard = heard

    def __getattr__(self, name: str) -> object:
        return getattr(self._content, name)

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """Iterate over the pieces, as kopf does."""
        async for piece in self._content.iter_chunked(size):
            self._heard()
            yield piece


class _Recited:
    """A body of one line, in place of the one that came."""

    def __init__(self, line: bytes) -> None:
        self._line = line

    def exception(self) -> BaseException | None:
        """Return None: nothing can go wrong with it any more."""
        return None

    def set_exception(self, *_: object) -> None:
        """Ignore what happens to the connection."""

    async def iter_chunked(self, _: int) -> AsyncIterator[bytes]:
        """Iterate over the one piece."""
        yield self._line + b"\n"


def _watches(request: aiohttp.ClientRequest) -> bool:
    return request.url.query.get("watch") == "true"


def _read_instead(response: aiohttp.ClientResponse, content: _Overheard | _Recited) -> None:
    response.content = cast(aiohttp.StreamReader, content)
