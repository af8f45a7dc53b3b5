"""The webhook as a server: uvicorn over TLS, and an end that fails no call.

On the first SIGTERM the webhook says that it is unready and goes on: every answer asks its client
to close the connection, and whoever connects is still served, until the drain is over. By then no
endpoint leads here. The listener closes, what is open is finished, and the process ends with 0.
"""

import asyncio
import logging
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from actgate.cluster import access
from actgate.cluster.client import Cluster
from actgate.service import tracing
from actgate_webhook.app import create_app
from actgate_webhook.certificates import Certificates
from actgate_webhook.clients import ClientProtocol, Clients
from actgate_webhook.decision_log import DecisionLog
from actgate_webhook.lookup import Lookup
from actgate_webhook.metrics import Metrics
from actgate_webhook.self_call import SelfCall
from actgate_webhook.settings import Settings
from actgate_webhook.sink import NOWHERE, open_sink

logger = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS: Final = 120
"""Longer than the 90 s after which the API server closes an idle connection itself: the side that
sends closes first, so that no review is sent into a connection that is being closed."""

_CLOSE: Final = (b"connection", b"close")
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class Drain:
    """Whether the end has begun; a check of readiness."""

    def __init__(self) -> None:
        self.begun = False

    def troubles(self) -> Mapping[str, str | None]:
        """Return the end as a reason not to be ready."""
        return {"shutdown": "shutting down" if self.begun else None}


class Server(uvicorn.Server):
    """uvicorn, with a drain before its own graceful shutdown."""

    def __init__(self, config: uvicorn.Config, drain: Drain, drain_seconds: float) -> None:
        super().__init__(config)
        self._drain = drain
        self._drain_seconds = drain_seconds

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals on the loop. uvicorn raises them again at the end, which would not be a 0."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """Begin the drain; a second call ends it."""
        if self._drain.begun:
            self.should_exit = True
            return
        logger.info("draining for %g s", self._drain_seconds)
        self._drain.begun = True
        self.config.encoded_headers.append(_CLOSE)
        self.server_state.default_headers = [*self.server_state.default_headers, _CLOSE]
        asyncio.get_running_loop().call_later(self._drain_seconds, self._end)

    def _end(self) -> None:
        self.should_exit = True


def configuration(app: ASGIApp, certificates: Certificates, finish_seconds: int) -> uvicorn.Config:
    """Return how uvicorn serves an app over TLS here."""
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=ClientProtocol if certificates.asks_clients else "httptools",
        ws="none",
        lifespan="on",
        ssl_context_factory=lambda _config, _default: certificates.context,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=finish_seconds,
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
    )


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket; port 0 takes a free one.

    Raises:
        OSError: The address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048)


def _decision_log(settings: Settings, metrics: Metrics) -> DecisionLog | None:
    if settings.decision_log == NOWHERE:
        return None
    return DecisionLog(open_sink(settings.decision_log), metrics, settings.replica, settings.unrecorded)


async def serve(settings: Settings) -> None:
    """Serve until a signal ends it.

    Raises:
        CertificateError, Misconfigured, OSError, SinkError: The settings lead to nothing that could serve.
    """
    await access.find(settings.kubeconfig)
    metrics, drain = Metrics(), Drain()
    traces = tracing.from_environment("actgate-webhook", settings.replica)
    certificates = Certificates(settings.tls_certificate, settings.tls_key, metrics, settings.client_ca)
    if not certificates.asks_clients:
        logger.warning("without --client-ca any caller is answered, and recorded as not authenticated")
    cluster = Cluster.from_environment(settings.kubeconfig, agent="actgate-webhook")
    lookup = Lookup(cluster, metrics, settings.unready_after_seconds)
    with listen(settings.host, settings.port) as listener:
        self_call = SelfCall(settings.host, listener.getsockname()[1], certificates)
        app = create_app(
            lookup,
            metrics,
            resources=[cluster],
            work={
                "evidence": lookup.run,
                "certificate reload": partial(certificates.follow, settings.reload_seconds),
                "self-call": self_call.follow,
            },
            checks=[certificates.troubles, self_call.troubles, drain.troubles],
            decisions=_decision_log(settings, metrics),
            traces=traces,
        )
        guarded = Clients(app, settings.client_name, metrics) if certificates.asks_clients else app
        config = configuration(guarded, certificates, settings.finish_seconds)
        logger.info("listening on %s, port %d", *listener.getsockname()[:2])
        await Server(config, drain, settings.drain_seconds).serve(sockets=[listener])
    await asyncio.to_thread(traces.close)
