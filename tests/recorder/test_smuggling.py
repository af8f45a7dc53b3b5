"""What is ambiguous is refused, and what is not means the same to a second parser (h11)."""

from __future__ import annotations

import h11
import httptools
from hypothesis import given, settings
from hypothesis import strategies as st

from actgate_recorder.head import request_head
from tests.recorder.harness import Held, Model, recorder

AMBIGUOUS = (
    b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    b"Content-Length: 5\r\nContent-Length: 5\r\n",
    b"Content-Length: 5, 5\r\n",
    b"Content-Length: +5\r\n",
    b"X: a\r\n b\r\n",
    b"X: a\nContent-Length: 5\r\n",
    b"X : a\r\n",
    b"X: a\0b\r\n",
    b"X: a\rb\r\n",
    b"Host: other\r\n",
    b"Transfer-Encoding: xchunked\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
)
PIECES = (
    b"Content-Length: 3\r\n", b"Content-Length: 03\r\n", b"Transfer-Encoding: chunked\r\n", b"X: a\r\n",
    b"X: a\n",
    b" fold\r\n", b"Y:\r\n", b"Z: \xff\r\n", b"Connection: close\r\n", b"Connection: X\r\n", b"Host: b\r\n",
    b"X-A: b \r\n", b"TE: trailers\r\n", b"\tA: b\r\n", b"A B: c\r\n", b": c\r\n", b"A: b\0\r\n",
)  # fmt: skip


async def test_an_ambiguous_request_is_refused_and_reaches_no_model() -> None:
    """With 400, and 501 for a coding that is not known."""
    for lines in AMBIGUOUS:
        async with recorder(Model(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), Held()) as running:
            answer = await running.exchange(b"POST / HTTP/1.1\r\nHost: m\r\n" + lines + b"\r\nabcde")
            assert answer.split()[1] in (b"400", b"501"), lines
            assert b'{"error":"' in answer, lines
            assert running.model.requests == [], lines


class _Parsed:
    def __init__(self, data: bytes) -> None:
        self.target, self.headers, self.forwarded = b"", [], b""
        self.parser = httptools.HttpRequestParser(self)
        self.parser.feed_data(data)

    headers: list[tuple[bytes, bytes]]

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        version = self.parser.get_http_version()
        method = self.parser.get_method()
        self.forwarded = (
            self.forwarded or request_head(method, self.target, version, self.headers, b"m").forwarded
        )


def _read(data: bytes) -> h11.Request:
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    event = connection.next_event()
    assert isinstance(event, h11.Request)
    return event


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=5))
def test_what_is_forwarded_is_the_request_that_came(pieces: list[bytes]) -> None:
    """Method, target, framing and end-to-end headers are equal to h11, before and behind the recorder."""
    data = b"POST /infer?x=1 HTTP/1.1\r\nHost: m\r\n" + b"".join(pieces) + b"\r\n"
    try:
        forwarded = _Parsed(data).forwarded
    except httptools.HttpParserError:
        return
    came, went = _read(data), _read(forwarded)
    assert (came.method, came.target) == (went.method, went.target)
    own = {b"connection", b"te", b"x" if b"Connection: X\r\n" in pieces else b""}
    kept = sorted(header for header in came.headers if header[0] not in own)
    assert kept == sorted(header for header in went.headers if header[0] not in own)
