"""Kubernetes protobuf, for the one object that users make with it: `kubectl create namespace`.

The envelope is `runtime.Unknown` behind four magic bytes: field 1 is the type (in it 2 is the kind), field 2
the object (in it 1 is the metadata, and in that 1 is the name).
"""

from __future__ import annotations

from collections.abc import Iterator

from actgate_sandbox.status import Object, bad_request, not_implemented

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"


def read_namespace(data: bytes) -> Object:
    """Read a Namespace; nothing but its name is kept.

    Raises:
        ApiError: 400 where it is malformed, 501 for another kind.
    """
    try:
        envelope = dict(_fields(data.removeprefix(_MAGIC)))
        kind = dict(_fields(envelope[1]))[2].decode()
        if kind != "Namespace":
            raise not_implemented(f"a {kind} in protobuf; write it in YAML, and apply it")
        name = dict(_fields(dict(_fields(envelope[2]))[1]))[1].decode()
    except (IndexError, KeyError, UnicodeDecodeError) as error:
        raise bad_request("the body of the request is no Kubernetes protobuf") from error
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and content of every field of a message; each of them has a length."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        length, at = _varint(data, at)
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
