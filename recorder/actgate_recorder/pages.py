"""``/livez``, ``/readyz`` and ``/metrics`` on a port of their own, which no client of the model reaches."""

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

import httptools

from actgate.runtime.health import Health
from actgate.runtime.listener import Limits
from actgate_recorder.head import Header, header_value

LIMITS: Final = Limits(connections=64, lifetime=60.0)
_LARGEST: Final = 16 * 1024
_TEXT: Final = "text/plain; charset=utf-8"

Page = Callable[[str, str], tuple[int, str, bytes]]
"""Takes the query and the Accept header; returns status, content type and body."""


def health_page(health: Health) -> Page:
    """Return the page of checks; ``?verbose`` names each one."""

    def page(query: str, _accept: str) -> tuple[int, str, bytes]:
        status, text = health.page(verbose=query.split("=")[0] == "verbose")
        return status, _TEXT, text.encode()

    return page


def metrics_page(exposition: Callable[[str], tuple[bytes, str]]) -> Page:
    """Return the page for a scraper."""

    def page(_query: str, accept: str) -> tuple[int, str, bytes]:
        body, content_type = exposition(accept)
        return HTTPStatus.OK, content_type, body

    return page


class Pages(asyncio.Protocol):
    """A connection that is answered once."""

    def __init__(self, pages: Mapping[str, Page]) -> None:
        self._pages = pages
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: list[Header] = []
        self._size = 0
        self._answered = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        self._transport = transport  # type: ignore[assignment] # a TCP connection's

    def data_received(self, data: bytes) -> None:
        """Parse the request."""
        self._size += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._answer(HTTPStatus.BAD_REQUEST, _TEXT, b"not valid HTTP/1.1")
        if self._size > _LARGEST:
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _TEXT, b"too large")

    def on_url(self, url: bytes) -> None:
        """Keep the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self._headers.append((name, value))

    def on_message_complete(self) -> None:
        """Answer."""
        path, _, query = self._target.decode("latin-1").partition("?")
        page = self._pages.get(path)
        if page is None:
            self._answer(HTTPStatus.NOT_FOUND, _TEXT, b"not found")
        elif self._parser.get_method() not in (b"GET", b"HEAD"):
            self._answer(HTTPStatus.METHOD_NOT_ALLOWED, _TEXT, b"only GET")
        else:
            accept = (header_value(self._headers, b"accept") or b"").decode("latin-1")
            self._answer(*page(query, accept))

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        if self._answered or self._transport is None:
            return
        self._answered = True
        known = HTTPStatus(status)
        head = (
            f"HTTP/1.1 {known.value} {known.phrase}\r\nContent-Type: {content_type}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self._transport.write(head.encode() + (b"" if self._parser.get_method() == b"HEAD" else body))
        self._transport.close()
