from __future__ import annotations

import json
import logging

import pytest

from actgate.runtime.logs import JsonLines


def line(record: logging.LogRecord) -> dict[str, object]:
    """Return a record as it is written."""
    text = JsonLines().format(record)
    assert "\n" not in text
    decoded: dict[str, object] = json.loads(text)
    return decoded


def record(message: str, *arguments: object) -> logging.LogRecord:
    """Return a record as a logger makes it."""
    return logging.LogRecord("actgate", logging.INFO, "file", 1, message, arguments, None)


def test_a_record_is_one_line_of_json() -> None:
    """Time with zone, level, logger and message."""
    written = line(record("listening on %s", "a\nb"))
    assert written["message"] == "listening on a\nb"
    assert (written["level"], written["logger"]) == ("INFO", "actgate")
    assert str(written["time"]).endswith("+00:00")


def test_a_stack_trace_stays_within_its_line() -> None:
    """An exception is one field of the same line."""
    about = record("failed")
    defect = ValueError("a defect")
    about.exc_info = (ValueError, defect, defect.__traceback__)
    assert "ValueError: a defect" in str(line(about)["exception"])


@pytest.mark.parametrize("text", ["\ud800", "é\u0000", "\x1b[31m"])
def test_odd_text_does_not_break_a_line(text: str) -> None:
    """Lone surrogates and control characters end in valid JSON."""
    assert line(record("%s", text))["logger"] == "actgate"
