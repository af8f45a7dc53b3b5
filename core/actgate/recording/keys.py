"""Keys of digests, as a Secret is mounted: one file for each key, its name is the key's id.

The key with the last name is used, but none that is dated after today (UTC): with one key for each day, named
as in ``2026-11-27``, keys can be made ahead, and deleting a day's file makes that day's digests useless.
"""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from actgate.trace.digests import Digester

MIN_BYTES: Final = 32
MAX_ID: Final = 64
_RELOAD: Final = 10.0
"""Seconds after which the directory is read again; the kubelet itself takes up to a minute to update it."""


class KeyUnavailableError(Exception):
    """No digest can be made: one sentence that says why."""


class Keyring:
    """The keys of a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._current: Digester | None = None
        self._read_at = float("-inf")

    def digester(self) -> Digester:
        """Return the key to use now.

        Raises:
            KeyUnavailableError: The directory cannot be read, or has no key for today.
        """
        now = time.monotonic()
        if self._current is None or now - self._read_at >= _RELOAD:
            self._current = None
            self._current = self._read()
            self._read_at = now
        return self._current

    def _read(self) -> Digester:
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        try:
            # ..data and what else begins with a dot is how the kubelet replaces all files in one step.
            names = [path.name for path in self._directory.iterdir() if not path.name.startswith(".")]
            name = max((name for name in names if name <= today or not name[:1].isdigit()), default=None)
            if name is None:
                raise KeyUnavailableError(
                    f"{self._directory} has no key for {today}: add one of {MIN_BYTES} bytes"
                )
            key = (self._directory / name).read_bytes()
        except OSError as error:
            raise KeyUnavailableError(f"{self._directory} cannot be read: {error.strerror}") from None
        if len(key) < MIN_BYTES or len(name) > MAX_ID:
            raise KeyUnavailableError(
                f"{self._directory / name}: must have {MIN_BYTES} bytes or more, a name {MAX_ID} or less"
            )
        return Digester(name, key)
