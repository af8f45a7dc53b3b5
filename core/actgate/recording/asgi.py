"""Middleware that records each use of a model before its answer leaves: for FastAPI and any ASGI server.

    app.add_middleware(Recorder, settings=Settings(directory=Path("/var/log/actgate"), name="credit"))

Each process has a log of its own, from the startup of the application to its end. The code of the application
can remove a middleware; where it must not, the recorder runs beside it as a proxy (``docs/recorder.md``).
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import orjson

from actgate.recording import oversight
from actgate.recording.keys import Keyring
from actgate.recording.log import Log, OnFailure
from actgate.recording.tokens import Tokens
from actgate.recording.use import Content, Use
from actgate.recording.writer import RecordNotWrittenError, Settings, Writer

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

RECORD_ID: Final = b"actgate-record-id"
_BYPASSES: Final = ("http.response.pathsend", "http.response.zerocopysend", "http.response.early_hint")
"""Extensions by which bytes would leave without passing here."""
_UNAVAILABLE: Final = oversight.Taken(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "the inference log is temporarily unavailable, retry: the use of the model cannot be recorded",
)


class NotRecordedError(Exception):
    """An answer that had begun was cut: its end could not be recorded."""


class Recorder:
    """The middleware.

    Args:
        app: The application.
        settings: How the log is written.
        content: What is recorded of each use.
        keys_dir: Keys of digests, one file for each; without it records have sizes alone.
        on_failure: What becomes of an answer whose record cannot be written.
        event_tokens_dir: Tokens of those who may post events; without it none are taken.
    """

    def __init__(
        self,
        app: App,
        *,
        settings: Settings,
        content: Content | None = None,
        keys_dir: Path | None = None,
        on_failure: OnFailure = OnFailure.REFUSE,
        event_tokens_dir: Path | None = None,
    ) -> None:
        self._app = app
        self._settings = settings
        self._content = content or Content()
        self._keys = Keyring(keys_dir) if keys_dir is not None else None
        self._on_failure = on_failure
        self._tokens = Tokens(event_tokens_dir) if event_tokens_dir is not None else None
        self._opening = asyncio.Lock()
        self._writer: Writer | None = None
        self._log: Log | None = None
        self._following: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer once it is recorded."""
        match scope["type"]:
            case "lifespan":
                await self._live(scope, receive, send)
            case "websocket":
                # Refused before it is accepted: what goes through it could not be recorded.
                await receive()
                await send({"type": "websocket.close", "code": 1008, "reason": "cannot be recorded"})
            case "http":
                await self._serve(scope, receive, send)
            case _:
                await self._app(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Open the log before the application starts, and close it after its end."""

        async def opened() -> Message:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._open()
            return message

        async def closed(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown."):
                await self.close()
            await send(message)

        await self._app(scope, opened, closed)

    async def _open(self) -> Log:
        async with self._opening:
            if self._log is None:
                self._writer = await Writer.open(self._settings)
                self._log = Log(self._writer, self._content, self._keys, self._on_failure)
                self._following = asyncio.create_task(self._log.follow(), name="inference log")
            return self._log

    async def close(self) -> None:
        """End the log; a server without lifespan events has to call this itself."""
        if self._following is not None:
            self._following.cancel()
        if self._writer is not None:
            await self._writer.close()
        self._writer = self._log = self._following = None

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            log = self._log or await self._open()
        except RecordNotWrittenError:
            await _answer(send, _UNAVAILABLE)
            return
        headers = scope["headers"]
        method, target = scope["method"], _target(scope)
        if target.startswith(oversight.PREFIX):
            await _answer(send, await self._event(log, method, target, headers, receive))
            return
        if self._content.is_probe(method, target, has_body=_has_body(headers)):
            await self._app(scope, receive, send)
            return
        use = None
        if log.closed is None:
            try:
                use = log.use(method, target, headers)
            except RecordNotWrittenError:
                use = None
        if use is None:
            log.counts.refused += 1
            await _answer(send, _UNAVAILABLE)
            return
        await _Passing(log, use, send).run(self._app, scope, receive)

    async def _event(
        self, log: Log, method: str, target: bytes, headers: list[tuple[bytes, bytes]], receive: Receive
    ) -> oversight.Taken:
        refused = oversight.refusal(self._tokens, method, target)
        if refused is not None or self._tokens is None:
            return refused or _UNAVAILABLE
        body, more = b"", True
        while more and len(body) <= oversight.LARGEST:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        return await oversight.take(log, self._tokens, dict(headers).get(b"authorization"), body)


class _Passing:
    """One request on its way, and the messages of its answer."""

    def __init__(self, log: Log, use: Use, send: Send) -> None:
        self._log = log
        self._use = use
        self._send = send
        self._start: Message | None = None
        """The first message, while it waits for its record."""
        self._began = False
        self._ended = False
        self._trailers = False
        self._gone = False

    async def run(self, app: App, scope: Scope, receive: Receive) -> None:
        async def received() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                self._use.request_data(message.get("body", b""))
            else:
                self._gone = True
            return message

        extensions = scope.get("extensions") or {}
        passed = {
            **scope,
            "state": {**scope.get("state", {}), "actgate": self._use},
            "extensions": {name: value for name, value in extensions.items() if name not in _BYPASSES},
        }
        try:
            await app(passed, received, self._sent)
        except NotRecordedError:
            raise
        except BaseException as error:
            await asyncio.shield(self._broken(type(error).__name__))
            raise
        if not self._ended:
            gone = "the client closed the connection" if self._gone else "the answer was not finished"
            await self._broken(gone)

    async def _broken(self, error: str) -> None:
        """Record an answer that did not come, or not to its end."""
        if self._ended:
            return
        self._ended = True
        if self._began:
            await self._log.write(self._use.end(error))
            return
        self._use.status = 500  # What every server answers where the application has not.
        if not await self._log.write(self._use.inference(error)):
            await _answer(self._send, _UNAVAILABLE)

    async def _sent(self, message: Message) -> None:
        if self._ended:
            return
        kind = message["type"]
        if kind == "http.response.start":
            self._take_start(message)
            return
        body = message.get("body", b"")
        self._use.answer_data(body)
        last = not message.get("more_body", False)
        if kind == "http.response.trailers":
            last = not message.get("more_trailers", False)
        elif self._trailers:
            last = False
        if not self._began and last:
            await self._leave(self._use.inference(), message)
        elif last:
            await self._finish(message)
        else:
            if not self._began and not await self._may_leave(self._use.start()):
                return
            self._began = True
            await self._release(message)

    def _take_start(self, message: Message) -> None:
        self._use.status = message["status"]
        self._trailers = message.get("trailers", False)
        headers = [header for header in message.get("headers", ()) if header[0].lower() != RECORD_ID]
        self._start = {**message, "headers": [*headers, (RECORD_ID, self._use.id.encode())]}

    async def _leave(self, record: dict[str, Any], message: Message) -> None:
        if await self._may_leave(record):
            self._ended = True
            await self._release(message)

    async def _finish(self, message: Message) -> None:
        self._ended = True
        if not await self._log.write(self._use.end()):
            raise NotRecordedError("the end of the answer cannot be recorded")
        await self._send(message)

    async def _may_leave(self, record: dict[str, Any]) -> bool:
        if await self._log.write(record):
            return True
        self._ended = True
        await _answer(self._send, _UNAVAILABLE)
        return False

    async def _release(self, message: Message) -> None:
        start, self._start = self._start, None
        if start is not None:
            await self._send(start)
        await self._send(message)


def _target(scope: Scope) -> bytes:
    """Return path and query as they were sent."""
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope.get("query_string", b"")
    return path.partition(b"?")[0] + (b"?" + query if query else b"")


def _has_body(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0") != b"")
        for name, value in headers
    )


async def _answer(send: Send, taken: oversight.Taken) -> None:
    """Send an answer of our own."""
    body = orjson.dumps(taken.body)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if taken.status is HTTPStatus.CREATED:
        headers.append((RECORD_ID, taken.text.encode()))
    await send({"type": "http.response.start", "status": taken.status.value, "headers": headers})
    await send({"type": "http.response.body", "body": body})
