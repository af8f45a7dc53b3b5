"""Keys of a v0 file that hold evidence and would not be read: misspelt, renamed, nested, null or repeated.

What a file measures must not disappear: a bad number under a key that is never read would pass beside a
good one. So every key of ``bias_metrics`` is known or a problem. A key beside it is a problem where it
reads like one that is known, or holds a measurement; any other is a ``Weakness`` of the conversion.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, Final

from actgate.api.base import is_blank
from actgate.api.quoting import got, quoted
from actgate.decision.manifest import Problem
from actgate.manifests.v0 import (
    ASSUMED,
    BIAS,
    CATEGORY,
    FIELDS,
    METRICS,
    NAME,
    OVERSIGHT,
    SOVEREIGNTY,
    category,
    plain_key,
)

_KEPT: Final = ("threshold", "compliant")
"""Keys of ``bias_metrics`` beside the metrics."""
_OTHER_NAMES: Final = {
    "bias": BIAS,
    "humanoversight": OVERSIGHT,
    "trainingregion": SOVEREIGNTY,
    "trainingregions": SOVEREIGNTY,
    **dict.fromkeys(("training", "classification", "validity", "approvals", "evaluations")),
    **{key: f"{BIAS}.{key}" for key in _KEPT},
}
"""Fields of a ComplianceManifest that are judged, and what v0 calls them; None where it has no place."""
_ABOUT_BIAS: Final = frozenset({"bias", "fairness", "parity", "disparity", "odds"})
_HARMLESS: Final = frozenset({"trainingdata"})
"""Reads like a part of a known field, and names what the data is, not where."""
_NEAR: Final = 0.84
"""Likeness (difflib) from which a key is taken for a misspelling: two letters in ten, about."""
_LONGEST: Final = 80
"""Longest text that can be the name of a metric."""
_READ: Final = ", ".join(
    [*(key for key, metric in METRICS.items() if metric.is_ratio or key != metric.value), *_KEPT]
)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def problems(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what a v0 file holds where it would not be read; paths are the file's own.

    Args:
        document: A v0 file as it was read, nulls included, nested no deeper than the digest allows.
    """
    stated = document.get(BIAS)
    if isinstance(stated, Mapping):
        yield from _in_bias_metrics(stated)
    for key, value in document.items():
        if key == ASSUMED:
            if _measures(value):
                yield _lost(plain_key(key), value, BIAS)
        elif key not in FIELDS:
            if _OTHER_NAMES.get(_squashed(key), "") is None:
                yield _without_place(plain_key(key), value)
            elif (meant := _renamed(key, value)) is not None:
                yield _lost(plain_key(key), value, meant)


def unnamed(document: Mapping[str, Any]) -> str | None:
    """Return in a sentence why a v0 file names no model; None when it does."""
    stated = document.get(NAME)
    if isinstance(stated, str) and not is_blank(stated):
        return None
    if stated is not None:
        return f"{NAME}: Invalid value: {got(stated)}: must be the name of the model"
    near = next((key for key in document if key not in FIELDS and _renamed(key, None) == NAME), None)
    renamed = f"; did you write {quoted(near)} for it?" if near is not None else ""
    return f"{NAME}: Required value: the file must name its model{renamed}"


def _in_bias_metrics(stated: Mapping[Any, Any]) -> Iterator[Problem]:
    known: dict[object, object] = {}
    for key, value in stated.items():
        path = f"{BIAS}.{plain_key(key)}"
        metric = METRICS.get(key)
        if metric is None:
            if key not in _KEPT:
                yield _lost(path, value, _nearest(_squashed(key), (*METRICS, *_KEPT), 0.6))
        elif value is None:
            remediation = "state the measured value, or remove the key"
            yield Problem(path, "Required value: the measured value is null", remediation)
        elif metric in known:
            message = f"Duplicate value: {metric} is also stated as {quoted(known[metric])}"
            yield Problem(path, message, "keep the one that was measured")
        else:
            known[metric] = key


def _lost(path: str, value: object, meant: str | None) -> Problem:
    guess = f"; did you mean {meant}?" if meant is not None else ""
    message = f"Unsupported value: {got(value)}: the key is not read{guess}"
    known = "" if meant is not None else f"; {BIAS} has {_READ}"
    return Problem(path, message, f"correct the key, or remove it{known}")


def _without_place(path: str, value: object) -> Problem:
    message = f"Unsupported value: {got(value)}: the key is only read in a ComplianceManifest"
    return Problem(path, message, 'export a ComplianceManifest (version="v1"), or remove it')


def _renamed(key: object, value: object) -> str | None:
    """Return the field of v0 that a key beside the known ones is taken for."""
    squashed = _squashed(key)
    known = _OTHER_NAMES.get(squashed)
    if known is not None:
        return known
    if squashed not in _HARMLESS:
        for field in sorted(FIELDS):
            if squashed in _parts(field):
                return field
    near = _nearest(squashed, tuple(sorted(FIELDS)), _NEAR)
    if near is None and "risk" in _words(key) and category(value) is not None:
        return CATEGORY
    return BIAS if near is None and _is_measure(key, value, top=True) else near


def _parts(field: str) -> set[str]:
    """Return what a field's name is without some of its words, at least two left, and its chief words."""
    words = field.split("_")
    ends = range(2, len(words) + 1)
    parts = {"".join(words[start:end]) for end in ends for start in range(end - 1)}
    return parts | ({"oversight", "sovereignty"} & set(words))


def _is_measure(key: object, value: object, *, top: bool = False) -> bool:
    """Return whether a key and its value state a metric, or something about bias that is no mere text."""
    squashed = _squashed(key)
    if _is_metric(squashed):
        return True
    if _ABOUT_BIAS & set(_words(key)) and _is_stated(value) and (top or not isinstance(value, bool)):
        return True
    return _measures(value)


def _measures(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST and _is_metric(_squashed(value))
    if isinstance(value, Mapping):
        return any(_is_measure(key, item) for key, item in value.items())
    return isinstance(value, list) and any(map(_measures, value))


def _is_stated(value: object) -> bool:
    """Return whether a value is more than text; a number in quotes is a number."""
    if not isinstance(value, str):
        return value is not None
    return re.fullmatch(r"\s*[-+]?[0-9.,]+(?:[eE][-+]?[0-9]+)?\s*%?\s*", value) is not None


def _is_metric(squashed: str) -> bool:
    return _nearest(squashed, tuple(METRICS), 0.88) is not None


def _nearest(squashed: str, names: tuple[str, ...], cutoff: float) -> str | None:
    if len(squashed) > 2 * max(map(len, names)):
        return None
    by_letters = {_squashed(name): name for name in names}
    near = difflib.get_close_matches(squashed, by_letters, n=1, cutoff=cutoff)
    return by_letters[near[0]] if near else None


def _words(key: object) -> list[str]:
    """Return the words of a key, however it separates them."""
    plain = unicodedata.normalize("NFKC", _CAMEL.sub("_", str(key))).casefold()
    return [word for word in re.split(r"[\W_]+", plain) if word]


def _squashed(key: object) -> str:
    """Return the letters and digits of a key: case, separators and white space do not count."""
    return "".join(_words(key))
