"""How far a scan is, on one line of standard error, where that is a terminal."""

import sys
from types import TracebackType
from typing import Final, Self

from actgate.api.quoting import printable

_CLEAR: Final = "\r\x1b[K"


class Progress:
    """A line that is written over while the scan runs, and is gone when it ends."""

    def __init__(self) -> None:
        self._shown = sys.stderr is not None and sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._put(_CLEAR)

    def report(self, resource: str, number: int) -> None:
        """Say which resource is read, and how many objects of it were read."""
        self._put(f"{_CLEAR}scanning {printable(resource)}{f': {number:,}' if number else ''}")

    def _put(self, text: str) -> None:
        if not self._shown:
            return
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            self._shown = False  # Progress is no result.
