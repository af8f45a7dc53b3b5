"""``POST /validate`` as a plain ASGI endpoint: protocol in, judgement, protocol out.

Everything that the API server waits for happens in here. A request that breaks the protocol gets a
4xx and one sentence.
"""

import asyncio
from functools import lru_cache
from time import perf_counter
from typing import Final
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from actgate.service import tracing
from actgate.service.tracing import Span, Tracing
from actgate_webhook import answers, logs, spans
from actgate_webhook.caller import Caller, caller_of
from actgate_webhook.decision_log import DecisionLog
from actgate_webhook.judge import Judge, Judgement, Outcome
from actgate_webhook.metrics import Metrics
from actgate_webhook.review import Answer, BadRequestError, Problem, Review, decode, encode, timeout_seconds

PATH: Final = "/validate"

LARGEST_BODY: Final = 7 * 1024 * 1024
"""Bytes. The API server takes objects of up to 3 MiB, and a review holds two of them."""
SHARE: Final = 0.8
"""Part of the timeout after which the answer is "not now": the rest is for its way back."""

_DISCARDED: Final = 4 * LARGEST_BODY
"""Bytes of an oversized body that are read and dropped, so that its sender can hear why."""
_JSON: Final = (b"content-type", b"application/json")
_UNRECORDED: Final = Judgement(Outcome.NOT_NOW, "the decision cannot be recorded; the decision log says why")


class DisconnectedError(Exception):
    """The client has gone; nobody waits for an answer."""


class Validate:
    """The endpoint; one per app."""

    def __init__(
        self,
        judge: Judge,
        metrics: Metrics,
        decisions: DecisionLog | None = None,
        traces: Tracing = tracing.OFF,
    ) -> None:
        self._judge = judge
        self._metrics = metrics
        self._decisions = decisions
        self._traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = perf_counter()
        try:
            deadline = started + SHARE * _accepted(scope)
            review = decode(await _body(scope, receive, deadline - started))
        except BadRequestError as error:
            self._metrics.bad_request(error.status)
            await _send(send, error.status, encode(Problem(str(error))))
        except DisconnectedError:
            return
        else:
            with self._traces.span("review", scope["headers"]) as span:
                body = await self._answered(review, caller_of(scope), started, deadline, span)
            await _send(send, 200, body)

    async def _answered(
        self, review: Review, caller: Caller, started: float, deadline: float, span: Span | None
    ) -> bytes:
        judgement = await self._judge.judge(review, deadline - perf_counter())
        response = answers.answer(review.uid, judgement)
        if self._decisions is not None and not self._decisions.record(review, judgement, response, caller):
            judgement = _UNRECORDED
            response = answers.answer(review.uid, judgement)
        body = encode(Answer(response))
        seconds = perf_counter() - started
        self._metrics.reviewed(
            review.kind.kind, review.operation.value, judgement.outcome.value, review.dry_run, seconds
        )
        if not caller.authenticated:
            self._metrics.unauthenticated()
        logs.record(review, judgement, response, seconds, caller)
        if span is not None:
            span.set_attributes(spans.attributes(review, judgement, response, caller))
        return body


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


async def _body(scope: Scope, receive: Receive, within: float) -> bytes:
    """Return the body, which mostly comes in one piece; the rest of a slow one has a deadline."""
    first, more = await _piece(receive)
    if not more:
        return _allowed(first, len(first))
    try:
        async with asyncio.timeout(within):
            return await _rest(first, receive)
    except TimeoutError:
        raise BadRequestError(408, "the body did not arrive within the timeout") from None


async def _rest(first: bytes, receive: Receive) -> bytes:
    pieces, size, more = [first], len(first), True
    while more:
        piece, more = await _piece(receive)
        size += len(piece)
        if size <= LARGEST_BODY:
            pieces.append(piece)
        elif size > _DISCARDED:
            break
    return _allowed(b"".join(pieces), size)


async def _piece(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise DisconnectedError
    return message.get("body", b""), message.get("more_body", False)


def _allowed(body: bytes, size: int) -> bytes:
    if size > LARGEST_BODY:
        raise BadRequestError(413, f"the body is larger than {LARGEST_BODY // 1024 // 1024} MiB")
    return body


async def _send(send: Send, status: int, body: bytes) -> None:
    headers = [_JSON, (b"content-length", b"%d" % len(body))]
    if status == 405:
        headers.append((b"allow", b"POST"))
    if status in (408, 413):
        # What is left of the body must not be taken for the next request.
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
