"""The webhook as a real process before the control plane under test."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from actgate_sandbox import registration, service
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import Rest, install_crds
from actgate_sandbox.service import Service

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Gate:
    """An API server that asks the webhook, and the webhook itself."""

    rest: Rest
    webhook: Service


@pytest.fixture(scope="session")
def gate(control_plane: ControlPlane, rest: Rest) -> Iterator[Gate]:
    """CRDs and registration installed, the webhook ready and known to be called."""
    files = sorted((ROOT / "crds").glob("*.yaml"))
    install_crds(rest, (yaml.safe_load(path.read_text(encoding="utf-8")) for path in files))
    with service.webhook(control_plane.kubeconfig) as webhook:
        written = registration.read(ROOT / "deploy" / "base" / "webhook-registration.yaml")
        registration.install(rest, registration.on_loopback(written, webhook.port, webhook.ca))
        _wait_until_called(rest)
        yield Gate(rest, webhook)
        registration.uninstall(rest, written)


def _wait_until_called(rest: Rest) -> None:
    """The API server heeds a registration some time after it is stored."""
    probe = {
        "apiVersion": "actgate.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": "probe"},
        "spec": {
            "model": {"name": "probe"},
            "complianceManifestRef": {"name": "never-written"},
            "server": {"image": "probe"},
        },
    }
    path = "/apis/actgate.dev/v1alpha1/namespaces/default/modeldeployments"
    for _ in range(2000):
        reply = rest("POST", path, probe, dryRun="All")
        if reply.status == 403 or reply.warnings:
            return
    raise AssertionError("the API server never called the webhook")
