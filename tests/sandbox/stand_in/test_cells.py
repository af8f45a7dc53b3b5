from __future__ import annotations

import pytest

from actgate_sandbox.stand_in.cells import age, duration


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (599, "9m59s"),
        (600, "10m"),
        (10_799, "179m"),
        (10_800, "3h"),
        (11_460, "3h11m"),
        (28_800, "8h"),
        (172_799, "47h"),
        (172_800, "2d"),
    ],
)
def test_durations_are_written_as_kubectl_does(seconds: int, shown: str) -> None:
    """Short ones are exact, long ones are rounded."""
    assert duration(seconds) == shown


def test_a_missing_time_has_no_age() -> None:
    """Nothing is made up."""
    assert age(None) == "<unknown>"
