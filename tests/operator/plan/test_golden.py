from __future__ import annotations

import pytest

from tests.operator.plan.golden_files import FOLDER, cases, kept, planned_text


@pytest.mark.parametrize("case", cases())
def test_an_upgrade_of_the_operator_restarts_no_model(case: str) -> None:
    """What is planned for an object stays the same, byte for byte, until a change is meant."""
    assert planned_text(case) == kept(case).read_text("utf-8")


def test_every_kept_plan_belongs_to_a_model() -> None:
    """No file is left over."""
    assert {path.name for path in FOLDER.iterdir()} == {
        name for case in cases() for name in (f"{case}.yaml", kept(case).name)
    }
