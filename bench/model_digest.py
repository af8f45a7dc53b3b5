"""The digest of a model's directory, against one pass of SHA-256 over the same bytes."""

import hashlib
import os
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Final

from actgate.pipeline.model_digest import of_directory
from bench.report import Section

MIB: Final = 1024 * 1024
SHAPES: Final = {
    "4 files of 75 MiB": (4, 75 * MIB),
    "1 file of 300 MiB": (1, 300 * MIB),
    "10,000 files": (10_000, 4096),
}
RUNS: Final = 5
MOST: Final = 1.2


def run() -> Section:
    """Take the digest of some models, each time beside ``hashlib.file_digest`` of its files."""
    rows, worst = [], 0.0
    for called, (count, size) in SHAPES.items():
        with tempfile.TemporaryDirectory() as folder:
            _fill(Path(folder), count, size)
            pairs = [
                (_timed(lambda: _plain(folder)), _timed(lambda: of_directory(folder))) for _ in range(RUNS)
            ]
        plain, ours = ([median(place, each) for place in (0, 1)] for each in zip(*pairs, strict=True))
        ratio = ours[1] / plain[1]
        worst = max(worst, ratio) if count < 10 else worst
        times = (f"{seconds:.2f}" for seconds in (plain[0], ours[0], plain[1], ours[1]))
        rows.append((called, *times, f"{ratio:.2f}"))
    return Section(
        "The digest of a model",
        f"`of_directory` (oms-v1, names and changes included) and `hashlib.file_digest` of the same files, "
        f"from the page cache, medians of {RUNS} interleaved runs. Goal: 300 MiB in at most {MOST} times "
        "the CPU time of one pass of SHA-256.",
        ("model", "hashlib, s", "ours, s", "hashlib, CPU s", "ours, CPU s", "CPU ratio"),
        rows,
        f"Ratio for 300 MiB at most {worst:.2f}: {'held' if worst <= MOST else 'not held'}. Small files "
        "cost what it takes to list, open and check each of them twice.",
    )


def median(place: int, times: tuple[tuple[float, float], ...]) -> float:
    """Return the median of wall seconds (0) or CPU seconds (1)."""
    return statistics.median(each[place] for each in times)


def _fill(folder: Path, count: int, size: int) -> None:
    block = os.urandom(min(size, MIB))
    for number in range(count):
        with (folder / f"part-{number:05}").open("wb") as file:
            for _ in range(size // len(block)):
                file.write(block)


def _plain(folder: str) -> None:
    for path in sorted(Path(folder).iterdir()):
        with path.open("rb") as file:
            hashlib.file_digest(file, "sha256").digest()


def _timed(take: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = perf_counter(), process_time()
    take()
    return perf_counter() - wall, process_time() - cpu
