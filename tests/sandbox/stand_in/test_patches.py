from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actgate_sandbox.stand_in.patches import json_patch, merge_patch, strategic_patch
from actgate_sandbox.status import ApiError

SCHEMA = {
    "properties": {
        "items": {
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name", "protocol"],
            "items": {"properties": {"name": {}, "v": {}}},
        },
        "list": {},
    }
}

scalars = st.one_of(st.booleans(), st.integers(0, 3), st.text("ab", max_size=2))
values = st.recursive(
    scalars, lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=6
)
mappings = st.dictionaries(st.sampled_from("abc"), values, max_size=3)


@given(mappings, mappings)
def test_a_merge_patch_is_idempotent(value: dict[str, Any], patch: dict[str, Any]) -> None:
    """Twice is once, and the original stays as it was."""
    before = copy.deepcopy(value)
    once = merge_patch(value, patch)
    assert merge_patch(once, patch) == once
    assert value == before


@given(mappings, mappings)
def test_without_directives_or_keys_strategic_is_a_merge_patch(
    value: dict[str, Any], patch: dict[str, Any]
) -> None:
    """Only the schema makes the difference."""
    assert strategic_patch(value, patch, {}) == merge_patch(value, patch)


@pytest.mark.parametrize(
    ("patch", "result"),
    [
        ({"items": [{"name": "a", "v": 2}]}, [{"name": "a", "v": 2}, {"name": "b"}]),
        ({"items": [{"name": "c"}]}, [{"name": "a", "v": 1}, {"name": "b"}, {"name": "c"}]),
        ({"items": [{"name": "a", "$patch": "delete"}]}, [{"name": "b"}]),
        ({"items": None}, None),
        (
            {"$setElementOrder/items": [{"name": "b"}, {"name": "a"}]},
            [{"name": "a", "v": 1}, {"name": "b"}],
        ),
    ],
)
def test_items_are_patched_by_their_first_key(patch: dict[str, Any], result: object) -> None:
    """Merge, add and delete; the order stays."""
    live = {"items": [{"name": "a", "v": 1}, {"name": "b"}]}
    assert strategic_patch(live, patch, SCHEMA).get("items") == result


def test_an_unknown_directive_is_refused() -> None:
    """A directive that is passed over would leave what was to be deleted."""
    with pytest.raises(ApiError, match="directive \\$patch"):
        strategic_patch({}, {"a": {"$patch": "remove"}}, {})


def test_an_item_without_its_key_is_refused() -> None:
    """It is unknown which item is meant."""
    with pytest.raises(ApiError, match="does not contain declared merge key: name"):
        strategic_patch({"items": []}, {"items": [{"v": 1}]}, SCHEMA)


def test_a_json_patch_must_be_a_list() -> None:
    """One operation alone is a usual mistake."""
    with pytest.raises(ApiError, match="wrap it in"):
        json_patch({}, {"op": "add", "path": "/a", "value": 1})
