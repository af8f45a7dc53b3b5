from __future__ import annotations

from typing import Any

import pytest

from actgate_sandbox.stand_in import jsonpath

OBJECT: dict[str, Any] = {"spec": {"size": 3}, "list": [{"name": "x", "v": 1}, {"name": "y", "v": 2}]}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".spec.size", 3),
        (".spec.absent", None),
        (".spec.size.deeper", None),
        ('.list[?(@.name=="y")].v', 2),
        (".list[?(@.name == 'z')].v", None),
    ],
)
def test_a_path_leads_where_it_says(path: str, found: object) -> None:
    """Fields and filters are followed."""
    assert jsonpath.first(OBJECT, path) == found


@pytest.mark.parametrize("path", [".a[", ".a[?(@.b > 1)]", "..a", "a", ".a[0]"])
def test_what_is_not_understood_is_refused(path: str) -> None:
    """A column would silently stay empty."""
    with pytest.raises(ValueError, match="is not understood at"):
        jsonpath.parse(path)


def test_a_value_is_put_where_nothing_was() -> None:
    """The objects in between are made."""
    made: dict[str, Any] = {}
    jsonpath.put(made, ".a.b", 1)
    assert made == {"a": {"b": 1}}
