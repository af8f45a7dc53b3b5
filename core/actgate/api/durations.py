"""Durations in the notation of Go and Kubernetes, such as ``8760h``, ``2m30s`` and ``1500ms``.

Resources take whole hours, minutes and seconds alone, as their schemas say; flags and the ``timeout`` of a
review take whatever Go reads. Source: https://pkg.go.dev/time#ParseDuration
"""

import math
import re
from datetime import timedelta
from typing import Final

CALENDAR_FORM: Final = r"([0-9]{1,7}h)?([0-9]{1,7}m)?([0-9]{1,7}s)?"
"""Whole hours, minutes and seconds in that order: what our resources take."""
_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_GO: Final = re.compile(r"0|(?:[0-9]{1,12}(?:\.[0-9]{1,12})?(?:h|ms|m|s|us|µs|ns))+")
_PART: Final = re.compile(r"([0-9.]+)([a-zµ]+)")


def parse_duration(text: str) -> timedelta:
    """Read a duration in hours, minutes and seconds as resources state it, such as ``8760h``.

    Raises:
        ValueError: When it is empty or not of that form.
    """
    if not text or not re.fullmatch(CALENDAR_FORM, text):
        raise ValueError("must be a duration such as 8760h, 90m or 1h30m")
    return timedelta(seconds=parse_seconds(text))


def parse_seconds(text: str) -> float:
    """Read a duration as Go does, but none below zero, into seconds.

    Raises:
        ValueError: When it is not of that form; a number without a unit is not, but for ``0``.
    """
    if not _GO.fullmatch(text):
        raise ValueError("must be a duration such as 2m30s, 15s or 1500ms")
    return math.fsum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def format_seconds(seconds: float) -> str:
    """Write seconds, exact to a millisecond, in a form that ``parse_seconds`` reads."""
    rest, text = round(seconds * 1000), ""
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"
