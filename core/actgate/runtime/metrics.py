"""What every service measures, for Prometheus; a service adds its own to the registry.

The registry is no global one, so that two services in one process stay apart.
"""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import choose_encoder


class ServiceMetrics:
    """The registry of a service, with the size and the age of its caches."""

    def __init__(self, prefix: str) -> None:
        """Begin every name with ``prefix``, such as ``actgate_webhook``."""
        self.registry = CollectorRegistry()
        self._cache_objects = Gauge(
            f"{prefix}_cache_objects", "Objects in the cache.", ("resource",), registry=self.registry
        )
        self._cache_age = Gauge(
            f"{prefix}_cache_age_seconds",
            "Time since the cache was last known to be what the API server has.",
            ("resource",),
            registry=self.registry,
        )

        self._kind_problems = Gauge(
            "actgate_serving_kind_problems",
            "Rows of the table of kinds that are not in use, or that do not fit the cluster.",
            ("kind", "reason"),
            registry=self.registry,
        )

    def serving_kind_problems(self, problems: Iterable[tuple[str, str]]) -> None:
        """Report the problems there are now, each as kind and reason."""
        self._kind_problems.clear()
        for kind, reason in problems:
            self._kind_problems.labels(kind, reason).set(1)

    def observe_cache(self, resource: str, size: Callable[[], int], age: Callable[[], float]) -> None:
        """Report size and age of a cache at every scrape."""
        self._cache_objects.labels(resource).set_function(size)
        self._cache_age.labels(resource).set_function(age)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return the page for a scraper and its content type, in the format that it accepts."""
        encoder, content_type = choose_encoder(accept)
        return encoder(self.registry), content_type
