"""The log of reviews: one JSON object per line on standard error, never the object that was judged.

The line of a review is switched by the logger ``actgate_webhook.reviews`` like any other, and written
without it: to make a ``LogRecord`` and to hand it through the handlers takes as long as to decide. The
lines of a moment are written together, for the same reason.
"""

import asyncio
import atexit
import logging
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from actgate_webhook.caller import Caller
from actgate_webhook.judge import Judgement
from actgate_webhook.review import Response, Review

reviews = logging.getLogger("actgate_webhook.reviews")

_LONGEST: Final = 253
_TOGETHER_SECONDS: Final = 0.02
"""How long a review's line can wait for others; a process that is killed loses no more than that."""


class _Together:
    """Collects lines on an event loop and writes them to standard error at once."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, line: bytes) -> None:
        """Write a line soon."""
        self._lines.append(line)
        if self._loop is None or self._loop.is_closed():
            self._loop = asyncio.get_running_loop()
            self._loop.call_later(_TOGETHER_SECONDS, self.write)

    def write(self) -> None:
        """Write what has been collected; a log that cannot be written fails no review."""
        lines, self._lines, self._loop = self._lines, [], None
        with suppress(OSError, ValueError):
            sys.stderr.buffer.write(b"".join(lines))
            sys.stderr.buffer.flush()


_together = _Together()


@atexit.register
def flush() -> None:
    """Write the lines of reviews that still wait for others."""
    _together.write()


def record(review: Review, judgement: Judgement, response: Response, seconds: float, caller: Caller) -> None:
    """Log one answered review; a dry run only at DEBUG, since nothing happened."""
    level = logging.DEBUG if review.dry_run else logging.INFO
    if reviews.isEnabledFor(level):
        fields = _fields(review, judgement, response, seconds) | {"authenticated": caller.authenticated}
        _together.add(orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE))


def _fields(review: Review, judgement: Judgement, response: Response, seconds: float) -> dict[str, Any]:
    fields = {
        "time": datetime.now(UTC),
        "level": "DEBUG" if review.dry_run else "INFO",
        "logger": reviews.name,
        "message": "reviewed",
        "uid": review.uid,
        "user": review.user_info.username[:_LONGEST],
        "operation": review.operation.value,
        "kind": review.kind.kind[:_LONGEST],
        "namespace": review.namespace[:_LONGEST],
        "name": review.name[:_LONGEST],
        "dry_run": review.dry_run,
        "outcome": judgement.outcome.value,
        "rules": response.audit_annotations.get("rules", ""),
        "duration_ms": round(seconds * 1000, 3),
    }
    if judgement.evidence is not None:
        fields["cache_age_s"] = round(judgement.evidence.age, 1)
    if judgement.reason:
        fields["reason"] = judgement.reason
    return fields
