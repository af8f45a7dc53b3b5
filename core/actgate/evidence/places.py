"""Regions in a sentence: ``EU-WEST-3 (Paris/Frankfurt)`` is region eu-west-3, stated in these words.

Pipelines wrote residency as free text. Region codes are taken out of it by the table of regions;
what is left without a code becomes a region of that name, which is unknown and therefore refused:
nothing that a text says is dropped.
"""

import re
from collections.abc import Iterator
from typing import Final

from actgate.policy.evidence import Region
from actgate.policy.regions import PROVIDERS, locate

_TOKEN: Final = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")
_CODE_LIKE: Final = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-?\d+[a-z]?")
_LISTED: Final = re.compile(r"[,;\n&+|]|\band\b", re.IGNORECASE)
_SLASHED: Final = re.compile(r"/")
_SHORTEST: Final = 4
"""Codes of three letters are country codes and abbreviations too (DE, UK): they count only alone or
beside their provider."""


def regions_in(text: str) -> tuple[Region, ...]:
    """Return the regions that a text names, in its order, each once and with the words around it."""
    found = (region for part in _split(text, _LISTED) for region in _listed(part))
    return tuple(dict.fromkeys(found))


def _listed(part: str) -> Iterator[Region]:
    if locate(part):  # some codes hold a slash, such as DE/FRA
        yield Region(part.lower())
        return
    for piece in _split(part, _SLASHED):
        codes = _codes(piece)
        if not codes:
            yield Region(piece)
        for code, provider in codes:
            yield Region(code, provider, piece if piece.lower() != code else None)


def _codes(piece: str) -> list[tuple[str, str | None]]:
    tokens = [token.lower() for token in _TOKEN.findall(piece)]
    named = PROVIDERS.intersection(tokens)
    provider = next(iter(named)) if len(named) == 1 else None
    return [(token, provider) for token in tokens if _is_code(token, provider, len(tokens))]


def _is_code(token: str, provider: str | None, tokens: int) -> bool:
    if token in PROVIDERS:
        return False
    if len(token) < _SHORTEST and tokens > 1:
        return provider is not None and bool(locate(token, provider))
    return bool(locate(token)) or _CODE_LIKE.fullmatch(token) is not None


def _split(text: str, separator: re.Pattern[str]) -> Iterator[str]:
    """Yield the parts of a text between separators that stand outside brackets; blank ones left out."""
    start = 0
    for found in separator.finditer(text):
        before = text[: found.start()]
        if before.count("(") <= before.count(")"):
            yield from _unless_blank(text[start : found.start()])
            start = found.end()
    yield from _unless_blank(text[start:])


def _unless_blank(part: str) -> Iterator[str]:
    if stripped := part.strip():
        yield stripped
