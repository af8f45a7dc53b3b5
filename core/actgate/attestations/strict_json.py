"""JSON of which every reader makes the same: what readers differ in is refused.

Signed bytes are judged by what they say. A text with a key twice, NaN, something after its end or lone
surrogates says one thing to one reader and another to the next (RFC 8259 sections 4, 6 and 8.2), so that it
is not evidence. ``actgate.documents`` is more patient, as kubectl is: it reads several documents and YAML.
"""

import json
from collections.abc import Iterable
from typing import Any, Final

import orjson

from actgate.api.quoting import quoted

_NESTED: Final = frozenset({dict, list})
MAX_DEPTH: Final = 32
"""Deepest nesting that is read, as in a manifest."""


def loads(raw: bytes) -> Any:  # noqa: ANN401 - JSON holds anything
    """Return the value of a JSON text in UTF-8.

    Raises:
        ValueError: One clause that says what is wrong, such as ``duplicate key "bias"``.
    """
    try:
        value = orjson.loads(raw)  # the strictest reader of the two, but it takes the last of two equal keys
        if not _is_written_as(value, raw):
            value = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"invalid JSON: {error}") from None
    except RecursionError:
        raise _too_deep() from None
    if _deeper_than(value, MAX_DEPTH):
        raise _too_deep()
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"duplicate key {quoted(key)}")
            seen.add(key)
    return found


def _is_written_as(value: object, raw: bytes) -> bool:
    """Return whether a value is written as the text that it was read from, so that nothing of it was lost.

    So it is with compact JSON, as signers write it, and takes a third of the time of a second reading.
    """
    try:
        return orjson.dumps(value) == raw
    except TypeError:  # orjson.JSONEncodeError: nested too deep
        return False


def _deeper_than(value: object, most: int) -> bool:
    level: list[dict[str, Any] | list[Any]] = [value] if isinstance(value, dict | list) else []
    for _ in range(most):
        level = [item for outer in level for item in _items(outer) if type(item) in _NESTED]
        if not level:
            return False
    return True


def _items(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if type(value) is dict else value


def _too_deep() -> ValueError:
    return ValueError(f"must not be nested deeper than {MAX_DEPTH} levels")
