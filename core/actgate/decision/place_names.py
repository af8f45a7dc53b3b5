"""What a name in a text can mean: countries and towns in the EU's languages, providers, neutral words.

The names are data (``data/place_names.json``). They are compared without letter case, accents and
compatibility forms; letters of another script stay what they are, so a look-alike is another word.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeVar

from actgate.decision.data import country_groups, place_names
from actgate.decision.regions import Place, every_place

K = TypeVar("K")
V = TypeVar("V")
Words = tuple[str, ...]
"""A name as it is compared: folded, and cut where it holds anything but letters and digits."""

_PLAIN: Final = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "ħ": "h", "\u0131": "i"})
_WORD: Final = re.compile(r"[^\W_]+")
_SHORTEST_CODE: Final = 6
"""Shorter codes without their hyphens could be words: ``de/fra``, ``frpar``."""


@dataclass(frozen=True, slots=True)
class Named:
    """A place that a name means: a town of the region table, or a whole country where town is None."""

    label: str
    """What to call it, such as ``Frankfurt, DE`` or ``Germany``."""
    country: str
    town: str | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """Every known name, by its words."""

    places: Mapping[Words, frozenset[Named]]
    codes: Mapping[str, frozenset[Place]]
    """Region codes as they read without hyphens: ``westeurope`` is "West Europe" too."""
    areas: Mapping[Words, frozenset[str]]
    """Names of groups of countries, such as EU: true of a region only in one of these countries."""
    providers: Mapping[Words, frozenset[str]]
    country_codes: Mapping[str, str]
    """From ISO 3166-1 codes in capitals to alpha-2: in small letters they are words of many languages."""
    neutral: frozenset[Words]
    longest: Mapping[str, int]
    """From the first word of a name to the words of the longest name that begins so."""
    beginnings: frozenset[str]
    """Every beginning of a region code without hyphens."""


def fold(text: str) -> str:
    """Return text as names are compared: compatible, without letter case and accents."""
    if text.isascii():  # Most of the 5,000 names: nothing to decompose.
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(mark for mark in decomposed if not unicodedata.combining(mark))
    return unicodedata.normalize("NFC", plain.casefold().translate(_PLAIN))


def words_of(text: str) -> Words:
    """Return the words of a name."""
    return tuple(_WORD.findall(fold(text)))


@lru_cache(maxsize=1)
def names() -> Names:
    """Return the index of all names; built once, when a text is first read."""
    data = place_names()
    places = _collected(
        (words, meant) for name, meant in _place_names(data) if (words := words_of(name)) not in _OTHER_WORDS
    )
    areas = {
        words_of(name): frozenset(
            country_groups()[area["countries"]] if isinstance(area["countries"], str) else area["countries"]
        )
        for area in data["areas"].values()
        for name in area["names"]
    }
    providers = _collected(
        (words_of(name), provider)
        for provider, called in data["providers"].items()
        for name in (provider, *called)
    )
    neutral = frozenset(map(words_of, data["neutral"]))
    codes = _collected(_joined_codes())
    longest: dict[str, int] = {}
    for words in (*places, *areas, *providers, *neutral):
        longest[words[0]] = max(len(words), longest.get(words[0], 0))
    return Names(
        places=places,
        codes=codes,
        areas=areas,
        providers=providers,
        country_codes={
            code: country
            for country, codes in data["country_codes"].items()
            for code in codes
            if code not in _WORDS_IN_CAPITALS
        },
        neutral=neutral,
        longest=longest,
        beginnings=frozenset(code[:end] for code in codes for end in range(1, len(code) + 1)),
    )


_WORDS_IN_CAPITALS: Final = frozenset({"NO", "NOR", "IN", "SAU"})
"""Codes of countries that may as well be words of a sentence in capitals, and turn its sense."""
_OTHER_WORDS: Final = frozenset({("tai",)})
"""Names that are words of another language of the EU: Thailand in Estonian, "or" in Finnish."""


def _place_names(data: Mapping[str, Any]) -> Iterator[tuple[str, Named]]:
    for country, called in data["countries"].items():
        meant = Named(called["en"], country)
        for name in (*called.values(), *data["other_names"].get(country, ())):
            yield name, meant
    for place in every_place():
        for name in place.names:
            yield name, Named(f"{name}, {place.country}", place.country, place.town)
        for name in data["cities"].get(place.town, ()):
            yield name, Named(f"{place.town}, {place.country}", place.country, place.town)


def _joined_codes() -> Iterator[tuple[str, Place]]:
    for place in every_place():
        joined = "".join(words_of(place.region))
        if len(joined) >= _SHORTEST_CODE:
            yield joined, place


def _collected(pairs: Iterable[tuple[K, V]]) -> dict[K, frozenset[V]]:
    found: dict[K, set[V]] = {}
    for key, value in pairs:
        found.setdefault(key, set()).add(value)
    return {key: frozenset(values) for key, values in found.items()}
