"""Named values: the few of a request or an answer that go into its record, found by JSON Pointer (RFC 6901).

By default none does. A value that is missing, or has no place in a record, is left out and counted under its
name; it never fails the request.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

import orjson

from actgate.api.quoting import quoted

LARGEST_BODY: Final = 64 * 1024
"""Bytes of a body that is searched for named values."""
LONGEST_VALUE: Final = 256
"""Characters of a value; longer text is no class and no score, and is left out."""

Side = Literal["request", "response"]


@dataclass(frozen=True, slots=True)
class Named:
    """A value by its name: where it is."""

    name: str
    side: Side
    pointer: tuple[str, ...]
    """The tokens of the pointer, unescaped."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``score=response:/predictions/0/score``.

        Raises:
            ValueError: It has another form.
        """
        name, equals, place = text.partition("=")
        side, colon, pointer = place.partition(":")
        if not (name and equals and colon and pointer.startswith("/")) or side not in ("request", "response"):
            raise ValueError(
                f"{quoted(text)}: must be NAME=request:/POINTER or NAME=response:/POINTER, "
                "as in score=response:/predictions/0/score"
            )
        if len(name) > 63:
            raise ValueError(f"{quoted(text)}: the name must have at most 63 characters")
        tokens = (token.replace("~1", "/").replace("~0", "~") for token in pointer[1:].split("/"))
        return cls(name, side, tuple(tokens))  # type: ignore[arg-type] # one of both, see above

    def find(self, document: object) -> object:
        """Return what the pointer leads to.

        Raises:
            LookupError: It leads nowhere.
        """
        for token in self.pointer:
            if isinstance(document, dict):
                document = document[token]
            elif isinstance(document, list) and token.isascii() and token.isdigit():
                document = document[int(token)]
            else:
                raise LookupError(token)
        return document


def values(named: Iterable[Named], side: Side, body: bytes | None) -> dict[str, Any]:
    """Return the values that a body holds by their names; None for one that it does not hold.

    Args:
        named: What to look for.
        side: Which of both the body is.
        body: All of it; None where it was larger than is searched.
    """
    wanted = [item for item in named if item.side == side]
    if not wanted:
        return {}
    document = _document(body)
    return dict(_found(wanted, document))


def _found(wanted: Iterable[Named], document: object) -> Iterator[tuple[str, Any]]:
    for item in wanted:
        try:
            value = item.find(document)
        except LookupError:
            value = None
        yield item.name, value if is_plain(value) else None


def is_plain(value: object) -> bool:
    """Return whether a record takes a value by name."""
    if type(value) is int:
        return abs(value) < 2**53
    return isinstance(value, bool | float) or (type(value) is str and len(value) <= LONGEST_VALUE)


def _document(body: bytes | None) -> object:
    if body is None:
        return None
    try:
        return orjson.loads(body)
    except ValueError:
        return None


def text_of(found: Mapping[str, Any], name: str) -> bytes | None:
    """Return a value that was found as the bytes that a digest is taken of; None where there is none."""
    value = found.get(name)
    if value is None:
        return None
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else orjson.dumps(value)
