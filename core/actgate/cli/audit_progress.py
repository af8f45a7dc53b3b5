"""Progress of an audit on a terminal: bytes of the digest, and how much of a query is done."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from actgate.pipeline.audit.run import Progress

_EVERY = 0.2
"""Seconds between two polls of a query."""


@contextmanager
def shown() -> Iterator[Progress]:
    """Show progress on standard error while the block runs, where that is a terminal and rich is there."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield Progress()
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar
    except ModuleNotFoundError:
        yield Progress()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        yield _OnTerminal(bar)


class _OnTerminal(Progress):
    def __init__(self, bar: Any) -> None:  # noqa: ANN401 - rich is imported only where it is used
        self._bar = bar
        self._task: Any = None

    def step(self, words: str, total: int | None = None) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(words, total=total)

    def advance(self, number: int) -> None:
        self._bar.advance(self._task, number)

    @contextmanager
    def watching(self, percent: Callable[[], float]) -> Iterator[None]:
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(_EVERY):
                done = percent()
                if done >= 0:
                    self._bar.update(self._task, total=100, completed=done)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()
