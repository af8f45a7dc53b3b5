"""What is counted, for Prometheus: kept as plain numbers, and read at a scrape."""

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from actgate.recording.writer import Status
from actgate.runtime.metrics import ServiceMetrics
from actgate_recorder.proxy import Proxy


class Metrics(ServiceMetrics):
    """Counters and gauges of one recorder, once it has a proxy."""

    def __init__(self) -> None:
        super().__init__("actgate_recorder")

    def watch(self, proxy: Proxy, connections: Callable[[], int], status: Callable[[], Status]) -> None:
        """Report what a proxy counts at every scrape."""
        self.registry.register(_Reading(proxy, connections, status))


class _Reading(Collector):
    def __init__(self, proxy: Proxy, connections: Callable[[], int], status: Callable[[], Status]) -> None:
        self._proxy = proxy
        self._connections = connections
        self._read_status = status

    def collect(self) -> Iterator[Metric]:
        proxy, counts = self._proxy, self._proxy.log.counts
        for name, words, value in (
            ("records", "Records that were written.", counts.records),
            ("lost", "Answers that left without a record, which is so with Serve alone.", counts.lost),
            ("withheld", "Answers that did not leave, for want of a record.", counts.refused),
            ("probes", "Requests that were passed and not recorded.", proxy.passed),
        ):
            yield CounterMetricFamily(f"actgate_recorder_{name}", words, value)
        refused = CounterMetricFamily(
            "actgate_recorder_own_answers",
            "Answers that the recorder gave and not the model, by status.",
            labels=("status",),
        )
        for status, count in sorted(proxy.refusals.items()):
            refused.add_metric((str(status),), count)
        yield refused
        read = self._read_status()
        age, oldest = read.checkpoint_age, read.oldest_unshipped
        for name, words, gauge in (
            ("connections", "Open connections of clients.", self._connections()),
            ("upstream_connections", "Open connections to the model.", len(proxy.pool)),
            ("checkpoint_age_seconds", "Age of the last checkpoint while it does not cover all.", age),
            (
                "oldest_unshipped_seconds",
                "Time since the oldest segment that is only here was sealed.",
                oldest,
            ),
            ("in_flight", "Requests under way.", len(proxy.clients)),
        ):
            yield GaugeMetricFamily(f"actgate_recorder_{name}", words, gauge)
