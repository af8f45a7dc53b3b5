"""Logs: one JSON object per line on standard error, and one line per review, never the object.

The line of a review is switched by the logger ``actgate_webhook.reviews`` like any other, and written
without it: to make a ``LogRecord`` and to hand it through the handlers takes as long as to decide.
"""

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
        line = orjson.dumps(_fields(review, judgement, response, seconds), option=orjson.OPT_APPEND_NEWLINE)
        # As with logging's own handlers, a log that cannot be written fails no review.
        with suppress(OSError, ValueError):
            sys.stderr.buffer.write(line)
            sys.stderr.buffer.flush()


def _fields(review: Review, judgement: Judgement, response: Response, seconds: float) -> dict[str, Any]:
    fields = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
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
