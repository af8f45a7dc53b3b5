"""``actgate manifest``: a pipeline's own file as a ComplianceManifest, and the digest of either."""

from collections.abc import Mapping
from typing import Any

from actgate import documents, manifests
from actgate.cli.exits import UnusableError
from actgate.cli.sources import read_one
from actgate.documents import Document


def converted(argument: str, namespace: str | None, name: str | None) -> tuple[Mapping[str, Any], list[str]]:
    """Return the ComplianceManifest made of a pipeline's file, and in a line each what it cannot prove.

    Args:
        argument: The file, or ``-`` for standard input.
        namespace: Namespace to write into it; None leaves it to the client that applies it.
        name: Name of the object; None derives it from the model's name.

    Raises:
        UnusableError: When the file is not a pipeline's compliance file that can be converted.
    """
    document = read_one(argument)
    if not isinstance(document.value, dict) or not manifests.is_v0(document.value):
        raise UnusableError(
            f"{document.place()}: expected the compliance file of a training pipeline, with model_name and "
            "bias_metrics; a ComplianceManifest needs no conversion"
        )
    conversion = _convert(document, name)
    weaknesses = [f"{weakness.path}: {weakness.message}" for weakness in conversion.weaknesses]
    metadata = conversion.manifest["metadata"] | ({"namespace": namespace} if namespace is not None else {})
    return {**conversion.manifest, "metadata": metadata}, weaknesses


def digest(argument: str) -> str:
    """Return the canonical SHA-256 of a manifest's spec; a pipeline's file is converted first.

    Raises:
        UnusableError: When the file is neither, or has no canonical form.
    """
    document = read_one(argument)
    value = document.value
    if isinstance(value, dict) and manifests.is_v0(value):
        value = _convert(document).manifest
    spec = value.get("spec") if isinstance(value, dict) else None
    if not isinstance(spec, dict) or value.get("kind") != "ComplianceManifest":
        raise UnusableError(
            f"{document.place()}: expected a ComplianceManifest or the compliance file of a training pipeline"
        )
    try:
        return manifests.digest(spec)
    except manifests.EvidenceError as error:
        raise UnusableError(f"{document.place()}: {error}") from None


def render(manifest: Mapping[str, Any], output_format: str) -> str:
    """Return an object as ``yaml`` or ``json``, its fields in the order that it has."""
    return documents.to_json(manifest) if output_format == "json" else documents.to_yaml(manifest)


def _convert(document: Document, name: str | None = None) -> manifests.Conversion:
    try:
        return manifests.convert(document.value, name=name)
    except manifests.EvidenceError as error:
        raise UnusableError(*(f"{document.place()}: {line}" for line in str(error).splitlines())) from None
