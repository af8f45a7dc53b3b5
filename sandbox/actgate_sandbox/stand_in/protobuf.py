"""Kubernetes protobuf, as much of it as `kubectl create`, `auth` and `delete` send.

Clients with built-in types send requests in protobuf to built-in groups and take JSON for an
answer. Read here are the small kinds; the large ones (everything with a pod in it) are refused with
the way around. The envelope is `runtime.Unknown` behind four magic bytes.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from actgate_sandbox.stand_in.status import ApiError, Json, Object, bad_request

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"

Kind = Literal["text", "bytes", "number", "truth", "message", "map", "bytes_map"]


class Field(NamedTuple):
    """One field of a message."""

    name: str
    kind: Kind = "text"
    of: Mapping[int, Field] = {}
    many: bool = False


Message = Mapping[int, Field]

_TYPE_META: Message = {1: Field("apiVersion"), 2: Field("kind")}
_UNKNOWN: Message = {1: Field("typeMeta", "message", _TYPE_META), 2: Field("raw", "bytes")}
_OBJECT_META: Message = {
    1: Field("name"),
    2: Field("generateName"),
    3: Field("namespace"),
    5: Field("uid"),
    6: Field("resourceVersion"),
    11: Field("labels", "map"),
    12: Field("annotations", "map"),
    14: Field("finalizers", many=True),
}
_METADATA = Field("metadata", "message", _OBJECT_META)
_REFERENCE: Message = {1: Field("name")}
_PRECONDITIONS: Message = {1: Field("uid"), 2: Field("resourceVersion")}
_RESOURCE_ATTRIBUTES: Message = {
    number: Field(name)
    for number, name in enumerate(
        ("namespace", "verb", "group", "version", "resource", "subresource", "name"), start=1
    )
}
_ACCESS: Message = {
    1: Field("resourceAttributes", "message", _RESOURCE_ATTRIBUTES),
    2: Field("nonResourceAttributes", "message", {1: Field("path"), 2: Field("verb")}),
}
_MESSAGES: Mapping[str, Message] = {
    "Namespace": {1: _METADATA},
    "ConfigMap": {
        1: _METADATA,
        2: Field("data", "map"),
        3: Field("binaryData", "bytes_map"),
        4: Field("immutable", "truth"),
    },
    "Secret": {
        1: _METADATA,
        2: Field("data", "bytes_map"),
        3: Field("type"),
        4: Field("stringData", "map"),
        5: Field("immutable", "truth"),
    },
    "ServiceAccount": {
        1: _METADATA,
        3: Field("imagePullSecrets", "message", _REFERENCE, many=True),
        4: Field("automountServiceAccountToken", "truth"),
    },
    "SelfSubjectAccessReview": {1: _METADATA, 2: Field("spec", "message", _ACCESS)},
    "SelfSubjectRulesReview": {
        1: _METADATA,
        2: Field("spec", "message", {1: Field("namespace")}),
    },
    "SelfSubjectReview": {1: _METADATA},
    "DeleteOptions": {
        1: Field("gracePeriodSeconds", "number"),
        2: Field("preconditions", "message", _PRECONDITIONS),
        4: Field("propagationPolicy"),
        5: Field("dryRun", many=True),
    },
}


def decode(data: bytes) -> Object:
    """Read an object.

    Raises:
        ApiError: 400 where it is malformed, 415 for a kind that is not read here.
    """
    if not data.startswith(_MAGIC):
        raise bad_request("the body of the request does not begin as Kubernetes protobuf does")
    try:
        envelope = _message(data[len(_MAGIC) :], _UNKNOWN)
        meta = envelope.get("typeMeta") or {}
        message = _MESSAGES.get(meta.get("kind", ""))
        if message is None:
            raise _unread(meta.get("kind", "object"))
        return {**meta, **_message(base64.b64decode(envelope.get("raw", "")), message)}
    except (IndexError, UnicodeDecodeError) as error:
        raise bad_request("the body of the request is truncated protobuf") from error


def _unread(kind: str) -> ApiError:
    return ApiError(
        415,
        "UnsupportedMediaType",
        f"the sandbox stand-in does not read a {kind} in protobuf: send JSON or YAML "
        "(kubectl create … --dry-run=client -o yaml | kubectl apply -f -)",
    )


def _message(data: bytes, fields: Message) -> Object:
    found: Object = {}
    for number, value in _wire(data):
        if field := fields.get(number):
            _put(found, field, value)
    return found


def _put(found: Object, field: Field, value: int | bytes) -> None:
    if field.kind in ("map", "bytes_map"):
        inner: Kind = "text" if field.kind == "map" else "bytes"
        entry = _message(_bytes(value), {1: Field("key"), 2: Field("value", inner)})
        found.setdefault(field.name, {})[entry.get("key", "")] = entry.get("value", "")
        return
    decoded = _value(field, value)
    if field.many:
        found.setdefault(field.name, []).append(decoded)
    elif decoded not in ("", {}):
        found[field.name] = decoded


def _value(field: Field, value: int | bytes) -> Json:
    if field.kind == "number":
        return value
    if field.kind == "truth":
        return bool(value)
    data = _bytes(value)
    if field.kind == "message":
        return _message(data, field.of)
    return base64.b64encode(data).decode() if field.kind == "bytes" else data.decode()


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise bad_request("the body of the request is malformed protobuf")
    return value


def _wire(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield field numbers and raw values of the wire format."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        wire = tag & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield tag >> 3, value
            continue
        length = {1: 8, 5: 4}.get(wire)
        if length is None:
            length, at = _varint(data, at)
        if wire not in (1, 2, 5) or at + length > len(data):
            raise IndexError
        yield tag >> 3, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
