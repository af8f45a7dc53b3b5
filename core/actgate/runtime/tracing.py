"""Traces over OTLP/HTTP, where the environment names an endpoint; else nothing is imported and nothing paid.

The variables are those of OpenTelemetry. ``OTEL_EXPORTER_OTLP_ENDPOINT`` or
``OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`` turns traces on, and the SDK reads the rest (headers, certificates,
sampler, resource). Traces never decide anything: a missing package or a dead collector is a warning in the
log. It takes the extra ``tracing``.

Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

import logging
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Final, Protocol

from actgate.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

logger = logging.getLogger(__name__)

Headers = Iterable[tuple[bytes, bytes]]
Attribute = str | bool | int | float

CLOSE_SECONDS: Final = 3.0
"""How long the end of the process waits for spans that are still to be sent."""

_CARRIERS: Final = (b"traceparent", b"tracestate")
"""Headers of W3C Trace Context."""
_NOTHING: Final = nullcontext(None)


class Span(Protocol):
    """A piece of work that is traced."""

    def set_attributes(self, attributes: Mapping[str, Attribute]) -> None:
        """Say more about it."""


class Tracing:
    """Traces nothing; what is used without an endpoint, and the base of what is used with one."""

    def span(self, name: str, headers: Headers = ()) -> AbstractContextManager[Span | None]:
        """Return a context whose time is traced.

        Args:
            name: What is done.
            headers: Headers of the request that asked for it; a trace that they name is continued.

        Returns:
            The span on entering, None where nothing is traced.
        """
        return _NOTHING

    def close(self) -> None:
        """Send what is still to be sent, for a few seconds; to be called off the event loop."""


OFF: Final = Tracing()


def from_environment(service: str, instance: str) -> Tracing:
    """Return what traces as the environment says.

    Args:
        service: Name of the service, such as ``actgate-webhook``, unless the environment has another.
        instance: Name of this replica of it.
    """
    endpoint = _endpoint()
    if endpoint is None:
        return OFF
    try:
        tracing = OtlpTracing(*_provider(service, instance))
    except ImportError as error:
        logger.warning("nothing is traced: %s; install actgate[tracing]", error)
        return OFF
    logger.info("traces go to %s", endpoint)
    return tracing


class OtlpTracing(Tracing):
    """Hands spans to OpenTelemetry's SDK, which sends them from a thread of its own."""

    def __init__(self, provider: "TracerProvider", exporter: "SpanExporter") -> None:
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._exporter = exporter
        self._tracer = provider.get_tracer("actgate", VERSION)
        self._propagator = TraceContextTextMapPropagator()
        self._kinds = SpanKind

    def span(self, name: str, headers: Headers = ()) -> AbstractContextManager[Span | None]:
        """Return a context whose time is traced."""
        return self._span(
            name, {key.decode(): value.decode("latin-1") for key, value in headers if key in _CARRIERS}
        )

    @contextmanager
    def _span(self, name: str, carrier: dict[str, str]) -> Iterator[Span]:
        kind = self._kinds.SERVER if carrier else self._kinds.INTERNAL
        context = self._propagator.extract(carrier)
        with self._tracer.start_as_current_span(name, context, kind) as span:
            yield span

    def close(self) -> None:
        """Send what is left; a collector that does not answer is given up after ``CLOSE_SECONDS``."""
        closing = threading.Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
        if closing.is_alive():
            self._exporter.shutdown()


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
