"""CPU time of a call in this process, and of other processes."""

import os
from collections.abc import Callable
from pathlib import Path
from time import process_time


def microseconds(work: Callable[[], object], times: int = 2000) -> float:
    """Return CPU microseconds of one call: the best of five series, since other work only adds to them."""
    series = []
    for _ in range(5):
        start = process_time()
        for _ in range(times):
            work()
        series.append((process_time() - start) / times * 1e6)
    return min(series)


def seconds_of(process: int) -> float:
    """Return the CPU seconds that a process has taken so far."""
    fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
