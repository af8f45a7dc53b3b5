"""Heads of requests and answers: what of them is passed on, and what is refused. Pure.

Nothing is forwarded as it came: a head is parsed, judged and written anew, with a framing of our own, so that
the model cannot see another request than the one that is recorded (RFC 9112 section 11.2). llhttp refuses
what is ambiguous in the bytes (a length beside chunks, two lengths, folded lines, a bare line feed); here is
refused what is well formed and cannot be carried.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from actgate_recorder.refusal import Refusal

Header = tuple[bytes, bytes]

RECORD_ID: Final = b"actgate-record-id"
"""Of an answer: the id of its record, in lower case."""

_HOP_BY_HOP: Final = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"te", b"transfer-encoding", b"upgrade")
)
_SPECIAL_OF_REQUESTS: Final = _HOP_BY_HOP | {b"content-length", b"content-type", b"host", b"http2-settings"}
_SPECIAL_OF_ANSWERS: Final = _HOP_BY_HOP | {b"content-length", RECORD_ID}
_NOT_IN_TRAILERS: Final = _SPECIAL_OF_REQUESTS | _SPECIAL_OF_ANSWERS | {
    b"authorization", b"cache-control", b"content-encoding", b"content-range", b"expect", b"max-forwards",
    b"set-cookie", b"trailer",
}  # fmt: skip
"""RFC 9110 section 6.5.1: fields that frame, route or authenticate mean nothing after the body."""

_REASONS: Final = {status.value: status.phrase.encode() for status in HTTPStatus}


@dataclass(slots=True)
class RequestHead:
    """A request that can be carried."""

    method: bytes
    target: bytes
    headers: Sequence[Header]
    """As they came, all of them."""
    chunked: bool
    close: bool
    """Whether its client wants no other answer over this connection."""
    forwarded: bytes
    """What the upstream is sent."""

    has_body: bool


@dataclass(slots=True)
class AnswerHead:
    """The head of an answer, and how its body is framed."""

    status: int
    reason: bytes
    headers: Sequence[Header]
    """Those that are passed on."""
    length: int | None
    """Bytes of its body where that is known; 0 where it has none."""
    bodiless: bool
    """Whether it has no body, whatever its headers say: HEAD, 204 and 304."""
    framing: bytes
    """The line of its own framing, which is passed on for an answer that has no body."""
    close: bool
    """Whether the upstream takes no other request over this connection."""

    def forwarded(self, record: bytes, *, chunked: bool, close: bool) -> bytes:
        """Return what the client is sent: with the id of a record where it is not empty."""
        parts = [b"HTTP/1.1 %d %b\r\n" % (self.status, self.reason)]
        for name, value in self.headers:
            parts += (name, b": ", value, b"\r\n")
        if self.bodiless:
            parts.append(self.framing)
        elif chunked:
            parts.append(b"Transfer-Encoding: chunked\r\n")
        elif self.length is not None:
            parts.append(self.framing or b"Content-Length: %d\r\n" % self.length)
        if record:
            parts += (b"Actgate-Record-Id: ", record, b"\r\n")
        parts.append(b"Connection: close\r\n\r\n" if close else b"\r\n")
        return b"".join(parts)


def request_head(
    method: bytes, target: bytes, version: str, headers: Sequence[Header], authority: bytes
) -> RequestHead:
    """Return a request as it is carried; ``authority`` is the upstream's, for HTTP/1.0 without a Host.

    Raises:
        Refusal: It is none that can be.
    """
    if version not in ("1.1", "1.0"):
        raise Refusal(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "only HTTP/1.1 and HTTP/1.0 can be carried")
    if not (target.startswith(b"/") or (target == b"*" and method == b"OPTIONS")):
        raise Refusal(
            HTTPStatus.BAD_REQUEST, "the request target must be a path: this is no proxy to other hosts"
        )
    kept, special = _split(headers, _SPECIAL_OF_REQUESTS)
    named = _connection_tokens(special)
    parts = [method, b" ", target, b" HTTP/1.1\r\n", *_host(special, version, authority)]
    if named:
        kept = [header for header in kept if header[0].lower() not in named]
    for name, value in kept:
        parts += (name, b": ", value, b"\r\n")
    chunked = _framing(special, version)
    for name, value in special:
        lowered = name.lower()
        if lowered in (b"content-length", b"content-type"):
            parts += (name, b": ", value, b"\r\n")
        if lowered == b"content-type" and _is_grpc(value):
            raise Refusal(HTTPStatus.NOT_IMPLEMENTED, "gRPC cannot be carried by the recorder, only HTTP/1.1")
        if lowered == b"te" and b"trailers" in value.lower():
            parts.append(b"TE: trailers\r\nConnection: TE\r\n")
    parts.append(b"Transfer-Encoding: chunked\r\n\r\n" if chunked else b"\r\n")
    close = b"close" in named or version == "1.0"
    has_body = chunked or any(
        name.lower() == b"content-length" and value.strip(b"0") != b"" for name, value in special
    )
    return RequestHead(method, target, headers, chunked, close, b"".join(parts), has_body)


def answer_head(
    status: int, reason: bytes, version: str, headers: Sequence[Header], *, to_head: bool
) -> AnswerHead:
    """Return the head of an answer, as it is passed on; ``to_head`` where the request was a HEAD.

    Raises:
        ValueError: It cannot be passed on; the message says why.
    """
    kept, special = _split(headers, _SPECIAL_OF_ANSWERS)
    if named := _connection_tokens(special):
        kept = [header for header in kept if header[0].lower() not in named]
    length: int | None = None
    framing = b""
    for name, value in special:
        lowered = name.lower()
        if lowered == b"content-length":
            length = int(value)
            framing = b"%b: %b\r\n" % (name, value)
        elif lowered == b"transfer-encoding":
            if value.strip().lower() != b"chunked":
                raise ValueError("a Transfer-Encoding that is not chunked")
            framing = b"Transfer-Encoding: chunked\r\n"
    bodiless = to_head or status in (204, 304)
    reason = reason or _REASONS.get(status, b"")
    close = b"close" in named or version != "1.1"
    return AnswerHead(status, reason, kept, 0 if bodiless else length, bodiless, framing, close)


def informational(status: int, reason: bytes, headers: Sequence[Header]) -> bytes:
    """Return an informational answer (1xx) as it is passed on."""
    kept, _ = _split(headers, _SPECIAL_OF_ANSWERS)
    lines = b"".join(b"%b: %b\r\n" % header for header in kept)
    return b"HTTP/1.1 %d %b\r\n%b\r\n" % (status, reason or _REASONS.get(status, b""), lines)


def end_of_chunks(trailers: Iterable[Header]) -> bytes:
    """Return the last chunk with the trailers that mean something."""
    lines = b"".join(
        b"%b: %b\r\n" % trailer for trailer in trailers if trailer[0].lower() not in _NOT_IN_TRAILERS
    )
    return b"0\r\n%b\r\n" % lines


def header_value(headers: Iterable[Header], name: bytes) -> bytes | None:
    """Return the value of the first header of a name, which is in lower case."""
    return next((value for found, value in headers if found.lower() == name), None)


def _split(headers: Iterable[Header], apart: frozenset[bytes]) -> tuple[list[Header], list[Header]]:
    kept: list[Header] = []
    special: list[Header] = []
    for header in headers:
        (special if header[0].lower() in apart else kept).append(header)
    return kept, special


def _connection_tokens(special: Iterable[Header]) -> frozenset[bytes]:
    """Return what Connection names, but what every connection has."""
    tokens = [
        token.strip().lower()
        for name, value in special
        if name.lower() == b"connection"
        for token in value.split(b",")
    ]
    return frozenset(tokens) - {b"", b"keep-alive"} if tokens else frozenset()


def _host(special: Iterable[Header], version: str, authority: bytes) -> Sequence[bytes]:
    hosts = [header for header in special if header[0].lower() == b"host"]
    if len(hosts) > 1 or (not hosts and version == "1.1"):
        raise Refusal(HTTPStatus.BAD_REQUEST, "a request must have one Host header")
    name, value = hosts[0] if hosts else (b"Host", authority)
    return name, b": ", value, b"\r\n"


def _framing(special: Iterable[Header], version: str) -> bool:
    """Return whether the body comes in chunks."""
    codings = [value.strip().lower() for name, value in special if name.lower() == b"transfer-encoding"]
    if not codings:
        return False
    if version == "1.0":
        raise Refusal(HTTPStatus.BAD_REQUEST, "HTTP/1.0 has no Transfer-Encoding")
    if codings != [b"chunked"]:
        raise Refusal(HTTPStatus.NOT_IMPLEMENTED, "Transfer-Encoding must be chunked, and nothing else")
    return True


def _is_grpc(content_type: bytes) -> bool:
    kind = content_type.partition(b";")[0].strip().lower()
    return kind == b"application/grpc" or kind.startswith(b"application/grpc+")
