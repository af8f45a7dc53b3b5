"""What is wrong with one field, in the words of `k8s.io/apimachinery/pkg/util/validation/field`."""

from __future__ import annotations

import json
from collections.abc import Iterable

from actgate_sandbox.status import Cause


class SchemaError(Exception):
    """A schema uses something that the sandbox cannot do; the message names it and where it is."""


def invalid(path: str, value: str, message: str) -> Cause:
    """`Invalid value: …`; `value` is already written as `shown` does."""
    return Cause("FieldValueInvalid", path, f"Invalid value: {value}: {message}")


def wrong_type(path: str, expected: str, value: str) -> Cause:
    """A value of another type or format; `value` is what the message quotes."""
    sentence = f"{path} in body must be of type {expected}: {value}"
    return Cause("FieldValueTypeInvalid", path, f"Invalid value: {value}: {sentence}")


def required(path: str) -> Cause:
    """A field that must be there."""
    return Cause("FieldValueRequired", path, "Required value")


def duplicate(path: str, value: object) -> Cause:
    """A second item with the same value or key."""
    return Cause("FieldValueDuplicate", path, f"Duplicate value: {shown(value)}")


def unsupported(path: str, value: object, supported: Iterable[object]) -> Cause:
    """A value outside an enumeration."""
    names = ", ".join(shown(str(item)) for item in supported)
    message = f"Unsupported value: {shown(value)}: supported values: {names}"
    return Cause("FieldValueNotSupported", path, message)


def too_long(path: str, limit: int) -> Cause:
    """A string beyond its limit; the real message says bytes although runes are counted."""
    return Cause("FieldValueTooLong", path, f"Too long: may not be more than {limit} bytes")


def too_many(path: str, count: int, limit: int) -> Cause:
    """A list or a map beyond its limit."""
    items = "item" if limit == 1 else "items"
    return Cause("FieldValueTooMany", path, f"Too many: {count}: must have at most {limit} {items}")


def shown(value: object) -> str:
    """Write a value as error messages do: strings quoted, numbers as Go prints them, the rest JSON."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
