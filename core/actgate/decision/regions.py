"""From a provider's region or zone code to the countries it may lie in.

Nothing is read from the letters of a code: ``eu-west-2`` is London at AWS and Paris at Outscale. A
code that the table does not hold is unknown, and unknown is never allowed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from actgate.decision.data import region_rows

_LETTER: Final = re.compile(r"^(.+\d)[a-z]$")  # eu-west-3a
_DASH_LETTER: Final = re.compile(r"^(.+)-[a-z]$")  # europe-west9-b
_DASH_NUMBER: Final = re.compile(r"^(.+)-\d{1,2}$")  # fr-par-1
_ZONE_ENDINGS: Final[dict[str, tuple[re.Pattern[str], ...]]] = {
    "aws": (_LETTER,),
    "aws-eusc": (_LETTER,),
    "alibaba": (_LETTER, re.compile(r"^(cn-[a-z]+)-[a-z]$")),  # eu-central-1a, cn-hongkong-b
    "outscale": (_LETTER,),
    "gcp": (_DASH_LETTER,),
    "gcp-dedicated-de": (_DASH_LETTER,),
    "s3ns": (_DASH_LETTER,),
    "azure": (_DASH_NUMBER,),
    "ibm": (_DASH_NUMBER,),
    "otc": (_DASH_NUMBER,),
    "scaleway": (_DASH_NUMBER,),
    "stackit": (_DASH_NUMBER,),
    "hetzner": (re.compile(r"^(.+)-dc\d{1,2}$"),),  # fsn1-dc14
    "ovhcloud": (_DASH_LETTER, re.compile(r"^([a-z]{2,3})\d{1,2}$")),  # GRA11 is a site of GRA
}
"""How each provider makes a zone's name from its region's; a name of another form is unknown."""


_PARTS_OF_THE_MAP: Final = frozenset(
    {
        *("Netherlands", "Germany", "Germany South", "Austria West", "United States", "Canada", "Mexico"),
        *("Brazil", "China", "Malaysia", "Thailand", "New Zealand", "Israel", "United Arab Emirates"),
    }
)
"""What stands in the table's city column where a provider names no town."""


@dataclass(frozen=True, slots=True)
class Place:
    """A row of the region table: who calls it what, and where it is."""

    provider: str
    region: str
    city: str
    country: str

    @property
    def town(self) -> str:
        """The city's bare name, without the remarks that the table keeps beside it."""
        return re.split(r"[(/,]", self.city)[0].strip().removesuffix(" area")

    @property
    def names_a_town(self) -> bool:
        """Whether the table knows the town; some providers tell no more than the country."""
        return self.town not in _PARTS_OF_THE_MAP

    @property
    def names(self) -> tuple[str, ...]:
        """The town, where there is one, and the other names of it that the table keeps in brackets."""
        also = tuple(
            name.strip() for part in re.findall(r"\(([^)]*)\)", self.city) for name in part.split("/")
        )
        return (self.town, *also) if self.names_a_town else also


def _by_code() -> dict[str, tuple[Place, ...]]:
    table: dict[str, list[Place]] = {}
    for row in region_rows():
        place = Place(row["provider"], row["region"], row["city"], row["country"])
        table.setdefault(place.region.lower(), []).append(place)
    return {code: tuple(places) for code, places in table.items()}


_PLACES: Final = _by_code()
PROVIDERS: Final = frozenset(place.provider for places in _PLACES.values() for place in places)
"""Providers that the table knows."""


@lru_cache(maxsize=4096)
def locate(code: str, provider: str | None = None) -> tuple[Place, ...]:
    """Return every place that a region or zone code can mean; empty when it is unknown.

    The exact code is tried before a zone ending of the provider is taken off, and letter case is
    ignored. Without a provider the answer holds one place per provider that uses the code.
    """
    if not code.isascii():  # A look-alike letter, or one that only becomes ASCII in small letters.
        return ()
    wanted = provider.strip().lower() if provider is not None else None
    lowered = code.strip().lower()
    exact = _named(lowered, wanted)
    return exact or tuple(
        place
        for maker, endings in _ZONE_ENDINGS.items()
        if wanted in (None, maker)
        for ending in endings
        if (zone := ending.match(lowered))
        for place in _named(zone[1], maker)
    )


def every_place() -> Iterator[Place]:
    """Yield every row of the region table."""
    for places in _PLACES.values():
        yield from places


def _named(code: str, provider: str | None) -> tuple[Place, ...]:
    places = _PLACES.get(code, ())
    return tuple(place for place in places if provider in (None, place.provider))
