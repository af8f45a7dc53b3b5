"""What is wrong with one field, in the words of `k8s.io/apimachinery/pkg/util/validation/field`."""

from __future__ import annotations

import json

from actgate_sandbox.status import Cause


class SchemaError(Exception):
    """A schema uses something that the sandbox cannot do; the message names it and where it is."""


def wrong_type(path: str, expected: str, value: str) -> Cause:
    """A value of another type or format; `value` is what the message quotes."""
    sentence = f"{path} in body must be of type {expected}: {value}"
    return Cause("FieldValueTypeInvalid", path, f"Invalid value: {value}: {sentence}")


def too_many(path: str, count: int, limit: int) -> Cause:
    """A list or a map beyond its limit."""
    items = "item" if limit == 1 else "items"
    return Cause("FieldValueTooMany", path, f"Too many: {count}: must have at most {limit} {items}")


def shown(value: object) -> str:
    """Write a value as error messages do: strings quoted, numbers as Go prints them, the rest JSON."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
