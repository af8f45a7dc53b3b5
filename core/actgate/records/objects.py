"""The object of a decision as it is recorded: which one, its digest, and the images that it names."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from actgate.api.canonical import canonical_of_json, sha256
from actgate.subjects.pods import images_of, map_at


class ObjectDigest(NamedTuple):
    """What an object is known by in the log."""

    digest: str
    """``sha256:<64 hex digits>``."""
    of: str
    """``canonical`` for the object's canonical JSON; ``bytes`` for what came, where it has none."""


class RecordedObject(NamedTuple):
    """An object; of its content no more than proves which one it was."""

    group: str
    version: str
    kind: str
    namespace: str
    name: str
    """Empty where the API server is to make it up."""
    name_prefix: str = ""
    """What the API server makes the name of, where that is so and known."""
    digest: ObjectDigest | None = None
    """None where no object came, or where nobody records it."""
    images: tuple[str, ...] = ()
    """Images that it names by digest; a tag proves nothing."""

    def with_content(self, raw: bytes, obj: Mapping[str, Any] | None) -> "RecordedObject":
        """Return the same with what its content says.

        Args:
            raw: The object as it came.
            obj: The same, parsed; None where it cannot be.
        """
        content = obj if obj is not None else {}
        prefix = map_at(content, "metadata").get("generateName")
        return self._replace(
            name_prefix=prefix if isinstance(prefix, str) and not self.name else "",
            digest=digest_of_object(raw, obj),
            images=tuple(image for _, image in images_of(content) if "@sha256:" in image),
        )


def digest_of_object(raw: bytes, obj: Mapping[str, Any] | None) -> ObjectDigest:
    """Return the digest of a Kubernetes object, ``metadata.managedFields`` apart.

    The API server's book-keeping is left out: it differs between two applies of the same object.

    Args:
        raw: The object as it came.
        obj: The same, parsed; None where it cannot be.
    """
    if obj is not None:
        try:
            return ObjectDigest(sha256(canonical_of_json(_without_bookkeeping(obj))), "canonical")
        except ValueError:
            pass
    return ObjectDigest(sha256(raw), "bytes")


def _without_bookkeeping(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict) or "managedFields" not in metadata:
        return obj
    return {**obj, "metadata": {key: value for key, value in metadata.items() if key != "managedFields"}}
