"""Canonical JSON (RFC 8785), fast where plain sorting gives the same bytes, and the digest of an object.

A serializer that only sorts keys differs from RFC 8785 in three cases, which are looked for in its output:
numbers that are not whole, whole numbers beyond 2**53 - 1, and keys with characters beyond U+FFFF, which sort
otherwise in UTF-16 than in UTF-8. Those take the long way.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson
import rfc8785

_SORTED: Final = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
_LARGEST: Final = 2**53 - 1
# Numbers that are not whole: as a value, as a first or a further item. Three searches for fixed bytes take a
# fifth of the time of one for all, and text that looks like a number costs time only.
_VALUE: Final = re.compile(rb'":-?[0-9]+[.eE]')
_FIRST: Final = re.compile(rb"\[-?[0-9]+[.eE]")
_FURTHER: Final = re.compile(rb",-?[0-9]+[.eE]")
_BEYOND_U_FFFF: Final = re.compile(rb"[\xf0-\xf4]")


class ObjectDigest(NamedTuple):
    """What an object is known by in the log."""

    digest: str
    """``sha256:<64 hex digits>``."""
    of: str
    """``canonical`` for the object's canonical JSON; ``bytes`` for what came, where it has none."""


def canonical(value: object) -> bytes:
    """Return the canonical JSON of a value that was read from JSON.

    Whole numbers beyond 2**53 - 1 are written as the double that a reader makes of them, as section 3.2.2.3
    of RFC 8785 has it.

    Raises:
        ValueError: It is nested too deeply, holds text that is not Unicode, or a number that no double holds.
    """
    try:
        plain = orjson.dumps(value, option=_SORTED)
    except TypeError:  # orjson.JSONEncodeError: a large number, deep nesting, or what is not JSON at all
        return _slow(value)
    return _slow(value) if isinstance(value, float) or _may_differ(plain) else plain


def canonical_plain(value: Mapping[str, Any]) -> bytes:
    """Return the canonical JSON of an object with ASCII keys, text and whole numbers only, faster still.

    Raises:
        TypeError: A number is beyond 2**53 - 1, or text is not Unicode.
    """
    return orjson.dumps(value, option=_SORTED)


def sha256(data: bytes) -> str:
    """Return ``sha256:<64 hex digits>``."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def digest_of_object(raw: bytes, obj: dict[str, Any] | None) -> ObjectDigest:
    """Return the digest of a Kubernetes object, ``metadata.managedFields`` apart.

    The API server's book-keeping is left out: it differs between two applies of the same object.

    Args:
        raw: The object as it came.
        obj: The same, parsed; None where it cannot be.
    """
    try:
        return ObjectDigest(sha256(canonical(_without_bookkeeping(obj))), "canonical")
    except ValueError:
        return ObjectDigest(sha256(raw), "bytes")


def _without_bookkeeping(obj: dict[str, Any] | None) -> dict[str, Any]:
    if obj is None:
        raise ValueError("the object cannot be read")
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict) or "managedFields" not in metadata:
        return obj
    return {**obj, "metadata": {key: value for key, value in metadata.items() if key != "managedFields"}}


def _may_differ(plain: bytes) -> bool:
    return bool(
        _VALUE.search(plain)
        or _FIRST.search(plain)
        or _FURTHER.search(plain)
        or (not plain.isascii() and _BEYOND_U_FFFF.search(plain))
    )


def _slow(value: object) -> bytes:
    try:
        return rfc8785.dumps(_with_doubles(value))
    except (OverflowError, RecursionError) as error:
        raise ValueError("this has no canonical form (RFC 8785)") from error


def _with_doubles(value: object) -> Any:  # noqa: ANN401 - rfc8785 has no public name for what JSON holds
    if isinstance(value, dict):
        return {key: _with_doubles(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_doubles(item) for item in value]
    if type(value) is int and abs(value) > _LARGEST:
        return float(value)
    return value
