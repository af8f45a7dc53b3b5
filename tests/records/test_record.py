from __future__ import annotations

import json
from typing import Any

import orjson

from actgate.api.canonical import canonical_of_json, sha256
from actgate.records.record import digest_of_object


def test_bookkeeping_does_not_change_the_digest_of_an_object() -> None:
    """managedFields, key order and white space do not count; everything else does."""
    obj = {"kind": "Pod", "metadata": {"name": "a", "managedFields": [{"time": 1}]}, "spec": {"b": 1, "a": 2}}
    bare: dict[str, Any] = {"spec": {"a": 2, "b": 1}, "metadata": {"name": "a"}, "kind": "Pod"}
    digest = digest_of_object(orjson.dumps(obj), obj)
    assert digest == digest_of_object(json.dumps(bare, indent=4).encode(), bare)
    assert digest == (sha256(canonical_of_json(bare)), "canonical")
    bare["spec"]["a"] = 3
    assert digest != digest_of_object(b"", bare)


def test_an_object_without_canonical_form_is_known_by_its_bytes() -> None:
    """What could not be read still has a digest, and the log says of what."""
    assert digest_of_object(b"\xff{", None) == (sha256(b"\xff{"), "bytes")
