"""What the writer does when the disk, the clock or the process fails, and what verification says of it."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from actgate.cli.exits import Exit
from actgate.cli.main import main
from actgate.recording import housekeeping
from actgate.recording.ids import new_id
from actgate.recording.shipping import DirectorySink
from actgate.recording.writer import Durability, RecordNotWrittenError, Settings, Writer
from tests.recording.test_writer import lines
from tests.support.waiting import eventually


def use() -> dict[str, Any]:
    """Return the record of a use."""
    return {"event": "inference", "id": new_id(), "status": 200}


def verified(directory: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    """Return the report of `actgate trace verify`, held against its exit code."""
    code = main(["trace", "verify", "-o", "json", *options, str(directory)])
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert code == (Exit.PASSED if report["verified"] else Exit.DENIED)
    return report


def only(report: dict[str, Any]) -> str:
    """Return the sentence of the only fault."""
    [fault] = report["faults"]
    return str(fault["message"])


async def interrupted(directory: Path, uses: int) -> Path:
    """Write a log, and end as a process does that is killed; return its open segment."""
    writer = await Writer.open(Settings(directory=directory, name="test"))
    for _ in range(uses):
        await writer.append(use())
    await writer._keeping.stop()
    life = writer._life
    assert life is not None
    life.abandon()
    return life.file.path


async def test_a_torn_tail_is_cut_and_recorded_by_the_next_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was written in part was never acknowledged; that it was there stands in the next log."""
    path = await interrupted(tmp_path, 3)
    with path.open("ab") as file:
        file.write(b'{"event":"infer')
    writer = await Writer.open(Settings(directory=tmp_path, name="test"))
    await writer.close()
    [start] = [entry for entry in lines(tmp_path) if "previous" in entry.record]
    assert start.record["previous"]["size"] == 4
    assert start.record["previous"]["torn"] == 15
    report = verified(tmp_path, capsys, "--expected", "3")
    assert report["faults"] == []
    assert [log["stopped"] for log in report["logs"]] == [False, True]


async def test_a_cut_of_what_no_checkpoint_covers_is_found_by_the_next_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The next start has size and root of the log before."""
    path = await interrupted(tmp_path, 3)
    writer = await Writer.open(Settings(directory=tmp_path, name="test"))
    await writer.close()
    for file in path.parent.glob("000000000001-*"):
        file.unlink()
    (path.parent / "checkpoint").unlink(missing_ok=True)
    assert "the log after it says that it had 4" in only(verified(tmp_path, capsys))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
async def test_a_disk_that_takes_nothing_is_an_error_and_a_stated_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    """Half a line is taken back; the log goes on, says how much it lacks, and verifies."""
    writer = await Writer.open(Settings(directory=tmp_path, name="test"))
    await writer.append(use())
    real, calls = os.write, iter(range(100))

    def full(fd: int, content: bytes) -> int:
        if next(calls) % 2 == 0:
            return real(fd, bytes(content)[:10])
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        for _ in range(2):
            with pytest.raises(RecordNotWrittenError, match=os.strerror(number)):
                await writer.append(use())
    assert (writer.status.lost, writer.status.failing != "") == (2, True)
    await writer.append(use())
    assert (writer.status.lost, writer.status.failing) == (2, "")
    await writer.close()
    events = [entry.event for entry in lines(tmp_path)]
    assert events == ["start", "inference", "gap", "inference", "stop"]
    report = verified(tmp_path, capsys)
    assert (report["faults"], report["logs"][0]["unwritten"]) == ([], 2)


async def test_after_a_failed_fdatasync_a_new_log_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The kernel may have dropped what it held, so that nothing more is built on it."""
    settings = Settings(directory=tmp_path, name="test", durability=Durability.NODE)
    writer = await Writer.open(settings)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", _fails)
        with pytest.raises(RecordNotWrittenError, match="not known to be on the disk"):
            await writer.append(use())
    writer._opened_at = float("-inf")  # A second later.
    await writer.append(use())
    await writer.close()
    report = verified(tmp_path, capsys)
    assert report["faults"] == []
    assert [log["uses"] for log in report["logs"]] == [1, 1]
    assert report["logs"][1]["unwritten"] == 1


async def test_too_many_waiting_records_are_refused(tmp_path: Path) -> None:
    """Memory is bounded."""
    writer = await Writer.open(Settings(directory=tmp_path, name="test", max_pending=0))
    with pytest.raises(RecordNotWrittenError, match="wait for the disk: too many"):
        await writer.append(use())
    writer._closed = True
    await writer._keeping.stop()


