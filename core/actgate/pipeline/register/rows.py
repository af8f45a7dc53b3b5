"""The rows of an append-only registry: what a registration adds, what they say, and whether the chain holds.

The first row of a version keeps its manifest without attestations; each attestation and each turn of an alias
is a row more. ``hash`` is the SHA-256 of the canonical JSON (RFC 8785) of the other fields, and ``previous``
the hash of the row before, empty in the first.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from actgate import manifests
from actgate.api.canonical import canonical, sha256
from actgate.api.quoting import printable
from actgate.manifests.errors import EvidenceError
from actgate.pipeline.register.registry import (
    Entry,
    Record,
    RegistryError,
    manifest_bytes,
    payload_digest,
    refusal,
)

MANIFEST, ATTESTATION, ALIAS = "manifest", "attestation", "alias"
_FIELDS: Final = (
    "sequence",
    "system",
    "version",
    "kind",
    "name",
    "model_digest",
    "payload_digest",
    "envelope",
    "recorded_at",
    "previous",
)
Row = dict[str, Any]


def hashed(row: Row) -> str:
    """Return the hash of a row: over all of its fields but the hash."""
    return sha256(canonical({name: row[name] for name in _FIELDS}))


def missing(rows: list[Row], entry: Entry, alias: str | None, place: str) -> Iterator[Row]:
    """Yield what a registration adds.

    Raises:
        RegistryError: The version has other evidence.
    """
    own = [row for row in rows if (row["system"], row["version"]) == (entry.name, entry.version)]
    common = {"system": entry.name, "version": entry.version, "model_digest": entry.model_digest or ""}
    there = next((row["payload_digest"] for row in own if row["kind"] == MANIFEST), None)
    if there is None:
        document = manifest_bytes(_unsigned(entry)).decode()
        yield {**common, "kind": MANIFEST, "name": "", "payload_digest": entry.evidence, "envelope": document}
    elif there != entry.evidence:
        raise refusal(entry, there, place)
    signed = {(row["name"], row["payload_digest"]) for row in own if row["kind"] == ATTESTATION}
    for name, digest, item in entry.attestations:
        if (name, digest) not in signed:
            envelope = canonical(item).decode()
            yield {
                **common,
                "kind": ATTESTATION,
                "name": name,
                "payload_digest": digest,
                "envelope": envelope,
            }
    if alias is not None and _aliases(rows).get((entry.name, alias)) != entry.version:
        yield {**common, "kind": ALIAS, "name": alias, "payload_digest": entry.evidence, "envelope": ""}


def _unsigned(entry: Entry) -> dict[str, Any]:
    spec = {key: value for key, value in entry.manifest["spec"].items() if key != "attestations"}
    return {**entry.manifest, "spec": spec}


def _aliases(rows: list[Row]) -> dict[tuple[str, str], str]:
    """Return the version that each alias of a model names: the last row about it counts."""
    return {(row["system"], row["name"]): row["version"] for row in rows if row["kind"] == ALIAS}


def record(row: Row, rows: list[Row], place: str, *, whole: bool = False) -> Record:
    """Return the version that a row of a manifest began; with ``whole``, with its manifest.

    Raises:
        RegistryError: The manifest cannot be read.
    """
    key = (row["system"], row["version"])
    signed = [one for one in rows if one["kind"] == ATTESTATION and (one["system"], one["version"]) == key]
    manifest = None
    if whole:
        try:
            manifest = json.loads(row["envelope"])
            if signed:
                manifest["spec"]["attestations"] = [json.loads(one["envelope"]) for one in signed]
        except (LookupError, TypeError, ValueError):
            raise RegistryError(
                f"{place}: row {row['sequence']} cannot be read: verify the registry"
            ) from None
    named = (alias for (system, alias), version in _aliases(rows).items() if (system, version) == key)
    return Record(
        name=row["system"],
        version=row["version"],
        model_digest=row["model_digest"] or None,
        evidence=row["payload_digest"],
        place=place,
        aliases=tuple(sorted(named)),
        payloads=tuple(one["payload_digest"] for one in signed),
        recorded_at=row["recorded_at"],
        manifest=manifest,
    )


def faults(rows: list[Row]) -> Iterator[str]:
    """Yield what of the rows is not as it was appended."""
    previous = ""
    for number, row in enumerate(rows, 1):
        what = printable(
            f"row {row['sequence']} ({row['kind']} {row['name']} of {row['system']} {row['version']})"
        )
        if row["sequence"] != number:
            yield f"{what}: row {number} is expected here: rows were deleted or moved"
            return
        if row["previous"] != previous:
            yield f"{what}: does not follow the row before it: rows were deleted, moved or written again"
        try:
            same = hashed(row) == row["hash"]
        except (TypeError, ValueError):
            same = False
        if not same:
            yield f"{what}: was changed: its hash is another"
        elif not _says(row):
            yield f"{what}: does not hold what its digest says"
        previous = row["hash"]


def _says(row: Row) -> bool:
    """Return whether a row's digest is that of what it keeps."""
    if row["kind"] == ALIAS:
        return True
    try:
        value = json.loads(row["envelope"])
        if row["kind"] == MANIFEST:
            return bool(manifests.digest(value["spec"]) == row["payload_digest"])
        return bool(payload_digest(value) == row["payload_digest"])
    except (EvidenceError, LookupError, TypeError, ValueError):
        return False
