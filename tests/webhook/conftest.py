"""Fixtures: a webhook process before the control plane under test, and a namespace that it guards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import Rest, install_crds
from tests.support.waiting import wait_until
from tests.webhook.build import model_deployment, workload
from tests.webhook.guarding import CRDS, Guarded, registered
from tests.webhook.process import WebhookProcess, running


@pytest.fixture(scope="package")
def webhook(
    control_plane: ControlPlane, rest: Rest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WebhookProcess]:
    """A webhook process that is ready, before the control plane under test."""
    install_crds(rest, CRDS)
    with running(tmp_path_factory.mktemp("admission") / "webhook", control_plane.kubeconfig) as process:
        process.wait_until_ready()
        yield process


@pytest.fixture
def guarded(webhook: WebhookProcess, rest: Rest, namespace: str) -> Iterator[Guarded]:
    """A namespace that the API server asks about."""
    place = Guarded(rest, namespace)
    with registered(rest, namespace, webhook.port, webhook.authority.certificate):
        wait_until(lambda: place.create(model_deployment(), "probe", dryRun="All").warnings)
        wait_until(lambda: place.create(workload(annotations={}), "probe", dryRun="All").status == 403)
        yield place
