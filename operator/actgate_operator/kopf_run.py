"""kopf with our handlers on the main loop, as ``actgate-operator`` runs it."""

import asyncio

import kopf

from actgate_operator import handlers
from actgate_operator.kopf_fixes import ignore_abandoned_login
from actgate_operator.kopf_settings import quiet
from actgate_operator.process import Process
from actgate_operator.settings import Settings


class WatchEnded(Exception):  # noqa: N818 - the name says it already
    """kopf has ended by itself: changes of models are no longer observed."""


async def serve(settings: Settings) -> None:
    """Run until a signal ends it; the lease is given back then.

    Raises:
        Misconfigured: The settings lead to no API server.
        OSError: The address for health is taken.
        ExceptionGroup: The lease was lost, or something ended that must not: the process has to end.
    """
    stop = asyncio.Event()
    await run_kopf(Process(settings, stop.set), stop)


async def run_kopf(process: Process, stop: asyncio.Event) -> None:
    """Run kopf until ``stop`` is set, or a signal comes where this is the main thread.

    Raises:
        Exception: What opening or closing the process raised.
        ExceptionGroup: What ended the work, or ``WatchEnded`` where kopf ended by itself.
    """
    quiet()
    ignore_abandoned_login()
    try:
        await kopf.operator(
            # Those that the import of this module has registered.
            registry=handlers.REGISTRY,
            memo=kopf.Memo(process=process),
            clusterwide=True,
            standalone=True,
            stop_flag=stop,
        )
    except Exception as error:
        # kopf wraps what a handler raised, whose own words are the ones to read.
        if type(error).__name__ == "ActivityError" and error.__cause__ is not None:
            raise error.__cause__ from None
        raise ExceptionGroup("kopf", [WatchEnded(f"kopf ended: {error}")]) from error
    if process.failure is not None:
        raise process.failure
