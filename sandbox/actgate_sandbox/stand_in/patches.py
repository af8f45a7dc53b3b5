"""The three ordinary patches: JSON patch (RFC 6902), merge patch (RFC 7386), strategic merge.

Strategic merge is Kubernetes' own: lists of named items merge by key. It needs the kind's schema, so the
real API server refuses it for custom resources, and so does this. Items keep the order in which they were.
"""

from __future__ import annotations

from typing import Any

import jsonpatch
import jsonpointer

from actgate_sandbox.stand_in.fieldsets import UNKNOWN, Node, child
from actgate_sandbox.status import ApiError, Json, bad_request, failure, not_implemented

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


def json_patch(obj: dict[str, Any], patch: Json) -> dict[str, Any]:
    """Apply the operations of a JSON patch.

    Raises:
        ApiError: 400 for no list, 422 for an operation that does not exist or does not fit.
    """
    if not isinstance(patch, list):
        raise bad_request("a JSON patch is a list of operations: wrap it in [ ]")
    try:
        patched: dict[str, Any] = jsonpatch.apply_patch(obj, patch, in_place=True)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException) as error:
        message = f"the server rejected our request due to an error in our request: {error}"
        raise ApiError(422, "Invalid", message, {}) from error
    return patched


def merge_patch(value: Json, patch: Json) -> Json:
    """Apply a JSON merge patch: null removes, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(value) if isinstance(value, dict) else {}
    for key, change in patch.items():
        if change is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), change)
    return merged


def strategic_patch(value: Json, patch: dict[str, Any], schema: Node) -> dict[str, Any]:
    """Apply a strategic merge patch to an object (or to a part of one).

    Raises:
        ApiError: 500 for an item without its merge key, 501 for a directive that is not done here.
    """
    merged = dict(value) if isinstance(value, dict) else {}
    kept = patch.get("$retainKeys")
    for key in merged.keys() - (merged.keys() if kept is None else set(kept)):
        del merged[key]
    for key, change in patch.items():
        if key == "$retainKeys" or key.startswith("$setElementOrder/"):
            continue
        if key.startswith("$"):
            raise not_implemented(f"the directive {key} of strategic merge patches")
        node = child(schema, key)
        if change is None:
            merged.pop(key, None)
        elif isinstance(change, dict):
            merged[key] = strategic_patch(merged.get(key), change, node)
        elif isinstance(change, list) and "x-kubernetes-list-map-keys" in node:
            merged[key] = _patch_list(merged.get(key) or [], change, node)
        else:
            merged[key] = change
    return merged


def _patch_list(live: list[Any], changes: list[Any], schema: Node) -> list[Any]:
    key, items = schema["x-kubernetes-list-map-keys"][0], schema.get("items", UNKNOWN)
    merged = {item.get(key): item for item in live}
    for change in changes:
        if not isinstance(change, dict) or key not in change:
            raise failure(f"map: {change} does not contain declared merge key: {key}")
        if change.get("$patch") == "delete":
            merged.pop(change[key], None)
        else:
            merged[change[key]] = strategic_patch(merged.get(change[key]), change, items)
    return list(merged.values())
