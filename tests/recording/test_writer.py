from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from actgate.cli import trace_logs
from actgate.recording.ids import new_id
from actgate.recording.writer import Durability, RecordNotWrittenError, Settings, Writer
from actgate.trace import line


def contents(directory: Path) -> Iterator[bytes]:
    """Yield the segments of the logs in a directory, of which one may be sealed meanwhile."""
    for log in trace_logs.find([str(directory)]):
        for part in trace_logs.parts(log):
            assert part.content is not None, part
            yield part.content


def lines(directory: Path) -> list[line.Line]:
    """Return the lines of the only log in a directory."""
    found = [line.read(text) for content in contents(directory) for text in content.splitlines()]
    assert None not in found
    return [entry for entry in found if entry is not None]


@pytest.mark.parametrize("durability", Durability)
async def test_a_record_is_in_the_log_when_append_returns(tmp_path: Path, durability: Durability) -> None:
    """What the answer waits for."""
    writer = await Writer.open(Settings(directory=tmp_path, name="test", durability=durability))
    identifier = new_id()
    await writer.append({"event": "inference", "id": identifier, "status": 200})
    start, entry = lines(tmp_path)
    assert start.event == "start"
    assert (entry.seq, entry.record["id"]) == (1, identifier)
    await writer.close()
    assert [entry.event for entry in lines(tmp_path)] == ["start", "inference", "stop"]


async def test_a_record_with_an_unknown_field_is_refused(tmp_path: Path) -> None:
    """So that nothing enters the log by mistake."""
    writer = await Writer.open(Settings(directory=tmp_path, name="test"))
    with pytest.raises(RecordNotWrittenError, match='"prompt": Unsupported value'):
        await writer.append({"event": "inference", "id": new_id(), "prompt": "hello"})
    assert [entry.event for entry in lines(tmp_path)] == ["start"]
    await writer.close()
