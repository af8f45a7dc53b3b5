"""``POST /validate`` as a plain ASGI endpoint: a review in, its judgement, record and answer, and out.

Everything that the API server waits for happens in here. A request that breaks the protocol gets a
4xx and one sentence.
"""

import asyncio
import logging
from functools import lru_cache
from time import perf_counter
from typing import Final, TypeVar
from urllib.parse import parse_qs

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from actgate.records.record import UNKNOWN_CALLER, Caller, log_fields, metric_labels, span_attributes
from actgate.runtime import logs
from actgate.runtime.tracing import NO_SPAN, Tracing
from actgate_webhook.answer import answer, record_of
from actgate_webhook.bodies import LARGE, SMALL, Bodies, ExhaustedError
from actgate_webhook.decision_log import DecisionLog
from actgate_webhook.judge import Judge
from actgate_webhook.metrics import Metrics
from actgate_webhook.review import PATH, Answer, BadRequestError, Problem, decode, encode, timeout_seconds

reviews = logging.getLogger("actgate_webhook.reviews")

CLIENT: Final = "actgate.client"
"""Extension of an ASGI scope: the common name of the client's certificate, or None where it showed none."""

LARGEST_BODY: Final = 20 * 1024 * 1024
"""Bytes. An object of 1.5 MiB, the largest that etcd takes, is up to six times as long in a review, which
holds two of them: the API server escapes ``<``, ``>``, ``&`` and control characters. A review that is not
read is a call that failed, and lets in what its webhook's failurePolicy ignores."""
LARGEST_PLAIN: Final = 7 * 1024 * 1024
"""Bytes, where an escape counts as one: what is made of a body. The API server takes requests of 3 MiB."""
ROOM: Final = 32 * 1024 * 1024
"""Bytes that all bodies over 64 KiB have together, where nothing else is set."""
SHARE: Final = 0.8
"""Part of the timeout after which the answer is "unavailable": the rest is for its way back."""

BODY_SECONDS: Final = 10.0
"""A body has so long at most, whatever timeout its sender states."""

_DISCARDED: Final = 2 * LARGEST_BODY
"""Bytes of an oversized body that are read and dropped, so that its sender can hear why."""
_JSON: Final = (b"content-type", b"application/json")
# What is left of the body must not be taken for the next request.
_CLOSE: Final = (b"connection", b"close")
_MORE_HEADERS: Final = {
    405: [(b"allow", b"POST")],
    408: [_CLOSE],
    413: [_CLOSE],
    429: [(b"retry-after", b"1"), _CLOSE],
}

Body = TypeVar("Body", bytes, bytearray)


class DisconnectedError(Exception):
    """The client has disconnected: no answer is sent."""


class Validate:
    """The endpoint, around the app, which has all other paths.

    Not a middleware of the app: FastAPI's own ones and its telemetry, which cannot be left out, take as long
    as to judge and to record.
    """

    def __init__(
        self,
        app: FastAPI,
        judge: Judge,
        metrics: Metrics,
        decisions: DecisionLog | None = None,
        traces: Tracing | None = None,
        bodies: Bodies | None = None,
    ) -> None:
        self.app = app
        self._bodies = bodies or Bodies(ROOM)
        self._judge = judge
        self._metrics = metrics
        self._decisions = decisions
        self._traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] != PATH:
            await self.app(scope, receive, send)
            return
        started = perf_counter()
        try:
            deadline = started + SHARE * _accepted(scope)
            if _length(scope) <= SMALL:
                body = await _body(receive, min(deadline - started, BODY_SECONDS))
                answer = await self._reviewed(scope, body, started, deadline)
            else:
                answer = await self._large(scope, receive, started, deadline)
            status, headers = 200, []
        except BadRequestError as error:
            self._metrics.bad_request(error.status)
            answer = encode(Problem(str(error)))
            status, headers = error.status, _MORE_HEADERS.get(error.status, [])
        except DisconnectedError:
            return
        headers = [_JSON, (b"content-length", b"%d" % len(answer)), *headers]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _large(self, scope: Scope, receive: Receive, started: float, deadline: float) -> bytes:
        """Answer a body that needs room first."""
        within = min(deadline - started, BODY_SECONDS)
        size = _length(scope)
        if size > LARGEST_BODY:
            await _body(receive, within)
            raise _oversized()
        try:
            async with self._bodies.room(_address(scope), size, within) as held:
                async with held.arriving(within):
                    body = await _rest(bytearray(), receive)
                if len(body) < LARGE:
                    return await self._reviewed(scope, body, started, deadline)
                async with self._bodies.turn(deadline - perf_counter()):
                    return await self._reviewed(scope, body, started, deadline)
        except ExhaustedError as error:
            raise BadRequestError(429, str(error)) from None
        except TimeoutError:
            raise _late() from None

    async def _reviewed(
        self, scope: Scope, body: bytes | bytearray, started: float, deadline: float
    ) -> bytes:
        """Return the answer to a review, after recording the decision."""
        caller, review = caller_of(scope), decode(body)
        traces = self._traces
        with NO_SPAN if traces is None else traces.span("review", scope["headers"]) as span:
            judgement = await self._judge.judge(review, deadline - perf_counter())
            record = record_of(review, judgement, caller, with_object=self._decisions is not None)
            if self._decisions is not None:
                record = self._decisions.write(record)
            reply = encode(Answer(answer(record)))
            seconds = perf_counter() - started
            labels = metric_labels(record)
            # Of a dry run there is a line only at DEBUG, since nothing happened.
            level = logging.DEBUG if record.dry_run else logging.INFO
            if reviews.isEnabledFor(level):
                logs.write(reviews, level, "reviewed", log_fields(record, seconds))
            self._metrics.reviewed(labels, seconds, authenticated=caller.authenticated)
            if span.is_recording():
                span.set_attributes(span_attributes(record))
            return reply


