"""Logs: one JSON object per line on standard error, and one line per review, never the object.

The line of a review is switched by the logger ``actgate_webhook.reviews`` like any other, and written
without it: to make a ``LogRecord`` and to hand it through the handlers takes as long as to decide. The
lines of a moment are written together, for the same reason.
"""

import asyncio
import atexit
import logging
import logging.config
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import orjson

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


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _text(record.getMessage()),
        }
        if record.exc_info:
            line["exception"] = _text(self.formatException(record.exc_info))
        return orjson.dumps(line, default=str).decode()


def _text(text: str) -> str:
    """Return text without lone surrogates, which JSON in UTF-8 cannot hold."""
    return text.encode("utf-8", "backslashreplace").decode()


def configure(level: str) -> None:
    """Send everything at or above a level to standard error as JSON lines."""
    # Thread, process and task never vary here, and looking them up for each record costs.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": JsonLines}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"handlers": ["stderr"], "level": level},
        }
    )


def record(review: Review, judgement: Judgement, response: Response, seconds: float) -> None:
    """Log one answered review; a dry run only at DEBUG, since nothing happened."""
    level = logging.DEBUG if review.dry_run else logging.INFO
    if reviews.isEnabledFor(level):
        fields = _fields(review, judgement, response, seconds)
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
