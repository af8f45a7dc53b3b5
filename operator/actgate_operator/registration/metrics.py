"""What is counted about the registration."""

from collections import Counter
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Gauge

from actgate_operator.registration.weaknesses import Reason, Weakness


class RegistrationMetrics:
    """A gauge, in the registry of the operator."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._weaknesses = Gauge(
            "actgate_operator_registration_weaknesses",
            "In how many respects the webhook's registration asks less than the generated one, by reason.",
            ("reason",),
            registry=registry,
        )

    def found(self, weaknesses: Iterable[Weakness]) -> None:
        """Note what is weak now; every reason is shown, also those without any."""
        counted = Counter(weakness.reason for weakness in weaknesses)
        for reason in Reason:
            self._weaknesses.labels(reason.value).set(counted[reason])
