"""kill -9 of the recorder and of the model at random moments under load: which answers have no record.

An answer is what its client has read the head of. Its id must be in the log as a use, and where it came in
pieces and is whole, its end must be as well. The control is the same recorder with a buffered log: it loses
some, or the measurement would find nothing.
"""

import asyncio
import os
import random
import re
import signal
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from actgate.trace import line, segments
from bench.recorder.lives import Lives, recorder_arguments
from bench.report import Section
from demo.service import free_port

CLIENTS: Final = 16
_ID: Final = re.compile(rb"(?i)\r\nactgate-record-id: ([-0-9a-f]+)\r\n")
REQUESTS: Final = (
    b'POST /one HTTP/1.1\r\nHost: m\r\nContent-Length: 15\r\n\r\n{"income":4321}',
    b"GET /stream HTTP/1.1\r\nHost: m\r\n\r\n",
)
_MOST_ANSWERS: Final = 60
"""Answers between two kills, at most."""
_LONGEST_PAUSE: Final = 0.01
"""Seconds after the last of them: a kill must not follow the beat of answers."""
_PATIENCE: Final = 30.0
_VICTIMS: Final = ("recorder", "model", "both")
MODES: Final = (
    ("`Process`", "Process", "recorder"),
    ("`Node`", "Node", "recorder"),
    ("control: a buffered log", "Process", "buffered"),
)
"""Of a table: name, durability, and what is started."""


