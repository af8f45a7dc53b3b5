"""Reads a residency text word by word: each must be explained by the region that the text speaks of.

``EU-WEST-3 (Paris/Frankfurt)`` is region eu-west-3, its town Paris, and one more town. What cannot be
explained ("not", "failover", "or wherever", a symbol, a letter of another script) is handed back: a
text whose sense is not known says nothing about where data was.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from actgate.decision.place_names import Named, Words, names, words_of
from actgate.decision.regions import Place, locate

_WORD: Final = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_SLASHED: Final = re.compile(r"[a-z]{2}/[a-z]{3}(?:/\d{1,2})?(?![\w/-])", re.IGNORECASE | re.ASCII)
"""Codes that hold a slash, such as ``de/fra/2``."""
_BLANK: Final = frozenset(" \t\r\n")
_SEPARATORS: Final = frozenset("()[],;:/\"'`\xab\xb7\xbb\u2018\u2019\u201a\u201c\u201d\u201e")
"""Punctuation that says nothing by itself."""
_JOINING: Final = frozenset("&+|")
"""Joins what stands on both of its sides; with nothing behind it, it promises more."""
_DASHES: Final = frozenset("-\u2010\u2011\u2012\u2013\u2014")
_WITHIN_NAMES: Final = frozenset(".'-\u2019")
"""What may stand between the words of one name, beside blanks: "St. Ghislain", "Frankfurt a. M."."""
_DIRECTIONS: Final = frozenset(
    {"north", "east", "south", "west", "central", "northeast", "northwest", "southeast", "southwest"}
)
_SEGMENT: Final = re.compile(r"[a-z]+|\d+")
_MOST_WORDS: Final = 12
"""More words than any name has."""
_SHORTEST_CODE: Final = 4
"""Shorter codes are country codes and abbreviations too (DE, UK): they count only for their own region."""
_IN_CAPITALS: Final = frozenset({"IN"})
"""In capitals it may be India as well as a word, so it is neither."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says beside the region that it speaks of."""

    others: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Places that it names and that are not the region's: (what to call it, countries it may lie in)."""
    unexplained: tuple[str, ...] = ()
    """Words and symbols that nothing explains, as they were written."""

    @property
    def is_clean(self) -> bool:
        """Whether the text says nothing but the region."""
        return not self.others and not self.unexplained


@lru_cache(maxsize=4096)
def read(text: str, places: tuple[Place, ...]) -> Reading:
    """Hold every word of a text against the places that its region can mean.

    A word is explained by the region's code or a zone of it, its provider, a name of its town or
    country in a language of the EU, a group of countries that it lies in, or is neutral ("region").
    """
    reader = _Reader(places)
    phrase: list[str] = []
    for item in _items(unicodedata.normalize("NFC", text)):
        if isinstance(item, _Word):
            if not item.joined:
                reader.explain(phrase)
                phrase = []
            if reader.knows_code(item.written):
                reader.explain(phrase)
                phrase = []
            else:
                phrase += item.written.split("-")
        else:
            reader.unexplained[item] = None
    reader.explain(phrase)
    return Reading(tuple(reader.others.items()), tuple(reader.unexplained))


@dataclass(frozen=True, slots=True)
class _Word:
    written: str
    joined: bool
    """Whether nothing but blanks or a sign within names stands between it and the word before."""


def _items(text: str) -> Iterator[_Word | str]:
    """Yield words, and as plain text every symbol that may mean something."""
    at, joined = 0, False
    while at < len(text):
        slashed = _SLASHED.match(text, at)
        found = slashed if slashed and locate(slashed[0]) else _WORD.match(text, at)
        if found:
            yield _Word(found[0], joined)
            at, joined = found.end(), True
            continue
        if not _separates(text, at):
            yield text[at]
        joined = joined and (text[at] in _WITHIN_NAMES or _is_blank(text[at]))
        at += 1


def _is_blank(character: str) -> bool:
    return character in _BLANK or unicodedata.category(character) == "Zs"


def _separates(text: str, at: int) -> bool:
    """Return whether a character that belongs to no word only separates."""
    character, before, behind = text[at], text[at - 1 : at], text[at + 1 : at + 2]
    if character == ".":  # several leave something out
        return behind != "."
    if character in _DASHES:  # "-eu-west-3" excludes it; "Paris - Lyon" does not
        return not behind or _is_blank(behind) or before.isalnum()
    if character in _JOINING:
        return bool(text[at + 1 :].strip())
    return character in _SEPARATORS or _is_blank(character)


