"""Canonical JSON (RFC 8785) and SHA-256, of which all digests and hashes of ours are made.

``rfc8785`` is the reference. For what was read from JSON there is a faster way: a serializer that only sorts
keys differs from RFC 8785 in three cases, which are looked for in its output: numbers that are not whole,
whole numbers beyond 2**53 - 1, and keys with characters beyond U+FFFF, which sort otherwise in UTF-16 than
in UTF-8. Those take the reference. ``docs/dependencies.md`` says what that saves.
"""

import hashlib
import re
from typing import Any, Final

import orjson
import rfc8785

LARGEST: Final = 2**53 - 1
"""Largest whole number that every JSON reader holds exactly; RFC 8785 section 3.2.2.3."""

SORTED: Final = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
"""With these orjson writes ASCII keys, text and whole numbers up to 2**53 - 1 as RFC 8785 does."""

# Numbers that are not whole: as a value, as a first or a further item. Three searches for fixed bytes take a
# fifth of the time of one for all, and text that looks like a number costs time only.
_VALUE: Final = re.compile(rb'":-?[0-9]+[.eE]')
_FIRST: Final = re.compile(rb"\[-?[0-9]+[.eE]")
_FURTHER: Final = re.compile(rb",-?[0-9]+[.eE]")
_BEYOND_U_FFFF: Final = re.compile(rb"[\xf0-\xf4]")


def canonical(value: Any) -> bytes:  # noqa: ANN401 - rfc8785 has no public name for what JSON holds
    """Return the canonical JSON of any value.

    Raises:
        ValueError: It holds what JSON has no exact form for: NaN, an infinity, a whole number beyond
            2**53 - 1, text that is not Unicode, a type of its own; or it is nested too deeply.
    """
    try:
        return rfc8785.dumps(value)
    except RecursionError:
        raise _no_form() from None


def canonical_of_json(value: object) -> bytes:
    """Return the canonical JSON of a value that was read from JSON, fast.

    Whole numbers beyond 2**53 - 1 are written as the double that a reader makes of them, as section 3.2.2.3
    of RFC 8785 has it.

    Raises:
        ValueError: It is nested too deeply, holds text that is not Unicode, or a number that no double holds.
    """
    try:
        plain = orjson.dumps(value, option=SORTED)
    except TypeError:  # orjson.JSONEncodeError: a large number, deep nesting, or text that is not Unicode
        try:
            return canonical(_with_doubles(value))
        except (OverflowError, RecursionError):
            raise _no_form() from None
    return canonical(value) if isinstance(value, float) or _may_differ(plain) else plain


def sha256(data: bytes) -> str:
    """Return ``sha256:<64 hex digits>``."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _may_differ(plain: bytes) -> bool:
    return bool(
        _VALUE.search(plain)
        or _FIRST.search(plain)
        or _FURTHER.search(plain)
        or (not plain.isascii() and _BEYOND_U_FFFF.search(plain))
    )


def _no_form() -> ValueError:
    return ValueError("this has no canonical form (RFC 8785)")


def _with_doubles(value: object) -> object:
    if isinstance(value, dict):
        return {key: _with_doubles(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_doubles(item) for item in value]
    if type(value) is int and abs(value) > LARGEST:
        return float(value)
    return value
