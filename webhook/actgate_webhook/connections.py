"""uvicorn's HTTP protocol with the deadlines that it lacks: of headers, bodies and slow readers.

uvicorn knows one time alone, that of an idle connection after an answer. A client that sends nothing, half a
header, a byte a second, headers without an end or requests before their answers would cost memory for ever.
The listener asks each connection about once a second whether it is overdue: a timer for each request would
cost more than the request's own parsing.
"""

import asyncio
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from actgate_webhook.review import Problem, encode

KEEP_ALIVE_SECONDS: Final = 120
"""Longer than the 90 s after which the API server closes an idle connection itself: the side that
sends closes first, so that no review is sent into a connection that is being closed."""
LONGEST_HEADER: Final = 64 * 1024
"""Bytes of a request line and its headers; a user's groups are in the body of a review, not here."""

_IDLE_MARGIN: Final = 10.0
"""Seconds after which an idle connection is closed that uvicorn's own timer has missed."""

_SENTENCES: Final = {
    "header": (HTTPStatus.REQUEST_TIMEOUT, "the header did not arrive in time"),
    "body": (HTTPStatus.REQUEST_TIMEOUT, "the body did not arrive in time"),
    "header size": (HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the header is larger than 64 KiB"),
}


@dataclass(frozen=True)
class Timeouts:
    """Seconds that a client has; the first two count from accept or from the first byte of a request."""

    header: float = 5.0
    read: float = 10.0
    """For a request from its first byte to its last."""
    write: float = 10.0
    """For an answer that the client does not read."""


class Phase(Enum):
    """What a connection waits for."""

    HEADER = "header"
    BODY = "body"
    ANSWER = "answer"
    """For us."""
    IDLE = "idle"


class PipelinedError(Exception):
    """A request before the answer to the last one: allowed by HTTP/1.1, sent by no client of ours."""


class TimedProtocol(HttpToolsProtocol):
    """A connection that knows since when it waits, and for what (a ``Timed`` of the listener)."""

    timeouts = Timeouts()

    _phase = Phase.HEADER
    _since = 0.0
    _header_bytes = 0
    _unread_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first header."""
        self._since = self.loop.time()
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Take bytes; the first ones after an answer begin a request."""
        if self._phase is Phase.IDLE:
            self._phase, self._since, self._header_bytes = Phase.HEADER, self.loop.time(), 0
        super().data_received(data)
        if self._phase is Phase.HEADER:
            self._header_bytes += len(data)
            if self._header_bytes > LONGEST_HEADER:
                self.give_up("header size")

    def on_message_begin(self) -> None:
        """Begin a request, unless the last one waits for its answer."""
        if _is_open(self.cycle):
            raise PipelinedError
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Wait for the body."""
        self._phase = Phase.BODY
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Let the client wait, unless it was answered before its body had come."""
        self._phase = Phase.IDLE if self.cycle.response_complete else Phase.ANSWER
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the rest of this one."""
        self._since = self.loop.time()
        if self._phase is Phase.ANSWER:
            self._phase = Phase.IDLE
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Note that the client does not read."""
        self._unread_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Note that it reads again."""
        self._unread_since = None
        super().resume_writing()

    def waiting_since(self) -> float | None:
        """Return since when the client is waited for; None while it waits for us."""
        if self._phase is Phase.ANSWER:
            return self._unread_since
        return self._since

    def overdue(self, now: float) -> str | None:
        """Return what did not come in time: ``header``, ``body``, ``idle``, or ``write`` for reading."""
        if self._unread_since is not None and now - self._unread_since > self.timeouts.write:
            return "write"
        waited = now - self._since
        if self._phase is Phase.HEADER and waited > self.timeouts.header:
            return "header"
        if self._phase is Phase.BODY and waited > self.timeouts.read:
            return "body"
        if self._phase is Phase.IDLE and waited > self.timeout_keep_alive + _IDLE_MARGIN:
            return "idle"
        return None

    def give_up(self, reason: str) -> None:
        """Answer with the reason where no answer has begun, and close."""
        if self.transport.is_closing():
            return
        if reason == "write":
            self.transport.abort()
            return
        answered = self._phase is Phase.BODY and self.cycle.response_started
        begun = self._phase is not Phase.HEADER or self._header_bytes
        if reason in _SENTENCES and begun and not answered:
            self.transport.write(_refusal(*_SENTENCES[reason]))
        if _is_open(self.cycle):
            # The application learns that the client has gone, and lets go of what it has of the body.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()


def _is_open(cycle: RequestResponseCycle | None) -> bool:
    """Return whether there is a request that was not answered to its end."""
    return cycle is not None and not cycle.response_complete


def _refusal(status: HTTPStatus, sentence: str) -> bytes:
    body = encode(Problem(sentence))
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