def caller_of(scope: Scope) -> Caller:
    """Return who sent a request, so that a record of it cannot pass for a request of the API server."""
    name = ((scope.get("extensions") or {}).get(CLIENT) or {}).get("name")
    return UNKNOWN_CALLER if name is None else Caller(authenticated=True, name=name)


def _accepted(scope: Scope) -> float:
    """Check method and content type, and return the seconds that the client waits."""
    if scope["method"] != "POST":
        raise BadRequestError(405, "only POST is answered here: send an AdmissionReview")
    content_type = _header(scope, b"content-type")
    if content_type.partition(b";")[0].strip().lower() != b"application/json":
        raise BadRequestError(415, "the content type must be application/json")
    return _timeout(scope["query_string"])


@lru_cache(maxsize=64)
def _timeout(query: bytes) -> float:
    """Read the timeout out of a query; one registration sends the same query every time."""
    stated = parse_qs(query.decode("latin-1"), keep_blank_values=True).get("timeout", [None])
    return timeout_seconds(stated[-1])


def _header(scope: Scope, name: bytes) -> bytes:
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return b""


def _length(scope: Scope) -> int:
    """Return how long the body is going to be; without a Content-Length, the longest allowed."""
    stated = _header(scope, b"content-length")
    return int(stated) if stated.isdigit() else LARGEST_BODY


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


async def _body(receive: Receive, within: float) -> bytes | bytearray:
    """Return the body, which mostly comes in one piece; the rest of a slow one has a deadline."""
    first, more = await _piece(receive)
    if not more:
        return _allowed(first, len(first))
    try:
        async with asyncio.timeout(within):
            return await _rest(bytearray(first), receive)
    except TimeoutError:
        raise _late() from None


async def _rest(body: bytearray, receive: Receive) -> bytearray:
    """Read on behind what has come; what is too much is read and dropped."""
    size, more = len(body), True
    while more:
        piece, more = await _piece(receive)
        size += len(piece)
        if size <= LARGEST_BODY:
            body += piece
        elif size > _DISCARDED:
            break
        else:
            body.clear()
    return _allowed(body, size)


def _late() -> BadRequestError:
    return BadRequestError(408, "the body did not arrive within the timeout")


async def _piece(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise DisconnectedError
    return message.get("body", b""), message.get("more_body", False)


def _allowed(body: Body, size: int) -> Body:
    if size > LARGEST_BODY or (size > LARGEST_PLAIN and size - 5 * body.count(b"\\u") > LARGEST_PLAIN):
        raise _oversized()
    return body


def _oversized() -> BadRequestError:
    most, plain = LARGEST_BODY // 1024 // 1024, LARGEST_PLAIN // 1024 // 1024
    return BadRequestError(
        413, f"the body is larger than {most} MiB, or than {plain} MiB without its escapes"
    )
