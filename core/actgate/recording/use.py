"""One use of a model: a request and its answer, and the records that are made of both.

The proxy and the middleware carry bytes, each in its own way; what of them is recorded is decided here. No
record holds a payload: there are keyed digests of what was asked and answered, and values that the settings
name (``named``).
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from actgate.recording.ids import new_id
from actgate.recording.named import LARGEST_BODY, Named, Side, is_plain, text_of, values
from actgate.trace.digests import Digester, Purpose, Running

PROBES: Final = (
    "/health",
    "/healthz",
    "/livez",
    "/metrics",
    "/readyz",
    "/v2/health/live",
    "/v2/health/ready",
)
"""Paths that are no use of a model when they are read, without a query and without a body."""

_TRACE_PARENT: Final = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
"""W3C Trace Context, of which the first part is the id of the trace."""
_LONGEST_ROUTE: Final = 1024


@dataclass(frozen=True, slots=True)
class Content:
    """What is recorded of each use; ``Named.parse`` reads what settings say."""

    named: tuple[Named, ...] = ()
    subject: Named | None = None
    """Where the person is named whom a decision is about; the record has a keyed digest of it."""
    caller_header: str | None = None
    """Header by which a proxy before us names the caller; the record has a keyed digest of its value."""
    probes: frozenset[str] = frozenset(PROBES)

    def is_probe(self, method: str, target: bytes, *, has_body: bool) -> bool:
        """Return whether a request is passed and not recorded.

        A header never makes a request a probe: its sender could then use the model without a record.
        """
        return method in ("GET", "HEAD") and not has_body and target.decode("latin-1") in self.probes

    def kept(self, side: Side) -> bool:
        """Return whether a body is searched, and so has to be kept until it is whole."""
        subject = self.subject is not None and self.subject.side == side
        return subject or any(item.side == side for item in self.named)


class _Body:
    """A body as it passes: its digest, and itself only where it is searched and small."""

    __slots__ = ("_digest", "kept", "size")

    def __init__(self, digest: Running | None, *, keep: bool) -> None:
        self._digest = digest
        self.size = 0
        self.kept: bytearray | None = bytearray() if keep else None

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        if self._digest is not None:
            self._digest.update(piece)
        if self.kept is not None:
            if self.size <= LARGEST_BODY:
                self.kept += piece
            else:
                self.kept = None

    def field(self) -> dict[str, Any]:
        return {"bytes": self.size} if self._digest is None else self._digest.field()


class Use:
    """A use from the head of its request on; ask for records in the order of events.

    Args:
        content: What is recorded.
        digester: The key of the digests; None where there is none, and only sizes are recorded.
        method: Of the request.
        target: Of the request; its query is not recorded.
        headers: Of the request: names in any case.
    """

    __slots__ = ("_answer", "_began", "_caller", "_content", "_digester", "_given", "_method", "_request",
                 "_route", "_trace_id", "id", "status")  # fmt: skip

    def __init__(
        self,
        content: Content,
        digester: Digester | None,
        method: str,
        target: bytes,
        headers: Sequence[tuple[bytes, bytes]],
    ) -> None:
        self._began = time.monotonic_ns()
        self._content = content
        self._digester = digester
        self._method = method
        self._route = target.partition(b"?")[0][:_LONGEST_ROUTE].decode("latin-1")
        self._caller: bytes | None = None
        self._trace_id: str | None = None
        wanted = content.caller_header.lower().encode() if content.caller_header else None
        for name, value in headers:
            lowered = name.lower()
            if lowered == wanted:
                self._caller = value
            elif lowered == b"traceparent" and (parent := _TRACE_PARENT.fullmatch(value)):
                self._trace_id = parent[1].decode()
        begin = digester.begin if digester is not None else lambda _purpose: None
        self._request = _Body(begin(Purpose.INPUT), keep=content.kept("request"))
        self._answer = _Body(begin(Purpose.OUTPUT), keep=content.kept("response"))
        self._given: dict[str, Any] = {}
        self.id = new_id()
        self.status: int | None = None
        """Of the answer, once its head is there."""

    def field(self, name: str, value: str | float | bool | None) -> None:
        """Record a named value that the application knows, such as a score or a threshold.

        Raises:
            ValueError: It is no plain value, or too long.
        """
        if value is not None and not is_plain(value):
            raise ValueError(f"{name}: must be a string of at most 256 characters, a number, true or false")
        self._given[name] = value

    def request_data(self, piece: bytes) -> None:
        """Take a piece of the request's body."""
        self._request.add(piece)

    def answer_data(self, piece: bytes) -> None:
        """Take a piece of the answer's body."""
        self._answer.add(piece)

    def inference(self, error: str | None = None) -> dict[str, Any]:
        """Return the one record of a use whose answer is known as a whole before any of it leaves.

        Args:
            error: Why there is no answer of the model, or why it does not reach its client.
        """
        record = {"event": "inference", **self._asked(), **self._answered(error)}
        record["in"] = self._request.field()
        self._add_found(record, ("request", "response"))
        return record

    def start(self) -> dict[str, Any]:
        """Return the record that is made before the first byte of an answer that comes in pieces."""
        record = {"event": "stream.start", **self._asked()}
        if self.status is not None:
            record["status"] = self.status
        self._add_found(record, ("request",))
        return record

    def end(self, error: str | None = None) -> dict[str, Any]:
        """Return the record that is made before the last byte of such an answer.

        Args:
            error: Why it is not whole.
        """
        record = {"event": "stream.end", "id": self.id, **self._answered(error)}
        record["in"] = self._request.field()
        record["stream"] = {"complete": error is None}
        self._add_found(record, ("response",))
        return record

    def _asked(self) -> dict[str, Any]:
        asked: dict[str, Any] = {"id": self.id, "method": self._method, "route": self._route}
        if self._trace_id is not None:
            asked["trace_id"] = self._trace_id
        if self._caller is not None and self._digester is not None:
            digest = self._digester.of(Purpose.SUBJECT, self._caller)
            asked["caller"] = {"key": digest["key"], "mac": digest["mac"]}
        return asked

    def _answered(self, error: str | None) -> dict[str, Any]:
        answered: dict[str, Any] = {
            "out": self._answer.field(),
            "dur_us": (time.monotonic_ns() - self._began) // 1000,
        }
        if self.status is not None:
            answered["status"] = self.status
        if error is not None:
            answered["error"] = error[:256]
        return answered

    def _add_found(self, record: dict[str, Any], sides: Sequence[Side]) -> None:
        if self._given:
            record["fields"] = dict(self._given)
        content = self._content
        if not content.named and content.subject is None:
            return
        for side in sides:
            body = (self._request if side == "request" else self._answer).kept
            whole = bytes(body) if body is not None else None
            if found := values(content.named, side, whole):
                record["fields"] = record.get("fields", {}) | found
            if content.subject is not None and content.subject.side == side:
                text = text_of(values([content.subject], side, whole), content.subject.name)
                if text is not None and self._digester is not None:
                    record["subject"] = self._digester.of(Purpose.SUBJECT, text)
