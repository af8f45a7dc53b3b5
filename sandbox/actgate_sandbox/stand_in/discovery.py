"""Discovery: which groups, versions and resources are served, in the old form and the aggregated."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from actgate_sandbox.stand_in.resources import VERBS, Registry, Resource
from actgate_sandbox.stand_in.reviews import REVIEWS
from actgate_sandbox.stand_in.status import Object

VERSION: Object = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.0-actgate-stand-in",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "python",
}
_SUBRESOURCE_VERBS = ["get", "patch", "update"]


def core_versions(address: str) -> Object:
    """Answer `/api`."""
    where = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": where}


def group_list(registry: Registry) -> Object:
    """Answer `/apis`."""
    groups = [_group(name, versions) for name, versions in _groups(registry) if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def group(registry: Registry, name: str) -> Object | None:
    """Answer `/apis/{group}`, None where nothing is served there."""
    versions = dict(_groups(registry)).get(name)
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, versions)} if versions else None


def _groups(registry: Registry) -> list[tuple[str, list[str]]]:
    groups = registry.versions()
    for kind in REVIEWS:
        groups.setdefault(kind.group, [kind.version])
    return list(groups.items())


def _group(name: str, versions: list[str]) -> Object:
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def resource_list(registry: Registry, group_name: str, version: str) -> Object | None:
    """Answer `/apis/{group}/{version}` and `/api/v1`, None where nothing is served there."""
    resources = [
        *(entry for resource in registry.of_version(group_name, version) for entry in _entries(resource)),
        *(
            {
                "name": review.plural,
                "singularName": review.kind.lower(),
                "namespaced": False,
                "kind": review.kind,
                "verbs": ["create"],
            }
            for review in REVIEWS
            if (review.group, review.version) == (group_name, version)
        ),
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
        "storageVersionHash": _hash(resource),
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


def _hash(resource: Resource) -> str:
    text = f"{resource.group}/{resource.stored_version or resource.version}/{resource.kind}"
    return hashlib.sha256(text.encode()).hexdigest()[:11] + "="


def aggregated(registry: Registry, *, core: bool) -> Object:
    """Answer `/api` or `/apis` in the aggregated form (`apidiscovery.k8s.io/v2`)."""
    items = [
        {
            "metadata": {"name": name} if name else {},
            "versions": [_aggregated_version(registry, name, version) for version in versions],
        }
        for name, versions in _groups(registry)
        if core is (name == "")
    ]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    }


def _aggregated_version(registry: Registry, name: str, version: str) -> Object:
    listed = resource_list(registry, name, version) or {"resources": ()}
    plain = [entry for entry in listed["resources"] if "/" not in entry["name"]]
    return {
        "version": version,
        "resources": [_aggregated_resource(name, version, e, listed["resources"]) for e in plain],
        "freshness": "Current",
    }


def _aggregated_resource(name: str, version: str, entry: Object, entries: Iterable[Object]) -> Object:
    resource: Object = {
        "resource": entry["name"],
        "responseKind": {"group": name, "version": version, "kind": entry["kind"]},
        "scope": "Namespaced" if entry["namespaced"] else "Cluster",
        "singularResource": entry["singularName"],
        "verbs": entry["verbs"],
    }
    for key in ("shortNames", "categories"):
        if key in entry:
            resource[key] = entry[key]
    below = f"{entry['name']}/"
    if found := [sub for sub in entries if sub["name"].startswith(below)]:
        resource["subresources"] = [
            {
                "subresource": sub["name"].removeprefix(below),
                "responseKind": {
                    "group": sub.get("group", name),
                    "version": sub.get("version", version),
                    "kind": sub["kind"],
                },
                "verbs": sub["verbs"],
            }
            for sub in found
        ]
    return resource
