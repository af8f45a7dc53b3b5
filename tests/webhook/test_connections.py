"""The times of a connection, one by one, at moments that the tests name: nothing here waits."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from actgate_webhook.connections import KEEP_ALIVE_SECONDS, LONGEST_HEADER, TimedProtocol, Timeouts

TIMES = Timeouts(header=5.0, read=10.0, write=20.0)
REQUEST = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
HALF_BODY = b"POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345"


class Wire:
    """What a protocol writes to."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = self.aborted = False

    def write(self, data: bytes) -> None:
        """Keep it."""
        self.written += data

    def close(self) -> None:
        """Close."""
        self.closed = True

    def abort(self) -> None:
        """Drop the connection."""
        self.closed = self.aborted = True

    def is_closing(self) -> bool:
        """Return whether it was closed."""
        return self.closed

    def pause_reading(self) -> None:
        """Nothing reads here."""

    def resume_reading(self) -> None:
        """Nothing reads here."""

    def get_extra_info(self, name: str) -> None:
        """Know nothing."""


class Connected:
    """A connection whose application answers when it is let."""

    def __init__(self) -> None:
        self.let, self.wire = asyncio.Event(), Wire()
        self.disconnected = asyncio.Event()
        config = uvicorn.Config(
            self._app,
            interface="asgi3",
            http=TimedProtocol,
            lifespan="off",
            log_config=None,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        config.load()
        self.state = ServerState()
        self.protocol = TimedProtocol(config, self.state, {})
        self.protocol.timeouts = TIMES
        self.protocol.connection_made(cast(asyncio.Transport, self.wire))

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            while (await receive())["type"] != "http.disconnect":
                pass
            self.disconnected.set()
            return
        await self.let.wait()
        answer: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": []}
        await send(answer)
        await send({"type": "http.response.body", "body": b""})

    def overdue(self, after: float) -> str | None:
        """Return what is overdue so many seconds from now."""
        return self.protocol.overdue(asyncio.get_running_loop().time() + after)

    async def end(self) -> None:
        """Let go of what runs."""
        self.let.set()
        self.protocol.connection_lost(None)
        await asyncio.gather(*self.state.tasks)


@pytest.mark.parametrize(
    "sent", [b"", b"G", b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Half: "], ids=["nothing", "a byte", "half"]
)
async def test_a_header_has_its_time_from_accept(sent: bytes) -> None:
    """What has come does not prolong it: else a byte a second would hold a connection for ever."""
    connected = Connected()
    for byte in sent:
        connected.protocol.data_received(bytes([byte]))
    assert connected.overdue(TIMES.header - 1.0) is None
    assert connected.overdue(TIMES.header + 0.1) == "header"
    connected.protocol.give_up("header")
    assert connected.wire.closed
    assert (b" 408 " in connected.wire.written) is bool(sent)
    await connected.end()


async def test_a_body_has_its_time_and_the_application_learns_of_its_end() -> None:
    """Else it would keep what has come of the body."""
    connected = Connected()
    connected.protocol.data_received(HALF_BODY)
    assert connected.overdue(TIMES.read - 1.0) is None
    assert connected.overdue(TIMES.read + 0.1) == "body"
    connected.protocol.give_up("body")
    await connected.disconnected.wait()
    assert b" 408 " in connected.wire.written
    await connected.end()


async def test_who_waits_for_its_answer_is_never_overdue() -> None:
    """That time is ours, not the client's."""
    connected = Connected()
    connected.protocol.data_received(REQUEST)
    assert connected.overdue(1e6) is None
    assert connected.protocol.waiting_since() is None
    await connected.end()


async def test_a_next_request_has_its_time_from_its_own_first_byte() -> None:
    """An idle connection waits for longer than a header may take."""
    connected = Connected()
    connected.let.set()
    connected.protocol.data_received(REQUEST)
    await asyncio.gather(*connected.state.tasks)
    assert connected.overdue(KEEP_ALIVE_SECONDS) is None
    assert connected.overdue(KEEP_ALIVE_SECONDS + 11.0) == "idle"
    connected.protocol.data_received(b"G")
    assert connected.overdue(TIMES.header - 1.0) is None
    assert connected.overdue(TIMES.header + 0.1) == "header"
    await connected.end()


async def test_answers_that_are_not_read_end_the_connection_at_once() -> None:
    """To close it in order would wait for the same client again."""
    connected = Connected()
    connected.protocol.pause_writing()
    assert connected.overdue(TIMES.header + 0.1) == "header"
    assert connected.overdue(TIMES.write + 0.1) == "write"
    connected.protocol.give_up("write")
    assert connected.wire.aborted
    await connected.end()


async def test_who_reads_again_is_in_time() -> None:
    """A pause alone is no offence."""
    connected = Connected()
    connected.protocol.data_received(REQUEST)
    connected.protocol.pause_writing()
    connected.protocol.resume_writing()
    assert connected.overdue(1e6) is None
    await connected.end()


async def test_a_header_without_an_end_is_refused_by_its_size() -> None:
    """Before its time is over it could be gigabytes."""
    connected = Connected()
    connected.protocol.data_received(b"GET /livez HTTP/1.1\r\n")
    line = b"X-More: " + b"y" * 8000 + b"\r\n"
    sent = 0
    while not connected.wire.closed:
        connected.protocol.data_received(line)
        sent += len(line)
    assert LONGEST_HEADER - len(line) < sent <= LONGEST_HEADER + len(line)
    assert b" 431 " in connected.wire.written
    await connected.end()


async def test_a_request_before_the_last_answer_ends_the_connection() -> None:
    """Thousands of them in one packet would all be kept."""
    connected = Connected()
    connected.protocol.data_received(REQUEST * 1000)
    assert connected.wire.closed
    assert len(connected.state.tasks) == 1
    await connected.end()
