"""The digest of a model's bytes, by which evidence and signatures are bound to it.

- ``oms-v1``: what OpenSSF Model Signing 1.0 signs (https://github.com/ossf/model-signing-spec): SHA-256 over
  the raw SHA-256 of each file, in order of their paths, folder by folder. It covers no names, so a second
  digest does: ``resources_digest``.
- ``file``: SHA-256 of one file.
- ``oci-image``: the digest of an image manifest, which ``oci_image`` reads.

The border: local files are read, nothing is written. A model that changes while it is read has no digest.
"""

import hashlib
import os
import stat
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actgate.api.canonical import canonical, sha256
from actgate.api.compliance_manifest import DigestDomain
from actgate.pipeline import model_files, oci_image
from actgate.pipeline.model_files import ModelDigestError

IGNORED: Final = (".git", ".gitattributes", ".github", ".gitignore")
"""Paths in a model's directory that Model Signing ignores: what Git keeps there, at the top alone."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One file of a model."""

    name: str
    """Path in the model's directory, with ``/``."""
    digest: str
    """``sha256:<64 hex digits>``."""


@dataclass(frozen=True, slots=True)
class ModelDigest:
    """What identifies a model's bytes."""

    domain: DigestDomain
    digest: str
    """``sha256:<64 hex digits>``, for ``spec.model.digest``."""
    resources: tuple[Resource, ...]
    """Every file, in the order in which the digest takes them."""

    @property
    def stated(self) -> dict[str, str]:
        """The digests as ``spec.model`` names them."""
        names = {"digest": self.digest, "digestDomain": self.domain.value}
        return names if self.resources_digest is None else {**names, "resourcesDigest": self.resources_digest}

    @property
    def resources_digest(self) -> str | None:
        """SHA-256 of the canonical JSON of ``[{"name", "digest"}]``; None in the other domains."""
        if self.domain is not DigestDomain.OMS_V1:
            return None
        return sha256(canonical([{"digest": item.digest, "name": item.name} for item in self.resources]))


def of_directory(path: str | os.PathLike[str], ignore: Iterable[str] = ()) -> ModelDigest:
    """Return the ``oms-v1`` digest of a model's directory, or of a model that is one file.

    Args:
        path: The directory. Empty folders do not count, hidden files do, and links are refused.
        ignore: Paths in it that do not count, beside those of Git; of a folder, nothing in it does.

    Raises:
        ModelDigestError: With one sentence: what is there is no model, cannot be read, or changed meanwhile.
    """
    top = os.fspath(path)
    ignored = frozenset((*IGNORED, *map(model_files.relative, ignore)))
    found = model_files.files(top, ignored)
    digests = model_files.digests(
        [model_files.path_of(top, name) for name in found], sum(size for _, size, *_ in found.values())
    )
    model_files.require_unchanged(top, found, model_files.files(top, ignored))
    root = hashlib.sha256(b"".join(digests)).hexdigest()
    resources = (Resource(name, f"sha256:{raw.hex()}") for name, raw in zip(found, digests, strict=True))
    return ModelDigest(DigestDomain.OMS_V1, f"sha256:{root}", tuple(resources))


def of_model(
    path: str | os.PathLike[str], domain: DigestDomain | None = None, ignore: Collection[str] = ()
) -> ModelDigest:
    """Return the digest of a model in a domain; by default ``file`` or, of a directory, ``oms-v1``.

    Raises:
        ModelDigestError: As the function of the domain does.
    """
    if domain is None:
        is_file = stat.S_ISREG(model_files.status_of(os.fspath(path), follow=True).st_mode)
        domain = DigestDomain.FILE if is_file else DigestDomain.OMS_V1
    if ignore and domain is not DigestDomain.OMS_V1:
        raise ModelDigestError(
            f"in the domain {domain} nothing can be ignored; only oms-v1 is of a directory"
        )
    match domain:
        case DigestDomain.OMS_V1:
            return of_directory(path, ignore)
        case DigestDomain.FILE:
            return of_file(path)
        case DigestDomain.OCI_IMAGE:
            return of_image(path)


def of_file(path: str | os.PathLike[str]) -> ModelDigest:
    """Return the SHA-256 of a model that is one file; a link to it is followed.

    Raises:
        ModelDigestError: With one sentence: it is no file, cannot be read, or changed meanwhile.
    """
    name = os.fspath(path)
    before = model_files.status_of(name, follow=True)
    if not stat.S_ISREG(before.st_mode):
        raise ModelDigestError(f"{name} is not a regular file; name one, or use --domain oms-v1")
    digest = f"sha256:{model_files.sha256_of(name).hex()}"
    if model_files.identity_of(before) != model_files.identity_of(model_files.status_of(name, follow=True)):
        raise ModelDigestError(model_files.changed(name))
    return ModelDigest(DigestDomain.FILE, digest, (Resource(Path(name).name, digest),))


def of_image(path: str | os.PathLike[str]) -> ModelDigest:
    """Return the digest of an image: its manifest as a file, or the only one of an OCI image layout.

    Of a layout every blob that the manifest names is verified; they are the resources.

    Raises:
        ModelDigestError: With one sentence: it is no image, several, incomplete, or not what its digests say.
    """
    name = os.fspath(path)
    layout = stat.S_ISDIR(model_files.status_of(name, follow=True).st_mode)
    try:
        if not layout:
            content = Path(name).read_bytes()
            oci_image.blobs(content)
            return ModelDigest(DigestDomain.OCI_IMAGE, sha256(content), ())
        manifest = oci_image.only_manifest(_content(name, "index.json"))
        content = _content(name, manifest.path)
        blobs = (manifest, *oci_image.blobs(content))
        for blob in blobs:
            _require_blob(model_files.path_of(name, blob.path), blob)
    except OSError as error:
        raise model_files.unreadable(error.filename or name, error) from None
    except oci_image.ImageError as error:
        raise ModelDigestError(f"{name}: {error}") from None
    return ModelDigest(
        DigestDomain.OCI_IMAGE, manifest.digest, tuple(Resource(blob.path, blob.digest) for blob in blobs)
    )


def _content(layout: str, name: str) -> bytes:
    return Path(layout, name).read_bytes()


def _require_blob(path: str, blob: oci_image.Blob) -> None:
    found = f"sha256:{model_files.sha256_of(path).hex()}"
    if found != blob.digest:
        raise ModelDigestError(
            f"{path}: Invalid value: has digest {found}: must be the blob that its name says"
        )
