"""Field managers: who owns which field (`metadata.managedFields`), and server-side apply.

Every write is compared with what was there: what it added or changed becomes the writer's, and is
taken from all other managers. An apply states everything that its manager wants: fields that it no
longer states, and that no other manager owns, are removed; fields of others are conflicts unless forced.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from actgate_sandbox.stand_in import fieldsets
from actgate_sandbox.stand_in.fieldsets import Node, Path, Paths, TypeMismatchError
from actgate_sandbox.status import Cause, Json, Object, apply_conflict

_NOT_OWNED: Paths = frozenset(
    {("f:apiVersion",), ("f:kind",), ("f:metadata",)}
    | {
        ("f:metadata", f"f:{name}")
        for name in (
            *("name", "namespace", "creationTimestamp", "selfLink", "uid", "generation"),
            *("managedFields", "resourceVersion"),
        )
    }
)


class Manager(NamedTuple):
    """The identity of a manager's entry; appliers keep one across API versions."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Return the identity of the entry."""
        version = "" if self.operation == "Apply" else self.api_version
        return (self.name, self.operation, version, self.subresource)


@dataclass(frozen=True, slots=True)
class Entry:
    """The fields of one manager."""

    manager: Manager
    paths: Paths
    time: str


Entries = dict[tuple[str, str, str, str], Entry]
Keeps = Callable[[Path], bool]


