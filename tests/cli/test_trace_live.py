"""``actgate trace`` on a log that is being written: its segments are sealed while they are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from actgate.cli import trace_logs
from actgate.cli.exits import Exit, UnusableError
from actgate.cli.main import main
from actgate.recording import sealing
from actgate.recording.ids import new_id
from actgate.recording.writer import Settings, Writer
from actgate.trace import merkle, segments
from tests.trace.build import log as built

HALF = 8
LINES = built(2 * HALF - 2)


@pytest.fixture
def log(tmp_path: Path) -> trace_logs.Log:
    """A log of two plain segments, as a writer leaves them before it has sealed them."""
    for first in (0, HALF):
        (tmp_path / segments.open_name(first)).write_bytes(text(first))
    [found] = trace_logs.find([str(tmp_path)])
    return found


def text(first: int) -> bytes:
    """Return the content of a segment."""
    return b"".join(raw + b"\n" for raw in LINES[first : first + HALF])


def seal(log: trace_logs.Log, first: int) -> Path:
    """Seal a segment as the writer does, and return the file that holds it then."""
    tree = merkle.Tree()
    tree.extend([merkle.leaf_hash(raw) for raw in LINES[: first + HALF]])
    sealed = sealing.Sealed(log.path, first, first + HALF - 1)
    sealing.seal_unsigned(
        log.path / segments.open_name(first), sealed, segments.subtrees_text(tree), sync=False
    )
    return sealed.file("jsonl.zst")


def test_a_segment_that_is_sealed_after_it_was_listed_is_read(log: trace_logs.Log) -> None:
    """Under the name that it has now."""
    parts = trace_logs.parts(log)
    assert next(parts).content == text(0)
    seal(log, HALF)
    [second] = parts
    assert (second.first, second.last, second.content) == (HALF, 2 * HALF - 1, text(HALF))


def test_a_segment_that_is_deleted_after_it_was_listed_is_missing(log: trace_logs.Log) -> None:
    """It is said of it alone: plain, or sealed, of which retention leaves the hashes."""
    parts = trace_logs.parts(log)
    next(parts)
    (log.path / segments.open_name(HALF)).unlink()
    assert [(part.first, part.content) for part in parts] == [(HALF, None)]
    (log.path / segments.open_name(HALF)).write_bytes(text(HALF))
    kept = seal(log, HALF)
    parts = trace_logs.parts(log)
    next(parts)
    kept.unlink()
    [second] = parts
    assert (second.last, second.content, second.after is not None) == (2 * HALF - 1, None, True)


def test_a_segment_that_goes_again_and_again_is_one_sentence(
    log: trace_logs.Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which names the file."""
    kept = seal(log, HALF)

    def gone(path: Path) -> bytes:
        raise FileNotFoundError(2, "No such file or directory", str(path))

    monkeypatch.setattr(Path, "read_bytes", gone)
    with pytest.raises(UnusableError, match="cannot be read: No such file"):
        list(trace_logs.parts(log))
    assert kept.exists()


async def test_a_checkpoint_that_is_newer_than_the_search_for_logs_is_covered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written meanwhile is no missing record."""
    writer = await Writer.open(Settings(directory=tmp_path, name="test", max_records=4))
    former = trace_logs.find([str(tmp_path)])
    for _ in range(12):
        await writer.append({"event": "inference", "id": new_id(), "status": 200})
    await writer.close()
    monkeypatch.setattr(trace_logs, "find", lambda _: former)
    assert main(["trace", "verify", str(tmp_path)]) == Exit.PASSED
    assert "14 records" in capsys.readouterr().out
