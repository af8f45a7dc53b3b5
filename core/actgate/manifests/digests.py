"""The digest of evidence: SHA-256 over the canonical JSON (RFC 8785) of a manifest's spec.

Its attestations are left out: they are about the rest of it, and a new signature is no new evidence.

The pipeline's file, its conversion and the object in the cluster have the same digest, since key
order, spelling of numbers and nulls (which the API server drops from objects) do not count.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from actgate.api.canonical import LARGEST, canonical, sha256
from actgate.api.paths import Location, dotted
from actgate.api.quoting import got
from actgate.manifests.errors import DigestError

MAX_DEPTH: Final = 32
"""Deepest nesting that is read; a manifest's own schema needs six levels."""
ATTESTATIONS: Final = "attestations"
"""Field of a spec that holds the signed statements about the rest of it."""
_LEAVES: Final = frozenset({str, int, float, bool})


def digest(spec: Mapping[str, Any]) -> str:
    """Return ``sha256:<64 hex digits>`` of a ComplianceManifest's spec without its attestations.

    Raises:
        DigestError: When it holds NaN, an infinity, a whole number beyond 2**53 - 1, text that is not
            Unicode, or is nested too deep.
    """
    tidy = without_nulls(spec)
    return digest_of_tidy(without_attestations(tidy) if isinstance(tidy, dict) else tidy)


def without_attestations(spec: dict[str, Any]) -> dict[str, Any]:
    """Return a spec without its attestations; the same object where it has none."""
    if ATTESTATIONS not in spec:
        return spec
    return {name: value for name, value in spec.items() if name != ATTESTATIONS}


def digest_of_tidy(spec: object) -> str:
    """Return the digest of a spec without nulls and attestations; raises like ``digest``."""
    try:
        return sha256(canonical(spec))
    except ValueError:
        unknown = DigestError("spec", "Invalid value: must have a canonical form (RFC 8785)")
        raise _reason(spec, ("spec",)) or unknown from None


def without_nulls(value: object, location: Location = ("spec",)) -> object:
    """Return a copy without the nulls of objects, as the API server reads it; list items stay.

    Raises:
        DigestError: When it is nested deeper than ``MAX_DEPTH``.
    """
    if len(location) > MAX_DEPTH:
        raise DigestError(
            dotted(location), f"Invalid value: must not be nested deeper than {MAX_DEPTH} levels"
        )
    if isinstance(value, dict):
        return {
            key: item if type(item) in _LEAVES else without_nulls(item, (*location, key))
            for key, item in value.items()
            if item is not None
        }
    if isinstance(value, list | tuple):
        return [without_nulls(item, (*location, index)) for index, item in enumerate(value)]
    return without_nulls(dict(value), location) if isinstance(value, Mapping) else value


def _reason(value: object, location: Location) -> DigestError | None:
    """Find the first value that has no canonical form."""
    if isinstance(value, dict):
        if any(not isinstance(key, str) or not _is_unicode(key) for key in value):
            return DigestError(dotted(location), "Invalid value: every key must be Unicode text")
        children = ((key, item) for key, item in value.items())
        return _first(children, location)
    if isinstance(value, list):
        return _first(enumerate(value), location)
    fault = _fault(value)
    return (
        DigestError(dotted(location), f"Invalid value: {fault}, else the evidence has no digest")
        if fault
        else None
    )


def _first(children: Iterable[tuple[str | int, object]], location: Location) -> DigestError | None:
    reasons = (_reason(item, (*location, step)) for step, item in children)
    return next((reason for reason in reasons if reason is not None), None)


def _fault(value: object) -> str | None:
    if isinstance(value, str):
        return None if _is_unicode(value) else "must be Unicode text"
    if isinstance(value, float):
        return None if math.isfinite(value) else f"{value}: must be a number that JSON has"
    if isinstance(value, int):
        if abs(value) <= LARGEST:
            return None
        return f"{got(value)}: must be within {LARGEST} of 0 to be exact in JSON"
    return None if value is None else f"{got(value)}: must be a type that JSON has"


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
