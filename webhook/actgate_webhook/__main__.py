"""``python -m actgate_webhook``: serve until SIGTERM; see ``--help``.

Exit codes: 0 after a drain, 1 when it cannot serve, 2 for settings that cannot be used.
"""

import asyncio
import ctypes
import gc
import logging
import sys
from contextlib import suppress
from typing import Final

import uvloop

from actgate.kube.errors import Misconfigured
from actgate.runtime import logs
from actgate_webhook.certificates import CertificateError
from actgate_webhook.serving import serve
from actgate_webhook.settings import Settings, UnusableSettingsError
from actgate_webhook.sink import SinkError

logger = logging.getLogger("actgate_webhook")

_MMAP_THRESHOLD: Final = -3
"""``M_MMAP_THRESHOLD`` of malloc.h."""
_MAPPED_BYTES: Final = 128 * 1024


def main() -> None:
    """Read settings, serve, and end the process with an exit code."""
    try:
        settings = Settings.read(sys.argv[1:])
    except UnusableSettingsError as error:
        sys.exit(_said(str(error), 2))
    logs.configure(settings.log_level)
    _calm_garbage_collection()
    _return_memory()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings))
    except (CertificateError, Misconfigured, SinkError) as error:
        sys.exit(_said(str(error), 2))
    except OSError as error:
        sys.exit(_said(f"cannot listen on {settings.host}, port {settings.port}: {error.strerror}", 1))


def _calm_garbage_collection() -> None:
    """Look for cycles seldom: a look at 100,000 manifests stalls every review for a quarter of a second."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _return_memory() -> None:
    """Let glibc map each large block by itself, so that it goes back when it is freed.

    By default one freed block raises the limit above which that is done, and bodies fragment the heap.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _MAPPED_BYTES)


def _said(sentence: str, code: int) -> int:
    sys.stderr.write(f"actgate-webhook: {sentence}\n")
    return code


if __name__ == "__main__":
    main()
