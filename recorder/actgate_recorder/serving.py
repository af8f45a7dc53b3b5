"""The recorder as a process: a log, two listeners, and an end that leaves no answer without its record.

On SIGTERM it says that it is unready and goes on, each answer closing its connection, until the delay is
over. Then the listener closes, what is open is finished or cut, and the log gets its last record.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import orjson

from actgate.recording.keys import Keyring
from actgate.recording.log import Log
from actgate.recording.tokens import Tokens
from actgate.recording.writer import Writer
from actgate.runtime.background import Background
from actgate.runtime.health import Health
from actgate.runtime.listener import Limits, Listener, listen
from actgate.runtime.main import on_signal
from actgate_recorder.metrics import Metrics
from actgate_recorder.pages import LIMITS, Pages, health_page, metrics_page
from actgate_recorder.proxy import Proxy
from actgate_recorder.settings import Settings
from actgate_recorder.upstream import Pool

logger = logging.getLogger(__name__)


class Stop:
    """The end, from the first signal on; a check of readiness."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.hurried = asyncio.Event()

    def signal(self) -> None:
        """Begin the end; a second call leaves its delay out."""
        (self.hurried if self.begun.is_set() else self.begun).set()

    def failing_checks(self) -> Mapping[str, str | None]:
        """Return the end as a reason not to be ready."""
        return {"shutdown": "shutting down" if self.begun.is_set() else None}


async def serve(settings: Settings) -> None:
    """Serve until a signal ends it.

    Raises:
        KeyUnavailableError, OSError, RecordNotWrittenError: The settings lead to nothing that could serve.
    """
    stop = Stop()
    keys = Keyring(settings.keys_dir) if settings.keys_dir is not None else None
    if keys is None:
        logger.warning("without --keys-dir records have no digests, and prove nothing of what was asked")
    else:
        keys.digester()
    async with AsyncExitStack() as stack:
        # Ports first: a log is begun by who will serve.
        listening = stack.enter_context(listen(settings.bind_address, settings.port))
        pages_listening = stack.enter_context(listen(settings.bind_address, settings.health_port))
        writer = await Writer.open(settings.log)
        stack.push_async_callback(_end, writer, settings.termination_log)
        log = Log(writer, settings.content, keys, settings.on_failure)
        pool = Pool(*settings.address, settings.limits)
        tokens = Tokens(settings.event_tokens_dir) if settings.event_tokens_dir is not None else None
        proxy = Proxy(pool, log, settings.upstream.encode(), tokens, settings.timeouts)
        listener = Listener(
            listening, proxy.client, Limits(settings.max_connections), rejected=proxy.connection_rejected
        )
        work = await stack.enter_async_context(Background({"inference log": log.follow()}))
        metrics = Metrics()
        metrics.watch(proxy, listener.__len__, lambda: writer.status)
        live = Health("livez", [work.failing_checks])
        ready = Health("readyz", [work.failing_checks, log.failing_checks, stop.failing_checks])
        pages = {
            "/livez": health_page(live),
            "/readyz": health_page(ready),
            "/metrics": metrics_page(metrics.exposition),
        }
        page_listener = Listener(pages_listening, lambda: Pages(pages), LIMITS)
        listener.start()
        page_listener.start()
        logger.info("health on %s, port %d", *pages_listening.getsockname()[:2])
        logger.info("listening on %s, port %d", *listening.getsockname()[:2])
        with on_signal(stop.signal):
            await stop.begun.wait()
            await _drain(proxy, listener, stop, settings)
        page_listener.close()
        await page_listener.wait_closed()


async def _end(writer: Writer, termination_log: Path) -> None:
    """End the log, and leave word of what is only here: an emptyDir goes with its pod."""
    await writer.close()
    await asyncio.to_thread(_report_unshipped, writer, termination_log)


def _report_unshipped(writer: Writer, termination_log: Path) -> None:
    segments, records = writer.unshipped()
    if segments:
        logger.error("%d records in %d segments were not uploaded", records, segments)
        if termination_log.exists():
            termination_log.write_bytes(
                orjson.dumps({"unshipped": {"segments": segments, "records": records}})
            )


async def _drain(proxy: Proxy, listener: Listener, stop: Stop, settings: Settings) -> None:
    logger.info("draining for %g s", settings.shutdown_delay_duration)
    proxy.draining = True
    with suppress(TimeoutError):
        async with asyncio.timeout(settings.shutdown_delay_duration):
            await stop.hurried.wait()
    listener.close()
    try:
        async with asyncio.timeout(settings.shutdown_timeout):
            await proxy.drained()
    except TimeoutError:
        logger.warning("%d requests are cut", len(proxy.clients))
        proxy.cut()
        await proxy.drained()
    proxy.pool.close()
    await listener.wait_closed()
