"""The connection of a client: requests one after the other, each handed to an exchange."""

import asyncio
from enum import Enum
from http import HTTPStatus
from typing import Final

import httptools

from actgate_recorder.head import Header, RequestHead, request_head
from actgate_recorder.refusal import Refusal, own_answer
from actgate_recorder.shared import Handles, Shared

LARGEST_HEAD: Final = 64 * 1024
"""Bytes of a request line with its headers, of trailers, and of what frames chunks between two pieces."""
_WRITE_BUFFER: Final = 64 * 1024
_LINGER_SECONDS: Final = 2.0
_PREFACE: Final = b"PRI * HTTP/2"
_TOO_LARGE: Final = Refusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the head of the request is larger than 64 KiB"
)
_UPGRADE: Final = Refusal(
    HTTPStatus.NOT_IMPLEMENTED,
    "WebSocket and other upgrades cannot be carried by the recorder, only HTTP/1.1",
)
_HTTP_2: Final = Refusal(
    HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "HTTP/2 and gRPC cannot be carried by the recorder, only HTTP/1.1"
)


class Phase(Enum):
    """What a connection waits for."""

    IDLE = "idle"
    HEADER = "header"
    UNDER_WAY = "under way"
    CLOSING = "closing"
    """For the client to read what it was answered, while it may still be sending."""


class PipelinedError(Exception):
    """A request before the answer to the last one."""


