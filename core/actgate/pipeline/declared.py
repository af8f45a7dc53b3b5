"""Where the logger's statements about oversight and residency come from.

The caller's arguments come first, then the environment of the training job. Where neither says
anything, the logger's v0 file holds the values that this interface has always written, because
existing pipelines rely on it: marked as assumed in the file, and logged as a warning.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from actgate.api.quoting import invalid
from actgate.decision.manifest import Region
from actgate.manifests.errors import EvidenceError
from actgate.manifests.places import regions_in

HUMAN_OVERSIGHT: Final = "ACTGATE_HUMAN_OVERSIGHT"
"""Environment variable: ``true`` or ``false``."""
TRAINING_REGION: Final = "ACTGATE_TRAINING_REGION"
"""Environment variable: regions as free text, such as ``aws eu-west-3, gcp europe-west9``."""
_OF_AWS: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")
"""Set by Amazon's training and container services to the region in which the job runs."""

ASSUMED_OVERSIGHT: Final = True
ASSUMED_SOVEREIGNTY: Final = "EU-WEST-3 (Paris/Frankfurt)"

StatedRegions = str | Iterable[str | Mapping[str, str]]
"""Free text, or regions each as text or as provider, region and statement."""


def oversight(argument: object, environ: Mapping[str, str]) -> bool | None:
    """Return whether human oversight was declared to be in place; None when neither says.

    Raises:
        EvidenceError: When it is neither true nor false.
    """
    if argument is not None:
        if not isinstance(argument, bool):
            raise EvidenceError(f"human_oversight: {invalid(argument, 'True or False')}")
        return argument
    stated = environ.get(HUMAN_OVERSIGHT)
    if stated is None:
        return None
    known = {"true": True, "false": False}
    if stated not in known:
        raise EvidenceError(f"{HUMAN_OVERSIGHT}: {invalid(stated, 'true or false')}")
    return known[stated]


def regions(argument: StatedRegions | None, environ: Mapping[str, str]) -> tuple[Region, ...]:
    """Return the training regions that were declared; none when neither says.

    Raises:
        EvidenceError: When a region has no name.
    """
    if argument is not None:
        stated = [argument] if isinstance(argument, str) else argument
        return tuple(region for item in stated for region in _regions(item))
    if TRAINING_REGION in environ:
        return _regions(environ[TRAINING_REGION])
    code = next((environ[name] for name in _OF_AWS if environ.get(name)), None)
    return (Region(code, "aws"),) if code else ()


def sovereignty(stated: Iterable[Region]) -> str:
    """Return regions as v0's free text, from which ``places.regions_in`` reads them again."""
    return ", ".join(_words(region) for region in stated)


def _regions(item: object) -> tuple[Region, ...]:
    if isinstance(item, Mapping):
        if not isinstance(item.get("region"), str) or set(item) - {"provider", "region", "statement"}:
            raise EvidenceError(f"training region: {invalid(item, 'region, provider and statement')}")
        return (Region(item["region"], item.get("provider"), item.get("statement")),)
    found = regions_in(item) if isinstance(item, str) else ()
    if not found:
        raise EvidenceError(f"training region: {invalid(item, 'a region such as aws eu-west-3')}")
    return found


def _words(region: Region) -> str:
    """Return a region in words; its statement alone only where that says the same region again."""
    if region.statement is not None and regions_in(region.statement) == (region,):
        return region.statement
    named = " ".join(part for part in (region.provider, region.code) if part)
    return f"{named} ({region.statement})" if region.statement else named
