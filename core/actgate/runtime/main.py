"""The process of a service, from its settings to its exit code.

Exit codes: 0 after a signal, 1 when it cannot serve or something ended that must not, 2 for settings that
cannot be used. What is not 0 comes with one sentence on standard error.
"""

import asyncio
import ctypes
import gc
import logging
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeVar

import uvloop

from actgate.runtime import logs
from actgate.runtime.settings import ServiceSettings, UnusableSettingsError

logger = logging.getLogger(__name__)

CANNOT_SERVE: Final = 1
UNUSABLE: Final = 2

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_MMAP_THRESHOLD: Final = -3
"""``M_MMAP_THRESHOLD`` of malloc.h."""
_MAPPED_BYTES: Final = 128 * 1024

Settings = TypeVar("Settings", bound=ServiceSettings)


def run(
    settings: type[Settings],
    serve: Callable[[Settings], Coroutine[Any, Any, None]],
    unusable: tuple[type[Exception], ...],
) -> None:
    """Read settings, serve, and end the process with an exit code where that fails.

    Args:
        settings: The service's settings, to be read from the command line and the environment.
        serve: Serves until a signal.
        unusable: What ``serve`` raises where the settings lead to nothing that could serve.
    """
    reported: tuple[type[Exception], ...] = (UnusableSettingsError, *unusable)
    try:
        read = settings.read(sys.argv[1:])
        logs.configure(read.log_level)
        collect_seldom()
        _return_memory()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(read))
    except reported as error:
        code, sentence = UNUSABLE, str(error)
    except OSError as error:
        code, sentence = CANNOT_SERVE, error.strerror or str(error)
    except ExceptionGroup as group:
        code, sentence = CANNOT_SERVE, "; ".join(_logged(group))
    else:
        return
    sys.stderr.write(f"{settings.model_config['cli_prog_name']}: {sentence}\n")
    sys.exit(code)


@contextmanager
def on_signal(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` on the running loop, which is the main thread's, for SIGTERM and SIGINT."""
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


def _logged(group: ExceptionGroup[Exception]) -> list[str]:
    """Log what a group of tasks ended with; return a sentence for each."""
    sentences = []
    for error in group.exceptions:
        if isinstance(error, ExceptionGroup):
            sentences += _logged(error)
        else:
            logger.error("%s", error, exc_info=error)
            sentences.append(str(error))
    return sentences


def collect_seldom() -> None:
    """Collect garbage seldom: a walk over 100,000 manifests stalls every review for 0.25 s."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _return_memory() -> None:
    """Let glibc map each large block by itself, so that it goes back when it is freed.

    By default one freed block raises the limit above which that is done, and bodies fragment the heap.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _MAPPED_BYTES)