class _Reader:
    """Explains words by one region, and collects what is left over."""

    def __init__(self, places: tuple[Place, ...]) -> None:
        self.others: dict[str, tuple[str, ...]] = {}
        self.unexplained: dict[str, None] = {}
        self._places = places
        self._names = names()
        self._countries = frozenset(place.country for place in places)
        self._providers = frozenset(place.provider for place in places)
        self._towns = frozenset((place.town, place.country) for place in places if place.names_a_town)
        self._whole = frozenset(place.country for place in places if not place.names_a_town)

    def knows_code(self, token: str) -> bool:
        """Take in a region or zone code; return whether it is one."""
        meant = locate(token)
        if self._is_here(meant):
            return True
        if not meant or len(token) < _SHORTEST_CODE:
            return False
        self._other(f"{token} ({_towns(meant)})", (place.country for place in meant))
        return True

    def explain(self, phrase: list[str]) -> None:
        """Take in the words of a phrase, the longest known name first."""
        folded = [words_of(word) for word in phrase]
        at = 0
        while at < len(phrase):
            most = 0 if phrase[at] in _IN_CAPITALS else self._most(folded[at : at + _MOST_WORDS])
            for count in range(most, 0, -1):
                if self._knows(phrase[at : at + count], _flat(folded[at : at + count])):
                    break
            else:
                count = 1
                self.unexplained[phrase[at]] = None
            at += count

    def _most(self, folded: list[Words]) -> int:
        """Return how many words from here on may be one name or one code."""
        first = folded[0][0] if folded[0] else ""
        count = 1
        while count < len(folded) and (
            count < self._names.longest.get(first, 0)
            or "".join(_flat(folded[: count + 1])) in self._names.beginnings
        ):
            count += 1
        return count

    def _knows(self, written: list[str], words: Words) -> bool:
        """Explain one name or code by the region, or take it in as another place; say whether it is one."""
        if self._is_explained(words) or (len(written) == 1 and self._is_short(written[0], words)):
            return True
        named = self._names.places.get(words, frozenset())
        if named:
            self._other(_labels(named), (meaning.country for meaning in named))
            return True
        codes = self._names.codes.get("".join(words), frozenset())
        if not codes or (
            # AWS calls us-east-1 "US East", which is a code of IBM's; the words by themselves are right.
            self._providers.isdisjoint(place.provider for place in codes)
            and all(map(self._explains_alone, written))
        ):
            return False
        self._other(_labels_of_codes(codes), (place.country for place in codes))
        return True

    def _explains_alone(self, written: str) -> bool:
        words = words_of(written)
        return self._is_explained(words) or self._is_short(written, words)

    def _is_explained(self, words: Words) -> bool:
        known = self._names
        return (
            any(map(self._is_of_here, known.places.get(words, ())))
            or words in known.neutral
            or not self._providers.isdisjoint(known.providers.get(words, ()))
            or self._countries <= known.areas.get(words, frozenset())
            or self._is_here(known.codes.get("".join(words), ()))
        )

    def _is_short(self, written: str, words: Words) -> bool:
        """Return whether a word is the country's code, or a direction or the number of the region's code."""
        if self._names.country_codes.get(written) in self._countries:
            return True
        word = "".join(words)
        return any(
            word in _SEGMENT.findall(code := place.region.lower())
            or (place.provider == "azure" and word in code)  # francecentral
            for place in self._places
            if word in _DIRECTIONS or word.isdecimal()
        )

    def _is_of_here(self, name: Named) -> bool:
        if name.country not in self._countries:
            return False
        return name.town is None or name.country in self._whole or (name.town, name.country) in self._towns

    def _is_here(self, meant: Iterable[Place]) -> bool:
        return any(place in self._places or (place.town, place.country) in self._towns for place in meant)

    def _other(self, label: str, countries: Iterable[str]) -> None:
        self.others[label] = tuple(sorted(set(countries)))


def _flat(phrase: list[Words]) -> Words:
    return tuple(word for words in phrase for word in words)


def _towns(places: Iterable[Place]) -> str:
    return " or ".join(dict.fromkeys(f"{place.town}, {place.country}" for place in places))


def _labels(named: Iterable[Named]) -> str:
    return " or ".join(sorted({meaning.label for meaning in named}))


def _labels_of_codes(places: Iterable[Place]) -> str:
    known = sorted(places, key=lambda place: (place.provider, place.region))
    return f"{known[0].region} ({_towns(known)})"
