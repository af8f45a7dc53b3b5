"""What a plain YAML scalar means to Kubernetes: sigs.k8s.io/yaml, which is YAML 1.1 with changes.

yes, on and y are booleans, 017 is octal, 1_000 is a number; dates stay strings and 190:20:30 is no
number.
"""

import math
import re
from typing import Final

_YES: Final = ("y", "yes", "true", "on")
_NO: Final = ("n", "no", "false", "off")


def _spellings(*words: str) -> tuple[str, ...]:
    return tuple(spelling for word in words for spelling in (word, word.capitalize(), word.upper()))


_NAMED: Final[dict[str, bool | float | None]] = {
    **dict.fromkeys(_spellings(*_YES), True),
    **dict.fromkeys(_spellings(*_NO), False),
    **dict.fromkeys(("", "~", *_spellings("null"))),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_BASES: Final = (
    (re.compile(r"[-+]?0[xX][0-9a-fA-F]+"), 16),
    (re.compile(r"[-+]?0[oO][0-7]+"), 8),
    (re.compile(r"[-+]?0[bB][01]+"), 2),
    (re.compile(r"[-+]?0[0-7]+"), 8),
    (re.compile(r"[-+]?(?:0|[1-9][0-9]*)"), 10),
)
_DECIMAL: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_LONGEST: Final = 400
"""Longest text that can be a number: the digits of the largest double, and some room."""


def resolve(text: str) -> bool | int | float | str | None:
    """Return the value of a plain scalar without a tag."""
    if text in _NAMED:
        return _NAMED[text]
    if text[0] not in "0123456789+-." or len(text) > _LONGEST:
        return text
    number = _number(text if text[0] == "." else text.replace("_", ""))
    return text if number is None else number


def _number(plain: str) -> int | float | None:
    for form, base in _BASES:
        if form.fullmatch(plain):
            return int(plain, base)
    if not _DECIMAL.fullmatch(plain):
        return None
    value = float(plain)
    return whole(value) if math.isfinite(value) else None  # out of a double's range it stays text


def whole(value: float) -> int | float:
    """Return a whole number as an int, as it is once Kubernetes has passed it on as JSON: 1e3 is 1000.

    Beyond 2**53 - 1, where doubles skip whole numbers, it stays a float.
    """
    return int(value) if value.is_integer() and abs(value) < 2**53 else value
