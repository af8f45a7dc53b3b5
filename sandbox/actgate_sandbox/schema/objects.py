"""Defaulting and pruning: what the API server does to an object before it validates its values."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

Node = Mapping[str, Any]
"""One node of an OpenAPI v3 schema."""

Json = Any
"""Any JSON value."""

NOTHING: Node = {}
_METADATA_FIELDS = frozenset(
    {
        *("annotations", "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp"),
        *("finalizers", "generateName", "generation", "labels", "managedFields", "name", "namespace"),
        *("ownerReferences", "resourceVersion", "selfLink", "uid"),
    }
)


def child(node: Node, key: str) -> Node | None:
    """Return the schema of a field or map entry, None where the schema does not declare it."""
    declared: Node | None = node.get("properties", NOTHING).get(key)
    return declared if declared is not None else node.get("additionalProperties")


def defaulted(node: Node, value: Json) -> Json:
    """Return a copy with defaults filled in; null counts as absent where null is not allowed."""
    if isinstance(value, list):
        items = node.get("items", NOTHING)
        return [defaulted(items, _unless_null(items, item)) for item in value]
    if not isinstance(value, dict):
        return value
    properties = node.get("properties", NOTHING)
    filled = {}
    for key, item in value.items():
        if key not in properties:
            rest = node.get("additionalProperties", NOTHING)
            filled[key] = defaulted(rest, _unless_null(rest, item))
        elif item is not None or properties[key].get("nullable"):
            filled[key] = defaulted(properties[key], item)
    for key, declared in properties.items():
        if key not in filled and "default" in declared:
            filled[key] = defaulted(declared, copy.deepcopy(declared["default"]))
    return filled


def _unless_null(node: Node, value: Json) -> Json:
    if value is None and "default" in node and not node.get("nullable"):
        return copy.deepcopy(node["default"])
    return value


def pruned(node: Node, value: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return a copy of a whole object without undeclared fields, and the paths of what was dropped, sorted.

    It keeps apiVersion, kind and the known fields of metadata, declared or not.
    """
    dropped: list[str] = []
    own = {key: item for key, item in value.items() if key not in ("apiVersion", "kind", "metadata")}
    kept: dict[str, Any] = {key: value[key] for key in ("apiVersion", "kind") if key in value}
    if "metadata" in value:
        kept["metadata"] = {k: v for k, v in value["metadata"].items() if k in _METADATA_FIELDS}
        dropped += (f"metadata.{key}" for key in value["metadata"] if key not in _METADATA_FIELDS)
    unknown: list[str] = []
    kept |= _pruned(node, own, "", unknown)
    return kept, sorted(dropped) + sorted(unknown)


def _pruned(node: Node, value: Json, path: str, dropped: list[str]) -> Json:
    preserves = node.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(value, list):
        if preserves and "items" not in node:
            return copy.deepcopy(value)
        items = node.get("items", NOTHING)
        return [_pruned(items, item, f"{path}[{index}]", dropped) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    kept = {}
    for key, item in value.items():
        declared, at = child(node, key), f"{path}.{key}" if path else key
        if declared is not None:
            kept[key] = _pruned(declared, item, at, dropped)
        elif preserves:
            kept[key] = copy.deepcopy(item)
        else:
            dropped.append(at)
    return kept
