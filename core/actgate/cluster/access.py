"""Which API server to ask, and as whom.

The order is kubectl's: a kubeconfig that was named, `$KUBECONFIG`, the service account of the pod,
`~/.kube/config`. Tokens are looked up again while we run, since a service account's token is
replaced every hour and the old one stops working soon after.
"""

import os
from pathlib import Path
from time import monotonic

import yaml
from kubernetes.aio.client import Configuration
from kubernetes.aio.config.config_exception import ConfigException
from kubernetes.aio.config.incluster_config import (
    SERVICE_CERT_FILENAME,
    SERVICE_HOST_ENV_NAME,
    SERVICE_TOKEN_FILENAME,
    InClusterConfigLoader,
)
from kubernetes.aio.config.kube_config import load_kube_config

from actgate.cluster.errors import Misconfigured

USUAL = "~/.kube/config"

TOKEN_LIFETIME = 60.0
"""Seconds after which the token of a kubeconfig is looked up again."""

_BROKEN = (AttributeError, ConfigException, KeyError, OSError, TypeError, ValueError, yaml.YAMLError)
"""What kubernetes.aio raises for a kubeconfig that is missing, malformed or incomplete."""


async def find(kubeconfig: Path | None = None) -> Configuration:
    """Return how to reach the API server, or raise `Misconfigured` with what to mend."""
    if kubeconfig is not None:
        return await from_kubeconfig(str(kubeconfig))
    if named := os.environ.get("KUBECONFIG"):
        return await from_kubeconfig(named)
    if os.environ.get(SERVICE_HOST_ENV_NAME):
        return from_service_account()
    if _exists(USUAL):
        return await from_kubeconfig(USUAL)
    raise Misconfigured(
        "no API server is known: name a kubeconfig, set KUBECONFIG, or run in a pod that has a "
        "service account token"
    )


async def from_kubeconfig(paths: str) -> Configuration:
    """Read one kubeconfig, or several joined by `os.pathsep` as in `$KUBECONFIG`."""
    configuration = await _read(paths)
    due = monotonic() + TOKEN_LIFETIME

    async def look_again(used: Configuration) -> None:
        nonlocal due
        if monotonic() < due:
            return
        due = monotonic() + TOKEN_LIFETIME
        used.api_key.update((await _read(paths)).api_key)

    configuration.refresh_api_key_hook = look_again  # type: ignore[assignment]
    return configuration


async def _read(paths: str) -> Configuration:
    if not _exists(paths):
        raise Misconfigured(f"the kubeconfig {paths!r} does not exist")
    configuration = Configuration()
    try:
        # persist_config would rewrite the user's file.
        await load_kube_config(  # type: ignore[no-untyped-call]
            config_file=paths, client_configuration=configuration, persist_config=False
        )
    except _BROKEN as error:
        raise Misconfigured(f"the kubeconfig {paths!r} cannot be used: {error}") from error
    return configuration


def _exists(paths: str) -> bool:
    return any(Path(path).expanduser().is_file() for path in paths.split(os.pathsep) if path)


def from_service_account(
    token: str = SERVICE_TOKEN_FILENAME, authority: str = SERVICE_CERT_FILENAME
) -> Configuration:
    """Read the service account of this pod; its token file is read again every minute."""
    configuration = Configuration()
    loader = InClusterConfigLoader(token_filename=token, cert_filename=authority)  # type: ignore[no-untyped-call]
    try:
        loader.load_and_set(configuration)  # type: ignore[no-untyped-call]
    except (ConfigException, OSError) as error:
        raise Misconfigured(f"the service account of this pod cannot be used: {error}") from error
    return configuration
