"""Lines of decision logs: by what they are known, and how they are found again in what log collectors keep.

What stands before the object in its line is skipped: the time and stream of a container runtime, or the
prefix of ``kubectl logs``. So is a wrapping in JSON, with the line as text or object in ``log``, ``message``
or ``body``. A line that a container runtime has cut in pieces is put together.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any, Final, NamedTuple

FORMAT: Final = "actgate.dev/decision-log/v1"
"""Value of ``format`` in every line; it distinguishes them from other lines of the same stream."""
_WRAPPINGS: Final = ("log", "message", "body")
_PIECE: Final = re.compile(r"\S+ (?P<stream>stdout|stderr) (?P<tag>[FP])(?::\S+)? (?P<text>.*)", re.DOTALL)
"""A line of the Container Runtime Interface; all pieces of a long one but the last are tagged P."""


class Kind(StrEnum):
    """What a line records."""

    START = "Start"
    """The chain begins; it names the replica that writes it."""
    DECISION = "Decision"
    CHECKPOINT = "Checkpoint"
    """How many decisions there were so far."""
    LOST = "Lost"
    """How many decisions could not be written where this line stands."""
    STOP = "Stop"
    """The chain ends as it was meant to; nothing follows."""


class Found(NamedTuple):
    """One line of a text."""

    number: int
    """Counted from 1; of the last piece, where it was cut."""
    entry: dict[str, Any] | None
    """The line of a decision log; None for any other text."""


class _AmbiguousError(ValueError):
    """A key occurs twice, so that two readers can read two things."""


def read(lines: Iterable[str]) -> Iterator[Found]:
    """Yield the lines of a text that are not empty."""
    pieces: dict[str, str] = {}
    for number, text in enumerate(lines, 1):
        piece = _PIECE.fullmatch(text.rstrip("\r\n"))
        if piece is not None:
            stream = piece["stream"]
            text = pieces.pop(stream, "") + piece["text"]
            if piece["tag"] == "P":
                pieces[stream] = text
                continue
        if text.strip():
            yield Found(number, _entry(text))
    for text in pieces.values():
        yield Found(number, _entry(text))


def _entry(text: str) -> dict[str, Any] | None:
    begin = text.find("{")
    try:
        found = _decoder.decode(text[begin:]) if begin >= 0 else None
    except (ValueError, RecursionError):
        return None
    return _unwrapped(found)


def _unwrapped(found: object, *, wrapped: bool = False) -> dict[str, Any] | None:
    if not isinstance(found, dict):
        return None
    if found.get("format") == FORMAT:
        return found
    if not wrapped:
        for inner in (found[name] for name in _WRAPPINGS if name in found):
            entry = _entry(inner) if isinstance(inner, str) else _unwrapped(inner, wrapped=True)
            if entry is not None:
                return entry
    return None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _AmbiguousError
    return found


_decoder: Final = json.JSONDecoder(
    object_pairs_hook=_unambiguous, parse_float=_finite, parse_constant=_finite
)
