"""Which region code an author may have meant by another text: suggested in a refusal, never accepted."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

from actgate.decision.place_names import names, words_of
from actgate.decision.regions import Place, every_place
from actgate.decision.residency_text import read

_LONGEST: Final = 64
"""Longest text that is compared: what is longer is no slip of the pen."""
_MOST: Final = 3
"""Suggestions for a name that several regions have, such as Paris."""
_ALIKE: Final = 0.85
"""How alike two codes must be, from 0 to 1 (``difflib``): one letter of seven more or less."""
_LONGEST_NAME: Final = 4
_NUMBERS: Final = re.compile(r"\d+")


@lru_cache(maxsize=1024)
def did_you_mean(text: str, provider: str | None) -> tuple[Place, ...]:
    """Return the regions that a text nearly names; none when it is like no code and no display name.

    "West Europe" is nearly westeurope, "eu west 3" eu-west-3, "Europe (Paris)" every region in Paris.
    """
    if len(text) > _LONGEST:
        return ()
    maker = provider.strip().lower() if provider is not None else None
    joined = "".join(words_of(text))
    codes = {
        code: known
        for code, places in names().codes.items()
        if (known := [place for place in places if maker in (None, place.provider)])
    }
    meant = codes.get(joined) or _displayed(text, maker) or _slips(joined, codes)
    return tuple(sorted(meant, key=_in_the_table)[:_MOST])


def in_words(places: Iterable[Place]) -> str:
    """Return the question that begins a fix, such as "did you mean westeurope (azure)? ", or nothing."""
    named = " or ".join(dict.fromkeys(f"{place.region} ({place.provider})" for place in places))
    return f"did you mean {named}? " if named else ""


def _displayed(text: str, provider: str | None) -> list[Place]:
    """Return the regions of the town that a text names where it says nothing else, or of the country."""
    words = words_of(text)
    named = [
        name
        for start in range(len(words))
        for end in range(start + 1, min(start + _LONGEST_NAME, len(words)) + 1)
        for name in names().places.get(words[start:end], ())
    ]
    countries = {name.country for name in named}
    towns = {(name.town, name.country) for name in named}
    places = [
        place
        for place in every_place()
        if place.country in countries and provider in (None, place.provider) and read(text, (place,)).is_clean
    ]
    in_town = [place for place in places if (place.town, place.country) in towns]
    return in_town or (places if len(places) <= _MOST else [])


def _slips(joined: str, codes: Mapping[str, list[Place]]) -> list[Place]:
    """Return the regions of the code that is most alike; another number is another region, and no slip."""
    number = _NUMBERS.findall(joined)
    alike = [code for code in codes if _NUMBERS.findall(code) in ([], number)]
    return [place for code in get_close_matches(joined, alike, 1, _ALIKE) for place in codes[code]]


def _in_the_table(place: Place) -> tuple[int, str]:
    return _PROVIDERS[place.provider], place.region


_PROVIDERS: Final = {
    provider: number
    for number, provider in enumerate(dict.fromkeys(place.provider for place in every_place()))
}
