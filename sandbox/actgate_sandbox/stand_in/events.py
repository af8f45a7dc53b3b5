"""Events have two faces, core/v1 and events.k8s.io/v1; they are stored as the first."""

from __future__ import annotations

from actgate_sandbox.status import Object

TYPE = ".type"
"""Selectable on both faces."""
SELECTABLE = (TYPE, *(f".involvedObject.{field}" for field in ("kind", "namespace", "name", "uid")))

_NAMES = {
    "note": "message",
    "regarding": "involvedObject",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
_BACK = {core: event for event, core in _NAMES.items()}


def to_core(obj: Object) -> Object:
    """Turn an events.k8s.io/v1 Event into a core/v1 one."""
    return {_NAMES.get(key, key): value for key, value in obj.items()} | {"apiVersion": "v1"}


def from_core(obj: Object) -> Object:
    """Turn a core/v1 Event into an events.k8s.io/v1 one."""
    renamed = {_BACK.get(key, key): value for key, value in obj.items()}
    return renamed | {"apiVersion": "events.k8s.io/v1"}
