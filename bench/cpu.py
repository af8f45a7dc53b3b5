"""CPU time of a call in this process."""

from collections.abc import Callable
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
