"""Settings of the webhook: flags, and variables that begin with ``ACTGATE_WEBHOOK_``."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from actgate.api.names import LABEL
from actgate.runtime.settings import (
    Between,
    Duration,
    Interval,
    Port,
    ServiceSettings,
    own_name,
    own_namespace,
)
from actgate_webhook.connections import Timeouts
from actgate_webhook.decision_log import STANDARD_OUTPUT, FailurePolicy
from actgate_webhook.validate import ROOM

MIB = 1024 * 1024


class Settings(ServiceSettings):
    """Judge AI models and inference workloads for the API server, over TLS."""

    model_config = SettingsConfigDict(env_prefix="ACTGATE_WEBHOOK_", cli_prog_name="actgate-webhook")

    kubeconfig: Path | None = None
    """Kubeconfig of the API server; else $KUBECONFIG, the pod's service account, ~/.kube/config."""
    secure_port: Port = 8443
    """Port to listen on over TLS, 0 for any free one."""
    tls_cert_file: Path = Path("/etc/actgate/tls/tls.crt")
    """Serving certificate with its chain, PEM; read again when it changes."""
    tls_private_key_file: Path = Path("/etc/actgate/tls/tls.key")
    """Private key of the certificate, PEM; read again when it changes."""
    tls_reload_interval: Interval = Duration(2)
    """How often the files of the certificate are checked for changes."""
    client_ca_file: Path | None = None
    """Authorities of client certificates, PEM, read again when it changes; with it, reviews are answered only
    to clients that show a certificate which one of them signed."""
    client_allowed_names: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Common names of client certificates that are answered; all that --client-ca-file signed if empty."""
    shutdown_delay_duration: Annotated[Duration, Between(Duration(0), Duration(600))] = Duration(10)
    """How long the webhook serves on, unready, after SIGTERM; a second signal ends it."""
    shutdown_timeout: Annotated[Duration, Between(Duration(1), Duration(600))] = Duration(15)
    """How long open requests may take after that."""
    unready_after: Interval = Duration(150)
    """How long the webhook stays ready without contact to the API server."""
    max_connections: Annotated[int, Field(ge=32, le=100_000)] = 500
    """Connections at a time, those in the TLS handshake included; beyond them, who waited longest for its
    client makes room."""
    max_request_bytes_inflight: Annotated[int, Field(ge=20 * MIB, le=4096 * MIB)] = ROOM
    """Bytes of all bodies over 64 KiB that are read or judged at a time; others wait, or get a 429."""
    read_header_timeout: Interval = Duration(Timeouts.header)
    """Time from accept, or from the first byte of a request, to the end of its header; the same for a TLS
    handshake."""
    read_timeout: Interval = Duration(Timeouts.read)
    """Time from the first byte of a request to its last, whatever timeout its sender states."""
    decision_log: Annotated[str, Field(min_length=1)] = STANDARD_OUTPUT
    """Where each decision is recorded: a file, - for standard output, or none for nowhere."""
    decision_log_failure_policy: FailurePolicy = "Fail"
    """What happens to a request that would be allowed while its decision cannot be recorded. Fail: it is
    refused with 503, to be retried. Ignore: it is allowed, and counted."""
    replica: Annotated[str, Field(min_length=1, max_length=253, default_factory=own_name)]
    """Name of this replica in the decision log; by default the pod's."""

    namespace: Annotated[str, Field(pattern=f"^{LABEL}$", default_factory=own_namespace)]
    """Namespace of the ConfigMap actgate-serving-kinds; the pod's own by default."""

    @field_validator("client_allowed_names")
    @classmethod
    def _needs_an_authority(cls, names: tuple[str, ...], known: ValidationInfo) -> tuple[str, ...]:
        if names and known.data.get("client_ca_file") is None:
            raise ValueError("a name proves nothing without an authority: give --client-ca-file too")
        return names
