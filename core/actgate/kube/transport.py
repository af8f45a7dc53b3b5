"""Requests to one API server: trust, credentials, JSON, deadlines, and what goes wrong as a `ClusterError`.

Every request gets the token that is valid when it is sent, since service accounts' tokens rotate, and an
observer is called with it. Nothing is tried again. `open_session` is for kopf, too.
"""

import asyncio
import urllib.request
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from time import perf_counter
from urllib.parse import urlencode, urlsplit

import aiohttp
import orjson
from kubernetes.aio.client import Configuration
from kubernetes.aio.client.rest import RESTClientObject

from actgate.kube.errors import Misconfigured, Silent, Unintelligible, refusal, translated
from actgate.kube.objects import Object
from actgate.kube.observing import Asked, Observer, words
from actgate.kube.trust import as_kubernetes
from actgate.version import VERSION

AGENT = "actgate"

LINE_BYTES = 2**21
"""Half of the longest line of a watch: an object of the size that etcd takes, with room for its records."""

CONNECT_SECONDS = 5.0
"""How long a TCP connection with its TLS handshake may take."""

Query = Mapping[str, str | int | None]
"""Parameters of a URL; None stands for one that is not given."""

_HEADERS = {
    "Accept": "application/json",
    # To inflate a page of a list would hold up the event loop for longer than its bytes take.
    "Accept-Encoding": "identity",
}


class Transport:
    """A pool of connections to one API server."""

    def __init__(
        self, configuration: Configuration, observe: Observer | None = None, agent: str = AGENT
    ) -> None:
        self.host = configuration.host
        """The address of the API server."""
        self._session = open_session(configuration, observe=observe, agent=agent)

    async def close(self) -> None:
        """Close the pool."""
        await self._session.close()

    async def request(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        *,
        body: Object | None = None,
        content_type: str = "application/json",
        within: float,
    ) -> Object:
        """Return the object that the API server answers, all within so many seconds."""
        asked = f"{method} {path}"
        with translated(asked):
            async with asyncio.timeout(within):
                response = await self._send(
                    method, path, query, body=body, content_type=content_type, total=within
                )
                await _accepted(asked, response)
                return _decoded(asked, await response.read())

    @asynccontextmanager
    async def lines(
        self, path: str, query: Query, *, lasting: float, silence: float
    ) -> AsyncIterator[AsyncIterator[Object]]:
        """Open a stream of objects, one per line.

        It lasts `lasting` seconds at most. To open it, and each next line, takes `silence` seconds
        at most. A stream that merely ends, also within a line, ends the iteration.
        """
        asked = f"watch {path}"
        with translated(asked):
            async with asyncio.timeout(silence):
                response = await self._send("GET", path, query, total=lasting)
                await _accepted(asked, response)
        try:
            async with aclosing(_lines(asked, response.content, silence)) as lines:
                yield lines
        finally:
            response.close()

    async def _send(
        self,
        method: str,
        path: str,
        query: Query | None,
        *,
        body: Object | None = None,
        content_type: str = "application/json",
        total: float,
    ) -> aiohttp.ClientResponse:
        """Return the answer, whatever it is, as soon as its headers are in."""
        return await self._session.request(
            method,
            f"{self.host}{path}{_encoded(query or {})}",
            headers={**_HEADERS, "Content-Type": content_type},
            data=None if body is None else orjson.dumps(body),
            timeout=aiohttp.ClientTimeout(total=total, sock_connect=CONNECT_SECONDS),
        )


async def _lines(asked: str, content: aiohttp.StreamReader, silence: float) -> AsyncGenerator[Object, None]:
    while True:
        with translated(asked):
            try:
                async with asyncio.timeout(silence):
                    line = await content.readline()
            except TimeoutError:
                raise Silent(f"{asked}: nothing heard for {silence:g} seconds") from None
        if not line.endswith(b"\n"):
            return
        yield _decoded(asked, line)


def _decoded(asked: str, data: bytes) -> Object:
    with translated(asked):
        answer = orjson.loads(data)
    if not isinstance(answer, dict):
        raise Unintelligible(f"{asked}: the answer is not an object")
    return answer


async def _accepted(asked: str, response: aiohttp.ClientResponse) -> None:
    if response.status < 300:
        return
    data = await response.read()
    body: object = None
    with suppress(orjson.JSONDecodeError):
        body = orjson.loads(data)
    raise refusal(asked, response.status, body, _seconds(response.headers.get("Retry-After")))


def _seconds(retry_after: str | None) -> float:
    """Read the header; its other form, a date, is one that the API server does not use."""
    return float(retry_after) if retry_after and retry_after.isdecimal() else 0.0


def _encoded(query: Query) -> str:
    given = {name: value for name, value in query.items() if value is not None}
    return f"?{urlencode(given)}" if given else ""


def open_session(
    configuration: Configuration,
    *middlewares: aiohttp.ClientMiddlewareType,
    observe: Observer | None = None,
    agent: str = AGENT,
) -> aiohttp.ClientSession:
    """Open a session to the API server of `access.find`; the caller closes it.

    Of the middlewares the first is the outermost; all of them are outside of ours. Raises
    `Misconfigured` where the certificates cannot be used. By its agent a request is known in the API
    server's audit log.
    """
    try:
        trust = as_kubernetes(RESTClientObject(configuration).ssl_context)
    except (OSError, ValueError) as error:
        raise Misconfigured(f"the certificates to reach the API server: {error}") from error
    observing = () if observe is None else (_observing(configuration, observe),)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trust),
        headers={"User-Agent": f"{agent}/{VERSION}"},
        # Not trust_env: for each request it would read the environment and ~/.netrc, in a thread.
        proxy=configuration.proxy or _proxy_for(configuration.host),
        read_bufsize=LINE_BYTES,
        middlewares=(*middlewares, *observing, _authorizing(configuration)),
    )


def _proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names for a server, as every client of Kubernetes does."""
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.netloc):
        return None
    return urllib.request.getproxies().get(parts.scheme)


def _observing(configuration: Configuration, observe: Observer) -> aiohttp.ClientMiddlewareType:
    below = urlsplit(configuration.host).path.rstrip("/")

    async def observing(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        code, asked_at = 0, perf_counter()
        try:
            response = await handler(request)
            code = response.status
            return response
        finally:
            path, watch = request.url.path.removeprefix(below), "watch" in request.url.query
            observe(Asked(*words(request.method, path, watch=watch), code, perf_counter() - asked_at))

    return observing


def _authorizing(configuration: Configuration) -> aiohttp.ClientMiddlewareType:
    server = _origin(configuration.host)

    async def authorizing(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        # A host that the API server redirects to does not get the token.
        if _origin(str(request.url)) == server:
            request.server_hostname = configuration.tls_server_name or request.server_hostname
            if bearer := (await configuration.auth_settings()).get("BearerToken"):
                request.headers["Authorization"] = bearer["value"] or ""
        return await handler(request)

    return authorizing


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
