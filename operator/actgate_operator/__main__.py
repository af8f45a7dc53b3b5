"""``python -m actgate_operator``: run until SIGTERM; see ``--help``.

Exit codes: 0 after a signal, 1 when the lease was lost or something ended that must not, 2 for settings that
cannot be used.
"""

import asyncio
import gc
import logging
import sys

import uvloop

from actgate.kube.errors import Misconfigured
from actgate.runtime import logs
from actgate_operator.serving import serve
from actgate_operator.settings import Settings, UnusableSettingsError

logger = logging.getLogger("actgate_operator")


def main() -> None:
    """Read settings, serve, and end the process with an exit code."""
    try:
        settings = Settings.read(sys.argv[1:])
    except UnusableSettingsError as error:
        sys.exit(_said(str(error), 2))
    logs.configure(settings.log_level)
    _calm_garbage_collection()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings))
    except Misconfigured as error:
        sys.exit(_said(str(error), 2))
    except OSError as error:
        sys.exit(
            _said(
                f"cannot listen on {settings.health_host}, port {settings.health_port}: {error.strerror}", 1
            )
        )
    except ExceptionGroup as group:
        sys.exit(_said("; ".join(str(error) for error in _leaves(group)), 1))


def _leaves(group: ExceptionGroup[Exception]) -> list[Exception]:
    leaves = []
    for error in group.exceptions:
        leaves += _leaves(error) if isinstance(error, ExceptionGroup) else [error]
        if not isinstance(error, ExceptionGroup):
            logger.error("%s", error, exc_info=error)
    return leaves


def _calm_garbage_collection() -> None:
    """Look for cycles seldom: a look at thousands of models stalls everything else."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _said(sentence: str, code: int) -> int:
    sys.stderr.write(f"actgate-operator: {sentence}\n")
    return code


if __name__ == "__main__":
    main()
