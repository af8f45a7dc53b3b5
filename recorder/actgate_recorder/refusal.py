"""Answers that the recorder gives itself: a status and one sentence."""

from http import HTTPStatus
from typing import Final

import orjson


class Refusal(Exception):  # noqa: N818 - it is an answer, and no error of ours
    """A request that is not carried, or an answer that does not leave; the message says why."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status

    @property
    def body(self) -> bytes:
        """The answer's body: JSON with the sentence."""
        return orjson.dumps({"error": str(self)})

    def answer(self, *, record: bytes = b"", close: bool = False, bodiless: bool = False) -> bytes:
        """Return the whole answer; with the id of its record, where it has one."""
        return own_answer(self.status, self.body, record=record, close=close, bodiless=bodiless)


UNAVAILABLE: Final = Refusal(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "the inference log is temporarily unavailable, retry: the use of the model cannot be recorded",
)
"""For an answer whose record cannot be written."""


def own_answer(
    status: HTTPStatus, body: bytes, *, record: bytes = b"", close: bool = False, bodiless: bool = False
) -> bytes:
    """Return an answer of JSON; ``bodiless`` for one to HEAD."""
    parts = [
        b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode()),
        b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body),
    ]
    if record:
        parts.append(b"Actgate-Record-Id: %b\r\n" % record)
    parts.append(b"Connection: close\r\n\r\n" if close else b"\r\n")
    if not bodiless:
        parts.append(body)
    return b"".join(parts)
