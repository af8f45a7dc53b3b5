"""URL paths of resources, taken apart."""

from __future__ import annotations

from typing import NamedTuple

_OF_NAMESPACE = frozenset({"status", "finalize"})


class ResourcePath(NamedTuple):
    """`/api/v1/namespaces/{namespace}/{plural}/{name}/{subresource}` and its shorter forms."""

    group: str
    version: str
    namespace: str = ""
    plural: str = ""
    name: str = ""
    subresource: str = ""


def parse(path: str) -> ResourcePath | None:
    """Take a path below `/api` or `/apis` apart, None where it has no such form."""
    root, *parts = path.strip("/").split("/")
    if root == "apis":
        group, *parts = parts
    else:
        group = ""
    if not parts:
        return None
    version, *rest = parts
    namespace = ""
    if len(rest) >= 3 and rest[0] == "namespaces" and rest[2] not in _OF_NAMESPACE:
        _, namespace, *rest = rest
    if len(rest) > 3 or "" in rest[:-1]:
        return None
    plural, name, subresource = (*rest, "", "", "")[:3]
    return ResourcePath(group, version, namespace, plural, name, subresource)
