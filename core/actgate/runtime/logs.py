"""Logs: one JSON object per line on standard error."""

import asyncio
import atexit
import logging
import logging.config
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import orjson

_TOGETHER_SECONDS: Final = 0.02
"""How long a line can wait for others; a process that is killed loses no more than that."""
_lines: Final[list[bytes]] = []


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


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


def write(logger: logging.Logger, level: int, message: str, fields: Mapping[str, Any]) -> None:
    """Write a line with fields of its own soon; whether its logger is enabled is for the caller to ask.

    No ``LogRecord`` is made and no handler asked: a review has a line each, and waits for it. Each write to a
    pipe can wake its reader, so the lines of a moment go together.
    """
    line = {"time": datetime.now(UTC), "level": logging.getLevelName(level), "logger": logger.name}
    if not _lines:
        asyncio.get_running_loop().call_later(_TOGETHER_SECONDS, flush)
    _lines.append(orjson.dumps({**line, "message": message, **fields}, option=orjson.OPT_APPEND_NEWLINE))


@atexit.register
def flush() -> None:
    """Write the lines that still wait for others; a log that cannot be written fails nothing."""
    text = b"".join(_lines)
    _lines.clear()
    with suppress(OSError, ValueError):
        sys.stderr.buffer.write(text)
        sys.stderr.buffer.flush()


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
