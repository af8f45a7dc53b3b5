"""A report as the API server has it: about whom it is, and the hash of what it says."""

from typing import Final, NamedTuple

from actgate.kube.objects import Object, version_of
from actgate.scan.reports import hash_of

_PREFIX: Final = "actgate-"


class Stored(NamedTuple):
    """A report as the API server has it."""

    uid: str
    """Of its subject."""
    namespace: str
    digest: str | None
    version: int
    own_uid: str
    group: str
    kind: str

    @property
    def name(self) -> str:
        """Its own name."""
        return f"{_PREFIX}{self.uid}"


def stored_of(thing: Object) -> Stored | None:
    """Return what is kept of a report; None for one that is not of this writer."""
    metadata = thing["metadata"]
    name, scope = metadata["name"], thing.get("scope") or {}
    if not name.startswith(_PREFIX):
        return None
    return Stored(
        name.removeprefix(_PREFIX),
        metadata.get("namespace", ""),
        hash_of(thing),
        version_of(thing),
        metadata.get("uid", ""),
        str(scope.get("apiVersion", "")).rpartition("/")[0],
        str(scope.get("kind", "")),
    )
