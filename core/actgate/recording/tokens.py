"""Who may send events of human oversight: a token for each sender, as a Secret is mounted.

Each file is a sender: its name is recorded, its content is the token. A header in which a proxy names the
caller is no proof here: whatever reaches the port could send it.
"""

import hmac
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

logger = logging.getLogger(__name__)

SHORTEST: Final = 16
"""Bytes of a token."""
_RELOAD_SECONDS: Final = 10.0


class Tokens:
    """The tokens of a directory, read again as they change."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._tokens: Mapping[str, bytes] = {}
        self._read_at = float("-inf")

    def sender(self, authorization: bytes | None) -> str | None:
        """Return the name of the sender that a header proves; None where it proves none."""
        scheme, _, token = (authorization or b"").partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        given, found = token.strip(), None
        for name, known in self._current().items():
            # All are compared, so that the time says nothing of which one is near.
            if hmac.compare_digest(given, known):
                found = name
        return found

    def _current(self) -> Mapping[str, bytes]:
        now = time.monotonic()
        if now - self._read_at >= _RELOAD_SECONDS:
            self._read_at, self._tokens = now, self._read()
        return self._tokens

    def _read(self) -> Mapping[str, bytes]:
        try:
            # What begins with a dot is how the kubelet replaces all files in one step.
            files = [path for path in self._directory.iterdir() if not path.name.startswith(".")]
            found = {path.name: path.read_bytes().strip() for path in files}
        except OSError as error:
            logger.error("%s cannot be read: %s", self._directory, error.strerror)  # noqa: TRY400 - no defect
            return {}
        for name in [name for name, token in found.items() if len(token) < SHORTEST]:
            logger.error("%s/%s: a token must have at least %d bytes", self._directory, name, SHORTEST)
            del found[name]
        return found
