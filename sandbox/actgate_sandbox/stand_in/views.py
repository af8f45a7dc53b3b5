"""What a client may ask to see: whole objects, or tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import orjson

from actgate_sandbox.stand_in import jsonpath
from actgate_sandbox.stand_in.columns import age
from actgate_sandbox.stand_in.resources import Column, Resource
from actgate_sandbox.stand_in.store import Stored
from actgate_sandbox.status import Json, Object, not_acceptable

View = Literal["object", "table"]
_JSON_TYPES = frozenset({"application/json", "*/*", "application/*", ""})


def choose_view(accept: str) -> View:
    """Pick the first form of an Accept header that is spoken here.

    Raises:
        ApiError: 406 where none is.
    """
    for offer in (accept or "*/*").split(","):
        kind, *parameters = (part.strip() for part in offer.split(";"))
        if kind in _JSON_TYPES and not any(item.startswith("as=") for item in parameters):
            return "object"
        if kind in _JSON_TYPES and {"as=Table", "v=v1"} <= {*parameters}:
            return "table"
    raise not_acceptable()


def encode_object(resource: Resource, stored: Stored, view: View) -> bytes:
    """Return one object as JSON in the chosen form."""
    if view == "table":
        meta = {"resourceVersion": stored.obj["metadata"]["resourceVersion"]}
        return orjson.dumps(_table(resource, [stored], meta))
    return stored.raw if resource.from_stored is None else orjson.dumps(resource.shown(stored.obj))


def encode_list(resource: Resource, items: list[Stored], meta: Mapping[str, Any], view: View) -> bytes:
    """Return a list as JSON in the chosen form."""
    if view == "table":
        return orjson.dumps(_table(resource, items, meta))
    head = {"kind": resource.list_kind, "apiVersion": resource.api_version, "metadata": dict(meta)}
    body = b",".join(_items(resource, items))
    return orjson.dumps(head)[:-1] + b',"items":[' + body + b"]}"


def _items(resource: Resource, items: list[Stored]) -> Iterator[bytes]:
    """Built-in objects carry no kind and apiVersion inside a list, as on the real server."""
    if resource.custom:
        yield from (encode_object(resource, stored, "object") for stored in items)
        return
    head = orjson.dumps({"apiVersion": resource.api_version, "kind": resource.kind})[:-1] + b","
    for stored in items:
        yield b"{" + encode_object(resource, stored, "object").removeprefix(head)


def _table(resource: Resource, items: Iterable[Stored], meta: Mapping[str, Any]) -> Object:
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": dict(meta),
        "columnDefinitions": [
            {
                "name": column.name,
                "type": column.type,
                "format": "",
                "description": "",
                "priority": column.priority,
            }
            for column in resource.columns
        ],
        "rows": [
            {"cells": [_cell(column, item.obj) for column in resource.columns], "object": _named(item.obj)}
            for item in items
        ],
    }


def _cell(column: Column, obj: Object) -> Json:
    value = jsonpath.first(obj, column.path)
    if column.type == "date" and value is not None:
        return age(value)
    return value if value is None or isinstance(value, str | int | float) else orjson.dumps(value).decode()


def _named(obj: Object) -> Object:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}
