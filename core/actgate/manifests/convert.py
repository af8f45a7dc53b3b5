"""The reader of evidence of either version: the pipeline's JSON (v0) or a ComplianceManifest (v1)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from types import MappingProxyType
from typing import Any

from actgate.api.quoting import invalid
from actgate.attestations import Verifier
from actgate.decision.manifest import Manifest, Problem
from actgate.manifests import v0_keys
from actgate.manifests.attested import TRUSTING_NONE
from actgate.manifests.digests import without_nulls
from actgate.manifests.errors import DigestError, EvidenceError, UnreadableError
from actgate.manifests.pruning import MAX_PROBLEMS
from actgate.manifests.read import read_manifest, unknown_nulls, unreadable
from actgate.manifests.v0 import Translation, Weakness, is_v0, origin, translate


@dataclass(frozen=True, slots=True)
class Conversion:
    """A v0 file as a ComplianceManifest."""

    manifest: dict[str, Any]
    """The ComplianceManifest object; it has no namespace."""
    weaknesses: tuple[Weakness, ...]
    """What the file does not prove, and what could not be carried over."""
    origins: Mapping[str, str]
    """From a path of the object to the field of the v0 file behind it; see ``origin``."""


def read_document(
    document: object,
    *,
    name: str | None = None,
    namespace: str = "default",
    verifier: Verifier = TRUSTING_NONE,
) -> Manifest:
    """Read evidence of either version; nothing is raised, whatever the document holds.

    Args:
        document: A v0 file's content, or a ComplianceManifest object.
        name: Name for the evidence of a v0 file; made from its model's name when it is None.
        namespace: Namespace for evidence that states none.
        verifier: What verifies attestations; without one they have no signers.
    """
    if is_v0(document):
        return _read_v0(document, name, namespace)
    if not isinstance(document, Mapping):
        return unreadable(invalid(document, "an object"), name=name or "", namespace=namespace)
    manifest = read_manifest(document, verifier)
    if nulls := [*islice(unknown_nulls(document.get("spec")), MAX_PROBLEMS)]:
        manifest = replace(manifest, problems=(*manifest.problems, *nulls))
    metadata = document.get("metadata")
    stated = metadata.get("namespace") if isinstance(metadata, Mapping) else None
    return manifest if stated is not None else replace(manifest, namespace=namespace)


def convert(document: object, *, name: str | None = None) -> Conversion:
    """Turn the content of a v0 file into a ComplianceManifest object.

    Args:
        document: A v0 file's content.
        name: Name of the object; made from the model's name when it is None.

    Raises:
        EvidenceError: When it is no v0 file, or fields of it have the wrong type or range; a line each.
    """
    if not is_v0(document):
        raise EvidenceError(invalid(document, "the JSON of a governance logger (v0)"))
    translated = _translated(document, name)
    problems = _problems(document, read_manifest(translated.manifest), translated)
    if problems:
        raise UnreadableError(problems)
    return Conversion(translated.manifest, translated.weaknesses, MappingProxyType(dict(translated.origins)))


def origins(document: object) -> Mapping[str, str]:
    """Return the map from v1 paths to v0 fields of a document; empty unless it is a v0 file."""
    return translate(document).origins if is_v0(document) else {}


def _translated(document: Mapping[str, Any], name: str | None) -> Translation:
    tidy = without_nulls(document, ())
    return translate(tidy if isinstance(tidy, dict) else {}, name=name)


def _read_v0(document: Mapping[str, Any], name: str | None, namespace: str) -> Manifest:
    try:
        translated = _translated(document, name)
    except DigestError as error:
        return unreadable(str(error), name=name or "", namespace=namespace)
    manifest = read_manifest(translated.manifest)
    unknown = translated.stated_category
    return replace(
        manifest,
        namespace=namespace,
        stated_category=manifest.stated_category if unknown is None else unknown,
        problems=_problems(document, manifest, translated),
    )


def _problems(
    document: Mapping[str, Any], manifest: Manifest, translated: Translation
) -> tuple[Problem, ...]:
    unread = islice(v0_keys.problems(document), MAX_PROBLEMS)
    return (*_in_v0_terms(manifest.problems, translated), *unread)


def _in_v0_terms(problems: Iterable[Problem], translated: Translation) -> Iterator[Problem]:
    """Name the field of the v0 file in each problem that has one."""
    for problem in problems:
        theirs = origin(problem.path, translated.origins)
        yield replace(problem, message=f"{theirs}: {problem.message}") if theirs else problem
