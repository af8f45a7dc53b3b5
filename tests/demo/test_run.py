"""The demo, as ``make demo`` runs it."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from demo.run import answers_table, run

ROOT = Path(__file__).parents[2]


def test_every_answer_is_as_it_must_be_without_kubectl(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine without kubectl the demo applies through the API, and every answer is the expected one."""
    monkeypatch.setattr("demo.applying.find_kubectl", lambda: None)
    said = io.StringIO()
    assert run("stand-in", ROOT, Console(file=said, width=200), timedelta(seconds=8)) == 0, said.getvalue()
    assert "What was applied (create)" in said.getvalue()


def test_words_that_look_like_markup_are_shown() -> None:
    """A refusal by schema lists its fields in brackets."""
    words = "[spec.humanOversight.enabled: Invalid value]"
    shown = io.StringIO()
    table = answers_table([("oversight", "refused", "link/manifest", words, True)], "kubectl apply")
    Console(width=200, file=shown).print(table)
    assert words in shown.getvalue()
