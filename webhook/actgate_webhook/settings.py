"""Settings of the webhook, from flags and from the environment.

Each field is a flag (``--drain-seconds 10``) and an environment variable
(``ACTGATE_WEBHOOK_DRAIN_SECONDS=10``); a flag wins. What policies ask for is never set here.
"""

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from actgate.runtime.logs import LogLevel
from actgate_webhook.connections import Timeouts
from actgate_webhook.decision_log import Unrecorded
from actgate_webhook.sink import STANDARD_OUTPUT
from actgate_webhook.validate import ROOM

PREFIX = "ACTGATE_WEBHOOK_"
MIB = 1024 * 1024

Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]


def own_name() -> str:
    """Return the name of the pod that this runs in, else of the machine."""
    return os.environ.get("HOSTNAME") or socket.gethostname()


class UnusableSettingsError(Exception):
    """A flag or a variable cannot be used; the message says which, and why."""


class Settings(BaseSettings):
    """Judge AI models and inference workloads for the API server, over TLS."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        cli_prog_name="actgate-webhook",
        cli_kebab_case=True,
        cli_hide_none_type=True,
        cli_avoid_json=True,
        use_attribute_docstrings=True,
    )

    host: str = "0.0.0.0"  # noqa: S104 - a pod is reached at its own address
    """Address to listen on."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8443
    """Port to listen on, 0 for any free one."""
    tls_certificate: Path = Path("/etc/actgate/tls/tls.crt")
    """Serving certificate with its chain, PEM; read again when it changes."""
    tls_key: Path = Path("/etc/actgate/tls/tls.key")
    """Private key of the certificate, PEM; read again when it changes."""
    client_ca: Path | None = None
    """Who signs the API server's client certificate, PEM; with it, only its bearers are answered."""
    client_name: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Common names of client certificates that are answered; none for any that --client-ca signed."""
    kubeconfig: Path | None = None
    """Kubeconfig of the API server; else $KUBECONFIG, the pod's service account, ~/.kube/config."""
    drain_seconds: Annotated[float, Field(ge=0, le=600, allow_inf_nan=False)] = 10.0
    """Seconds of serving, unready, after SIGTERM; a second signal cuts them short."""
    finish_seconds: Annotated[int, Field(ge=1, le=600)] = 15
    """Seconds that open requests have after the drain."""
    unready_after_seconds: Seconds = 150.0
    """Seconds without contact to the API server after which the webhook is unready."""
    reload_seconds: Seconds = 2.0
    """Seconds between two looks at the certificate files."""
    max_connections: Annotated[int, Field(ge=32, le=100_000)] = 500
    """Connections at a time, those in the TLS handshake included; beyond them, who waited longest for its
    client makes room."""
    max_request_bytes_inflight: Annotated[int, Field(ge=8 * MIB, le=4096 * MIB)] = ROOM
    """Bytes of all bodies over 64 KiB that are read or judged at a time; others wait, or get a 429."""
    read_header_timeout: Seconds = Timeouts.header
    """Seconds from accept, or from the first byte of a request, to the end of its header; as many for a TLS
    handshake."""
    read_timeout: Seconds = Timeouts.read
    """Seconds from the first byte of a request to its last, whatever timeout its sender states."""
    decision_log: Annotated[str, Field(min_length=1)] = STANDARD_OUTPUT
    """Where each decision is recorded: a file, - for standard output, or none for nowhere."""
    unrecorded: Unrecorded = Unrecorded.REFUSE
    """What becomes of a request that would be allowed while its decision cannot be recorded: refuse it for
    now, or let it through and count it."""
    replica: Annotated[str, Field(min_length=1, max_length=253, default_factory=own_name)]
    """Name of this replica in the decision log; by default the pod's."""
    log_level: LogLevel = LogLevel.INFO
    """DEBUG, INFO, WARNING or ERROR."""

    @field_validator("client_name")
    @classmethod
    def _needs_an_authority(cls, names: tuple[str, ...], known: ValidationInfo) -> tuple[str, ...]:
        if names and known.data.get("client_ca") is None:
            raise ValueError("a name proves nothing without an authority: give --client-ca too")
        return names

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