def now() -> str:
    """Return the current time as Kubernetes writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read(obj: Object) -> Entries:
    """Read the entries of an object."""
    entries: Entries = {}
    for item in (obj.get("metadata") or {}).get("managedFields") or ():
        manager = Manager(
            item.get("manager", ""),
            item.get("operation", ""),
            item.get("apiVersion", ""),
            item.get("subresource", ""),
        )
        paths = fieldsets.decode(item.get("fieldsV1") or {})
        entries[manager.key] = Entry(manager, paths, item.get("time", ""))
    return entries


def _write(obj: Object, entries: Entries) -> None:
    ordered = sorted(
        entries.values(),
        key=lambda entry: (entry.manager.operation, entry.time, *entry.manager),
    )
    written = [_as_json(entry) for entry in ordered if entry.paths]
    obj["metadata"].pop("managedFields", None)
    if written:
        obj["metadata"]["managedFields"] = written


def _as_json(entry: Entry) -> Object:
    manager = entry.manager
    item: Object = {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": manager.api_version,
        "time": entry.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": fieldsets.encode(entry.paths),
        "subresource": manager.subresource,
    }
    return {key: value for key, value in item.items() if value != ""}


def _known_entries(live: Object, new: Object) -> Entries:
    """A writer may edit the entries; none means that it did not, one empty entry resets them."""
    sent = new["metadata"].get("managedFields")
    if sent == [{}]:
        return {}
    return read(new if sent else live)


def track(live: Object, new: Object, schema: Node, manager: Manager, keeps: Keeps) -> None:
    """Record in `new` what an ordinary write (not an apply) changed.

    An object that does not fit its own schema is left alone: validation will refuse it.

    Args:
        live: The object before; when it is created, the parts that every object of its kind has.
        new: The object to be stored; its managedFields are replaced.
        schema: The OpenAPI schema of the whole object.
        manager: The writer.
        keeps: Whether a path can be owned through the endpoint that is written to.
    """
    entries = _known_entries(live, new)
    try:
        change = _compare(live, new, schema)
    except TypeMismatchError:
        return
    before = entries.get(manager.key)
    _take_from_others(entries, manager, change)
    ours = _ownable(change.added | change.modified, keeps)
    kept = (before.paths if before else frozenset()) - change.removed
    changed = before is None or before.paths != kept | ours
    time = now() if changed or before is None else before.time
    entries[manager.key] = Entry(manager, kept | ours, time)
    _write(new, entries)


def _compare(live: Object, new: Object, schema: Node) -> fieldsets.Difference:
    old = {**live, "metadata": _plain(live.get("metadata"))}
    return fieldsets.compare(old, {**new, "metadata": _plain(new["metadata"])}, schema)


def _plain(metadata: Object | None) -> Object:
    return {key: value for key, value in (metadata or {}).items() if key != "managedFields"}


def _ownable(paths: Paths, keeps: Keeps) -> Paths:
    return frozenset(path for path in paths - _NOT_OWNED if keeps(path))


def _take_from_others(entries: Entries, manager: Manager, change: fieldsets.Difference) -> None:
    taken = change.added | change.modified | change.removed
    for key, entry in list(entries.items()):
        if key != manager.key and not taken.isdisjoint(entry.paths):
            # The real server forgets when an ordinary writer wrote, once it loses fields.
            time = entry.time if entry.manager.operation == "Apply" else ""
            entries[key] = replace(entry, paths=entry.paths - taken, time=time)


def apply(
    live: Object, config: Object, schema: Node, manager: Manager, keeps: Keeps, *, force: bool
) -> Object:
    """Return what server-side apply makes of `live`, managedFields included.

    Raises:
        ApiError: 409 where other managers own fields with other values.
        TypeMismatchError: An item of a list lacks the fields that it is merged by.
    """
    entries = read(live)
    last = entries.get(manager.key)
    wanted = _ownable(fieldsets.paths_of(config, schema), keeps)
    entries[manager.key] = Entry(manager, wanted, last.time if last else now())
    merged: Object = fieldsets.merge(live, config, schema)
    if last is not None:
        owned = _with_parents(entry.paths for entry in entries.values())
        merged = fieldsets.remove(merged, schema, last.paths - owned) or {}
    change = _compare(live, merged, schema)
    if not force:
        _refuse_conflicts(entries, manager, change)
    _take_from_others(entries, manager, change)
    if any(change) or last is None:
        entries[manager.key] = Entry(manager, wanted, now())
    merged["metadata"] = dict(merged["metadata"])
    _write(merged, entries)
    return merged


def _with_parents(sets: Iterable[Paths]) -> Paths:
    """A list item or map stays as long as a manager owns something inside it."""
    return frozenset(path[:length] for paths in sets for path in paths for length in range(1, len(path) + 1))


def _refuse_conflicts(entries: Entries, manager: Manager, change: fieldsets.Difference) -> None:
    touched = change.added | change.modified
    found = [
        (_shown_manager(entry), "".join(map(_shown_element, path)))
        for key, entry in entries.items()
        if key != manager.key
        for path in sorted(entry.paths & touched)
    ]
    if found:
        causes = [Cause("FieldManagerConflict", path, f"conflict with {who}") for who, path in found]
        conflicts = ", ".join(f"conflict with {who}: {path}" for who, path in found)
        count = f"{len(found)} conflict{'s' if len(found) > 1 else ''}"
        raise apply_conflict(causes, f"Apply failed with {count}: {conflicts}")


def _shown_element(element: str) -> str:
    """Write one path element as the API server's messages do: `.image`, `[name="web"]`."""
    mark, text = element[:2], element[2:]
    if mark == "f:":
        return f".{text}"
    if mark == "v:":
        return f"[={text}]"
    return "[" + ",".join(f"{name}={json.dumps(value)}" for name, value in json.loads(text).items()) + "]"


def _shown_manager(entry: Entry) -> str:
    manager = entry.manager
    shown = f'"{manager.name}"'
    if manager.subresource:
        shown += f' with subresource "{manager.subresource}"'
    return shown + (f" using {manager.api_version}" if manager.operation == "Update" else "")


def owner_name(given: str | None, user_agent: str) -> str:
    """Return the manager of an ordinary write: as given, else the client's program name."""
    return (given or user_agent.partition("/")[0] or "unknown")[:128]


def same_but_times(left: Json, right: Json) -> bool:
    """Return whether two lists of entries differ in nothing but their times."""
    return _timeless(left) == _timeless(right)


def _timeless(entries: Json) -> list[Object]:
    found = [{key: value for key, value in item.items() if key != "time"} for item in entries or ()]
    return sorted(found, key=lambda item: str((item.get("manager"), item.get("operation"))))
