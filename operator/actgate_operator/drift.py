"""What became of an object since we applied it, read from its managedFields.

Server-side apply keeps record of who owns which field (structured-merge-diff, ``FieldsV1``). A client that
changes or removes a value of ours takes it out of our record. What others *added* shows in their
records: a forced apply does not remove it, since it is no field of ours. ``adopted`` makes it ours, and the
next apply, which does not name it, removes it.

The records say who did what, and how to revert it. They are no proof that a child is as it was applied, since
a client that may write the object may write them, too: see ``verification``.

Pure: records in, records out. The measurements behind this are in docs/adr/0007.
"""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from actgate.kube.objects import Object
from actgate_operator.names import MANAGER, RESTARTED_ANNOTATION, SCALE_MANAGER

Fields = Mapping[str, Any]
"""A set of fields as FieldsV1 writes it: ``f:<name>``, ``k:<keys>`` and ``v:<value>`` lead downwards."""

_ITSELF: Final = "."

_TOLERATED: Final = (
    ("f:spec", "f:replicas"),
    ("f:spec", "f:template", "f:metadata", "f:annotations", f"f:{RESTARTED_ANNOTATION}"),
)
"""Fields of a spec that others may write: an autoscaler, and ``kubectl rollout restart``."""


def applied_fields(managed: list[Object]) -> Fields:
    """Return the fields that our own applies own; empty where there is no record of one."""
    for entry in managed:
        if _is_ours(entry):
            return _fields(entry)
    return {}


def covers(owned: Fields, planned: object) -> bool:
    """Return whether a set of fields names every leaf of a planned object.

    The set itself says how a list is merged: item by key (``k:``), by value (``v:``), or, where nothing is
    below it, as a whole.
    """
    if not owned:
        return True
    if isinstance(planned, Mapping):
        return all(
            f"f:{name}" in owned and covers(owned[f"f:{name}"], value) for name, value in planned.items()
        )
    if isinstance(planned, list):
        below = _below(owned)
        return all(_has_item(owned, below, item) for item in planned)
    return True


def added_by_others(managed: list[Object]) -> dict[str, list[str]]:
    """Return the fields below ``spec`` that others own and we do not, by manager.

    The fields are paths such as ``spec.template.spec.containers[name=shell]``; what is below one goes
    without saying.
    """
    ours = applied_fields(managed)
    found: dict[str, list[str]] = {}
    for entry in managed:
        if _is_foreign(entry):
            paths = [_words(path) for path in _beyond(ours, _intruding(entry))]
            if paths:
                found.setdefault(str(entry.get("manager")), []).extend(paths)
    return found


def scaled_by(managed: list[Object]) -> str | None:
    """Return which other client set ``spec.replicas``; None where none did."""
    for entry in managed:
        spec = _fields(entry).get("f:spec")
        if entry.get("manager") in (MANAGER, SCALE_MANAGER):
            continue
        if isinstance(spec, dict) and "f:replicas" in spec:
            return str(entry.get("manager"))
    return None


def adopted(managed: list[Object], api_version: str) -> list[Object]:
    """Return the records with everything below ``spec`` in the name of our applies.

    What is tolerated, and what others own elsewhere, stays theirs.
    """
    ours: Object = {
        "manager": MANAGER, "operation": "Apply", "apiVersion": api_version, "fieldsType": "FieldsV1",
    }  # fmt: skip
    fields: Object = {}
    kept = []
    for entry in managed:
        if _is_ours(entry):
            ours = dict(entry)
            fields = _union(fields, _fields(entry))
        else:
            taken = _intruding(entry)
            fields = _union(fields, taken)
            if rest := _without(_fields(entry), taken):
                kept.append({**entry, "fieldsV1": rest})
    return [*kept, {**ours, "fieldsV1": fields}]


def _is_ours(entry: Object) -> bool:
    return (
        entry.get("manager") == MANAGER and entry.get("operation") == "Apply" and not entry.get("subresource")
    )


def _is_foreign(entry: Object) -> bool:
    # An Update in our name is what a mutating webhook made of our request: to fight it would never end.
    return entry.get("manager") != MANAGER


def _fields(entry: Object) -> Object:
    fields = entry.get("fieldsV1")
    return fields if isinstance(fields, dict) else {}


def _intruding(entry: Object) -> Object:
    """Return what an entry owns below ``spec`` and is not tolerated."""
    spec = _fields(entry).get("f:spec")
    if not isinstance(spec, dict):
        return {}
    intruding = {"f:spec": spec}
    for path in _TOLERATED:
        intruding = _without(intruding, _nested(path))
    return intruding


def _below(fields: Fields) -> list[str]:
    return [step for step in fields if step != _ITSELF]


@lru_cache(4096)
def _parsed(step: str) -> Any:  # noqa: ANN401 - a value, or the keys of an item
    """Return what a step of a list names; the same few occur in thousands of records."""
    return json.loads(step[2:])


def _has_item(owned: Fields, below: list[str], item: object) -> bool:
    for step in below:
        if step.startswith("v:") and _parsed(step) == item:
            return True
        if step.startswith("k:") and isinstance(item, Mapping):
            keys = _parsed(step)
            # A key that is not planned was defaulted, such as the protocol of a port.
            if all(item.get(name, value) == value for name, value in keys.items()) and any(
                name in item for name in keys
            ):
                return covers(owned[step], item)
    return False


def _beyond(ours: Fields, theirs: Fields, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the paths at which one set of fields leads out of another."""
    for step in _below(theirs):
        if step in ours:
            yield from _beyond(ours[step], theirs[step], (*path, step))
        else:
            yield (*path, step)


def _nested(path: tuple[str, ...]) -> Object:
    nested: Object = {}
    for step in reversed(path):
        nested = {step: nested}
    return nested


def _union(one: Fields, other: Fields) -> Object:
    return {step: _union(one.get(step, {}), other.get(step, {})) for step in dict.fromkeys((*one, *other))}


def _without(fields: Fields, taken: Fields) -> Object:
    """Return the fields but those of ``taken``; what is left empty by that goes too."""
    rest: Object = {}
    for step, below in fields.items():
        if step not in taken:
            rest[step] = below
        elif _below(taken[step]) and (left := _without(below, taken[step])) and _below(left):
            rest[step] = left
    return rest if _below(rest) else {}


def _words(path: tuple[str, ...]) -> str:
    words = ""
    for step in path:
        kind, _, name = step.partition(":")
        if kind == "f":
            words += f".{name}" if words else name
        elif kind == "k":
            keys = json.loads(name)
            words += "[" + ",".join(f"{key}={value}" for key, value in keys.items()) + "]"
        else:
            words += f"[{name}]"
    return words