async def test_a_clock_that_is_set_back_an_hour_is_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The log says so itself, and verifies; small steps are held."""
    now = [datetime(2026, 11, 27, 12, tzinfo=UTC)]
    settings = Settings(directory=tmp_path, name="test", clock=lambda: now[0], monotonic=lambda: 0.0)
    writer = await Writer.open(settings)
    for step in (0.0, -0.5, -3600.0):
        now[0] += timedelta(seconds=step)
        await writer.append(use())
    await writer.close()
    found = lines(tmp_path)
    assert [entry.event for entry in found if entry.event != "inference"] == ["start", "clock", "stop"]
    [step] = [entry.record["step_us"] for entry in found if entry.event == "clock"]
    assert step == pytest.approx(-3_600_500_000, abs=600_000)
    assert verified(tmp_path, capsys)["faults"] == []


async def test_two_writers_on_one_volume_share_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each start has a directory of its own, and takes no log for ended that another one writes."""
    settings = Settings(directory=tmp_path, name="test")
    first, second = await Writer.open(settings), await Writer.open(settings)
    for _ in range(5):
        await first.append(use())
        await second.append(use())
    await first.close()
    await second.close()
    report = verified(tmp_path, capsys, "--expected", "10")
    assert [log["uses"] for log in report["logs"]] == [5, 5]
    assert report["faults"] == []


async def test_a_shipped_segment_may_be_deleted_and_the_log_still_verifies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The tree goes on from its hashes, and the copy verifies by itself."""
    here, there = tmp_path / "here", tmp_path / "there"
    settings = Settings(directory=here, name="test", max_records=4, sink=DirectorySink(there))
    writer = await Writer.open(settings)
    for _ in range(12):
        await writer.append(use())
    await writer.close()
    assert verified(there, capsys)["uses"] == 12
    next(here.rglob("000000000005-*.jsonl.zst")).unlink()
    report = verified(here, capsys)
    assert (report["faults"], report["logs"][0]["deleted"]) == ([], 4)


class Bucket(DirectorySink):
    """A place that can be dead."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.dead = True
        self.attempts = 0

    async def put(self, path: str, content: bytes) -> None:
        """Keep a file, or fail as a connection does."""
        self.attempts += 1
        if self.dead:
            raise ConnectionResetError("Connection reset by peer")
        await super().put(path, content)


async def test_a_dead_sink_holds_nothing_up_and_gets_all_of_it_later(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Records go on; how long it has been is in the status, and nothing but the disk holds what waits."""
    monkeypatch.setattr(housekeeping, "_SHIP_EVERY", 0.001)
    here, there = tmp_path / "here", tmp_path / "there"
    bucket = Bucket(there)
    writer = await Writer.open(Settings(directory=here, name="test", max_records=4, sink=bucket))
    for _ in range(40):
        await writer.append(use())

    async def failed_twice() -> bool:
        return bucket.attempts > 1

    await eventually(failed_twice)
    assert writer.status.oldest_unshipped > 0
    assert "Connection reset by peer" in caplog.text
    assert caplog.text.count("cannot be copied") == 1, "an outage is one line, and not one for each attempt"

    async def on_the_disk_alone() -> bool:
        return not writer._keeping._full

    await eventually(on_the_disk_alone)
    bucket.dead = False

    async def shipped() -> bool:
        return writer.status.oldest_unshipped == 0

    await eventually(shipped)
    await writer.close()
    assert verified(there, capsys, "--expected", "40")["faults"] == []


async def test_a_defect_in_what_is_done_beside_records_does_not_end_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is logged once, and all is sealed and signed when it is over."""
    settings = Settings(directory=tmp_path, name="test", max_records=4, checkpoint_seconds=0.001)
    failures = 0

    def broken(*_: object, **__: object) -> None:
        nonlocal failures
        failures += 1
        raise ModuleNotFoundError("No module named 'zstd'")

    with monkeypatch.context() as patched:
        patched.setattr(housekeeping, "seal", broken)
        writer = await Writer.open(settings)
        for _ in range(8):
            await writer.append(use())

        async def failed_twice() -> bool:
            return failures > 1

        await eventually(failed_twice)
    await eventually(_sealed(writer))
    assert caplog.text.count("are tried again") == 1
    await writer.close()
    assert verified(tmp_path, capsys, "--expected", "8")["faults"] == []


def _sealed(writer: Writer) -> Callable[[], Awaitable[bool]]:
    async def sealed() -> bool:
        return not writer._keeping._full and writer.status.checkpoint_age == 0

    return sealed


async def test_a_directory_that_is_deleted_ends_its_log_and_begins_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An open file without a name would take records that are never read."""
    writer = await Writer.open(Settings(directory=tmp_path, name="test"))
    await writer.append(use())
    shutil.rmtree(tmp_path / "test")
    await writer._tick()
    assert "was deleted or moved" in writer.status.failing
    writer._opened_at = float("-inf")  # A second later.
    await writer.append(use())
    await writer.close()
    report = verified(tmp_path, capsys)
    assert (report["faults"], report["uses"]) == ([], 1)


def _fails(_: int) -> None:
    raise OSError(errno.EIO, "Input/output error")
