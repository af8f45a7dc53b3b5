"""The words of the rules: every sentence that a refusal can have, as it is kept in ``words.txt``."""

from __future__ import annotations

import re

from actgate.decision import rules
from tests.decision import words


def test_a_refusal_has_the_words_that_are_kept() -> None:
    """Users search for them and documents quote them, so that a change of one is seen in review."""
    said, kept = words.said().split("\n\n"), words.FILE.read_text("utf-8").split("\n\n")
    for now, before in zip(said, kept, strict=False):
        assert now == before, "run python -m tests.decision.words where that is meant"
    assert len(said) == len(kept)


def test_each_rule_has_words_that_are_kept() -> None:
    """A rule that is added takes a case of its own."""
    assert set(re.findall(r"\[([a-z]+/[a-z]+)\]", words.FILE.read_text("utf-8"))) == {
        rule.id for rule in rules.ALL
    }
