"""kill -9 of the recorder and of the model under load; `python -m bench recorder-kills` does so 200 times."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.recorder.kills import kill
from bench.recorder.lives import Lives
from tests.recording.test_failures import verified

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def lives() -> Iterator[Lives]:
    with Lives() as started:
        yield started


@pytest.mark.parametrize("durability", ["Process", "Node"])
async def test_no_answer_is_without_its_record_after_kill_9(
    lives: Lives, tmp_path: Path, capsys: pytest.CaptureFixture[str], durability: str
) -> None:
    """Nor is a stream that was read to its end; and the log of all lives verifies."""
    found = await kill(lives, tmp_path, 8, durability)
    assert (found.without_record, found.without_end) == (0, 0)
    assert found.answers > 16
    assert found.streams > 0
    report = verified(tmp_path, capsys, "--expected", str(found.answers))
    assert report["faults"] == []
    assert len(report["logs"]) == found.logs > 2


async def test_a_buffered_log_loses_answers_at_the_same_moments(lives: Lives, tmp_path: Path) -> None:
    """The control: what is measured above can be lost."""
    assert (await kill(lives, tmp_path, 8, role="buffered")).without_record > 0
