"""Settings of the operator: flags, and variables that begin with ``ACTGATE_OPERATOR_``."""

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from actgate.api.base import ObjectName
from actgate.api.names import LABEL
from actgate.kube.timing import LeaseTiming
from actgate.runtime.settings import Duration, Interval, Port, ServiceSettings, own_name, own_namespace

_LABEL: Final = f"^{LABEL}$"

_HOST: Final = r"^[A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?$|^[0-9a-fA-F:]+$"
"""A DNS name or an address."""


class Settings(ServiceSettings):
    """Run the models of ModelDeployments whose evidence holds, and keep judging them."""

    model_config = SettingsConfigDict(env_prefix="ACTGATE_OPERATOR_", cli_prog_name="actgate-operator")

    kubeconfig: Path | None = None
    """Kubeconfig of the API server; else $KUBECONFIG, the pod's service account, ~/.kube/config."""
    health_port: Port = 8080
    """Port of /livez, /readyz and /metrics, 0 for any free one."""
    lease_namespace: Annotated[str, Field(pattern=_LABEL, default_factory=own_namespace)]
    """Namespace of the Lease by which replicas choose a leader; the pod's own by default."""
    lease_name: Annotated[str, Field(pattern=_LABEL)] = "actgate-operator"
    """Name of the Lease."""
    leader_elect_lease_duration: Interval = Duration(15)
    """How long the other replicas leave a lease alone that is not renewed."""
    leader_elect_renew_deadline: Interval = Duration(9)
    """How long after the last renewal the leader stops; two thirds of the duration at most."""
    leader_elect_retry_period: Interval = Duration(3)
    """How often the lease is renewed, and asked for by the other replicas; half of the deadline at most."""
    identity: Annotated[str, Field(min_length=1, default_factory=own_name)]
    """Name of this replica in the Lease and in Events; by default the pod's."""
    max_concurrent_reconciles: Annotated[int, Field(ge=1, le=256)] = 16
    """Models that are reconciled at the same time."""
    sync_period: Interval = Duration(600)
    """How often every model is reconciled without a cause, 10 % more or less."""
    reports: Literal["Auto", "OpenReports", "PolicyReports", "None"] = "Auto"
    """Where findings about what runs are reported. Auto: to openreports.io if it is served, else to
    wgpolicyk8s.io if that is. None: nowhere; they are counted."""
    unready_after: Interval = Duration(150)
    """How long a watch may be silent, or the queue stuck, before the operator is unready."""
    unhealthy_after: Interval = Duration(600)
    """The same for /livez, whose failure restarts the operator."""
    certificates: Literal["SelfManaged", "External"] = "SelfManaged"
    """SelfManaged: the webhook's certificates and caBundle are made here. External: by cert-manager, say."""
    webhook_namespace: Annotated[str, Field(pattern=_LABEL, default_factory=own_namespace)]
    """Namespace of the webhook's Service and of the Secrets of its certificates; the pod's own by default."""
    webhook_service: Annotated[str, Field(pattern=_LABEL)] = "actgate-webhook"
    """Name of the webhook's Service."""
    webhook_configuration: ObjectName = "actgate"
    """Name of the ValidatingWebhookConfiguration whose caBundle is kept, and that is watched."""
    webhook_failure_policy: Literal["Fail", "Ignore"] = "Fail"
    """What the webhooks for declared workloads are installed with; where it is Fail, Ignore is reported."""
    webhook_tls_secret: ObjectName = "actgate-webhook-tls"  # noqa: S105 - a name
    """Name of the Secret with the certificate that the webhook serves."""
    webhook_ca_secret: ObjectName = "actgate-webhook-ca"  # noqa: S105 - a name
    """Name of the Secret with the authority that signs it."""
    webhook_extra_sans: tuple[Annotated[str, Field(pattern=_HOST, max_length=253)], ...] = ()
    """More DNS names and addresses for the certificate, beside those of the Service."""

    recorder_image: Annotated[str, Field(pattern=r"^([^@\s]+@sha256:[0-9a-f]{64})?$", max_length=512)] = ""
    """Image of the recorder, by digest, for models with spec.logging.mode Recorder. Another one restarts
    them."""

    @field_validator("leader_elect_renew_deadline")
    @classmethod
    def _leaves_time_for_a_write(cls, deadline: Duration, info: ValidationInfo) -> Duration:
        return _at_most(deadline, info, "leader_elect_lease_duration", 2 / 3)

    @field_validator("leader_elect_retry_period")
    @classmethod
    def _leaves_time_for_another_try(cls, period: Duration, info: ValidationInfo) -> Duration:
        return _at_most(period, info, "leader_elect_renew_deadline", 1 / 2)

    @property
    def lease_timing(self) -> LeaseTiming:
        """How the lease is kept."""
        return LeaseTiming(
            duration=self.leader_elect_lease_duration,
            renew_every=self.leader_elect_retry_period,
            renew_deadline=self.leader_elect_renew_deadline,
            request=self._margin * 2 / 3,
        )

    @property
    def write_seconds(self) -> float:
        """How long one write may take, so that it ends before another replica can lead."""
        return self._margin * 5 / 6

    @property
    def _margin(self) -> float:
        return self.leader_elect_lease_duration - self.leader_elect_renew_deadline


def _at_most(value: Duration, info: ValidationInfo, other: str, share: float) -> Duration:
    """Return a duration that is no more than a share of another one, if that is usable itself."""
    most = info.data.get(other)
    if most is not None and value > most * share:
        raise ValueError(
            f"must be at most {Duration(most * share)}, {share:.2f} of --{other.replace('_', '-')}"
        )
    return value
