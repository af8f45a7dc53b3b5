"""What is counted about certificates."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from actgate_operator.certificates.plan import Change, KeepAuthorities, Serve
from actgate_operator.certificates.state import State


class CertificateMetrics:
    """Gauges and counters, in the registry of the operator."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._expiry = Gauge(
            "actgate_operator_certificate_expiration_timestamp_seconds",
            "When the webhook's certificate, or the authority that signs it, ends, as Unix time.",
            ("certificate",),
            registry=registry,
        )
        self._rotations = Counter(
            "actgate_operator_certificate_rotations",
            "Certificates of the webhook that were made in place of another one, or for the first time.",
            ("certificate",),
            registry=registry,
        )
        self._errors = Counter(
            "actgate_operator_certificate_errors",
            "Failed reconciliations of the webhook's certificates, by reason.",
            ("reason",),
            registry=registry,
        )
        self._answers = Gauge(
            "actgate_operator_webhook_up",
            "Whether the webhook answered a dry-run review as it is registered: 1 or 0.",
            registry=registry,
        )
        for certificate in ("authority", "leaf"):
            self._rotations.labels(certificate)

    def seen(self, state: State) -> None:
        """Note when certificates end."""
        if state.leaf is not None:
            self._expiry.labels("leaf").set(state.leaf.pair.ends.timestamp())
        if state.authorities.current is not None:
            self._expiry.labels("authority").set(state.authorities.current.ends.timestamp())

    def changed(self, change: Change) -> None:
        """Count what was made."""
        if isinstance(change, Serve):
            self._rotations.labels("leaf").inc()
        elif isinstance(change, KeepAuthorities) and change.signs:
            self._rotations.labels("authority").inc()

    def failed(self, reason: str) -> None:
        """Count a pass that failed."""
        self._errors.labels(reason).inc()

    def answered(self, answers: bool) -> None:
        """Note whether the webhook answers."""
        self._answers.set(answers)
