"""The three ordinary patches: JSON patch (RFC 6902), merge patch (RFC 7386), strategic merge.

Strategic merge is Kubernetes' own: lists of named items merge by key, and directives (`$patch`,
`$retainKeys`, `$setElementOrder/…`, `$deleteFromPrimitiveList/…`) say what merging cannot. It needs
the kind's schema, so the real API server refuses it for custom resources, and so does this.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jsonpatch
import jsonpointer

from actgate_sandbox.stand_in.fieldsets import UNKNOWN, Node, child
from actgate_sandbox.stand_in.status import ApiError, Json, bad_request, failure

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

_ORDER = "$setElementOrder/"
_DELETE = "$deleteFromPrimitiveList/"


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
        ApiError: 400 for a directive that does not exist, 500 for an item without its merge key.
    """
    directive = patch.get("$patch")
    rest = {key: change for key, change in patch.items() if key != "$patch"}
    if directive == "delete":
        return {}
    if directive == "replace":
        return rest
    if directive not in (None, "merge"):
        raise bad_request(f"unknown $patch directive {directive!r}: use delete, merge or replace")
    merged = dict(value) if isinstance(value, dict) else {}
    _retain(merged, rest.pop("$retainKeys", None))
    for key, change in rest.items():
        if not key.startswith("$"):
            _patch_field(merged, key, change, child(schema, key), rest)
    _patch_lists_by_directive(merged, rest, schema)
    return merged


def _retain(merged: dict[str, Any], keys: list[str] | None) -> None:
    if keys is not None:
        for key in merged.keys() - set(keys):
            del merged[key]


def _patch_field(
    merged: dict[str, Any], key: str, change: Json, schema: Node, patch: Mapping[str, Any]
) -> None:
    if change is None:
        merged.pop(key, None)
    elif isinstance(change, dict):
        result = strategic_patch(merged.get(key), change, schema)
        if change.get("$patch") == "delete":
            merged.pop(key, None)
        else:
            merged[key] = result
    elif isinstance(change, list):
        removed = patch.get(_DELETE + key, ())
        live = [item for item in merged.get(key) or () if item not in removed]
        merged[key] = _ordered(_patch_list(live, change, schema), patch.get(_ORDER + key), schema)
    else:
        merged[key] = change


def _patch_lists_by_directive(merged: dict[str, Any], patch: Mapping[str, Any], schema: Node) -> None:
    """Deletions and orders of lists that the patch itself does not carry."""
    for directive, items in patch.items():
        prefix, _, key = directive.partition("/")
        if not key or key in patch or key not in merged:
            continue
        if prefix + "/" == _DELETE:
            merged[key] = [item for item in merged[key] if item not in items]
        elif prefix + "/" == _ORDER:
            merged[key] = _ordered(merged[key], items, child(schema, key))


def _merge_key(schema: Node) -> str | None:
    keys = schema.get("x-kubernetes-list-map-keys")
    return keys[0] if keys else None


def _patch_list(live: list[Any], changes: list[Any], schema: Node) -> list[Any]:
    key = _merge_key(schema)
    if key is None:
        if schema.get("x-kubernetes-list-type") != "set":
            return changes
        return live + [item for item in changes if item not in live]
    if any(_is_replace(change) for change in changes):
        return [change for change in changes if not _is_replace(change)]
    merged = list(live)
    for change in changes:
        _patch_item(merged, change, key, schema.get("items", UNKNOWN))
    return merged


def _is_replace(change: Json) -> bool:
    return isinstance(change, dict) and change.get("$patch") == "replace"


def _patch_item(merged: list[Any], change: Json, key: str, schema: Node) -> None:
    if not isinstance(change, dict) or key not in change:
        raise failure(f"map: {change} does not contain declared merge key: {key}")
    at = next((i for i, item in enumerate(merged) if item.get(key) == change[key]), None)
    if change.get("$patch") == "delete":
        merged[:] = [item for item in merged if item.get(key) != change[key]]
    elif at is None:
        merged.append(strategic_patch({}, change, schema))
    else:
        merged[at] = strategic_patch(merged[at], change, schema)


def _ordered(items: list[Any], order: list[Any] | None, schema: Node) -> list[Any]:
    """Sort items as the client asked; those that it does not name keep their place at the end."""
    if not order:
        return items
    key = _merge_key(schema)
    names = [entry.get(key) if key and isinstance(entry, dict) else entry for entry in order]

    def rank(item: Json) -> int:
        name = item.get(key) if key and isinstance(item, dict) else item
        return names.index(name) if name in names else len(names)

    return sorted(items, key=rank)
