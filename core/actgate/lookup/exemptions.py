"""Every Exemption of a cluster, found by the namespace of the objects that it is about.

A cluster that does not define the kind has none: the definitions of a newer version may come after its
images. An Exemption that cannot be read exempts from nothing.
"""

from collections.abc import Callable, Iterable, Iterator

from actgate.decision.exemptions import Exemption
from actgate.kube.client import Cluster
from actgate.kube.errors import NotFound
from actgate.kube.reflector import Reflector
from actgate.kube.resources import EXEMPTIONS
from actgate.kube.store import Change
from actgate.kube.timing import Timing
from actgate.manifests import exemption_if_readable

ByNamespace = dict[str, tuple[Exemption, ...]]


class ExemptionCache:
    """An informer cache of Exemptions.

    Args:
        cluster: The API server.
        on_change: Called with each namespace that an exemption which comes, goes or changes is about.
        timing: How the reflector waits.
    """

    def __init__(
        self, cluster: Cluster, on_change: Callable[[str], None], timing: Timing | None = None
    ) -> None:
        self._on_change = on_change
        self._by_namespace: ByNamespace | None = None
        self.reflector: Reflector[Exemption | None] = Reflector(
            cluster, EXEMPTIONS, exemption_if_readable, self._changed, optional=True, timing=timing
        )

    def by_namespace(self) -> ByNamespace:
        """Return the exemptions that are known, by the namespaces that they are about."""
        if self._by_namespace is None:
            self._by_namespace = by_namespace(value for _, value in self.reflector.items())
        return self._by_namespace

    def _changed(self, change: Change[Exemption | None]) -> None:
        self._by_namespace = None
        if self.reflector.synced.is_set():
            for namespace in dict.fromkeys((*_namespaces(change.old), *_namespaces(change.new))):
                self._on_change(namespace)


async def list_exemptions(cluster: Cluster) -> ByNamespace:
    """Return every exemption of a cluster, read live; raises a ``ClusterError``."""
    found: list[Exemption | None] = []
    try:
        async for page in cluster.list_pages(EXEMPTIONS):
            found += map(exemption_if_readable, page.items)
    except NotFound:
        return {}
    return by_namespace(found)


def by_namespace(exemptions: Iterable[object]) -> ByNamespace:
    """Return exemptions by the namespaces that they are about; what could not be read is left out."""
    found: dict[str, list[Exemption]] = {}
    for one in exemptions:
        if isinstance(one, Exemption):
            for namespace in dict.fromkeys(_namespaces(one)):
                found.setdefault(namespace, []).append(one)
    return {namespace: tuple(those) for namespace, those in found.items()}


def _namespaces(exemption: object) -> Iterator[str]:
    if isinstance(exemption, Exemption):
        yield from (subject.namespace for subject in exemption.subjects)
