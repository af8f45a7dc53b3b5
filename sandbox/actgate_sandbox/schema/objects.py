"""Defaulting and pruning: what the API server does to an object before it looks at its values."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

Node = Mapping[str, Any]
"""One node of an OpenAPI v3 schema."""

Json = Any
"""Any JSON value, or what CEL makes of one."""

NOTHING: Node = {}
METADATA_FIELDS = frozenset(
    [
        "name",
        "generateName",
        "namespace",
        "selfLink",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "labels",
        "annotations",
        "ownerReferences",
        "finalizers",
        "managedFields",
    ]
)


def preserves(node: Node) -> bool:
    """Tell whether a node keeps fields that it does not declare."""
    return bool(node.get("x-kubernetes-preserve-unknown-fields"))


def embeds(node: Node) -> bool:
    """Tell whether the value is a whole object, with apiVersion, kind and metadata of its own."""
    return bool(node.get("x-kubernetes-embedded-resource"))


def child(node: Node, key: str) -> Node | None:
    """Return the schema of a field or map entry, None where the schema has no word for it."""
    declared: Node | None = node.get("properties", NOTHING).get(key)
    return declared if declared is not None else node.get("additionalProperties")


def defaulted(node: Node, value: Json) -> Json:
    """Return a copy with defaults filled in; null counts as absent where null is not allowed."""
    if isinstance(value, dict):
        return _defaulted_object(node, value)
    if isinstance(value, list):
        items = node.get("items", NOTHING)
        return [defaulted(items, _unless_null(items, item)) for item in value]
    return value


def _defaulted_object(node: Node, value: dict[str, Any]) -> dict[str, Any]:
    properties = node.get("properties", NOTHING)
    filled = {}
    for key, item in value.items():
        if key in properties:
            if item is None and not properties[key].get("nullable"):
                continue
            filled[key] = defaulted(properties[key], item)
        else:
            rest = node.get("additionalProperties", NOTHING)
            filled[key] = defaulted(rest, _unless_null(rest, item))
    for key, declared in properties.items():
        if key not in filled and "default" in declared:
            filled[key] = defaulted(declared, copy.deepcopy(declared["default"]))
    return filled


def _unless_null(node: Node, value: Json) -> Json:
    if value is None and "default" in node and not node.get("nullable"):
        return copy.deepcopy(node["default"])
    return value


def pruned(node: Node, value: Json, *, whole_object: bool) -> tuple[Any, list[str]]:
    """Return a copy without undeclared fields, and the paths of what was dropped, sorted.

    A whole object keeps apiVersion, kind and the known fields of metadata, declared or not.
    """
    dropped: list[str] = []
    kept = _pruned(node, value, "", dropped, whole_object=whole_object)
    metadata = [path for path in dropped if path.startswith("metadata.")]
    return kept, sorted(metadata) + sorted(set(dropped) - set(metadata))


def _pruned(
    node: Node,
    value: Json,
    path: str,
    dropped: list[str],
    *,
    whole_object: bool,
) -> Json:
    if isinstance(value, list):
        if "items" not in node and preserves(node):
            return copy.deepcopy(value)
        items = node.get("items", NOTHING)
        return [
            _pruned(items, item, f"{path}[{index}]", dropped, whole_object=embeds(items))
            for index, item in enumerate(value)
        ]
    if not isinstance(value, dict):
        return value
    kept = {}
    for key, item, at in _entries(value, path):
        declared = child(node, key)
        if whole_object and key in ("apiVersion", "kind"):
            kept[key] = item
        elif whole_object and key == "metadata":
            kept[key] = _pruned_metadata(item, at, dropped)
        elif declared is not None:
            kept[key] = _pruned(declared, item, at, dropped, whole_object=embeds(declared))
        elif preserves(node):
            kept[key] = copy.deepcopy(item)
        else:
            dropped.append(at)
    return kept


def _pruned_metadata(value: Json, path: str, dropped: list[str]) -> Json:
    if not isinstance(value, dict):
        return value
    dropped.extend(at for key, _, at in _entries(value, path) if key not in METADATA_FIELDS)
    return {key: copy.deepcopy(item) for key, item in value.items() if key in METADATA_FIELDS}


def _entries(value: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any, str]]:
    for key, item in value.items():
        yield key, item, f"{path}.{key}" if path else key
