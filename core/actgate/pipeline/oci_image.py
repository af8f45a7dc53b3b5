"""OCI images on disk: which manifest an image layout holds, and which blobs a manifest names.

https://github.com/opencontainers/image-spec, ``image-layout.md`` and ``manifest.md``. Bytes in, values out:
no file is touched here.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from actgate.api.quoting import counted, got

_MANIFESTS: Final = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


class ImageError(ValueError):
    """What is no image: one sentence."""


@dataclass(frozen=True, slots=True)
class Blob:
    """Content of a layout by its digest."""

    digest: str
    """``sha256:<64 hex digits>``."""

    @property
    def path(self) -> str:
        """Where a layout keeps it."""
        return f"blobs/sha256/{self.digest.removeprefix('sha256:')}"


def only_manifest(index: bytes) -> Blob:
    """Return the image manifest of a layout, by the content of its ``index.json``.

    Raises:
        ImageError: It is no index, or names no image, several, or one of several platforms.
    """
    manifests = _object(index, "index.json").get("manifests")
    if not isinstance(manifests, list) or not all(isinstance(item, dict) for item in manifests):
        raise ImageError("index.json: manifests: Invalid value: must be a list of descriptors")
    if len(manifests) != 1:
        raise ImageError(
            f"index.json names {counted(len(manifests), 'manifest')}, and exactly one is expected: copy one "
            "image into a layout of its own, or name the file of its manifest"
        )
    kind = manifests[0].get("mediaType", _MANIFESTS[0])
    if kind not in _MANIFESTS:
        raise ImageError(
            f"index.json names {got(kind)} and no image manifest: copy the image of one platform into a "
            "layout of its own"
        )
    return _blob(manifests[0], "index.json: manifests[0]")


def blobs(manifest: bytes) -> tuple[Blob, ...]:
    """Return what an image manifest names: its configuration, then its layers.

    Raises:
        ImageError: It is no image manifest.
    """
    stated = _object(manifest, "the image manifest")
    config, layers = stated.get("config"), stated.get("layers")
    if stated.get("schemaVersion") != 2 or not isinstance(config, dict) or not isinstance(layers, list):
        raise ImageError("this is not an image manifest: it must have schemaVersion 2, config and layers")
    named = [("config", config), *((f"layers[{place}]", layer) for place, layer in enumerate(layers))]
    return tuple(_blob(descriptor, place) for place, descriptor in named)


def _object(content: bytes, called: str) -> Mapping[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise ImageError(f"{called} is not JSON") from None
    if not isinstance(value, dict):
        raise ImageError(f"{called}: {got(value)}: must be an object")
    return value


def _blob(descriptor: object, place: str) -> Blob:
    digest = descriptor.get("digest") if isinstance(descriptor, dict) else None
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise ImageError(f"{place}.digest: {got(digest)}: must be sha256:<64 hex digits>")
    return Blob(digest)
