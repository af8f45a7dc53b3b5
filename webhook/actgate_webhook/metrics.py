"""What is counted, for Prometheus."""

from collections.abc import Callable
from functools import cache
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from actgate.records.record import METRIC_LABELS
from actgate.runtime.metrics import ServiceMetrics

_SECONDS: Final = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    2.5,
    5,
)


class Metrics(ServiceMetrics):
    """Counters, histograms and gauges of one webhook."""

    def __init__(self) -> None:
        super().__init__("actgate_webhook")
        self._reviews = Counter(
            "actgate_webhook_reviews",
            "Reviews answered.",
            METRIC_LABELS,
            registry=self.registry,
        )
        self._reviews_of = cache(self._reviews.labels)
        self._seconds = Histogram(
            "actgate_webhook_review_duration_seconds",
            "Duration from the first byte of a review to its answer.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._bad_requests = Counter(
            "actgate_webhook_bad_requests",
            "Requests that are not an AdmissionReview.",
            ("status",),
            registry=self.registry,
        )
        self._unauthenticated = Counter(
            "actgate_webhook_unauthenticated_reviews",
            "Reviews answered to callers that showed no client certificate: anyone may have sent them.",
            registry=self.registry,
        )
        self._connections = Gauge(
            "actgate_webhook_connections",
            "Open connections, those in the handshake included.",
            registry=self.registry,
        )
        self._rejected = Counter(
            "actgate_webhook_connections_rejected",
            "Connections that were not accepted, or closed since the client was too slow, by reason.",
            ("reason",),
            registry=self.registry,
        )
        self._bytes = Gauge(
            "actgate_webhook_inflight_request_bytes",
            "Bytes of bodies over 64 KiB that are read or judged.",
            registry=self.registry,
        )
        self._live_reads = Counter(
            "actgate_webhook_live_reads",
            "Reads from the API server while a review waits.",
            ("resource", "result"),
            registry=self.registry,
        )
        self._lost = Counter(
            "actgate_webhook_decision_log_lost",
            "Decisions that could not be written to the decision log.",
            registry=self.registry,
        )
        self._expiry = Gauge(
            "actgate_webhook_certificate_expiration_timestamp_seconds",
            "When the serving certificate ends, as Unix time.",
            registry=self.registry,
        )
        self._reloads = Counter(
            "actgate_webhook_certificate_reloads",
            "New serving certificates, by whether they could be used.",
            ("result",),
            registry=self.registry,
        )

    def reviewed(self, labels: tuple[str, ...], seconds: float, *, authenticated: bool) -> None:
        """Count a review that was answered within so many seconds, by values of ``METRIC_LABELS``."""
        self._reviews_of(*labels).inc()
        self._seconds.observe(seconds)
        if not authenticated:
            self._unauthenticated.inc()

    def bad_request(self, status: int) -> None:
        """Count a request that was no AdmissionReview."""
        self._bad_requests.labels(str(status)).inc()

    def connection_rejected(self, reason: str) -> None:
        """Count a connection that was not accepted, or that was closed because of its client."""
        self._rejected.labels(reason).inc()

    def watch_load(
        self, connections: Callable[[], int] | None = None, held: Callable[[], int] | None = None
    ) -> None:
        """Report connections and bytes of bodies at every scrape."""
        if connections is not None:
            self._connections.set_function(connections)
        if held is not None:
            self._bytes.set_function(held)

    def decision_lost(self) -> None:
        """Count a decision that could not be recorded."""
        self._lost.inc()

    def live_read(self, resource: str, result: str) -> None:
        """Count a live read by its result: found, missing or error."""
        self._live_reads.labels(resource, result).inc()

    def certificate_loaded(self, expiry: float) -> None:
        """Note a serving certificate and when it ends, as Unix time."""
        self._reloads.labels("success").inc()
        self._expiry.set(expiry)

    def certificate_refused(self) -> None:
        """Count a new pair of files that could not be used."""
        self._reloads.labels("error").inc()
