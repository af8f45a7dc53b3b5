"""Discovery: which groups, versions and resources are served."""

from __future__ import annotations

from collections.abc import Iterator

from actgate_sandbox.stand_in.resources import VERBS, Registry, Resource
from actgate_sandbox.status import Object

VERSION: Object = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.0-stand-in",
}
_SUBRESOURCE_VERBS = ["get", "patch", "update"]


def core_versions(address: str) -> Object:
    """Answer `/api`."""
    where = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": where}


def group_list(registry: Registry) -> Object:
    """Answer `/apis`."""
    groups = [_group(name, versions) for name, versions in registry.versions().items() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def group(registry: Registry, name: str) -> Object | None:
    """Answer `/apis/{group}`, None where nothing is served there."""
    versions = registry.versions().get(name)
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, versions)} if versions else None


def _group(name: str, versions: list[str]) -> Object:
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def resource_list(registry: Registry, group_name: str, version: str) -> Object | None:
    """Answer `/apis/{group}/{version}` and `/api/v1`, None where nothing is served there."""
    resources = [
        entry for resource in registry.of_version(group_name, version) for entry in _entries(resource)
    ]
    if not resources:
        return None
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{group_name}/{version}" if group_name else version,
        "resources": resources,
    }


def _entries(resource: Resource) -> Iterator[Object]:
    entry: Object = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(VERBS),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    yield entry
    for name, kind in _subresources(resource):
        yield {
            "name": f"{resource.plural}/{name}",
            "singularName": "",
            "namespaced": resource.namespaced,
            "verbs": _SUBRESOURCE_VERBS,
            **kind,
        }


def _subresources(resource: Resource) -> Iterator[tuple[str, Object]]:
    if resource.status:
        yield "status", {"kind": resource.kind}
    if resource.scale:
        yield "scale", {"kind": "Scale", "group": "autoscaling", "version": "v1"}
