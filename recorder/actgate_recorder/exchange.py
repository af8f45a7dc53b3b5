"""One request and its answer: where bytes wait until their record is written.

An answer that is whole soon and small is held until its record is durable. Any other is a stream: a record
before its first byte, which is passed on as it comes, and another one before its last. Where the record
cannot be written, the answer does not leave (``Refuse``), or is counted (``Serve``).
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from http import HTTPStatus
from typing import Any, Final

from actgate.recording.use import Use
from actgate_recorder.client import Client
from actgate_recorder.head import AnswerHead, Header, RequestHead, end_of_chunks
from actgate_recorder.refusal import UNAVAILABLE, Refusal
from actgate_recorder.shared import Shared
from actgate_recorder.upstream import Connection

HELD_BYTES: Final = 64 * 1024
"""Of an answer, and of a request while its connection is made; a larger answer is a stream."""
_REPEATABLE: Final = frozenset((b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"))

GONE: Final = "the client closed the connection"


class State(Enum):
    """Of the answer."""

    HELD = "held"
    """Nothing has left."""
    WRITING = "writing"
    """Its record, before which nothing more leaves."""
    OPEN = "open"
    """It leaves as it comes."""
    ENDED = "ended"


class Exchange:
    """A request on its way to the model, and the answer on its way back.

    Args:
        client: Where it came from.
        proxy: What all of them share.
        head: Of the request.
        use: What is recorded of it; None for a probe.
    """

    def __init__(self, client: Client, proxy: Shared, head: RequestHead, use: Use | None) -> None:
        self._client = client
        self._proxy = proxy
        self._request = head
        self._use = use
        self._upstream: Connection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._to_send: list[bytes] = [head.forwarded]
        self._unsent = 0
        self._request_whole = False
        self._repeated = False
        self._state = State.HELD if use is not None else State.OPEN
        self._answer: AnswerHead | None = None
        self._chunked = False
        self._to_release: list[bytes] = []
        self._held = 0
        self._answer_whole = False
        self._error: str | None = None
        self._has_head = False
        self._client_full = False
        self._gone = False

    # From the client.

    def request_data(self, data: bytes) -> None:
        """Take a piece of the request's body."""
        if self._use is not None:
            self._use.request_data(data)
        if self._request.chunked:
            self._to_send += (b"%x\r\n" % len(data), data, b"\r\n")
        else:
            self._to_send.append(data)
        self._unsent += len(data)

    def request_ended(self, trailers: Sequence[Header]) -> None:
        """Note that the request is whole."""
        self._request_whole = True
        if self._request.chunked:
            self._to_send.append(end_of_chunks(trailers))

    def request_read(self) -> None:
        """Send what has come, over a connection that waits or a new one."""
        if self._answer_whole or self._state is State.ENDED:
            self._to_send.clear()
            return
        if self._upstream is None and self._connecting is None:
            if connection := self._proxy.pool.idle():
                self._attach(connection)
            else:
                self._connecting = self._proxy.spawn(self._connect())
        if self._upstream is not None:
            self._send()
        elif self._unsent > HELD_BYTES:
            self._client.pause(True)

    def client_gone(self) -> None:
        """Let the model know, as it would directly, and record what became of the answer."""
        if self._state is State.ENDED:
            return
        self._gone = True
        self._drop_upstream()
        if self._state is not State.WRITING:
            self._abandon(GONE)

    def pause_answer(self, paused: bool) -> None:
        """Read no more of the answer while its client does not."""
        self._client_full = paused
        self._steer()

    def refuse(self, refusal: Refusal) -> None:
        """End it for what the client sent after the head."""
        self._drop_upstream()
        self._fail(refusal.status, str(refusal))

    def check(self, now: float) -> None:
        """End it where the upstream has been silent for too long."""
        upstream, limits = self._upstream, self._proxy.pool.limits
        if upstream is None or upstream.paused or not self._request_whole:
            return
        if now - upstream.active_at > limits.read:
            self._drop_upstream()
            self._fail(HTTPStatus.GATEWAY_TIMEOUT, "the model did not answer in time")

    @property
    def waits_for_request(self) -> bool:
        """Whether the client has to send more."""
        return not self._request_whole

    # From the upstream.

    def information(self, answer: bytes) -> None:
        """Pass an informational answer on: 100 at once, what carries content after a record."""
        if answer.startswith(b"HTTP/1.1 100 ") and answer.count(b"\r\n") == 2:
            self._client.inform(answer)
        else:
            self._to_release.append(answer)
            self._held += HELD_BYTES + 1  # So that it is a stream.

    def answer_began(self, head: AnswerHead) -> None:
        """Take the head."""
        self._answer = head
        self._chunked = head.length is None and self._client.speaks_1_1
        if self._use is not None:
            self._use.status = head.status

    def answer_data(self, data: bytes) -> None:
        """Take a piece of the body."""
        if self._use is not None:
            self._use.answer_data(data)
        if not self._has_head:
            self._add_head()
        if self._chunked:
            self._to_release += (b"%x\r\n" % len(data), data, b"\r\n")
        else:
            self._to_release.append(data)
        self._held += len(data)

    def answer_ended(self, trailers: Sequence[Header]) -> None:
        """Note that the answer is whole; its connection is the pool's again."""
        if not self._has_head:
            self._add_head()
        if self._chunked and self._answer is not None and not self._answer.bodiless:
            self._to_release.append(end_of_chunks(trailers))
        self._answer_whole = True
        self._upstream = None

    def answer_read(self) -> None:
        """Let leave what may, after each read and after each record."""
        if self._state is State.HELD:
            assert self._use is not None  # noqa: S101 - else it is open
            if self._answer_whole and self._held <= HELD_BYTES:
                self._record(self._use.inference(), self._finish)
            elif self._answer_whole or self._is_stream():
                self._record(self._use.start(), self._opened)
        elif self._state is State.OPEN:
            if self._answer_whole and self._use is not None:
                self._record(self._use.end(), self._finish)
                return
            if not self._has_head and self._answer is not None:
                self._add_head()
            self._release()
            if self._answer_whole:
                self._finish()
        self._steer()

    def answer_failed(self, reason: str) -> None:
        """Ask anew where that is safe, else end the answer."""
        reused = self._upstream is not None and self._upstream.used > 0
        self._upstream = None
        if self._may_repeat() and reused:
            self._repeated = True
            self._to_send = [self._request.forwarded]
            self._connecting = self._proxy.spawn(self._connect(fresh=True))
            return
        self._fail(HTTPStatus.BAD_GATEWAY, f"the model gave no answer: {reason}")

    def pause_request(self, paused: bool) -> None:
        """Read no more of the request while the model does not."""
        self._client.pause(paused)

    # What happens.

    async def _connect(self, *, fresh: bool = False) -> None:
        pool = self._proxy.pool
        try:
            if fresh:
                pool.close()
            connection = await pool.obtain()
        except TimeoutError:
            self._fail(HTTPStatus.SERVICE_UNAVAILABLE, "no connection to the model in time")
        except OSError as error:
            self._fail(HTTPStatus.BAD_GATEWAY, f"the model cannot be reached: {error.strerror or error}")
        else:
            if self._gone or self._state is State.ENDED:
                pool.give_back(connection)
                return
            self._attach(connection)
            self._send()
        finally:
            self._connecting = None

    def _attach(self, connection: Connection) -> None:
        self._upstream = connection
        connection.begin(self, to_head=self._request.method == b"HEAD")

    def _send(self) -> None:
        assert self._upstream is not None  # noqa: S101 - for the type
        if self._to_send:
            sent = b"".join(self._to_send) if len(self._to_send) > 1 else self._to_send[0]
            self._to_send.clear()
            if self._unsent > HELD_BYTES:
                self._client.pause(False)
            self._unsent = 0
            self._upstream.request_whole = self._request_whole
            self._upstream.write(sent)

    def _is_stream(self) -> bool:
        if self._held > HELD_BYTES:
            return True
        return self._answer is not None and (self._answer.length is None or self._answer.length > HELD_BYTES)

    def _record(self, record: Mapping[str, Any], then: Callable[[], None]) -> None:
        """Write a record, and go on once it is durable."""
        self._state = State.WRITING
        self._proxy.log_soon(record, lambda leaves: self._recorded(leaves, then))

    def _recorded(self, leaves: bool, then: Callable[[], None]) -> None:
        if self._gone:
            if then == self._opened:
                self._abandon(GONE, started=True)
            else:
                self._state = State.ENDED
        elif leaves:
            then()
        else:
            self._drop_upstream()
            self._state = State.ENDED
            if self._anything_left():
                self._client.abort()
            else:
                self._client.answer_refused(UNAVAILABLE)

    def _opened(self) -> None:
        self._state = State.OPEN
        if self._error is not None:
            self._cut(self._error)
            return
        self.answer_read()

    def _finish(self) -> None:
        self._release()
        self._state = State.ENDED
        until_close = self._answer is not None and self._answer.length is None and not self._chunked
        self._client.answered(close=until_close or not self._request_whole)

    def _release(self) -> None:
        if self._to_release:
            self._client.write(b"".join(self._to_release))
            self._to_release.clear()
            self._held = 0

    def _add_head(self) -> None:
        assert self._answer is not None  # noqa: S101 - it has begun
        self._has_head = True
        until_close = self._answer.length is None and not self._chunked
        record = self._use.id.encode() if self._use is not None else b""
        closes = self._client.closes or until_close or (self._answer_whole and not self._request_whole)
        self._to_release.append(self._answer.forwarded(record, chunked=self._chunked, close=closes))

    def _steer(self) -> None:
        """Read of the answer only what may wait here."""
        if self._upstream is not None:
            self._upstream.pause(
                self._client_full or (self._state is State.WRITING and self._held > HELD_BYTES)
            )

    def _may_repeat(self) -> bool:
        bodiless = self._request_whole and not self._request.has_body
        return (
            not self._repeated and self._answer is None and bodiless and self._request.method in _REPEATABLE
        )

    def _anything_left(self) -> bool:
        return self._client.began_answer

    def _fail(self, status: HTTPStatus, sentence: str) -> None:
        """End it with an answer of our own, or cut the one that has begun."""
        if self._gone or self._state is State.ENDED:
            return
        if self._state is State.WRITING:
            self._error = sentence  # A stream whose start is being written.
        elif self._state is State.OPEN and (self._use is not None or self._anything_left()):
            self._cut(sentence)
        else:
            self._to_release.clear()
            refusal = Refusal(status, sentence)
            if self._use is None:
                self._state = State.ENDED
                self._client.answer_refused(refusal)
                return
            self._use.status = status.value
            identifier = self._use.id.encode()
            self._record(self._use.inference(sentence), lambda: self._answer_with(refusal, identifier))

    def _answer_with(self, refusal: Refusal, identifier: bytes) -> None:
        self._state = State.ENDED
        self._client.answer_refused(refusal, identifier, close=not self._request_whole)

    def _cut(self, sentence: str) -> None:
        """Pass on what has come, record that it is not whole, and close."""
        self._release()
        if self._use is None:
            self._state = State.ENDED
            self._client.cut()
        else:
            self._record(self._use.end(sentence), self._cut_off)

    def _cut_off(self) -> None:
        self._state = State.ENDED
        self._client.cut()

    def _abandon(self, error: str, *, started: bool = False) -> None:
        """Record a use whose client has gone."""
        started = started or self._state is State.OPEN
        self._state = State.ENDED
        if self._use is not None:
            record = self._use.end(error) if started else self._use.inference(error)
            self._proxy.log_soon(record, lambda _leaves: None)

    def _drop_upstream(self) -> None:
        if self._upstream is not None:
            self._upstream.drop()
            self._upstream = None