class Client(asyncio.Protocol):
    """A connection from accept to its end (a ``Timed`` of the listener)."""

    def __init__(self, proxy: Shared) -> None:
        self._proxy = proxy
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._handles: Handles | None = None
        self._head: RequestHead | None = None
        self._phase = Phase.HEADER
        self._since = self._loop.time()
        self._unread_since: float | None = None
        self._paused = False
        self._pipelined = False
        self._overhead = 0
        self.began_answer = False
        """Whether any byte of the answer under way has left."""
        self._reset()

    def _reset(self) -> None:
        self._target = b""
        self._headers: list[Header] = []
        self._body_came = False

    # From the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        self._transport = transport  # type: ignore[assignment] # a TCP connection's
        self._transport.set_write_buffer_limits(_WRITE_BUFFER)  # type: ignore[union-attr]

    def data_received(self, data: bytes) -> None:
        """Parse what the client sent."""
        if self._phase is Phase.CLOSING:
            return
        self._since = self._loop.time()
        if self._phase is Phase.IDLE:
            self._phase = Phase.HEADER
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._refuse(_refusal_of(error, data))
            return
        if self._body_came:
            self._body_came, self._overhead = False, 0
        elif self._handles is None or self._handles.waits_for_request:
            self._overhead += len(data)
            if self._overhead > LARGEST_HEAD:
                self._refuse(_TOO_LARGE)
                return
        if self._handles is not None:
            self._handles.request_read()

    def eof_received(self) -> None:
        """Take a client that sends no more for one that has gone, as most servers do."""

    def connection_lost(self, error: Exception | None) -> None:
        """End what is under way."""
        handles, self._handles = self._handles, None
        self._phase = Phase.CLOSING
        self._proxy.clients.discard(self)
        if handles is not None:
            handles.client_gone()

    def pause_writing(self) -> None:
        """Note that the client does not read."""
        self._unread_since = self._loop.time()
        if self._handles is not None:
            self._handles.pause_answer(True)

    def resume_writing(self) -> None:
        """Note that it reads again."""
        self._unread_since = None
        if self._handles is not None:
            self._handles.pause_answer(False)

    # From the parser.

    def on_message_begin(self) -> None:
        """Begin a request."""
        if self._handles is not None or self._pipelined:
            # Allowed by HTTP/1.1, sent by next to no client, and what request smuggling lives on. Its client
            # sends it again when the connection closes after the answer (RFC 9112 section 9.3.2).
            raise PipelinedError
        self._reset()

    def on_url(self, url: bytes) -> None:
        """Keep the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, or a trailer."""
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Hand the request to an exchange."""
        parser = self._parser
        if parser.should_upgrade():
            raise _UPGRADE
        self._head = head = request_head(
            parser.get_method(), self._target, parser.get_http_version(), self._headers, self._proxy.authority
        )
        self._headers = []
        self._phase = Phase.UNDER_WAY
        self.began_answer = False
        self._overhead = 0
        self._proxy.clients.add(self)
        self._handles = self._proxy.handles(self, head)

    def on_body(self, data: bytes) -> None:
        """Hand a piece of the body on."""
        self._body_came = True
        if self._handles is not None:
            self._handles.request_data(data)

    def on_message_complete(self) -> None:
        """Note that the request is whole."""
        if self._handles is not None:
            self._handles.request_ended(self._headers)

    # From the exchange.

    @property
    def speaks_1_1(self) -> bool:
        """Whether it takes chunks."""
        return self._parser.get_http_version() == "1.1"

    @property
    def closes(self) -> bool:
        """Whether this answer is the last one over this connection."""
        return self._pipelined or self._proxy.draining or self._head is None or self._head.close

    def write(self, data: bytes) -> None:
        """Send a part of an answer."""
        assert self._transport is not None  # noqa: S101 - for the type
        self.began_answer = True
        self._transport.write(data)

    def inform(self, answer: bytes) -> None:
        """Send 100 Continue, which is no part of the answer."""
        assert self._transport is not None  # noqa: S101 - for the type
        self._transport.write(answer)

    def pause(self, paused: bool) -> None:
        """Read no more of the request for now, or go on."""
        if paused is self._paused or self._transport is None or self._transport.is_closing():
            return
        self._paused = paused
        if paused:
            self._transport.pause_reading()
        else:
            self._since = self._loop.time()
            self._transport.resume_reading()

    def answered(self, *, close: bool = False) -> None:
        """Go on with the next request, or close, after an answer has left."""
        unread = self._handles is not None and self._handles.waits_for_request
        self._handles = None
        self._proxy.clients.discard(self)
        if close or self.closes:
            self._close(linger=unread or self._pipelined)
            return
        self._phase, self._since = Phase.IDLE, self._loop.time()
        self.pause(False)

    def answer_refused(self, refusal: Refusal, record: bytes = b"", *, close: bool = False) -> None:
        """Give an answer of our own."""
        self._proxy.refused(refusal.status)
        self.answer_own(refusal.status, refusal.body, record, close=close)

    def answer_own(
        self, status: HTTPStatus, body: bytes, record: bytes = b"", *, close: bool = False
    ) -> None:
        """Give an answer of our own."""
        close = close or self.closes
        to_head = self._head is not None and self._head.method == b"HEAD"
        self.write(own_answer(status, body, record=record, close=close, bodiless=to_head))
        self.answered(close=close)

    def cut(self) -> None:
        """Close after what has left, which is not the whole answer."""
        self._handles = None
        self._proxy.clients.discard(self)
        self._close(linger=False)

    def abort(self) -> None:
        """Close at once."""
        self._handles = None
        self._proxy.clients.discard(self)
        self._phase = Phase.CLOSING
        if self._transport is not None:
            self._transport.abort()

    def drain(self) -> None:
        """Close where nothing is under way."""
        if self._phase in (Phase.IDLE, Phase.HEADER):
            self._close(linger=False)

    # Of the listener.

    def waiting_since(self) -> float | None:
        """Return since when the client is waited for; None while it waits for us."""
        return None if self._phase is Phase.UNDER_WAY and not self._waits_for_body() else self._since

    def overdue(self, now: float) -> str | None:
        """Return what did not come in time."""
        timeouts = self._proxy.timeouts
        if self._unread_since is not None and now - self._unread_since > timeouts.write:
            return "write"
        waited = now - self._since
        match self._phase:
            case Phase.IDLE if waited > timeouts.keep_alive:
                return "idle"
            case Phase.HEADER if waited > timeouts.header:
                return "header"
            case Phase.CLOSING if waited > _LINGER_SECONDS:
                return "linger"
            case Phase.UNDER_WAY if self._waits_for_body() and waited > timeouts.body:
                return "body"
            case Phase.UNDER_WAY if self._handles is not None:
                self._handles.check(now)
        return None

    def give_up(self, reason: str) -> None:
        """Say so where no answer has begun, and close."""
        if reason in ("write", "linger"):
            self.abort_with_record()
        elif reason == "idle":
            self._close(linger=False)
        else:
            self._refuse(Refusal(HTTPStatus.REQUEST_TIMEOUT, f"the {reason} did not arrive in time"))

    def abort_with_record(self) -> None:
        """Close at once; what is under way is recorded as cut off."""
        handles, self._handles = self._handles, None
        self.abort()
        if handles is not None:
            handles.client_gone()

    def _waits_for_body(self) -> bool:
        return self._handles is not None and self._handles.waits_for_request and not self._paused

    def _refuse(self, refusal: Refusal | PipelinedError) -> None:
        if isinstance(refusal, PipelinedError):
            self._pipelined = True
            self._parser = httptools.HttpRequestParser(self)
            if self._handles is not None:
                self._handles.request_read()
            else:
                self._close(linger=True)
            return
        self._pipelined = True  # Nothing is read after this.
        if self._handles is not None:
            self._handles.refuse(refusal)
            return
        self._proxy.refused(refusal.status)
        self.write(refusal.answer(close=True))
        self._close(linger=True)

    def _close(self, *, linger: bool) -> None:
        self._phase, self._since = Phase.CLOSING, self._loop.time()
        if self._transport is None:
            return
        if linger:
            # To close with bytes that were not read resets the connection, and the answer may be lost.
            self._paused = False
            self._transport.resume_reading()
            self._transport.write_eof()
        else:
            self._transport.close()


def _refusal_of(error: httptools.HttpParserError, data: bytes) -> Refusal | PipelinedError:
    cause = error.__context__
    if isinstance(cause, Refusal | PipelinedError):
        return cause
    if data.startswith(_PREFACE):
        return _HTTP_2
    if isinstance(error, httptools.HttpParserUpgrade):
        return _UPGRADE
    if isinstance(error, httptools.HttpParserCallbackError) and cause is not None:
        raise cause
    return Refusal(HTTPStatus.BAD_REQUEST, f"the request is not valid HTTP/1.1: {error}")
