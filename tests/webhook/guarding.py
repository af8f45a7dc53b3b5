"""``Guarded``: a namespace of an API server that asks a webhook about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from actgate_sandbox.rest import MERGE_PATCH, Reply, Rest
from demo import registration
from tests.support import crds
from tests.webhook.build import KINDS, Json

ROOT = Path(__file__).parents[2]
CRDS = [*crds.definitions().values()]


@contextmanager
def registered(
    rest: Rest, namespace: str, port: int, ca: bytes, *, timeout: int | None = None
) -> Iterator[None]:
    """Ask a webhook about one namespace, and about no other, until the block ends; timeout in seconds."""
    written = registration.read(ROOT / "deploy" / "base" / "webhook-registration.yaml")
    written["metadata"]["name"] = f"actgate-{namespace}"
    for item in written["webhooks"]:
        item["namespaceSelector"].setdefault("matchLabels", {})["kubernetes.io/metadata.name"] = namespace
        item["timeoutSeconds"] = timeout or item["timeoutSeconds"]
    registration.install(rest, registration.on_loopback(written, port, ca))
    try:
        yield
    finally:
        registration.uninstall(rest, written)


@dataclass(frozen=True, slots=True)
class Guarded:
    """A namespace of which the API server asks the webhook."""

    rest: Rest
    namespace: str

    def collection(self, kind: str) -> str:
        """Return the path of a kind in the namespace."""
        group, version = KINDS.get(kind, ("actgate.dev", "v1alpha1"))
        root = f"apis/{group}/{version}" if group else f"api/{version}"
        return f"/{root}/namespaces/{self.namespace}/{kind.lower()}s"

    def create(self, obj: Json, name: str | None = None, **query: str) -> Reply:
        """Create an object in the namespace, as an engineer's file has it."""
        metadata = {**obj["metadata"], "namespace": self.namespace, "name": name or obj["metadata"]["name"]}
        bare = {key: value for key, value in metadata.items() if key not in ("uid", "resourceVersion")}
        return self.rest("POST", self.collection(obj["kind"]), {**obj, "metadata": bare}, **query)

    def patch(self, kind: str, name: str, change: Json) -> Reply:
        """Merge a change into an object."""
        return self.rest("PATCH", f"{self.collection(kind)}/{name}", change, MERGE_PATCH)

    def delete(self, kind: str, name: str) -> Reply:
        """Delete an object."""
        return self.rest("DELETE", f"{self.collection(kind)}/{name}")
