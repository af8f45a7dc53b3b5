"""What is counted, for Prometheus."""

from collections import Counter as Tally
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import Final

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from actgate.kube.objects import Key
from actgate.kube.observing import Asked
from actgate.runtime.metrics import ServiceMetrics
from actgate_operator.reconcile import Report

OUTCOMES: Final = ("Pass", "Warn", "Fail", "Unknown")
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics(ServiceMetrics):
    """Counters, histograms and gauges of one operator."""

    def __init__(self) -> None:
        super().__init__("actgate_operator")
        self.models: dict[Key, Report] = {}
        """What each model came to, the last time that it was reconciled."""
        self._leader = Gauge(
            "actgate_operator_leader", "Whether this replica leads: 1 or 0.", registry=self.registry
        )
        self._seconds = Histogram(
            "actgate_operator_reconcile_duration_seconds",
            "Duration of one reconciliation of a model, from the queue to its status.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._errors = Counter(
            "actgate_operator_reconcile_errors",
            "Reconciliations that have to be retried, by reason.",
            ("reason",),
            registry=self.registry,
        )
        self._requests = Counter(
            "actgate_operator_api_requests",
            "Requests to the API server; code 0 for no answer.",
            ("verb", "resource", "code"),
            registry=self.registry,
        )
        self._depth = Gauge(
            "actgate_operator_queue_depth", "Models that wait to be reconciled.", registry=self.registry
        )
        self._age = Gauge(
            "actgate_operator_queue_age_seconds",
            "Time for which the oldest of them has waited, or has been reconciled.",
            registry=self.registry,
        )

        self._refused = Counter(
            "actgate_operator_refused_children",
            "Claims of controllers that the webhook refused a child of theirs, by what came of them.",
            ("result",),
            registry=self.registry,
        )

    def lead(self, leading: bool) -> None:
        """Note whether this replica leads."""
        self._leader.set(leading)

    def asked(self, request: Asked) -> None:
        """Count a request to the API server."""
        self._requests.labels(request.verb, request.resource, str(request.code)).inc()

    @contextmanager
    def reconciling(self) -> Iterator[None]:
        """Time one reconciliation."""
        started = perf_counter()
        try:
            yield
        finally:
            self._seconds.observe(perf_counter() - started)

    def failed(self, reason: str) -> None:
        """Count a reconciliation that has to be retried."""
        self._errors.labels(reason).inc()

    def refused_child(self, result: str) -> None:
        """Count a claim that a child was refused."""
        self._refused.labels(result).inc()

    def watch_queue(self, depth: Callable[[], int], age: Callable[[], float]) -> None:
        """Report depth and age of the queue at every scrape."""
        self._depth.set_function(depth)
        self._age.set_function(age)

    def watch_models(self, expiries: Callable[[], Mapping[Key, float]]) -> None:
        """Report models by outcome, and when the evidence of each stops counting."""
        self.registry.register(_Models(self.models, expiries))


class _Models(Collector):
    """Counts models when it is asked: a gauge per model that is kept up to date would outlive the model."""

    def __init__(self, models: Mapping[Key, Report], expiries: Callable[[], Mapping[Key, float]]) -> None:
        self._models = models
        self._expiries = expiries

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield what is known now."""
        reports = list(self._models.values())
        tally = Tally((report.outcome, report.ready) for report in reports)
        models = GaugeMetricFamily(
            "actgate_operator_models", "ModelDeployments by outcome.", labels=("outcome", "ready")
        )
        for outcome in OUTCOMES:
            for ready in (True, False):
                models.add_metric((outcome, str(ready).lower()), tally[outcome, ready])
        yield models
        expiry = GaugeMetricFamily(
            "actgate_operator_evidence_expiration_timestamp_seconds",
            "When time alone changes the verdict on a model, as Unix time.",
            labels=("namespace", "name"),
        )
        for key, moment in self._expiries().items():
            expiry.add_metric(key, moment)
        yield expiry
