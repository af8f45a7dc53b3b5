"""What goes through the recorder arrives as it was sent."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from bench.recorder.lives import Lives
from bench.recorder.streams import carry
from tests.recorder.harness import Held, Model, recorder

ANSWERS = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\nX-Odd:  a  b\r\n\r\n{}",
    "empty value": b"HTTP/1.1 200 OK\r\nX-Empty:\r\nContent-Length: 0\r\n\r\n",
    "two cookies": b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 1\r\n\r\nx",
    "no reason": b"HTTP/1.1 299 \r\nContent-Length: 1\r\n\r\nx",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;e=1\r\ndefg\r\n0\r\n\r\n",
    "trailers": b"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"
    b"X-Sum: 7\r\n\r\n",
    "events": b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n",
    "until close": b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it",
    "no content": b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n",
    "not modified": b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 300\r\n\r\n',
    "client error": b"HTTP/1.1 422 Unprocessable Entity\r\nContent-Length: 5\r\n\r\nwrong",
    "server error": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops",
    "early hints": b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "large": b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + bytes(range(250)) * 1200,
}
REQUESTS = {
    "GET": b"GET /v2/models/credit?x=1 HTTP/1.1\r\nHost: model\r\nConnection: close\r\n\r\n",
    "POST": b"POST /infer HTTP/1.1\r\nHost: model\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
    "chunked": b"POST /infer HTTP/1.1\r\nHost: model\r\nTransfer-Encoding: chunked\r\n"
    b"Connection: close\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
}


def parts(answer: bytes) -> tuple[list[bytes], bytes]:
    """Return the lines of all heads but what belongs to one hop, sorted, and the body without its framing."""
    heads, body = [], answer
    while body.startswith(b"HTTP/1.1 "):
        head, _, body = body.partition(b"\r\n\r\n")
        heads += head.split(b"\r\n")
        if not head.startswith(b"HTTP/1.1 1"):
            break
    chunked = b"Transfer-Encoding: chunked" in heads
    own = re.compile(rb"(?i)(connection|transfer-encoding|actgate-record-id):.*")
    lines = sorted(
        re.sub(rb": *", b": ", line, count=1).rstrip() for line in heads if not own.fullmatch(line)
    )
    return lines, unchunked(body) if chunked else body


def unchunked(body: bytes) -> bytes:
    """Return what chunks hold, and the trailers behind them."""
    found = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if length == 0:
            return found + body
        found, body = found + body[:length], body[length + 2 :]


async def test_status_headers_and_body_are_those_of_the_model() -> None:
    """For each answer, to each kind of request, as directly: and each has its record."""
    for name, answer in ANSWERS.items():
        for kind, request in REQUESTS.items():
            log = Held()
            async with recorder(Model(answer), log) as running:
                direct = await running.exchange(request, direct=True)
                through = await running.exchange(request)
            where = f"{name}, {kind}"
            expected = parts(direct)
            if name == "until close":
                assert b"Transfer-Encoding: chunked" in through, where
                through = through.replace(b"8\r\nall of it", b"9\r\nall of it")
                assert parts(through) == (expected[0], expected[1] + b"\r\n"), where
            else:
                assert parts(through) == expected, where
            assert log.events in (["inference"], ["stream.start", "stream.end"]), where


@pytest.mark.parametrize("name", ["length", "chunks", "large"])
async def test_an_answer_to_head_has_the_headers_alone(name: str) -> None:
    """Those of its framing too, with which a client learns the size; and the connection goes on."""
    head = ANSWERS[name].partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    request = b"HEAD /a HTTP/1.1\r\nHost: model\r\n\r\n"
    async with recorder(Model(head), Held()) as running:
        reader, writer = await running.connect()
        for _ in range(2):
            writer.write(request)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert re.sub(rb"Actgate-Record-Id: .*\r\n", b"", answer).lower().split() == sorted_like(head)
        writer.close()
        assert running.model.connections == 1


async def test_a_client_that_expects_100_continue_gets_it_from_the_model() -> None:
    """It sends its body after that, and not before: the model decides whether it wants it."""
    asked = asyncio.Event()

    async def deciding(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Expect: 100-continue\r\n" in head
        await asked.wait()
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(3)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n" + body)

    head = b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    log = Held()
    async with recorder(Model(deciding), log) as running:
        reader, writer = await running.connect()
        writer.write(head)
        asked.set()
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert log.events == [], "it is no answer, and needs no record"
        writer.write(b"abc")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
        assert await reader.readexactly(3) == b"abc"
        writer.close()
    assert log.events == ["inference"]


@pytest.mark.system
async def test_large_bodies_pass_in_bounded_memory(tmp_path: Path) -> None:
    """Both ways, beside a client that does not read; `bench recorder-streams` carries a gigabyte."""
    with Lives() as lives:
        before, peak = await carry(lives, tmp_path, 96)
    assert peak - before < 24, f"{before:.0f} to {peak:.0f} MiB"


def sorted_like(head: bytes) -> list[bytes]:
    """Return the words of a head with its framing at its end, which is where it is written."""
    first, *lines = head.lower().removesuffix(b"\r\n\r\n").split(b"\r\n")
    framing = [line for line in lines if line.startswith((b"content-length", b"transfer-encoding"))]
    rest = [line for line in lines if line not in framing]
    return b"\r\n".join([first, *rest, *framing]).split()
