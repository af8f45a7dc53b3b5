"""String formats and patterns: Go's regular expressions, on Python's engine."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import cache
from urllib.parse import urlsplit

import cel

from actgate_sandbox.schema.errors import SchemaError

_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})")
_DURATION = re.compile(r"[+-]?(0|(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+")
_DURATION_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
# An escape, a bracket expression, or a dollar: only a bare dollar is to be rewritten.
_TOKENS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\$")


@cache
def pattern(source: str) -> re.Pattern[str]:
    """Compile a Go regular expression.

    Raises:
        SchemaError: Go would refuse it (look-around, back-references), or Python reads it otherwise.
    """
    try:
        # The CEL library's engine shares Go's linear-time syntax, so it tells what Go refuses.
        cel.evaluate("''.matches(p)", {"p": source})
        if "[[:" in source:
            raise SchemaError(f"{source!r}: the sandbox cannot do POSIX classes; write them out")
        # Python's `$` also matches before a last newline, Go's does not.
        rewritten = _TOKENS.sub(lambda found: r"\Z" if found[0] == "$" else found[0], source)
        return re.compile(rewritten, re.ASCII)
    except (ValueError, RuntimeError, TypeError, re.error) as error:
        raise SchemaError(
            f"must be a valid regular expression, but isn't: error parsing regexp: {error}"
        ) from error


def date_time(text: str) -> datetime:
    """Read an RFC 3339 time; ValueError where it is none."""
    if not _DATE_TIME.fullmatch(text):
        raise ValueError(f"{text!r} is no RFC 3339 time")
    return datetime.fromisoformat(text.upper())


def duration(text: str) -> timedelta:
    """Read a Go duration such as `1h30m`; ValueError where it is none."""
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is no duration")
    seconds = sum(float(n) * _SECONDS[unit] for n, unit in _DURATION_PART.findall(text))
    return timedelta(seconds=-seconds if text.startswith("-") else seconds)


def _uri(text: str) -> None:
    if re.search(r"\s", text) or not urlsplit(text).scheme:
        raise ValueError(f"{text!r} is no URI")


def _email(text: str) -> None:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", text):
        raise ValueError(f"{text!r} is no address")


def _byte(text: str) -> None:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error


_CHECKS: Mapping[str, Callable[[str], object]] = {
    "date-time": date_time,
    "datetime": date_time,
    "date": date.fromisoformat,
    "duration": duration,
    "uri": _uri,
    "email": _email,
    "byte": _byte,
    "uuid": uuid.UUID,
    "ipv4": ipaddress.IPv4Address,
    "ipv6": ipaddress.IPv6Address,
    "cidr": ipaddress.ip_network,
    "password": str,
}
NUMBER_FORMATS = {"int32": 2**31, "int64": 2**63, "float": None, "double": None}
"""Formats of numbers, with the first magnitude that no longer fits."""


def known(name: str) -> bool:
    """Tell whether a format is judged here; the API server ignores formats that it does not know."""
    return name in _CHECKS or name in NUMBER_FORMATS


def fits(name: str, text: str) -> bool:
    """Tell whether a string has the format; every string has an unknown one."""
    try:
        _CHECKS.get(name, str)(text)
    except ValueError:
        return False
    return True
