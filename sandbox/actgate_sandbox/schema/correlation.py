"""Which old value a new value replaces, so that what did not change is forgiven (ratcheting).

Fields and map entries correlate by name, items of a list of type `map` by their keys; items of any
other list correlate with nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

from actgate_sandbox.schema.objects import NOTHING, Json, Node


class _Absent:
    """The type of `ABSENT`."""


ABSENT: Final = _Absent()
"""There is no old value; null would be one."""


def same(new: object, old: object) -> bool:
    """Compare as JSON, where `true` is not 1."""
    return old is not ABSENT and json.dumps(new, sort_keys=True) == json.dumps(old, sort_keys=True)


def old_field(old: object, key: str) -> object:
    """Return the old value of a field or map entry."""
    return old.get(key, ABSENT) if isinstance(old, dict) else ABSENT


def old_items(node: Node, old: object) -> Callable[[object], object]:
    """Return the function that finds the old version of a list item."""
    if node.get("x-kubernetes-list-type") != "map" or not isinstance(old, list):
        return lambda _: ABSENT
    by_key = {item_key(node, item): item for item in old if isinstance(item, dict)}
    return lambda item: by_key.get(item_key(node, item), ABSENT)


def item_key(node: Node, item: Json) -> str:
    """Return what makes an item of a list of type `map` unique, as compact JSON."""
    if not isinstance(item, Mapping):
        return ""
    keys = {key: item[key] for key in _map_keys(node) if key in item}
    return json.dumps(keys, sort_keys=True, separators=(",", ":"))


def _map_keys(node: Node) -> list[str]:
    return list(node.get("x-kubernetes-list-map-keys", NOTHING))
