"""``actgate model digest``: what binds evidence and signatures to a model's bytes."""

from collections.abc import Collection, Iterator
from typing import Any

from actgate import documents
from actgate.api.compliance_manifest import DigestDomain
from actgate.api.quoting import printable
from actgate.cli.exits import UnusableError
from actgate.pipeline.model_digest import ModelDigest, of_model
from actgate.pipeline.model_files import ModelDigestError


def digest(path: str, domain: str | None, ignore: Collection[str]) -> ModelDigest:
    """Return the digest of a model; without a domain it is ``file`` for a file, ``oms-v1`` for a directory.

    Raises:
        UnusableError: When there is none.
    """
    try:
        return of_model(path, DigestDomain(domain) if domain else None, ignore)
    except ModelDigestError as error:
        raise UnusableError(str(error)) from None


def render(found: ModelDigest, output_format: str, *, listed: bool) -> str:
    """Return the digest, or with ``listed`` what it is made of, as ``text`` or ``json``."""
    if output_format == "json":
        return documents.to_json(_document(found, listed=listed))
    return "".join(f"{line}\n" for line in (_list(found) if listed else (found.digest,)))


def _list(found: ModelDigest) -> Iterator[str]:
    """Yield a line for each file, as ``sha256sum`` writes them; a name cannot break it."""
    for resource in found.resources:
        yield f"{resource.digest}  {printable(resource.name)}"


def _document(found: ModelDigest, *, listed: bool) -> dict[str, Any]:
    """Return the fields of ``spec.model`` by their names, and the files."""
    named = [{"name": item.name, "digest": item.digest} for item in found.resources]
    return {
        "digest": found.digest,
        "digestDomain": found.domain.value,
        **({"resourcesDigest": found.resources_digest} if found.resources_digest else {}),
        **({"resources": named} if listed else {}),
    }
