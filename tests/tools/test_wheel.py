"""What the wheel holds."""

from __future__ import annotations

from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]
SERVED = {"actgate", "actgate_operator", "actgate_recorder", "actgate_webhook"}


def test_the_wheel_holds_what_serves_and_nothing_of_the_tests() -> None:
    """Neither the sandbox nor the demo is installed by a user of actgate."""
    files = WheelBuilder(str(ROOT)).recurse_included_files()
    assert {file.distribution_path.partition("/")[0] for file in files} == SERVED
