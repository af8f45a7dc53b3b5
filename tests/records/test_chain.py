from __future__ import annotations

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from actgate.api.canonical import LARGEST, sha256
from actgate.records.chain import new_chain
from actgate.records.lines import Kind
from tests.api.test_canonical import TEXT
from tests.records.build import START


@given(
    st.dictionaries(
        st.text(st.characters(codec="ascii")),
        st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | TEXT,
    )
)
def test_the_hash_of_a_line_is_of_what_rfc_8785_says(value: dict[str, Any]) -> None:
    """For text and whole numbers, which are all that a line holds; ``hash`` itself stands last."""
    chain = new_chain().followed_by(Kind.DECISION, START, {"nested": [value]})
    *_, last = content = json.loads(chain.line)
    assert (last, content.pop("hash")) == ("hash", chain.head)
    canonical = rfc8785.dumps(content)
    assert chain.head == sha256(canonical)
    assert chain.line.startswith(canonical[:-1])


@pytest.mark.parametrize("value", [2**53, "\ud800"])
def test_a_line_makes_nothing_up(value: object) -> None:
    """What it cannot hold is an error."""
    with pytest.raises(TypeError):
        new_chain().followed_by(Kind.DECISION, START, {"a": value})


def test_a_line_that_was_not_kept_leaves_no_trace() -> None:
    """What could not be written is not in the chain: the next line takes its place."""
    start = new_chain().followed_by(Kind.START, START, {})
    start.followed_by(Kind.DECISION, START, {"uid": "not written"})
    stop = start.followed_by(Kind.STOP, START, {"decisions": start.decisions})
    line = json.loads(stop.line)
    assert (line["sequence"], line["previous"], line["decisions"]) == (1, start.head, 0)
