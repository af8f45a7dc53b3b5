"""Regions in a sentence: ``EU-WEST-3 (Paris/Frankfurt)`` is region eu-west-3, stated in these words.

Pipelines wrote residency as free text. Region codes are taken out of it by the table of regions, and
the words around them are their statement, which the rules hold against the region word by word. A part
without a code belongs to the region beside it where that explains it ("eu-west-3, Paris"); otherwise
it becomes a region of that name, which is unknown and therefore refused: nothing that a text says is
dropped.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from actgate.decision.manifest import Region
from actgate.decision.regions import PROVIDERS, locate
from actgate.decision.residency_text import read

_TOKEN: Final = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")
_CODE_LIKE: Final = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-?\d+[a-z]?")
_LISTED: Final = re.compile(r"[,;\n&+|]|\band\b", re.IGNORECASE)
_SLASHED: Final = re.compile(r"/")
_UNFINISHED: Final = re.compile(r"[&+|](?=\s*\Z)")
"""A sign after which something is missing: "eu-west-3 +"."""
_SHORTEST: Final = 4
"""Codes of three letters are country codes and abbreviations too (DE, UK): they count only alone or
beside their provider."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a text between separators, and the regions whose codes it holds."""

    text: str
    regions: tuple[Region, ...]


def regions_in(text: str) -> tuple[Region, ...]:
    """Return the regions that a text names, in its order, each once and with the words around it."""
    parts = [part for listed in _split(text, _LISTED) for part in _listed(listed)]
    if unfinished := _UNFINISHED.search(text):
        parts.append(_Part(unfinished[0], ()))
    parts = _joined(_joined(parts)[::-1], before=True)[::-1]
    return tuple(dict.fromkeys(region for part in parts for region in part.regions or (Region(part.text),)))


def _joined(parts: list[_Part], *, before: bool = False) -> list[_Part]:
    """Return parts, each without a code being added to the one in front of it that explains its words."""
    joined: list[_Part] = []
    for part in parts:
        host = joined[-1].regions[0] if joined and joined[-1].regions and not part.regions else None
        if host is None or not _explains(host, part.text):
            joined.append(part)
            continue
        words = (part.text, host.statement or host.code)
        stated = replace(host, statement=", ".join(words if before else words[::-1]))
        joined[-1] = replace(joined[-1], regions=(stated, *joined[-1].regions[1:]))
    return joined


def _explains(region: Region, words: str) -> bool:
    places = locate(region.code, region.provider)
    return bool(places) and read(words, places).is_clean


def _listed(part: str) -> Iterator[_Part]:
    if locate(part):  # some codes hold a slash, such as DE/FRA
        yield _Part(part, (Region(part.lower()),))
        return
    for piece in _split(part, _SLASHED):
        yield _Part(
            piece,
            tuple(
                Region(code, provider, piece if piece.lower() != code else None)
                for code, provider in _codes(piece)
            ),
        )


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
