"""Traces over OTLP/HTTP, where the environment names an endpoint; elsewhere ``NO_SPAN`` stands for each span.

The variables are those of OpenTelemetry. ``OTEL_EXPORTER_OTLP_ENDPOINT`` or
``OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`` turns traces on, and the SDK reads the rest (headers, certificates,
sampler, resource). It takes the extra ``tracing``. Traces never decide anything: a missing package or a dead
collector is a warning in the log.

Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

import logging
import os
import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Final

from opentelemetry.trace import INVALID_SPAN, Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from actgate.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

logger = logging.getLogger(__name__)

CLOSE_SECONDS: Final = 3.0
"""How long the end of the process waits for spans that are still to be sent."""

_CARRIERS: Final = (b"traceparent", b"tracestate")
"""Headers of W3C Trace Context."""
_PROPAGATOR: Final = TraceContextTextMapPropagator()
NO_SPAN: Final = nullcontext(INVALID_SPAN)
"""Where nothing is traced: OpenTelemetry's own no-op would read the headers first, in every review."""


class Tracing:
    """The spans of one service, which the SDK sends from a thread of its own.

    Args:
        provider: The SDK's.
        exporter: What the provider exports to.
    """

    def __init__(self, provider: "TracerProvider", exporter: "SpanExporter") -> None:
        self._provider = provider
        self._exporter = exporter
        self._tracer = provider.get_tracer("actgate", VERSION)

    def span(self, name: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> AbstractContextManager[Span]:
        """Return a context whose time is traced.

        Args:
            name: What is done.
            headers: Headers of the request that asked for it; a trace that they name is continued.
        """
        carrier = {key.decode(): value.decode("latin-1") for key, value in headers if key in _CARRIERS}
        kind = SpanKind.SERVER if carrier else SpanKind.INTERNAL
        return self._tracer.start_as_current_span(name, _PROPAGATOR.extract(carrier), kind)

    def close(self) -> None:
        """Send what is left; to be called off the event loop.

        A collector that does not answer is given up after ``CLOSE_SECONDS``.
        """
        closing = threading.Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
        if closing.is_alive():
            self._exporter.shutdown()


def from_environment(service: str, instance: str) -> Tracing | None:
    """Return what traces as the environment says; None where it says nothing, or what cannot be done.

    Args:
        service: Name of the service, such as ``actgate-webhook``, unless the environment has another.
        instance: Name of this replica of it.
    """
    endpoint = _endpoint()
    if endpoint is None:
        return None
    try:
        tracing = Tracing(*_provider(service, instance))
    except ImportError as error:
        logger.warning("nothing is traced: %s; install actgate[tracing]", error)
        return None
    logger.info("traces go to %s", endpoint)
    return tracing


def _endpoint() -> str | None:
    """Return where traces go; None where they go nowhere."""
    environment = os.environ
    endpoint = environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or environment.get(
        "OTEL_EXPORTER_OTLP_ENDPOINT"
    )
    off = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if not endpoint or off or environment.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp":
        return None
    protocol = environment.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environment.get(
        "OTEL_EXPORTER_OTLP_PROTOCOL"
    )
    if protocol not in (None, "", "http/protobuf"):
        logger.warning("nothing is traced: the protocol is %r, and only http/protobuf is spoken", protocol)
        return None
    return endpoint


def _provider(service: str, instance: str) -> "tuple[TracerProvider, SpanExporter]":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    ours = {"service.name": service, "service.instance.id": instance, "service.version": VERSION}
    provider = TracerProvider(
        resource=Resource.create().merge(Resource(ours)).merge(OTELResourceDetector().detect()),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider, exporter
