"""What a recorder costs: CPU time of its process for a request, and what it adds to the time of an answer."""

import asyncio
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

from bench.cpu import seconds_of
from bench.recorder.kills import REQUESTS, end, serves
from bench.recorder.lives import Lives, recorder_arguments
from bench.report import Section
from demo.service import free_port

ROUNDS: Final = 5
MANY: Final = 16
"""Connections of the busy rounds; the others have one."""
_SLOW: Final = REQUESTS[0].replace(b"/one", b"/slow")
_KEY: Final = b"k" * 32
"""Digests are made, which is most of what a record costs."""


async def _ask(port: int, count: int, request: bytes = REQUESTS[0]) -> list[float]:
    """Ask over one connection, one request after the other, and return the seconds of each."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    times = []
    try:
        for _ in range(count):
            began = perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]))
            times.append(perf_counter() - began)
    finally:
        writer.close()
        await writer.wait_closed()
    return times


async def _measured(folder: Path, count: int) -> dict[str, list[float]]:
    """Return for each way CPU seconds a request, seconds of an answer, answers a second of two models."""
    keys = folder / "keys"
    await asyncio.to_thread(_write_key, keys)
    model_port = free_port()
    ports, processes = {"direct": model_port}, {}
    with Lives() as lives:
        processes["direct"] = lives.start("model", str(model_port))
        for durability in ("Process", "Node"):
            ports[durability] = free_port()
            arguments = recorder_arguments(
                ports[durability], model_port, folder / durability, durability, f"--keys-dir={keys}"
            )
            processes[durability] = lives.start("recorder", *arguments)
        found: dict[str, list[tuple[float, ...]]] = {name: [] for name in ports}
        for port in ports.values():
            await serves(port)
            await _ask(port, 200)
        for _ in range(ROUNDS):
            for name, port in ports.items():
                before, began = seconds_of(processes[name]), perf_counter()
                await asyncio.gather(*(_ask(port, count // MANY) for _ in range(MANY)))
                rate = count / (perf_counter() - began)
                used = (seconds_of(processes[name]) - before) / count
                middle, began = median(await _ask(port, count // 10)), perf_counter()
                await asyncio.gather(*(_ask(port, count // MANY // 4, _SLOW) for _ in range(MANY)))
                slow = count // MANY // 4 * MANY / (perf_counter() - began)
                found[name].append((used, middle, rate, slow))
        for durability in ("Process", "Node"):
            await end(processes[durability])
    return {name: [median(column) for column in zip(*rows, strict=True)] for name, rows in found.items()}


def _write_key(directory: Path) -> None:
    directory.mkdir()
    (directory / "bench").write_bytes(_KEY)


def run(count: int = 4000) -> Section:
    """Ask directly and through a recorder of each durability, in turns."""
    with TemporaryDirectory(prefix="actgate-costs-") as directory:
        found = asyncio.run(_measured(Path(directory), count))
    names = {"direct": "direct", "Process": "recorder, `Process`", "Node": "recorder, `Node`"}
    direct = found["direct"]
    rows = [
        (
            names[name],
            "" if name == "direct" else f"{used * 1e6:.0f}",
            f"{middle * 1e3:.2f}",
            "" if name == "direct" else f"{(middle - direct[1]) * 1e3:.2f}",
            f"{rate:,.0f}",
            f"{slow:,.0f}",
        )
        for name, (used, middle, rate, slow) in found.items()
    ]
    return Section(
        title="What a recorder costs",
        asked=f"Small requests and answers, with digests of both. Medians of {ROUNDS} rounds in turns: CPU "
        f"time of the recorder and answers a second at {MANY} connections, time of an answer at one.",
        header=(
            "",
            "CPU a request (us)",
            "time of an answer (ms)",
            "added (ms)",
            "answers/s",
            "answers/s of a model of 10 ms",
        ),
        rows=rows,
        reading="`Node` waits for the disk of this machine; requests that come meanwhile share the wait.",
    )
