"""Which API server to ask, and as whom.

The order is kubectl's: a kubeconfig that was named, `$KUBECONFIG`, the service account of the pod,
`~/.kube/config`; a context that was named is one of a kubeconfig. Tokens are looked up again while we
run, since a service account's token is replaced every hour and the old one stops working soon after.
"""

import logging
import os
from collections.abc import Awaitable, Callable
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
from kubernetes.aio.config.kube_config import KubeConfigLoader, KubeConfigMerger, load_kube_config

from actgate.api.names import is_namespace_name
from actgate.kube.errors import Misconfigured

logger = logging.getLogger(__name__)

USUAL_KUBECONFIG = "~/.kube/config"
SERVICE_NAMESPACE_FILENAME = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

TOKEN_SECONDS = 60.0
"""How long a token is used before it is looked up again."""

_BROKEN = (AttributeError, ConfigException, KeyError, OSError, TypeError, ValueError, yaml.YAMLError)
"""What kubernetes.aio raises for a kubeconfig that is missing, malformed or incomplete."""


async def find(kubeconfig: Path | None = None, context: str | None = None) -> Configuration:
    """Return how to reach the API server, or raise `Misconfigured` with what to fix."""
    paths = _kubeconfig(kubeconfig, context)
    return await (from_service_account() if paths is None else from_kubeconfig(paths, context))


def namespace(kubeconfig: Path | None = None, context: str | None = None) -> str | None:
    """Return the namespace that kubectl would use, or None where neither context nor pod has one.

    Raises:
        Misconfigured: No API server is known, or the kubeconfig cannot be used.
    """
    paths = _kubeconfig(kubeconfig, context)
    if paths is None:
        own = Path(SERVICE_NAMESPACE_FILENAME)
        return own.read_text("utf-8").strip() if own.exists() else None
    _require_existing(paths)
    try:
        merged = KubeConfigMerger(paths).config  # type: ignore[no-untyped-call]
        loader = KubeConfigLoader(merged, active_context=context)  # type: ignore[no-untyped-call]
        found = loader.current_context["context"].get("namespace")
    except _BROKEN as error:
        raise Misconfigured(f"the kubeconfig {paths!r} cannot be used: {error}") from error
    if not found:
        return None
    if not isinstance(found, str) or not is_namespace_name(found):
        raise Misconfigured(
            f"the kubeconfig {paths!r} cannot be used: {found!r} is not a valid namespace name"
        )
    return found


def _kubeconfig(kubeconfig: Path | None, context: str | None) -> str | None:
    """Return the kubeconfig to use, or None for the service account of the pod."""
    if kubeconfig is not None:
        return str(kubeconfig)
    if named := os.environ.get("KUBECONFIG"):
        return named
    if os.environ.get(SERVICE_HOST_ENV_NAME) and context is None:
        return None
    if _exists(USUAL_KUBECONFIG):
        return USUAL_KUBECONFIG
    raise Misconfigured(
        "no API server is known: name a kubeconfig, set KUBECONFIG, or run in a pod that has a "
        "service account token"
    )


async def from_kubeconfig(
    paths: str, context: str | None = None, *, token_seconds: float = TOKEN_SECONDS
) -> Configuration:
    """Read one kubeconfig, or several joined by `os.pathsep` as in `$KUBECONFIG`; or one context of it."""

    async def read() -> Configuration:
        _require_existing(paths)
        configuration = Configuration()
        try:
            # persist_config would rewrite the user's file.
            await load_kube_config(  # type: ignore[no-untyped-call]
                config_file=paths, context=context, client_configuration=configuration, persist_config=False
            )
        except _BROKEN as error:
            raise Misconfigured(f"the kubeconfig {paths!r} cannot be used: {error}") from error
        return configuration

    return await _kept_fresh(read, token_seconds)


async def from_service_account(
    token: str = SERVICE_TOKEN_FILENAME,
    authority: str = SERVICE_CERT_FILENAME,
    *,
    token_seconds: float = TOKEN_SECONDS,
) -> Configuration:
    """Read the files of the pod's service account."""

    async def read() -> Configuration:
        configuration = Configuration()
        try:
            InClusterConfigLoader(  # type: ignore[no-untyped-call]
                token_filename=token, cert_filename=authority, try_refresh_token=False
            ).load_and_set(configuration)
        except (ConfigException, OSError) as error:
            raise Misconfigured(f"the pod's service account cannot be used: {error}") from error
        return configuration

    return await _kept_fresh(read, token_seconds)


async def _kept_fresh(read: Callable[[], Awaitable[Configuration]], token_seconds: float) -> Configuration:
    """Return what is read now; kubernetes.aio calls its hook before each request with a token."""
    configuration = await read()
    due = monotonic() + token_seconds

    async def look_again(used: Configuration) -> None:
        nonlocal due
        if monotonic() < due:
            return
        due = monotonic() + token_seconds
        try:
            used.api_key.update((await read()).api_key)
        except Misconfigured as error:
            # The files may be in the middle of being replaced; whether the old token is still
            # good is for the API server to say.
            logger.warning("the token in use is kept: %s", error)

    configuration.refresh_api_key_hook = look_again  # type: ignore[assignment]
    return configuration


def _require_existing(paths: str) -> None:
    if not _exists(paths):
        raise Misconfigured(f"the kubeconfig {paths!r} does not exist")


def _exists(paths: str) -> bool:
    return any(Path(path).expanduser().is_file() for path in paths.split(os.pathsep) if path)
