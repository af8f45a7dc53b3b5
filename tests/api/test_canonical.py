from __future__ import annotations

from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from actgate.api.canonical import LARGEST, canonical, canonical_of_json

ODD_TEXT = [
    "\U0001f600",
    "\ue000",
    "\u2028",
    "\x7f",
    "\x00\x1b\b\f",
    '":1.5',
    "nginx:1.25",
    '\\":1e5',
    ",2.5",
]
TEXT = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(ODD_TEXT)
NUMBERS = st.integers(-LARGEST, LARGEST) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=20,
)


@given(JSON)
@example({"\U0001f600": 1, "\ue000": 2})
@example({"a": 1.0, "b": -0.0, "c": 1e21, "d": 1e-7})
@example([1e21, {'"': 0.5}])
@example(2.0)
def test_the_fast_way_writes_what_rfc_8785_says(value: Any) -> None:  # noqa: ANN401 - any JSON
    """For every value, numbers and keys of all sorts included, the bytes are those of the reference."""
    assert canonical_of_json(value) == rfc8785.dumps(value) == canonical(value)


@pytest.mark.parametrize("number", [2**53, 2**53 + 1, -(2**60), 2**64, 10**300])
def test_a_large_whole_number_is_the_double_that_readers_make_of_it(number: int) -> None:
    """Section 3.2.2.3: numbers are IEEE 754 doubles, so the digest is the same for every spelling."""
    assert canonical_of_json({"a": [number]}) == rfc8785.dumps({"a": [float(number)]})


@pytest.mark.parametrize("value", ["\ud800", {"\ud800": 1}, 10**400])
def test_what_has_no_canonical_form_is_an_error(value: object) -> None:
    """No digest is made up."""
    with pytest.raises(ValueError, match=r"."):
        canonical_of_json(value)


def test_nesting_without_end_is_an_error() -> None:
    """A deep object does not end the process."""
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ValueError, match="no canonical form"):
        canonical_of_json(value)
    while value:  # Python itself would free it recursively.
        value = value.pop()


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"a": 2**53}, {"a": {1, 2}}, "\ud800"])
def test_what_is_no_json_has_no_canonical_form(value: object) -> None:
    """A digest of evidence is exact, or there is none: nothing is rounded and nothing becomes null."""
    with pytest.raises(ValueError, match=r"."):
        canonical(value)
