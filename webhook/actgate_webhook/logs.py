"""Logs: one JSON object per line on standard error, and one line per review, never the object."""

import logging
import logging.config
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from actgate_webhook.answers import rules
from actgate_webhook.judge import Judgement
from actgate_webhook.review import Review

reviews = logging.getLogger("actgate_webhook.reviews")

_FIELD: Final = "review"
_LONGEST: Final = 253


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON, with the fields of a review where it is about one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _text(record.getMessage()),
        }
        line |= getattr(record, _FIELD, {})
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


def record(review: Review, judgement: Judgement, seconds: float) -> None:
    """Log one answered review; a dry run only at DEBUG, since nothing happened."""
    level = logging.DEBUG if review.dry_run else logging.INFO
    if reviews.isEnabledFor(level):
        reviews.log(level, "reviewed", extra={_FIELD: _fields(review, judgement, seconds)})


def _fields(review: Review, judgement: Judgement, seconds: float) -> dict[str, Any]:
    fields = {
        "uid": review.uid,
        "user": review.user[:_LONGEST],
        "operation": review.operation.value,
        "kind": review.kind[:_LONGEST],
        "namespace": review.namespace[:_LONGEST],
        "name": review.name[:_LONGEST],
        "dry_run": review.dry_run,
        "outcome": judgement.outcome.value,
        "rules": rules(judgement.verdict) if judgement.verdict is not None else [],
        "duration_ms": round(seconds * 1000, 3),
    }
    if judgement.evidence is not None:
        fields["cache_age_s"] = round(judgement.evidence.age, 1)
    if judgement.reason:
        fields["reason"] = judgement.reason
    return fields
