"""The files of a model: which they are, what each holds, and whether one changes meanwhile.

Folders do not count, links are refused, and what is neither a file nor a folder is no part of a model.
"""

import hashlib
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import Final

from actgate.manifests.errors import EvidenceError

_CHUNK: Final = 1024 * 1024
_MUCH: Final = 64 * _CHUNK
_WORKERS: Final = 4
SINGLE: Final = "."
"""Name that Model Signing gives to the only file of a model that is no directory."""
Identity = tuple[int, ...]
"""What is another one once a file was written: inode, size, and the times of content and status."""


class ModelDigestError(EvidenceError):
    """A model of which no digest can be taken: one sentence."""


def relative(name: str) -> str:
    """Return a path in a model as the names of its files are written; raise for any other."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ModelDigestError(f"{name} cannot be ignored: must be a path in the model's directory")
    return str(path)


def files(top: str, ignored: frozenset[str]) -> dict[str, Identity]:
    """Return the files of a model in the order of their paths' parts, and what shows that one changed."""
    status = status_of(top, follow=True)
    if stat.S_ISREG(status.st_mode):
        return {SINGLE: identity_of(status)}
    if not stat.S_ISDIR(status.st_mode):
        raise ModelDigestError(f"{top} is neither a file nor a directory; name a model")
    found = dict(sorted(_walk(top, "", ignored), key=lambda item: item[0].split("/")))
    if not found:
        raise ModelDigestError(f"{top} holds no files, so it has no digest; name the model's directory")
    return found


def _walk(top: str, folder: str, ignored: frozenset[str]) -> Iterator[tuple[str, Identity]]:
    try:
        with os.scandir(path_of(top, folder)) as listing:
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
                yield name, identity_of(entry.stat(follow_symlinks=False))
            else:
                raise ModelDigestError(f"{entry.path} is neither a file nor a directory; remove it")
    except OSError as error:
        raise unreadable(path_of(top, folder), error) from None


def _require_text(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ModelDigestError(f"{name} is not a UTF-8 name, and cannot be listed; rename it") from None


def require_unchanged(top: str, before: Mapping[str, Identity], after: Mapping[str, Identity]) -> None:
    """Raise for the first file that is another one, new or gone."""
    for name in (*before, *after):
        if before.get(name) != after.get(name):
            raise ModelDigestError(changed(path_of(top, name)))


def digests(paths: Collection[str], size: int) -> list[bytes]:
    """Return the raw SHA-256 of each file, in threads where they save more than they cost."""
    workers = min(_WORKERS, os.cpu_count() or 1, len(paths)) if size >= _MUCH else 1
    if workers == 1:
        return [*map(sha256_of, paths)]
    with ThreadPoolExecutor(workers) as pool:
        return [*pool.map(sha256_of, paths)]


def sha256_of(path: str) -> bytes:
    """Return the raw SHA-256 of a file; it runs beside others, since hashing large reads holds no lock."""
    hasher = hashlib.sha256()
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a Path would cost more than the call
            buffer = bytearray(min(_CHUNK, os.fstat(file.fileno()).st_size + 1))
            view = memoryview(buffer)
            while read := file.readinto(buffer):
                hasher.update(view[:read])
    except OSError as error:
        raise unreadable(path, error) from None
    return hasher.digest()


def status_of(path: str, *, follow: bool) -> os.stat_result:
    """Return what the system knows of a path; raise where it knows nothing."""
    try:
        return os.stat(path, follow_symlinks=follow)  # noqa: PTH116 - a text, as above
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from None


def identity_of(status: os.stat_result) -> Identity:
    """Return what shows that a file was written."""
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def size_of(found: Mapping[str, Identity]) -> int:
    """Return the bytes of all files together."""
    return sum(size for _, size, *_ in found.values())


def path_of(top: str, name: str) -> str:
    """Return the path of a file of a model."""
    return top if name in ("", SINGLE) else os.path.join(top, name)  # noqa: PTH118 - texts, as os.scandir has them


def changed(path: str) -> str:
    """Return the sentence about a file that was written meanwhile."""
    return f"{path} changed while it was read; take the digest again when nothing writes to the model"


def unreadable(path: str, error: Exception) -> ModelDigestError:
    """Return the error about a path that cannot be read."""
    reason = getattr(error, "strerror", None) or str(error)
    return ModelDigestError(f"{path} cannot be read: {reason}")