@dataclass
class Answers:
    """What clients have read: ids of uses, and of streams that ended."""

    begun: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)
    """Streams that were read to their end."""
    unnamed: int = 0
    """Answers of the model's without an id."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def count(self) -> int:
        """Return how many there are."""
        return len(self.begun) + self.unnamed


@dataclass(frozen=True)
class Outcome:
    """What kills have done."""

    kills: int
    answers: int
    without_record: int
    streams: int
    """Answers in pieces that were read to their end."""
    without_end: int
    """Of those, the ones whose end is not in the log."""
    logs: int
    """Lives of the recorder."""


async def kill(
    lives: Lives,
    directory: Path,
    moments: int,
    durability: str = "Process",
    *,
    role: str = "recorder",
    seed: int = 15,
) -> Outcome:
    """Kill recorder, model or both at that many moments under load, and compare answers with the log.

    Args:
        lives: Starts the processes.
        directory: Where the log is written; afterwards all of its logs are ended.
        moments: How often.
        durability: Of the recorder.
        role: ``recorder``, or ``buffered`` for the control.
        seed: Of the moments.
    """
    rng = random.Random(seed)  # noqa: S311 - moments are no secrets
    answers, port, model_port = Answers(), free_port(), free_port()
    arguments = recorder_arguments(port, model_port, directory, durability)
    starts = {"model": ("model", str(model_port)), "recorder": (role, *arguments)}
    alive = {name: lives.start(*start) for name, start in starts.items()}
    clients = [asyncio.create_task(ask(port, answers, which % 4 == 0)) for which in range(CLIENTS)]
    try:
        for _ in range(moments):
            await more(answers, rng.randint(1, _MOST_ANSWERS))
            await asyncio.sleep(rng.random() * _LONGEST_PAUSE)
            victim = rng.choice(_VICTIMS)
            victims = [name for name in alive if victim in (name, "both")]
            await _killed(alive[name] for name in victims)
            alive |= {name: lives.start(*starts[name]) for name in victims}
        await more(answers, 1)
    finally:
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        await _killed(alive.values())
    await _end_last(lives, port, arguments)
    uses, ends, logs = _recorded(directory)
    return Outcome(
        kills=moments,
        answers=answers.count,
        without_record=len(answers.begun - uses) + answers.unnamed,
        streams=len(answers.whole),
        without_end=len(answers.whole - ends),
        logs=len(logs),
    )


async def _killed(processes: Iterable[int]) -> None:
    """Kill processes, all at once, and return when they have ended."""
    listed = list(processes)
    for process in listed:
        os.kill(process, signal.SIGKILL)
    for process in listed:
        await _gone(process)


async def more(answers: Answers, count: int) -> None:
    """Return once there are so many more answers.

    Raises:
        TimeoutError: Nothing answers any more.
    """
    target = answers.count + count
    async with asyncio.timeout(_PATIENCE):
        while answers.count < target:
            answers.changed.clear()
            await answers.changed.wait()


async def ask(port: int, answers: Answers, streams: bool) -> None:
    """Ask one request after the other, over a new connection where the last one broke."""
    request = REQUESTS[streams]
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.002)
            continue
        try:
            while True:
                writer.write(request)
                await _read(reader, answers)
        except (OSError, asyncio.IncompleteReadError):
            continue
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def _read(reader: asyncio.StreamReader, answers: Answers) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    found = _ID.search(head)
    name = found[1].decode() if found else ""
    if name:
        answers.begun.add(name)
    elif b" 200 " in head[:16]:
        answers.unnamed += 1
    answers.changed.set()
    if b"chunked" in head:
        await reader.readuntil(b"0\r\n\r\n")
        answers.whole.add(name)
    else:
        await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]))


async def start(lives: Lives, port: int, directory: Path, *more: str) -> int:
    """Start a recorder before a model of its own, and return its number once it serves."""
    model_port = free_port()
    lives.start("model", str(model_port))
    recorder = lives.start("recorder", *recorder_arguments(port, model_port, directory, "Process", *more))
    await serves(model_port)
    await serves(port)
    return recorder


async def end(recorder: int) -> None:
    """End a recorder as a pod ends, and return when it has."""
    os.kill(recorder, signal.SIGTERM)
    async with asyncio.timeout(_PATIENCE):
        await _gone(recorder)


async def _end_last(lives: Lives, port: int, arguments: tuple[str, ...]) -> None:
    """Start a recorder once more, which finishes the log before it, and end it."""
    last = lives.start("recorder", *arguments)
    await serves(port)
    await end(last)


async def serves(port: int) -> None:
    """Return once something listens on a port."""
    async with asyncio.timeout(_PATIENCE):
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.01)


async def _gone(process: int) -> None:
    """Return once a process has ended, and its port is free."""
    with suppress(ProcessLookupError):
        while True:
            os.kill(process, 0)
            await asyncio.sleep(0.001)


def _recorded(directory: Path) -> tuple[set[str], set[str], set[Path]]:
    """Return ids of uses in the logs of a directory, of answers whose whole end is there, and the logs."""
    uses, ends, logs = set(), set(), set()
    for folder, entry in _lines(directory):
        logs.add(folder)
        if entry.event in line.USES:
            uses.add(entry.record["id"])
        # Pieces that come at once are one answer with one record.
        if entry.event == "inference" or entry.record.get("stream") == {"complete": True}:
            ends.add(entry.record["id"])
    return uses, ends, logs


def _lines(directory: Path) -> Iterator[tuple[Path, line.Line]]:
    for path in directory.rglob("*.jsonl*"):
        content = path.read_bytes()
        for text in (segments.decompress(content) if path.suffix == ".zst" else content).splitlines():
            if found := line.read(text):
                yield path.parent, found


def run(moments: int = 200) -> Section:
    """Kill at 200 random moments in each mode, and at as many with a buffered log."""
    rows = []
    for name, durability, role in MODES:
        with TemporaryDirectory(prefix="actgate-kills-") as directory, Lives() as lives:
            found = asyncio.run(kill(lives, Path(directory), moments, durability, role=role))
        cells = (found.kills, found.answers, found.without_record, found.streams, found.without_end)
        rows.append((name, *(f"{cell:,}" for cell in cells)))
    return Section(
        title="Answers without a record after kill -9 of recorder and model",
        asked=f"{CLIENTS} connections ask without a pause, a quarter of them for streams. At random moments "
        "the recorder, the model or both are killed and started anew. Each answer whose head a client has "
        "read is looked for in the log, and the end of each stream that was read to its end.",
        header=("log", "kills", "answers", "without a record", "whole streams", "without an end"),
        rows=rows,
        reading="No answer leaves before its record: the rows of both modes must show 0. The control shows "
        "what a log that is buffered in its process loses at the same moments.",
    )
