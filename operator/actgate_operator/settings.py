"""Settings of the operator, from flags and from the environment.

Each field is a flag (``--workers 8``) and an environment variable (``ACTGATE_OPERATOR_WORKERS=8``); a flag
wins. What policies ask for is never set here.
"""

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from actgate.runtime.logs import LogLevel

PREFIX: Final = "ACTGATE_OPERATOR_"
_POD_NAMESPACE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

_LABEL: Final = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
"""A name as Kubernetes takes it: at most 63 lower-case letters, digits and ``-``."""

_NAME: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
"""A name of an object, which may have dots."""

_HOST: Final = r"^[A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?$|^[0-9a-fA-F:]+$"
"""A DNS name or an address."""

Name = Annotated[str, Field(pattern=_NAME, max_length=253)]
Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]


class UnusableSettingsError(Exception):
    """A flag or a variable cannot be used; the message says which, and why."""


def own_namespace() -> str:
    """Return the namespace of the pod that this runs in, else the usual one."""
    try:
        return _POD_NAMESPACE.read_text(encoding="utf-8").strip()
    except OSError:
        return "actgate-system"


def own_name() -> str:
    """Return the name of the pod that this runs in, else of the machine."""
    return os.environ.get("HOSTNAME") or socket.gethostname()


class Settings(BaseSettings):
    """Run the models of ModelDeployments whose evidence holds, and keep judging them."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        cli_prog_name="actgate-operator",
        cli_kebab_case=True,
        cli_hide_none_type=True,
        cli_avoid_json=True,
        use_attribute_docstrings=True,
    )

    kubeconfig: Path | None = None
    """Kubeconfig of the API server; else $KUBECONFIG, the pod's service account, ~/.kube/config."""
    health_host: str = "0.0.0.0"  # noqa: S104 - a pod is reached at its own address
    """Address of /healthz, /readyz and /metrics."""
    health_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """Port of /healthz, /readyz and /metrics, 0 for any free one."""
    lease_namespace: Annotated[str, Field(pattern=_LABEL, default_factory=own_namespace)]
    """Namespace of the Lease by which replicas choose a leader; the pod's own by default."""
    lease_name: Annotated[str, Field(pattern=_LABEL)] = "actgate-operator"
    """Name of the Lease."""
    identity: Annotated[str, Field(min_length=1, default_factory=own_name)]
    """Name of this replica in the Lease and in Events; by default the pod's."""
    workers: Annotated[int, Field(ge=1, le=256)] = 16
    """Models that are worked on at the same time."""
    resync_seconds: Seconds = 600.0
    """Seconds after which every model is looked at again, 10 % more or less."""
    unready_after_seconds: Seconds = 150.0
    """Seconds of silence of a watch, or of a stuck queue, after which the operator is unready."""
    unhealthy_after_seconds: Seconds = 600.0
    """The same for /healthz, after which a restart may mend it."""
    certificates: Literal["SelfManaged", "External"] = "SelfManaged"
    """SelfManaged: the webhook's certificates and caBundle are made here. External: by cert-manager, say."""
    webhook_namespace: Annotated[str, Field(pattern=_LABEL, default_factory=own_namespace)]
    """Namespace of the webhook's Service and of the Secrets of its certificates; the pod's own by default."""
    webhook_service: Annotated[str, Field(pattern=_LABEL)] = "actgate-webhook"
    """Name of the webhook's Service."""
    webhook_registration: Name = "actgate"
    """Name of the ValidatingWebhookConfiguration whose caBundle is kept."""
    webhook_secret: Name = "actgate-webhook-tls"  # noqa: S105 - a name
    """Name of the Secret with the certificate that the webhook serves."""
    webhook_authority_secret: Name = "actgate-webhook-ca"  # noqa: S105 - a name
    """Name of the Secret with the authority that signs it."""
    webhook_names: tuple[Annotated[str, Field(pattern=_HOST, max_length=253)], ...] = ()
    """More DNS names and addresses for the certificate, beside those of the Service."""
    log_level: LogLevel = LogLevel.INFO
    """DEBUG, INFO, WARNING or ERROR."""

    @classmethod
    def read(cls, arguments: Sequence[str]) -> Self:
        """Read command line arguments and the environment.

        Raises:
            UnusableSettingsError: One of them is not what its field asks for.
        """
        try:
            return cls(_cli_parse_args=list(arguments))
        except SettingsError as error:
            raise UnusableSettingsError(str(error)) from error
        except ValidationError as error:
            raise UnusableSettingsError(
                "; ".join(_words(item["loc"], item["msg"]) for item in error.errors())
            ) from error


def _words(location: tuple[int | str, ...], message: str) -> str:
    field = str(location[0]) if location else "settings"
    return f"--{field.replace('_', '-')} (or {PREFIX}{field.upper()}): {message}"
