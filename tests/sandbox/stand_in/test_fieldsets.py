from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actgate_sandbox.stand_in import fieldsets
from actgate_sandbox.stand_in.fieldsets import TypeMismatchError

KEYED = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
    "items": {"properties": {"name": {"type": "string"}, "v": {"type": "string"}}},
}
SCHEMA = {
    "type": "object",
    "properties": {
        "keyed": KEYED,
        "set": {"type": "array", "x-kubernetes-list-type": "set"},
        "list": {"type": "array"},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "atom": {"type": "object", "x-kubernetes-map-type": "atomic"},
        "size": {"type": "integer"},
    },
}

texts = st.text("abc/.\"'", min_size=1, max_size=3)
elements = st.one_of(
    texts.map(lambda text: f"f:{text}"),
    texts.map(lambda text: f'k:{{"name":"{text[0]}"}}'),
    texts.map(lambda text: f'v:"{text[0]}"'),
)
paths = st.lists(elements, min_size=1, max_size=4).map(tuple)

objects = st.fixed_dictionaries(
    {},
    optional={
        "keyed": st.lists(
            st.fixed_dictionaries({"name": st.sampled_from("xyz")}, optional={"v": texts}),
            max_size=3,
            unique_by=lambda item: item["name"],
        ),
        "set": st.lists(st.sampled_from("pqr"), unique=True, max_size=3),
        "list": st.lists(texts, max_size=2),
        "labels": st.dictionaries(texts, texts, max_size=2),
        "atom": st.dictionaries(texts, texts, max_size=2),
        "size": st.integers(0, 3),
    },
).map(lambda value: {"always": 1, **value})


@given(st.frozensets(paths, max_size=6))
def test_fields_v1_is_read_as_it_was_written(members: frozenset[tuple[str, ...]]) -> None:
    """Encoding a set of paths and decoding it again loses nothing."""
    assert fieldsets.decode(fieldsets.encode(members)) == members


@given(objects)
def test_an_object_differs_from_itself_in_nothing(value: dict[str, Any]) -> None:
    """No change has no paths."""
    assert not any(fieldsets.compare(value, value, SCHEMA))


@given(objects, objects)
def test_a_difference_turned_round_swaps_added_and_removed(
    left: dict[str, Any], right: dict[str, Any]
) -> None:
    """What one direction adds, the other removes; what is modified is so both ways."""
    there = fieldsets.compare(left, right, SCHEMA)
    back = fieldsets.compare(right, left, SCHEMA)
    assert (there.added, there.removed, there.modified) == (
        back.removed,
        back.added,
        back.modified,
    )


@given(objects, objects)
def test_a_merge_holds_everything_that_was_configured(live: dict[str, Any], config: dict[str, Any]) -> None:
    """Laying a configuration over its own merge changes nothing more."""
    merged = fieldsets.merge(live, config, SCHEMA)
    again = fieldsets.merge(merged, config, SCHEMA)
    assert not any(fieldsets.compare(merged, again, SCHEMA))
    assert fieldsets.paths_of(config, SCHEMA) <= _with_empties(merged)


def _with_empties(value: dict[str, Any]) -> frozenset[tuple[str, ...]]:
    """An empty part that was merged into a filled one is still there, as the part."""
    return fieldsets.paths_of(value, SCHEMA) | {(f"f:{key}",) for key in value}


@given(objects, objects)
def test_what_is_taken_out_is_gone_and_nothing_new_appears(
    live: dict[str, Any], config: dict[str, Any]
) -> None:
    """Of the configured paths none is left, and every other leaf was there before."""
    merged = fieldsets.merge(live, config, SCHEMA)
    gone = fieldsets.paths_of(config, SCHEMA)
    left = fieldsets.paths_of(fieldsets.remove(merged, SCHEMA, gone) or {}, SCHEMA)
    assert left <= fieldsets.paths_of(merged, SCHEMA) | {()}
    assert not left & gone


def test_an_atomic_part_is_one_path() -> None:
    """A list without a type, and an atomic map, are owned whole."""
    value = {"list": [1, 2], "atom": {"a": "b"}}
    assert fieldsets.paths_of(value, SCHEMA) == {("f:list",), ("f:atom",)}


def test_items_are_named_by_their_keys() -> None:
    """Items of keyed lists and of sets have paths of their own; entries of maps too."""
    value = {"keyed": [{"name": "x", "v": "1"}], "set": ["p"], "labels": {"a": "b"}}
    assert fieldsets.paths_of(value, SCHEMA) == {
        ("f:keyed", 'k:{"name":"x"}'),
        ("f:keyed", 'k:{"name":"x"}', "f:name"),
        ("f:keyed", 'k:{"name":"x"}', "f:v"),
        ("f:set", 'v:"p"'),
        ("f:labels", "f:a"),
    }


def test_an_item_without_its_key_cannot_be_named() -> None:
    """It is refused, since no manager could own it."""
    with pytest.raises(TypeMismatchError, match=r'omits all key fields \["name"\]'):
        fieldsets.paths_of({"keyed": [{"v": "1"}]}, SCHEMA)


@pytest.mark.parametrize(
    ("live", "config", "merged"),
    [
        ("abc", "b", "abc"),
        ("abc", "cab", "cab"),
        ("ac", "abc", "abc"),
        ("axb", "ba", "xba"),
        ("abxc", "ca", "bxca"),
        ("axbyc", "cba", "xycba"),
        ("pqr", "zqy", "pzqry"),
        ("abcdef", "fd", "abcefd"),
    ],
)
def test_the_order_of_the_configuration_wins(live: str, config: str, merged: str) -> None:
    """Items that only the live list has stay beside their neighbours."""

    def items(names: str) -> dict[str, Any]:
        return {"keyed": [{"name": name} for name in names]}

    result = fieldsets.merge(items(live), items(config), SCHEMA)["keyed"]
    assert "".join(item["name"] for item in result) == merged
