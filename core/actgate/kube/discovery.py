"""Which kinds the API server serves, and in which version: that which it prefers, else the first that has it.

Groups that nothing is asked about cost nothing: one request finds which of the others exist, and one more is
sent for each of these. A version that cannot be read, such as one of an aggregated API whose server is down,
makes its group unknown; that is not the same as absent.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from actgate.kube.client import Cluster
from actgate.kube.errors import ClusterError, NotFound
from actgate.kube.objects import Object
from actgate.kube.resources import Resource

_CORE: Final = ("v1",)
_NEEDED: Final = {"list", "watch"}


@dataclass(frozen=True, slots=True)
class Served:
    """What an API server serves of the groups that were asked about."""

    resources: Mapping[tuple[str, str], Resource]
    """By group and kind: what can be listed and watched."""
    unknown: frozenset[str] = frozenset()
    """Groups that exist, and of which the API server could not say what is in them."""


async def served(cluster: Cluster, groups: Iterable[str]) -> Served:
    """Return which kinds of these groups there are.

    Raises:
        ClusterError: The API server did not say which groups there are.
    """
    wanted = set(groups)
    versions = {name: found for name, found in _versions(await cluster.discover("/apis")) if name in wanted}
    if "" in wanted:
        versions[""] = _CORE
    resources: dict[tuple[str, str], Resource] = {}
    unknown: set[str] = set()
    for group, names in versions.items():
        for version in names:
            path = f"/apis/{group}/{version}" if group else f"/api/{version}"
            try:
                listed = await cluster.discover(path)
            except NotFound:
                continue  # It went meanwhile.
            except ClusterError:
                unknown.add(group)
                continue
            for resource in _resources(listed, group, version):
                resources.setdefault((group, resource.kind), resource)
    return Served(resources, frozenset(unknown))


def _versions(groups: Object) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each group with its versions, that which is preferred first."""
    for group in _objects(groups.get("groups")):
        preferred = group.get("preferredVersion") or {}
        names = [preferred.get("version"), *(item.get("version") for item in _objects(group.get("versions")))]
        yield str(group.get("name")), tuple(dict.fromkeys(name for name in names if isinstance(name, str)))


def _resources(listed: Object, group: str, version: str) -> Iterator[Resource]:
    for item in _objects(listed.get("resources")):
        plural, kind = item.get("name"), item.get("kind")
        if not isinstance(plural, str) or not isinstance(kind, str) or "/" in plural:
            continue
        if set(item.get("verbs") or ()) >= _NEEDED:
            yield Resource(group, version, plural, kind, namespaced=item.get("namespaced") is not False)


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - JSON
    return (item for item in value if isinstance(item, Mapping)) if isinstance(value, list) else iter(())
