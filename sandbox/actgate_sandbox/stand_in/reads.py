"""Get and list: one object, or a page of a consistent snapshot.

A list is a snapshot: its later pages are served from the state of the first page, as etcd
does it, as long as nothing was committed since or the snapshot is still remembered.
"""

from __future__ import annotations

import base64
import binascii
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from actgate_sandbox.stand_in.call import Call
from actgate_sandbox.stand_in.resources import Resource
from actgate_sandbox.stand_in.selectors import (
    Matches,
    field_selector,
    label_selector,
    selectable_fields,
)
from actgate_sandbox.stand_in.store import Key, Place, Store, Stored
from actgate_sandbox.status import Object, bad_request, gone

_SNAPSHOTS = 32
_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can "
    "start a new list without the continue parameter, or use the continue token in this "
    "response to retrieve the remainder of the results. Continuing with the provided token "
    "results in an inconsistent list - objects that were created, modified, or deleted between "
    "the time the first chunk was returned and now may show up in the list."
)


class Page(NamedTuple):
    """A part of a list, and the list's own metadata."""

    items: list[Stored]
    meta: Mapping[str, Any]


def matcher(resource: Resource, query: Mapping[str, str]) -> Matches | None:
    """Compile the selectors of a query, None where everything matches.

    Raises:
        ApiError: 400 where one cannot be read.
    """
    checks = []
    if labels := query.get("labelSelector"):
        checks.append(label_selector(labels))
    if fields := query.get("fieldSelector"):
        checks.append(field_selector(fields, selectable_fields(resource.selectable)))
    if not checks:
        return None
    return lambda obj: all(check(obj) for check in checks)


class Reader:
    """Reads from one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._snapshots: OrderedDict[tuple[Place, str, int], list[Stored]] = OrderedDict()

    def get(self, call: Call) -> Stored:
        """Return one object.

        Raises:
            ApiError: 404 where there is none.
        """
        stored = self._store.get(call.resource.place, call.key)
        if stored is None:
            raise call.missing()
        return stored

    def page(self, call: Call, query: Mapping[str, str]) -> Page:
        """Return a list, or a page of one.

        Raises:
            ApiError: 400 for parameters that make no sense, 410 for a snapshot that is forgotten.
        """
        matches = matcher(call.resource, query)
        limit = _number(query, "limit")
        if token := query.get("continue"):
            revision, start = _read_token(token)
            items = self._snapshot(call, revision)
            items = [item for item in items if _key(item) > start]
        else:
            revision = self._store.revision
            items = self._store.all_of(call.resource.place, call.namespace or None)
        if matches is not None:
            items = [item for item in items if matches(item.obj)]
        return self._page(call, items, limit, revision, filtered=matches is not None)

    def _page(self, call: Call, items: list[Stored], limit: int, revision: int, *, filtered: bool) -> Page:
        meta: Object = {"resourceVersion": str(revision)}
        if not limit or len(items) <= limit:
            return Page(items, meta)
        page = items[:limit]
        meta["continue"] = _write_token(revision, _key(page[-1]))
        if not filtered:
            meta["remainingItemCount"] = len(items) - limit
        self._remember(call, revision)
        return Page(page, meta)

    def _remember(self, call: Call, revision: int) -> None:
        where = (call.resource.place, call.namespace, revision)
        if where not in self._snapshots:
            self._snapshots[where] = self._store.all_of(call.resource.place, call.namespace or None)
        if len(self._snapshots) > _SNAPSHOTS:
            self._snapshots.popitem(last=False)

    def _snapshot(self, call: Call, revision: int) -> list[Stored]:
        place = call.resource.place
        found = self._snapshots.get((place, call.namespace, revision))
        if found is not None and revision >= self._store.compacted(place):
            return found
        if self._store.changed(place) <= revision:
            return self._store.all_of(place, call.namespace or None)
        raise gone(_EXPIRED)


def _number(query: Mapping[str, str], name: str) -> int:
    text = query.get(name) or "0"
    try:
        return max(0, int(text))
    except ValueError as error:
        raise bad_request(f"{name}: Invalid value: {text!r}: must be a whole number") from error


def _key(item: Stored) -> Key:
    metadata = item.obj["metadata"]
    return Key(metadata.get("namespace", ""), metadata["name"])


def _write_token(revision: int, last: Key) -> str:
    content = {"v": "meta.k8s.io/v1", "rv": revision, "start": list(last)}
    return base64.urlsafe_b64encode(orjson.dumps(content)).decode()


def _read_token(token: str) -> tuple[int, Key]:
    try:
        content = orjson.loads(base64.urlsafe_b64decode(token))
        return int(content["rv"]), Key(*content["start"])
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise bad_request(f"continue key is not valid: {error}") from error
