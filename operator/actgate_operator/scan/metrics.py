"""What the scan counts, for Prometheus."""

from collections import Counter as Tally
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from actgate.scan.candidates import Tier
from actgate_operator.scan.judging import Result

OUTCOMES: Final = ("pass", "warn", "fail", "skip", "error")


@dataclass(slots=True)
class Observed:
    """What is asked for at every scrape; empty until a replica leads."""

    results: Callable[[], Mapping[str, Result]] = dict
    weak: Callable[[], int] = int
    """Objects with weak signals alone."""
    lag: Callable[[], float] = float
    """Seconds for which the oldest subject has waited for a judgement."""
    complete: Callable[[], bool] = bool
    """Whether every object was listed and judged once."""
    unread: Callable[[], int] = int
    """Kinds that are served and cannot be listed."""
    reports: Callable[[], int] = int
    waiting: Callable[[], int] = int
    suppressed: Callable[[], int] = int


class ScanMetrics:
    """Counters and gauges of the scan, in the registry of the operator."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.observed = Observed()
        self._writes = Counter(
            "actgate_report_writes",
            "Writes of reports by result: written, deleted or error.",
            ("result",),
            registry=registry,
        )
        for result in ("written", "deleted", "error"):
            self._writes.labels(result)
        self._available = Gauge(
            "actgate_reports_available",
            "Whether there is an API that reports are written to: 1 or 0.",
            registry=registry,
        )
        registry.register(_Subjects(self))

    def write(self, result: str) -> None:
        """Count a write."""
        self._writes.labels(result).inc()

    def available(self, served: bool) -> None:
        """Note whether reports can be written."""
        self._available.set(served)


class _Subjects(Collector):
    """Counts when it is asked."""

    def __init__(self, metrics: ScanMetrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield what is known now."""
        observed = self._metrics.observed
        tally = Tally((result.tier, result.counts_as) for result in [*observed.results().values()])
        subjects = GaugeMetricFamily(
            "actgate_scan_subjects",
            "Objects that serve a model, by why they are judged and what came of it.",
            labels=("tier", "outcome"),
        )
        for tier in Tier:
            for outcome in OUTCOMES if tier is not Tier.WEAK else ():
                subjects.add_metric((tier.value, outcome), tally[tier, outcome])
        yield subjects
        for name, words, value in (
            ("actgate_scan_weak_objects", "Objects with weak signals alone, not judged.", observed.weak()),
            (
                "actgate_scan_lag_seconds",
                "Time for which the oldest changed subject has waited for its judgement.",
                observed.lag(),
            ),
            (
                "actgate_scan_complete",
                "Whether everything that runs was judged since this replica leads: 1 or 0.",
                observed.complete(),
            ),
            (
                "actgate_scan_unread_kinds",
                "Kinds that the cluster serves and that cannot be listed.",
                observed.unread(),
            ),
            ("actgate_reports_waiting", "Subjects whose report waits to be compared.", observed.waiting()),
            ("actgate_reports", "Reports about subjects in the cluster.", observed.reports()),
            (
                "actgate_reports_suppressed",
                "Subjects with findings and without a report, beyond the most that are kept.",
                observed.suppressed(),
            ),
        ):
            yield GaugeMetricFamily(name, words, value=value)
