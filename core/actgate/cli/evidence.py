"""What ``attest``, ``approve`` and ``verify`` read: a manifest of either version, or an envelope alone."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from actgate import manifests
from actgate.api.compliance_manifest import DigestDomain
from actgate.api.predicates import MODEL_SIGNATURE
from actgate.attestations import AttestationError, statement
from actgate.attestations import bundle as bundles
from actgate.attestations import envelope as envelopes
from actgate.cli import streams
from actgate.cli.exits import UnusableError
from actgate.cli.inventory import MANIFEST
from actgate.cli.sources import read_one
from actgate.documents import Document
from actgate.pipeline.model_digest import ModelDigest, of_model
from actgate.pipeline.model_files import ModelDigestError

Json = dict[str, Any]
_BUNDLE = "application/vnd.dev.sigstore.bundle"


@dataclass(frozen=True, slots=True)
class GivenManifest:
    """A ComplianceManifest, and where it comes from."""

    document: Document
    value: Json
    """The object, converted where the file is a pipeline's own."""
    weaknesses: tuple[str, ...] = ()
    """What a pipeline's own file does not prove, a line each."""


@dataclass(frozen=True, slots=True)
class GivenEnvelope:
    """A signed statement by itself: a DSSE envelope or a Sigstore bundle."""

    document: Document
    item: Json
    """``envelope`` or ``bundle``, as an item of ``spec.attestations`` has it; without a name."""


def given(argument: str) -> GivenManifest | GivenEnvelope:
    """Read a manifest or an envelope.

    Raises:
        UnusableError: The file is neither, or cannot be read.
    """
    return of_document(read_one(argument))


def of_document(document: Document) -> GivenManifest | GivenEnvelope:
    """Take a document as a manifest or an envelope; raises like ``given``."""
    value = document.value
    if isinstance(value, dict) and manifests.is_v0(value):
        try:
            converted = manifests.convert(value)
        except manifests.EvidenceError as error:
            raise UnusableError(
                *(f"{document.place()}: {line}" for line in str(error).splitlines())
            ) from None
        lines = (f"{weakness.path}: {weakness.message}" for weakness in converted.weaknesses)
        return GivenManifest(document, converted.manifest, tuple(lines))
    if isinstance(value, dict) and value.get("kind") == MANIFEST and isinstance(value.get("spec"), dict):
        return GivenManifest(document, value)
    item = _signed(value)
    if item is None:
        raise UnusableError(
            f"{document.place()}: expected a {MANIFEST}, the compliance file of a training pipeline, a DSSE "
            "envelope or a Sigstore bundle"
        )
    return GivenEnvelope(document, item)


def manifest(argument: str) -> GivenManifest:
    """Read a manifest; raises like ``given``, and for an envelope."""
    found = given(argument)
    if isinstance(found, GivenEnvelope):
        raise UnusableError(f"{found.document.place()}: this is an envelope, and a manifest is expected")
    return found


def manifest_file(argument: str | None, run_dir: str | None) -> str:
    """Return the manifest's file: the one that was named, else ``manifest.yaml`` in the folder of the run.

    Raises:
        UnusableError: Neither was named.
    """
    if argument is not None:
        return argument
    if run_dir is None:
        raise UnusableError("name the manifest, or with --run-dir the folder that has it")
    return str(Path(run_dir, "manifest.yaml"))


def envelope(argument: str) -> GivenEnvelope:
    """Read an envelope or a bundle; raises like ``given``, and for a manifest."""
    found = given(argument)
    if isinstance(found, GivenManifest):
        raise UnusableError(f"{found.document.place()}: this is a manifest, and an envelope is expected")
    return found


def _signed(value: object) -> Json | None:
    if not isinstance(value, Mapping):
        return None
    if str(value.get("mediaType", "")).startswith(_BUNDLE):
        return {"bundle": json.dumps(value, separators=(",", ":"))}
    if "payloadType" in value and isinstance(value.get("signatures"), list):
        signatures = [
            {key: one[key] for key in ("keyid", "sig") if one.get(key)} if isinstance(one, Mapping) else one
            for one in value["signatures"]
        ]
        fields = {key: value[key] for key in ("payloadType", "payload") if key in value}
        return {"envelope": {**fields, "signatures": signatures}}
    return None


def with_model(given: GivenManifest, path: str, ignore: Collection[str]) -> GivenManifest:
    """Return a manifest that names the model at a path by its digests.

    Raises:
        UnusableError: There is no digest, or the manifest states another.
    """
    spec = given.value["spec"]
    model = spec.get("model") if isinstance(spec.get("model"), dict) else {}
    found = model_digest(model, path, ignore)
    names = found.stated
    for field, digest in names.items():
        if model.get(field) not in (None, digest):
            raise UnusableError(
                f"{given.document.place()}: spec.model.{field}: Invalid value: {model[field]}: {path} has "
                f"{digest}; name the model that the manifest is about"
            )
    weaknesses = tuple(line for line in given.weaknesses if not line.startswith("spec.model.digest:"))
    value = {**given.value, "spec": {**spec, "model": {**model, **names}}}
    return replace(given, value=value, weaknesses=weaknesses)


def model_digest(model: Mapping[str, Any], path: str, ignore: Collection[str]) -> ModelDigest:
    """Return the digest of the model at a path, in the domain that a manifest's ``spec.model`` states.

    Raises:
        UnusableError: There is none.
    """
    try:
        stated = model.get("digestDomain")
        return of_model(path, None if stated is None else DigestDomain(stated), ignore)
    except (ModelDigestError, ValueError) as error:
        raise UnusableError(str(error)) from None


def signed_files(given: GivenManifest) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield (attestation, digest of each file) of the model signatures in a manifest that list files."""
    items = given.value["spec"].get("attestations")
    for item in items if isinstance(items, list) else ():
        try:
            signed = (
                bundles.read(item["bundle"], "").envelope
                if "bundle" in item
                else envelopes.read(item["envelope"], "")
            )
            stated = statement.read(signed, "")
            if stated.predicate_type == MODEL_SIGNATURE:
                listed = {one["name"]: f"sha256:{one['digest']}" for one in stated.predicate["resources"]}
                yield str(item["name"]), listed
        except (AttestationError, LookupError, TypeError):
            continue  # It is one of those that are reported as unreadable.


def content(path: str) -> bytes:
    """Return what a file holds.

    Raises:
        UnusableError: It cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = streams.reason(error) if isinstance(error, OSError) else str(error)
        raise UnusableError(f"{path} cannot be read: {reason}") from None
