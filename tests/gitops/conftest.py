"""Fixtures: the webhook registered, an operator at work, and a namespace that a tool applies to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import Rest
from demo.gate import guarded
from tests.gitops.argocd import ArgoCd
from tests.gitops.cluster import Cluster
from tests.gitops.flux import Flux
from tests.operator.running import RunningOperator, operating
from tests.support import crds

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def operator(control_plane: ControlPlane, rest: Rest) -> Iterator[RunningOperator]:
    """Webhook and operator, which work while the tests of a module run."""
    crds.install(rest)
    with guarded(control_plane, ROOT), operating(control_plane.kubeconfig) as running:
        yield running


@pytest.fixture
def cluster(operator: RunningOperator, rest: Rest, namespace: str) -> Cluster:
    """A namespace of its own for a test."""
    return Cluster(rest, namespace, operator)


@pytest.fixture
def flux(rest: Rest, namespace: str) -> Flux:
    """A Kustomization for the namespace."""
    return Flux(rest, namespace)


@pytest.fixture(params=[True, False], ids=["server-side", "client-side"])
def argo(request: pytest.FixtureRequest, rest: Rest, namespace: str) -> ArgoCd:
    """An Application for the namespace, by either way of applying."""
    return ArgoCd(rest, namespace, server_side=request.param)
