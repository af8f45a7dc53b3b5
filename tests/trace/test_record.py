"""Records become canonical JSON, whatever they hold, or are refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actgate.api.canonical import LARGEST, canonical
from actgate.trace import record


def objects(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with few short names."""
    return st.dictionaries(st.text(max_size=4), values, max_size=4)


NUMBERS = st.integers(-LARGEST, LARGEST) | st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.none() | st.booleans() | NUMBERS | st.text(max_size=20)
NESTED = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | objects(inner), max_leaves=8)


@given(objects(PLAIN), objects(NESTED), st.lists(NESTED, max_size=3))
def test_what_is_written_is_rfc_8785(
    fields: dict[str, Any], settings: dict[str, Any], deleted: list[Any]
) -> None:
    """The fast way writes what the slow one does: of plain values and of nested ones."""
    content = {"id": "1", "fields": fields, "settings": settings, "segments": deleted}
    assert record.encode({"event": "inference", **content}) == ("inference", canonical(content))


@pytest.mark.parametrize("value", [LARGEST + 1, float("nan"), float("inf"), "\ud800"])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    """By one sentence, wherever it stands."""
    for settings in ({"a": value}, {"a": [{"b": value}]}):
        with pytest.raises(record.InvalidRecordError, match="no canonical JSON"):
            record.encode({"event": "inference", "id": "1", "settings": settings})
