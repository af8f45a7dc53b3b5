"""The whole gate before a control plane: CRDs, the webhook as a process, and its registration."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml

from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.errors import SandboxError
from actgate_sandbox.rest import Rest, install_crds
from demo import registration, service
from demo.service import Operator, Service
from demo.service.waiting import wait_until_ready

_CALLED_SECONDS: Final = 60.0
_PROBE: Final = {
    "apiVersion": "actgate.dev/v1alpha1",
    "kind": "ModelDeployment",
    "metadata": {"name": "probe"},
    "spec": {
        "model": {"name": "probe"},
        "complianceManifestRef": {"name": "never-written"},
        "server": {"image": "probe"},
    },
}


@contextmanager
def guarded(plane: ControlPlane, root: Path) -> Iterator[Service]:
    """Guard a control plane until the block ends; yields when the API server calls the webhook.

    Args:
        plane: A running control plane.
        root: The checkout that holds ``crds/`` and ``deploy/``.

    Raises:
        SandboxError: When the checkout is not whole, or something does not come up.
    """
    definitions = read_definitions(root)
    written = registration.read(root / "deploy" / "base" / "webhook-registration.yaml")
    rest = plane.rest()
    install_crds(rest, definitions)
    with service.webhook(plane.kubeconfig) as webhook:
        registration.install(rest, registration.on_loopback(written, webhook.port, webhook.ca))
        try:
            _wait_until_called(rest)
            yield webhook
        finally:
            registration.uninstall(rest, written)
            rest.close()


@contextmanager
def installed(plane: ControlPlane, root: Path) -> Iterator[tuple[Service, Operator]]:
    """Run webhook and operator until the block ends; they start at the same time.

    Args:
        plane: A running control plane.
        root: The checkout that holds ``crds/`` and ``deploy/``.

    Raises:
        SandboxError: When the checkout is not whole, or something does not come up.
    """
    rest = plane.rest()
    install_crds(rest, read_definitions(root))
    rest.close()
    with (
        service.operator(plane.kubeconfig, wait=False) as operator,
        guarded(plane, root) as webhook,
    ):
        wait_until_ready("the operator", operator.process, operator.get)
        yield webhook, operator


def read_definitions(root: Path) -> list[dict[str, Any]]:
    """Read the CustomResourceDefinitions of a checkout.

    Raises:
        SandboxError: When there are none.
    """
    files = sorted((root / "crds").glob("*.yaml"))
    if not files:
        raise SandboxError(f"{root} is no checkout of actgate: it has no crds/*.yaml")
    return [yaml.safe_load(path.read_text(encoding="utf-8")) for path in files]


def _wait_until_called(rest: Rest) -> None:
    """The API server heeds a new registration after a moment; until then it would let everything in."""
    path = "/apis/actgate.dev/v1alpha1/namespaces/default/modeldeployments"
    deadline = time.monotonic() + _CALLED_SECONDS
    while time.monotonic() < deadline:
        # In a dry run a missing manifest is a warning, and only the webhook says so.
        if rest("POST", path, _PROBE, dryRun="All").warnings:
            return
        time.sleep(0.05)
    raise SandboxError(f"the API server did not call the webhook within {_CALLED_SECONDS:.0f} s")
