"""What is registered, and the protocol that every registry speaks.

Registering is idempotent: the same evidence twice, at once, or again after a process that was killed, is one
entry. Other evidence under a version that has some is refused and changes nothing.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from actgate import documents, manifests
from actgate.api.names import GROUP
from actgate.api.quoting import invalid, quoted
from actgate.attestations import AttestationError
from actgate.attestations import bundle as bundles
from actgate.attestations import envelope as envelopes
from actgate.manifests.errors import EvidenceError

EVIDENCE: Final = f"{GROUP}/evidence"
"""Tag: canonical digest of the manifest's spec, as ``actgate manifest digest`` prints it."""
DIGEST: Final = f"{GROUP}/digest"
"""Tag: digest of the model."""
VERSION: Final = f"{GROUP}/version"
"""Tag: the version that the manifest states."""
PAYLOADS: Final = f"{GROUP}/payloads"
"""Tag: digests of what was signed."""
_MOST_NAME: Final = 256


class RegistryError(Exception):
    """A registry that cannot be used, or refuses: one sentence."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A model's evidence, as it is registered."""

    name: str
    """Of the model."""
    version: str
    model_digest: str | None
    evidence: str
    """Canonical digest of the manifest's spec."""
    manifest: Mapping[str, Any]
    attestations: tuple[tuple[str, str, Mapping[str, Any]], ...]
    """Name, digest of the payload, and item of ``spec.attestations``."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Reports and cards, for registries that keep files."""

    @property
    def tags(self) -> dict[str, str]:
        """What a registry that has tags says of the version."""
        found = {EVIDENCE: self.evidence, VERSION: self.version}
        if self.model_digest is not None:
            found[DIGEST] = self.model_digest
        if self.attestations:
            found[PAYLOADS] = ",".join(sorted(digest for _, digest, _ in self.attestations))
        return found


@dataclass(frozen=True, slots=True)
class Registered:
    """What registering came to."""

    changed: bool
    """Whether anything was written; False where all of it was there already."""
    place: str
    """Where it is, such as ``models:/CreditRiskScorer/3``."""
    head: str | None = None
    """Hash of the last line, where the registry is a chain of hashes; keep it elsewhere."""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """A version in a registry."""

    name: str
    version: str
    model_digest: str | None
    evidence: str
    place: str
    aliases: tuple[str, ...] = ()
    payloads: tuple[str, ...] = ()
    recorded_at: str | None = None
    manifest: Mapping[str, Any] | None = None
    """The manifest, where it was asked for."""


class Registry(Protocol):
    """A place that keeps evidence. Every method raises ``RegistryError``."""

    def register(self, entry: Entry, alias: str | None, now: datetime) -> Registered:
        """Keep an entry, and let an alias name it."""
        ...

    def records(self) -> list[Record]:
        """Return all versions that have evidence."""
        ...

    def show(self, name: str, version: str | None) -> list[Record]:
        """Return the versions of a model, or one of them, with their manifests."""
        ...

    def verify(self, heads: Collection[str]) -> tuple[int, list[str]]:
        """Return how many versions were verified, and a sentence for everything that is not as registered."""
        ...


def entry_of(manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> Entry:
    """Return what is registered of a ComplianceManifest.

    Raises:
        EvidenceError: It cannot be read, or lacks what a registry finds it by.
    """
    problems = manifests.read_document(dict(manifest)).problems
    if problems:
        raise EvidenceError("\n".join(f"{one.path}: {one.message}" for one in problems))
    spec = manifest["spec"]
    model = spec["model"]
    name, version = model["name"], model.get("version")
    for path, value in (("spec.model.name", name), ("spec.model.version", version)):
        if not isinstance(value, str) or not 0 < len(value) <= _MOST_NAME or not value.isprintable():
            raise EvidenceError(f"{path}: {invalid(value, 'text by which a registry finds it')}")
    signed = tuple((item["name"], payload_digest(item), item) for item in spec.get("attestations") or ())
    return Entry(name, version, model.get("digest"), manifests.digest(spec), manifest, signed, files)


def payload_digest(item: Mapping[str, Any]) -> str:
    """Return the digest of what an item of ``spec.attestations`` signs.

    Raises:
        EvidenceError: It has no envelope that can be read.
    """
    try:
        bundled = "bundle" in item
        signed = (
            bundles.read(item["bundle"], "").envelope if bundled else envelopes.read(item["envelope"], "")
        )
    except (AttestationError, LookupError):
        raise EvidenceError(
            f"spec.attestations: {quoted(item['name'])}: Invalid value: no envelope"
        ) from None
    return f"sha256:{hashlib.sha256(signed.payload).hexdigest()}"


def manifest_bytes(manifest: Mapping[str, Any]) -> bytes:
    """Return a manifest as registries keep it: what the cluster adds is left out, and keys are sorted."""
    metadata = {key: manifest["metadata"][key] for key in ("name",) if key in manifest["metadata"]}
    kept = {"apiVersion": manifest["apiVersion"], "kind": manifest["kind"], "metadata": metadata}
    return documents.to_json({**kept, "spec": manifest["spec"]}).encode()


def refusal(entry: Entry, there: str, place: str) -> RegistryError:
    """Return the refusal to put an entry over other evidence."""
    return RegistryError(
        f"{place}: {quoted(entry.name)} version {quoted(entry.version)} has other evidence already: {there}, "
        f"and not {entry.evidence}; register it under a new version"
    )
