"""A cluster of their own for tests that install and remove everything: the real one, which has all kinds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from actgate_sandbox import control_plane as sandbox
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.envtest import assets, missing_binaries
from actgate_sandbox.rest import Rest, install_crds
from tests.deploy.foreign_kinds import definitions
from tests.support.engines import ROLLING_REGIONS
from tests.support.kubectl import Kubectl


@dataclass(frozen=True, slots=True)
class Cluster:
    """A real API server with controllers, nodes, and the kinds of others that deploy/ makes use of."""

    plane: ControlPlane
    rest: Rest
    kubectl: Kubectl


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster in which nothing of ours is installed; a test leaves it so."""
    if request.config.getoption("--control-plane") == "stand-in":
        pytest.skip(
            "the stand-in has neither RBAC nor all kinds of deploy/: run with --control-plane=envtest"
        )
    if missing := missing_binaries(workloads=True):
        pytest.skip(f"no real API server: {' and '.join(missing)} not found in {assets()}")
    with sandbox.start("envtest", workloads=True, regions=ROLLING_REGIONS) as plane:
        rest = plane.rest()
        install_crds(rest, definitions())
        cache = tmp_path_factory.mktemp("deploy-kubectl-cache")
        # No namespace: what is applied says where it belongs.
        yield Cluster(plane, rest, Kubectl(plane.kubeconfig, cache, ""))
        rest.close()
