"""What a recorder costs: CPU time of its process for a request, and what it adds to the time of an answer.

Compared with nginx, which writes a line for each answer too, but after it has left; and what the middleware
costs with what FastAPI takes without it.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

from bench.cpu import seconds_of
from bench.recorder.compared import has_nginx
from bench.recorder.kills import end, serves
from bench.recorder.lives import Lives, recorder_arguments
from bench.report import Section
from demo.service import free_port

ROUNDS: Final = 5
MANY: Final = 16
"""Connections of the busy rounds; the others have one."""
_NAMES: Final = {
    "direct": "direct",
    "Process": "recorder, `Process`",
    "Node": "recorder, `Node`",
    "nginx": "nginx",
    "FastAPI": "FastAPI",
    "middleware": "FastAPI, middleware, `Process`",
}
_PROXIES: Final = frozenset({"Process", "Node", "nginx"})
_ONE: Final = (
    b"POST /one HTTP/1.1\r\nHost: m\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n"
    b'{"income":4321}'
)
_SLOW: Final = _ONE.replace(b"/one", b"/slow")
_KEY: Final = b"k" * 32
"""Digests are made, which is most of what a record costs."""


async def _ask(port: int, count: int, request: bytes = _ONE) -> list[float]:
    """Ask over one connection, one request after the other, and return the seconds of each."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    times = []
    try:
        for _ in range(count):
            began = perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(f"{request!r} was answered {head!r}")
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
    ports = {name: free_port() for name in _NAMES if name != "nginx" or has_nginx()}
    model_port, processes = ports["direct"], {}
    with Lives() as lives:
        processes["direct"] = lives.start("model", str(model_port))
        for durability in ("Process", "Node"):
            arguments = recorder_arguments(
                ports[durability], model_port, folder / durability, durability, f"--keys-dir={keys}"
            )
            processes[durability] = lives.start("recorder", *arguments)
        if "nginx" in ports:
            processes["nginx"] = lives.start(
                "nginx", str(ports["nginx"]), str(model_port), str(folder / "nginx")
            )
        processes["FastAPI"] = lives.start("application", str(ports["FastAPI"]))
        processes["middleware"] = lives.start(
            "application", str(ports["middleware"]), str(folder / "middleware"), str(keys)
        )
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
    """Ask directly, through recorders and nginx, and FastAPI without and with the middleware, in turns."""
    with TemporaryDirectory(prefix="actgate-costs-") as directory:
        found = asyncio.run(_measured(Path(directory), count))
    direct = found["direct"]
    rows = [
        (
            _NAMES[name],
            "" if name == "direct" else f"{used * 1e6:.0f}",
            f"{middle * 1e3:.2f}",
            f"{(middle - direct[1]) * 1e3:.2f}" if name in _PROXIES else "",
            f"{rate:,.0f}",
            f"{slow:,.0f}",
        )
        for name, (used, middle, rate, slow) in found.items()
    ]
    return Section(
        title="What a recorder costs",
        asked="Small requests and answers, with digests of both where there is a recorder. Medians of "
        f"{ROUNDS} rounds in turns: CPU time of the process and answers a second at {MANY} connections, time "
        "of an answer at one. Goals: 150 us a request, and 1.5 of an nginx that logs in JSON, after the "
        "answer; 0.5 ms added; 0.9 of the direct rate of a model of 10 ms; with the middleware 1.25 of what "
        "FastAPI takes.",
        header=(
            "",
            "CPU a request (us)",
            "time of an answer (ms)",
            "added (ms)",
            "answers/s",
            "answers/s of a model of 10 ms",
        ),
        rows=rows,
        reading=" ".join(_readings(found)),
    )


def _readings(found: dict[str, list[float]]) -> Iterator[str]:
    yield "`Node` waits for the disk of this machine; requests that come meanwhile share the wait."
    nginx = found.get("nginx")
    if nginx is None:
        yield "There is no nginx in PATH to compare with."
    for durability in ("Process", "Node"):
        ratios = [f"{found[durability][3] / found['direct'][3]:.2f} of the direct rate of a model of 10 ms"]
        if nginx is not None:
            ratios.append(f"{found[durability][0] / nginx[0]:.2f} of nginx's CPU")
        yield f"`{durability}`: {', '.join(ratios)}."
    yield f"The middleware: {found['middleware'][0] / found['FastAPI'][0]:.2f} of FastAPI's CPU without it."
