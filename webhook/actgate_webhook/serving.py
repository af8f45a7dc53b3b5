"""The webhook as a server: uvicorn over TLS, and an end that fails no call.

On the first SIGTERM the webhook says that it is unready and goes on: every answer asks its client
to close the connection, and new connections are still served, until the drain is over. By then no
endpoint leads here. The listener closes, what is open is finished, and the process ends with 0.
"""

import asyncio
import logging
import math
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Final, cast

import uvicorn
from starlette.types import ASGIApp

from actgate.kube import access
from actgate.kube.client import Cluster
from actgate.lookup.added_kinds import AddedKinds
from actgate.lookup.cache import EvidenceCache
from actgate.lookup.owners import OwnerChains
from actgate.runtime import tracing
from actgate.runtime.listener import Limits, Listener, listen
from actgate.runtime.main import on_signal
from actgate.runtime.tls import Certificates
from actgate_webhook.app import create_app
from actgate_webhook.bodies import Bodies
from actgate_webhook.clients import ClientProtocol, Clients
from actgate_webhook.connections import KEEP_ALIVE_SECONDS, TimedProtocol, Timeouts
from actgate_webhook.decision_log import NOWHERE, DecisionLog, open_sink
from actgate_webhook.metrics import Metrics
from actgate_webhook.self_call import SelfCall
from actgate_webhook.settings import Settings

logger = logging.getLogger(__name__)

LIMITS: Final = Limits(connections=500)
TIMEOUTS: Final = Timeouts()

_CLOSE: Final = (b"connection", b"close")
_CANNOT_START: Final = 3
"""Exit code of uvicorn where an application does not start."""


class Drain:
    """Whether the end has begun; a check of readiness."""

    def __init__(self) -> None:
        self.begun = False

    def failing_checks(self) -> Mapping[str, str | None]:
        """Return the end as a reason not to be ready."""
        return {"shutdown": "shutting down" if self.begun else None}


class Server(uvicorn.Server):
    """uvicorn, with a drain before its own graceful shutdown."""

    def __init__(
        self,
        config: uvicorn.Config,
        drain: Drain,
        shutdown_delay: float,
        *,
        limits: Limits = LIMITS,
        timeouts: Timeouts = TIMEOUTS,
        metrics: Metrics | None = None,
    ) -> None:
        super().__init__(config)
        self._drain = drain
        self._shutdown_delay = shutdown_delay
        self._limits = limits
        self._timeouts = timeouts
        self._metrics = metrics or Metrics()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, and listen within limits, of which uvicorn has none."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(_CANNOT_START)
        listeners = [
            Listener(open_, self._protocol, self._limits, self.config.ssl, self._metrics.connection_rejected)
            for open_ in sockets or ()
        ]
        self._metrics.watch_load(connections=lambda: sum(map(len, listeners)))
        for listener in listeners:
            listener.start()
        self.servers = listeners  # type: ignore[assignment] # what uvicorn asks of them: close, wait_closed
        self.started = True

    def _protocol(self) -> asyncio.BaseProtocol:
        make = cast(type[TimedProtocol], self.config.http_protocol_class)
        protocol = make(self.config, self.server_state, self.lifespan.state)
        protocol.timeouts = self._timeouts
        return protocol

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals on the loop. uvicorn raises them again at the end, which would not be a 0."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        with on_signal(self.stop):
            yield

    def stop(self) -> None:
        """Begin the drain; a second call ends it."""
        if self._drain.begun:
            self.should_exit = True
            return
        logger.info("draining for %g s", self._shutdown_delay)
        self._drain.begun = True
        self.config.encoded_headers.append(_CLOSE)
        self.server_state.default_headers = [*self.server_state.default_headers, _CLOSE]
        asyncio.get_running_loop().call_later(self._shutdown_delay, self._end)

    def _end(self) -> None:
        self.should_exit = True


def configuration(app: ASGIApp, certificates: Certificates, shutdown_timeout: float) -> uvicorn.Config:
    """Return how uvicorn serves an app over TLS here."""
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=ClientProtocol if certificates.asks_clients else TimedProtocol,
        ws="none",
        lifespan="on",
        ssl_context_factory=lambda _config, _default: certificates.context,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=math.ceil(shutdown_timeout),
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
    )


def _decision_log(settings: Settings, metrics: Metrics) -> DecisionLog | None:
    if settings.decision_log == NOWHERE:
        return None
    return DecisionLog(
        open_sink(settings.decision_log), metrics, settings.replica, settings.decision_log_failure_policy
    )


def evidence_cache(cluster: Cluster, metrics: Metrics, unready_after: float) -> EvidenceCache:
    """Return the evidence of a cluster, with its live reads counted and its caches measured."""
    evidence = EvidenceCache(cluster, on_live_read=metrics.live_read, unready_after=unready_after)
    for reflector in evidence.reflectors:
        metrics.observe_cache(reflector.resource.plural, reflector.__len__, reflector.age)
    return evidence


def added_kinds(cluster: Cluster, metrics: Metrics, namespace: str) -> AddedKinds:
    """Return the kinds of a cluster, with their problems counted."""

    def changed() -> None:
        metrics.serving_kind_problems((problem.kind, problem.reason) for problem in added.problems)

    added = AddedKinds(cluster, namespace, changed)
    return added


async def serve(settings: Settings) -> None:
    """Serve until a signal ends it.

    Raises:
        CertificateError, Misconfigured, OSError, SinkError: The settings lead to nothing that could serve.
    """
    await access.find(settings.kubeconfig)
    metrics, drain = Metrics(), Drain()
    traces = tracing.from_environment("actgate-webhook", settings.replica)
    certificates = Certificates(
        settings.tls_cert_file, settings.tls_private_key_file, metrics, settings.client_ca_file
    )
    if not certificates.asks_clients:
        logger.warning("without --client-ca-file any caller is answered, and recorded as not authenticated")
    cluster = Cluster.from_environment(settings.kubeconfig, agent="actgate-webhook")
    evidence = evidence_cache(cluster, metrics, settings.unready_after)
    added = added_kinds(cluster, metrics, settings.namespace)
    bodies = Bodies(settings.max_request_bytes_inflight)
    metrics.watch_load(held=lambda: bodies.bytes)
    with listen(settings.bind_address, settings.secure_port) as listener:
        self_call = SelfCall(settings.bind_address, listener.getsockname()[1], certificates)
        app = create_app(
            evidence,
            metrics,
            resources=[cluster],
            work={
                "evidence": evidence.run,
                "certificate reload": partial(certificates.follow, settings.tls_reload_interval),
                "self-call": self_call.follow,
            },
            checks=[certificates.failing_checks, self_call.failing_checks, drain.failing_checks],
            decisions=_decision_log(settings, metrics),
            traces=traces,
            bodies=bodies,
            owners=OwnerChains(cluster, table=added.known_table, on_live_read=metrics.live_read),
            added=added,
        )
        guarded = Clients(app, settings.client_allowed_names, metrics) if certificates.asks_clients else app
        config = configuration(guarded, certificates, settings.shutdown_timeout)
        logger.info("listening on %s, port %d", *listener.getsockname()[:2])
        server = Server(
            config,
            drain,
            settings.shutdown_delay_duration,
            limits=Limits(settings.max_connections, settings.read_header_timeout),
            timeouts=Timeouts(settings.read_header_timeout, settings.read_timeout),
            metrics=metrics,
        )
        await server.serve(sockets=[listener])
    if traces is not None:
        await asyncio.to_thread(traces.close)
