"""RFC 3339 timestamps, read and written: the one place that knows their form."""

import re
from datetime import UTC, datetime
from typing import Final

_RFC3339: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})")


def parse_timestamp(text: object) -> datetime:
    """Read an RFC 3339 date-time, section 5.6, into an aware UTC datetime.

    Raises:
        ValueError: When it is not a string of that form, or no such moment exists.
    """
    try:
        if isinstance(text, datetime) and text.tzinfo is not None:
            return text.astimezone(UTC)
        if isinstance(text, str) and _RFC3339.fullmatch(text):
            fraction = re.sub(r"\.(\d{1,6})\d*", r".\1", text.upper())
            return datetime.fromisoformat(fraction).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"must be a moment in time: {error}") from None
    raise ValueError("must be an RFC 3339 time with a zone, such as 2026-11-01T10:00:00Z")


def timestamp(moment: datetime, precision: str = "seconds") -> str:
    """Return an aware moment in UTC, such as ``2026-11-01T10:00:00Z``.

    At the ends of the calendar, where UTC has no such moment, it keeps its zone.

    Args:
        moment: The moment; what is finer than the precision is dropped, so that it is never late.
        precision: ``seconds`` as meta/v1 Time, ``microseconds`` as MicroTime, ``auto`` for what it has.
    """
    try:
        return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=precision)}Z"
    except OverflowError:
        return moment.isoformat(timespec=precision)
