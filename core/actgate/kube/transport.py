"""Requests to one API server: JSON, deadlines, and the translation of everything that goes wrong.

Whatever goes wrong below comes out as a `ClusterError`. Nothing is tried again.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from urllib.parse import urlencode

import aiohttp
import orjson
from kubernetes.aio.client import Configuration

from actgate.kube.errors import (
    Silent,
    Unintelligible,
    refusal,
    translated,
)
from actgate.kube.objects import Object
from actgate.kube.observing import Observer
from actgate.kube.session import AGENT, open_session

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
        self._host = configuration.host
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
            f"{self._host}{path}{_encoded(query or {})}",
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
