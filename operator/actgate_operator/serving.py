"""One replica from start to end: health pages, the lease, and the work while it is held."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from actgate.kube.client import Cluster
from actgate.kube.lease import Lease
from actgate.runtime import tracing
from actgate.runtime.health import Health
from actgate.runtime.listener import Limits, Listener, listen
from actgate.runtime.main import on_signal
from actgate.runtime.tracing import Tracing
from actgate_operator.certificates.keeper import Keeper, Places, service_names
from actgate_operator.certificates.metrics import CertificateMetrics
from actgate_operator.health import Checks, pages
from actgate_operator.metrics import Metrics
from actgate_operator.names import MANAGER
from actgate_operator.operating import Operator
from actgate_operator.settings import Settings
from actgate_operator.writer import Writer

logger = logging.getLogger(__name__)

LIMITS: Final = Limits(connections=64, lifetime=60.0)
"""Of the connections to the health pages. A scraper or a kubelet opens another one when one is closed."""


async def serve(settings: Settings) -> None:
    """Run until a signal ends it; the lease is given back then.

    Raises:
        ClusterError: The settings lead to no API server.
        OSError: The address for health is taken.
        ExceptionGroup: The lease was lost, or something ended that must not: the process has to end.
    """
    metrics = Metrics()
    traces = tracing.from_environment("actgate-operator", settings.identity)
    async with Cluster.from_environment(settings.kubeconfig, metrics.asked, MANAGER) as cluster:
        lease = Lease(cluster, settings.lease_namespace, settings.lease_name, settings.identity)
        patience = settings.unhealthy_after
        live = Checks(lease, patience, first=patience)
        ready = Checks(lease, settings.unready_after)
        app = pages(metrics, Health("livez", [live.failing_checks]), Health("readyz", [ready.failing_checks]))
        async with _answering(app, settings):
            try:
                await _until_signal(_lead(cluster, lease, metrics, settings, (live, ready), traces))
            finally:
                await lease.release()
                if traces is not None:
                    await asyncio.to_thread(traces.close)


async def _lead(
    cluster: Cluster,
    lease: Lease,
    metrics: Metrics,
    settings: Settings,
    checks: tuple[Checks, ...],
    traces: Tracing | None,
) -> None:
    await lease.acquire()
    logger.info("%s leads", settings.identity)
    writer = Writer(cluster, lease.held)
    operator = Operator(cluster, writer, metrics, settings, traces=traces)
    keeper = _keeper(cluster, writer, metrics, settings)
    metrics.lead(True)
    for check in checks:
        check.lead(operator.parts)
    async with asyncio.TaskGroup() as group:
        group.create_task(lease.keep())
        group.create_task(operator.run())
        group.create_task(keeper.run())


def _keeper(cluster: Cluster, writer: Writer, metrics: Metrics, settings: Settings) -> Keeper:
    names = service_names(settings.webhook_service, settings.webhook_namespace)
    places = Places(
        namespace=settings.webhook_namespace,
        leaf=settings.webhook_tls_secret,
        authorities=settings.webhook_ca_secret,
        registration=settings.webhook_configuration,
        names=(*names, *settings.webhook_extra_sans),
    )
    return Keeper(
        cluster,
        writer,
        places,
        CertificateMetrics(metrics.registry),
        writes=settings.certificates == "SelfManaged",
    )


async def _until_signal(work: Coroutine[object, object, None]) -> None:
    """Await work, or cancel it when a signal comes."""
    task, stopping = asyncio.create_task(work), False

    def stop() -> None:
        nonlocal stopping
        stopping = True
        task.cancel()

    with on_signal(stop):
        try:
            await task
        except asyncio.CancelledError:
            if not stopping:
                raise
            logger.info("stopped by a signal")


@asynccontextmanager
async def _answering(app: web.Application, settings: Settings) -> AsyncIterator[None]:
    """Answer within limits: aiohttp waits for ever for the header of a first request."""
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        with listen(settings.bind_address, settings.health_port) as listening:
            assert runner.server is not None  # noqa: S101 - it is there after setup
            listener = Listener(listening, runner.server, LIMITS)
            listener.start()
            try:
                host, port = listening.getsockname()[:2]
                logger.info("health on %s, port %d", host, port)
                yield
            finally:
                listener.close()
                await listener.wait_closed()
    finally:
        await runner.cleanup()
