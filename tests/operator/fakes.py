"""Stand-ins for what the parts of the operator ask: an API server that lists, a writer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Any

from actgate.kube.client import REQUEST_SECONDS, Cluster, Page, Subresource
from actgate.kube.errors import ClusterError
from actgate.kube.objects import Object
from actgate.kube.resources import Resource
from actgate_operator.names import MANAGER
from actgate_operator.writer import Writer
from tests.kube.fake_leases import no_server


def unreachable() -> Cluster:
    """Return a client that fails when it is used."""
    return Cluster(no_server)


class Listing(Cluster):
    """Lists what it was given in pages of two, and notes what was asked; ``failures`` come first."""

    def __init__(self, models: Iterable[Object], *failures: ClusterError) -> None:
        super().__init__(no_server)
        self.models = list(models)
        self.asked: list[tuple[str | None, str | None]] = []
        self._failures = list(failures)

    def fail(self, error: ClusterError) -> None:
        """Fail the next page."""
        self._failures.append(error)

    async def list_pages(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
        limit: int = 500,
        within: float = REQUEST_SECONDS,
    ) -> AsyncGenerator[Page, None]:
        """List models by namespace and manifest."""
        self.asked.append((namespace, field_selector))
        found = [item for item in self.models if _fits(item, namespace, field_selector)]
        for start in range(0, max(len(found), 1), 2):
            if self._failures:
                raise self._failures.pop(0)
            yield Page(found[start : start + 2], 7)


class Answering(Cluster):
    """Answers each read of an object by a call."""

    def __init__(self, answer: Callable[[], Object]) -> None:
        super().__init__(no_server)
        self._answer = answer

    async def get(
        self,
        resource: Resource,
        name: str,
        namespace: str | None = None,
        *,
        within: float = REQUEST_SECONDS,
    ) -> Object:
        """Return what there is, or raise."""
        return self._answer()


def _fits(model: Object, namespace: str | None, field_selector: str | None) -> bool:
    _, _, name = (field_selector or "").partition("=")
    if namespace not in (None, model["metadata"]["namespace"]):
        return False
    return not name or model["spec"]["complianceManifestRef"]["name"] == name


class NotingWriter(Writer):
    """Notes what is applied; ``failures`` come first, one for each write."""

    def __init__(self, *failures: Exception) -> None:
        super().__init__(unreachable(), lambda: True)
        self.applied: list[Object] = []
        self._failures = list(failures)

    async def apply(
        self,
        resource: Resource,
        thing: Object,
        *,
        force: bool = True,
        manager: str = MANAGER,
        subresource: Subresource | None = None,
    ) -> Object:
        """Note an object."""
        if self._failures:
            raise self._failures.pop(0)
        self.applied.append(thing)
        return thing


def model(name: str, namespace: str = "credit", manifest: str = "evidence", **status: Any) -> Object:  # noqa: ANN401
    """Return a ModelDeployment, with a status where one is given."""
    return {
        "apiVersion": "actgate.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": name, "namespace": namespace, "uid": f"uid-{name}", "resourceVersion": "7"},
        "spec": {"complianceManifestRef": {"name": manifest}},
        **({"status": status} if status else {}),
    }
