"""Examples say what they show, and their dates move with the calendar."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from demo.examples import WRITTEN, as_of, load


def test_dates_move_by_the_days_since_they_were_written() -> None:
    """A moment keeps its distance to today, to the day."""
    later = WRITTEN + timedelta(days=400, hours=5)
    assert as_of('finishedAt: "2026-11-01T10:00:00Z"', later) == 'finishedAt: "2027-12-06T10:00:00Z"'


def test_dates_stay_on_the_day_on_which_they_were_written() -> None:
    """Nothing moves on the day itself, and a moment without a zone keeps having none."""
    text = "2026-11-01T10:00:00.123456 and 2026-11-23T00:00:00Z"
    assert as_of(text, WRITTEN + timedelta(hours=23)) == text


def test_an_example_without_an_answer_is_refused(tmp_path: Path) -> None:
    """A file that does not say what must be answered proves nothing."""
    path = tmp_path / "silent.yaml"
    path.write_text("# shows nothing\nkind: ModelDeployment\n", encoding="utf-8")
    with pytest.raises(ValueError, match="no line '# Answer:"):
        load(path, datetime.now(UTC))
