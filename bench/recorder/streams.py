"""Bodies of a gigabyte through the recorder: what arrives, and the memory that it takes."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.recorder.kills import end, start
from bench.recorder.lives import Lives
from bench.recorder.model import PIECE
from bench.report import Section
from demo.service import free_port

MIB: Final = 1024 * 1024
SLOW_MIB: Final = 32
"""What a client that begins to read late asks for, beside the others: more than anything may hold."""


def peak_mib(process: int) -> float:
    """Return the most memory that a process has had (VmHWM), in MiB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


async def download(port: int, mib: int, *, after: asyncio.Event | None = None) -> int:
    """Read a stream of so many MiB, and return how many bytes of its body came.

    Args:
        port: Of the recorder, or of the model.
        mib: How much the model is asked for.
        after: What to wait for before the first read.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4 * PIECE)
    try:
        writer.write(b"GET /stream?%d HTTP/1.1\r\nHost: m\r\n\r\n" % (mib * MIB // PIECE))
        if after is not None:
            await after.wait()
        await reader.readuntil(b"\r\n\r\n")
        size = 0
        while length := int(await reader.readline(), 16):
            piece = await reader.readexactly(length + 2)
            assert piece.count(b"x") == length, "a byte was changed"
            size += length
    finally:
        writer.close()
        await writer.wait_closed()
    return size


async def upload(port: int, mib: int) -> int:
    """Send a body of so many MiB, and return the status of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"POST /one HTTP/1.1\r\nHost: m\r\nContent-Length: %d\r\n\r\n" % (mib * MIB))
        for _ in range(mib):
            writer.write(b"x" * MIB)
            await writer.drain()
        return int((await reader.readuntil(b"\r\n\r\n")).split()[1])
    finally:
        writer.close()
        await writer.wait_closed()


async def carry(lives: Lives, directory: Path, mib: int) -> tuple[float, float]:
    """Carry so many MiB both ways, with a client that reads late; return memory before and at its peak."""
    port, late = free_port(), asyncio.Event()
    recorder = await start(lives, port, directory)
    assert await upload(port, 1) == 200
    before = peak_mib(recorder)
    slow = asyncio.create_task(download(port, SLOW_MIB, after=late))
    assert await download(port, mib) == mib * MIB
    assert await upload(port, mib) == 200
    late.set()
    assert await slow == SLOW_MIB * MIB
    peak = peak_mib(recorder)
    await end(recorder)
    return before, peak


def run(mib: int = 1024) -> Section:
    """Carry a gigabyte both ways."""
    with TemporaryDirectory(prefix="actgate-streams-") as directory, Lives() as lives:
        before, peak = asyncio.run(carry(lives, Path(directory), mib))
    return Section(
        title="Memory of the recorder while it carries a gigabyte",
        asked=f"A stream of {mib} MiB in chunks, then a request of as much, and beside both a client that "
        f"has asked for {SLOW_MIB} MiB and begins to read after them.",
        header=("", "peak of resident memory (MiB)"),
        rows=[("after one request", f"{before:.1f}"), ("after all", f"{peak:.1f}")],
        reading="Bodies pass in pieces: a client that does not read holds the model back, and not memory.",
    )
