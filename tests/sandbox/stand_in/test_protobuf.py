from __future__ import annotations

import pytest

from actgate_sandbox.stand_in.protobuf import decode
from actgate_sandbox.stand_in.status import ApiError

# `kubectl create configmap c --from-literal=a=b`, as it goes over the wire.
CONFIG_MAP = b"k8s\x00\n\x0f\n\x02v1\x12\tConfigMap\x12\r\n\x03\n\x01c\x12\x06\n\x01a\x12\x01b\x1a\x00"


def test_a_small_kind_is_read() -> None:
    """Type, metadata and maps come out as in JSON."""
    assert decode(CONFIG_MAP) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c"},
        "data": {"a": "b"},
    }


def test_what_is_not_protobuf_is_a_bad_request() -> None:
    """The four magic bytes are missing."""
    with pytest.raises(ApiError) as refusal:
        decode(b'{"kind":"ConfigMap"}')
    assert refusal.value.code == 400


@pytest.mark.parametrize("length", [10, 16, 20, *range(22, len(CONFIG_MAP) - 2)])
def test_truncated_protobuf_is_refused(length: int) -> None:
    """Half an object is a refusal of the client's making, whatever the cut."""
    with pytest.raises(ApiError) as refusal:
        decode(CONFIG_MAP[:length])
    assert refusal.value.code in (400, 415)


def test_a_large_kind_is_refused_with_the_way_around() -> None:
    """Kinds with pods are not read; YAML is."""
    with pytest.raises(ApiError, match="does not read a Deployment in protobuf: send JSON or YAML"):
        decode(CONFIG_MAP.replace(b"\n\x0f\n\x02v1\x12\tConfigMap", b"\n\x10\n\x02v1\x12\nDeployment"))
