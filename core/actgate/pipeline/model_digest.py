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
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from actgate.api.canonical import canonical, sha256
from actgate.api.compliance_manifest import DigestDomain
from actgate.manifests.errors import EvidenceError
from actgate.pipeline import oci_image

IGNORED: Final = (".git", ".gitattributes", ".github", ".gitignore")
"""Paths in a model's directory that Model Signing ignores: what Git keeps there, at the top alone."""
_CHUNK: Final = 1024 * 1024
_WORKERS: Final = 4
_SINGLE: Final = "."
"""Name that Model Signing gives to the only file of a model that is no directory."""


class ModelDigestError(EvidenceError):
    """A model of which no digest can be taken."""


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
    ignored = frozenset((*IGNORED, *map(_relative, ignore)))
    found = _files(top, ignored)
    with ThreadPoolExecutor(min(_WORKERS, os.cpu_count() or 1)) as pool:
        digests = [*pool.map(_sha256, (_path(top, name) for name in found))]
    _require_unchanged(top, found, _files(top, ignored))
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
        is_file = stat.S_ISREG(_status(os.fspath(path), follow=True).st_mode)
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
    before = _status(name, follow=True)
    if not stat.S_ISREG(before.st_mode):
        raise ModelDigestError(f"{name} is not a regular file; name one, or use --domain oms-v1")
    digest = f"sha256:{_sha256(name).hex()}"
    if _identity(before) != _identity(_status(name, follow=True)):
        raise ModelDigestError(_changed(name))
    return ModelDigest(DigestDomain.FILE, digest, (Resource(Path(name).name, digest),))


def of_image(path: str | os.PathLike[str]) -> ModelDigest:
    """Return the digest of an image: its manifest as a file, or the only one of an OCI image layout.

    Of a layout every blob that the manifest names is verified; they are the resources.

    Raises:
        ModelDigestError: With one sentence: it is no image, several, incomplete, or not what its digests say.
    """
    name = os.fspath(path)
    layout = stat.S_ISDIR(_status(name, follow=True).st_mode)
    try:
        if not layout:
            content = Path(name).read_bytes()
            oci_image.blobs(content)
            return ModelDigest(DigestDomain.OCI_IMAGE, sha256(content), ())
        manifest = oci_image.only_manifest(_content(name, "index.json"))
        content = _content(name, manifest.path)
        blobs = (manifest, *oci_image.blobs(content))
        for blob in blobs:
            _require_blob(_path(name, blob.path), blob)
    except OSError as error:
        raise _unreadable(error.filename or name, error) from None
    except oci_image.ImageError as error:
        raise ModelDigestError(f"{name}: {error}") from None
    return ModelDigest(
        DigestDomain.OCI_IMAGE, manifest.digest, tuple(Resource(blob.path, blob.digest) for blob in blobs)
    )


def _content(layout: str, name: str) -> bytes:
    return Path(layout, name).read_bytes()


def _require_blob(path: str, blob: oci_image.Blob) -> None:
    found = f"sha256:{_sha256(path).hex()}"
    if found != blob.digest:
        raise ModelDigestError(
            f"{path}: Invalid value: has digest {found}: must be the blob that its name says"
        )


def _relative(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ModelDigestError(f"{name} cannot be ignored: must be a path in the model's directory")
    return str(path)


def _files(top: str, ignored: frozenset[str]) -> dict[str, tuple[int, ...]]:
    """Return the files of a model in the order of their paths' parts, and what shows that one changed."""
    status = _status(top, follow=True)
    if stat.S_ISREG(status.st_mode):
        return {_SINGLE: _identity(status)}
    if not stat.S_ISDIR(status.st_mode):
        raise ModelDigestError(f"{top} is neither a file nor a directory; name a model")
    found = dict(sorted(_walk(top, "", ignored), key=lambda item: item[0].split("/")))
    if not found:
        raise ModelDigestError(f"{top} holds no files, so it has no digest; name the model's directory")
    return found


def _walk(top: str, folder: str, ignored: frozenset[str]) -> Iterator[tuple[str, tuple[int, ...]]]:
    try:
        with os.scandir(_path(top, folder)) as listing:
            entries = [*listing]
        for entry in entries:
            name = f"{folder}/{entry.name}" if folder else entry.name
            if name in ignored:
                continue
            _require_text(name)
            if entry.is_symlink():
                raise ModelDigestError(
                    f"{entry.path} is a symbolic link, which Model Signing refuses: put the file "
                    "itself into the model's directory, or ignore it with --ignore"
                )
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(top, name, ignored)
            elif entry.is_file(follow_symlinks=False):
                yield name, _identity(entry.stat(follow_symlinks=False))
            else:
                raise ModelDigestError(f"{entry.path} is neither a file nor a directory; remove it")
    except OSError as error:
        raise _unreadable(_path(top, folder), error) from None


def _require_text(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ModelDigestError(f"{name} is no UTF-8 name, and has no place in a list; rename it") from None


def _require_unchanged(
    top: str, before: Mapping[str, tuple[int, ...]], after: Mapping[str, tuple[int, ...]]
) -> None:
    for name in (*before, *after):
        if before.get(name) != after.get(name):
            raise ModelDigestError(_changed(_path(top, name)))


def _sha256(path: str) -> bytes:
    """Return the raw SHA-256 of a file; it runs beside others, since hashing large reads holds no lock."""
    hasher, buffer = hashlib.sha256(), bytearray(_CHUNK)
    view = memoryview(buffer)
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a text; a Path would cost more than the call
            while read := file.readinto(buffer):
                hasher.update(view[:read])
    except OSError as error:
        raise _unreadable(path, error) from None
    return hasher.digest()


def _status(path: str, *, follow: bool) -> os.stat_result:
    try:
        return os.stat(path, follow_symlinks=follow)  # noqa: PTH116 - a text, as above
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _path(top: str, name: str) -> str:
    return top if name in ("", _SINGLE) else os.path.join(top, name)  # noqa: PTH118 - texts, as os.scandir has them


def _changed(path: str) -> str:
    return f"{path} changed while it was read; take the digest again when nothing writes to the model"


def _unreadable(path: str, error: Exception) -> ModelDigestError:
    reason = getattr(error, "strerror", None) or str(error)
    return ModelDigestError(f"{path} cannot be read: {reason}")
