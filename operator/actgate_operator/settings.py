"""Settings of the operator: flags, and variables that begin with ``ACTGATE_OPERATOR_``."""

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from actgate.api.base import ObjectName
from actgate.api.names import LABEL
from actgate.runtime.settings import Duration, Interval, Port, ServiceSettings, own_name

_POD_NAMESPACE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

_LABEL: Final = f"^{LABEL}$"

_HOST: Final = r"^[A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?$|^[0-9a-fA-F:]+$"
"""A DNS name or an address."""


def own_namespace() -> str:
    """Return the namespace of the pod that this runs in, else the usual one."""
    try:
        return _POD_NAMESPACE.read_text(encoding="utf-8").strip()
    except OSError:
        return "actgate-system"


class Settings(ServiceSettings):
    """Run the models of ModelDeployments whose evidence holds, and keep judging them."""

    model_config = SettingsConfigDict(env_prefix="ACTGATE_OPERATOR_", cli_prog_name="actgate-operator")

    health_port: Port = 8080
    """Port of /livez, /readyz and /metrics, 0 for any free one."""
    lease_namespace: Annotated[str, Field(pattern=_LABEL, default_factory=own_namespace)]
    """Namespace of the Lease by which replicas choose a leader; the pod's own by default."""
    lease_name: Annotated[str, Field(pattern=_LABEL)] = "actgate-operator"
    """Name of the Lease."""
    identity: Annotated[str, Field(min_length=1, default_factory=own_name)]
    """Name of this replica in the Lease and in Events; by default the pod's."""
    max_concurrent_reconciles: Annotated[int, Field(ge=1, le=256)] = 16
    """Models that are reconciled at the same time."""
    sync_period: Interval = Duration(600)
    """How often every model is reconciled without a cause, 10 % more or less."""
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
    """Name of the ValidatingWebhookConfiguration whose caBundle is kept."""
    webhook_tls_secret: ObjectName = "actgate-webhook-tls"  # noqa: S105 - a name
    """Name of the Secret with the certificate that the webhook serves."""
    webhook_ca_secret: ObjectName = "actgate-webhook-ca"  # noqa: S105 - a name
    """Name of the Secret with the authority that signs it."""
    webhook_extra_sans: tuple[Annotated[str, Field(pattern=_HOST, max_length=253)], ...] = ()
    """More DNS names and addresses for the certificate, beside those of the Service."""
