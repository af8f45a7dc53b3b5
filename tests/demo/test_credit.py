"""What the demo expects of the credit example: the refusal by its reason, and a model that becomes Ready."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from demo.applying import Applied, Applier, Named
from demo.credit import steps
from demo.service import Service

EVIDENCE = Path(__file__).parents[2] / "examples" / "credit" / "evidence"
REFUSED = Applied(False, "[bias/limit] a\n[bias/interval] b: inconclusive, 0 to 0.16")


class Answering:
    """An applier that answers for the German model as the test wants, and lets everything else in."""

    name = "apply"

    def __init__(self, german: Applied, ready: bool) -> None:
        self._german = german
        self._ready = ready

    def __call__(self, text: str, namespace: str | None = None) -> Applied:
        """Answer for some objects."""
        return self._german if "CreditRiskScorer" in text else Applied(True, "created")

    def wait(self, thing: Named, condition: str) -> Applied:
        """Answer for the model that is waited for."""
        assert (str(thing), condition) == ("modeldeployment/income", "Ready")
        return Applied(self._ready, "")


class Knowing:
    """A webhook that knows each policy at once."""

    def knows(self, _: str) -> int:
        """Return how many policies it knows."""
        return 0

    def wait_until_it_knows(self, *_: Any) -> None:  # noqa: ANN401 - those of the service
        """Return at once."""


@pytest.mark.parametrize(
    ("german", "ready", "expected"),
    [
        (REFUSED, True, [True, True, True, True]),
        (Applied(True, REFUSED.output), True, [True, False, True, True]),
        (Applied(False, "[bias/limit] a: inconclusive"), True, [True, False, True, True]),
        (Applied(False, f"{REFUSED.output}\n[evidence/signature] c"), True, [True, False, True, True]),
        (REFUSED, False, [True, True, True, False]),
    ],
)
def test_another_answer_is_not_the_expected_one(german: Applied, ready: bool, expected: list[bool]) -> None:
    """Let in, refused for less or for more, and never Ready: each is the failure of its own step."""
    apply = cast("Applier", Answering(german, ready))
    assert [right for _, _, right in steps(EVIDENCE, apply, cast("Service", Knowing()))] == expected
