"""The pytest option `--control-plane`, and the fixtures of a test that needs an API server.

A test asks for `control_plane` (or for `rest`, `namespace`, `kubectl`, which build on it) and runs
once per chosen engine. Each engine is started once per pytest process, so under xdist every worker
has its own, and cluster-scoped objects of one worker never meet those of another.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from actgate_sandbox import control_plane as sandbox
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.envtest import assets, find_kubectl, missing_binaries
from actgate_sandbox.rest import Rest
from tests.support.kubectl import Kubectl

ROLLING_REGIONS = ("eu-west-3", "eu-central-1")
"""Where the nodes of `rolling_plane` are; a pod that must run in any other region stays pending."""

PLANES = frozenset({"control_plane", "rolling_plane"})
"""Fixtures that start an API server; a test that asks for one, by whatever way, is marked `api_server`."""

SYSTEM_FOLDERS = frozenset({"demo", "deploy", "e2e", "examples", "gitops", "sandbox", "support", "tools"})
"""Folders below `tests/` that concern no package by itself: all of it is marked `system`."""

_numbers = itertools.count()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the choice of engines."""
    parser.addoption(
        "--control-plane",
        choices=(*sandbox.ENGINES, "all"),
        default="stand-in",
        help="the API server that cluster tests run against: the in-process stand-in (default), "
        "envtest (real etcd and kube-apiserver from KUBEBUILDER_ASSETS), or all",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse at once what cannot be run: a green run must not hide that the engine was missing."""
    config.addinivalue_line("markers", "needs_kubectl: skipped where there is no kubectl")
    config.addinivalue_line("markers", "api_server: needs an API server (set by itself), no unit test")
    config.addinivalue_line("markers", "system: starts processes or servers, or searches long, no unit test")
    if config.getoption("--control-plane") == "envtest" and (missing := missing_binaries()):
        raise pytest.UsageError(
            f"--control-plane=envtest: {' and '.join(missing)} not found in {assets()}; "
            "set KUBEBUILDER_ASSETS to the folder of envtest's binaries"
        )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that needs a control plane once per chosen engine."""
    chosen = metafunc.config.getoption("--control-plane")
    engines = sandbox.ENGINES if chosen == "all" else (chosen,)
    for fixture in PLANES:
        if fixture in metafunc.fixturenames:
            params = [_engine(name, workloads=fixture == "rolling_plane") for name in engines]
            metafunc.parametrize(fixture, params, indirect=True, scope="session")


def _engine(name: str, *, workloads: bool) -> pytest.ParameterSet:
    lacking = missing_binaries(workloads=workloads) if name == "envtest" else []
    reason = f"no real API server: {' and '.join(lacking)} not found in {assets()}"
    return pytest.param(name, id=name, marks=[pytest.mark.skip(reason)] if lacking else [])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs an API server, and skip what needs kubectl where there is none."""
    for item in items:
        if not PLANES.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.api_server)
        if SYSTEM_FOLDERS.intersection(item.nodeid.split("/")[1:2]):
            item.add_marker(pytest.mark.system)
    if find_kubectl() is not None:
        return
    skip = pytest.mark.skip(f"there is no kubectl in PATH or in {assets()}")
    for item in items:
        if item.get_closest_marker("needs_kubectl"):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def control_plane(request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """A running API server, shared by every test of this pytest process on the same engine."""
    with sandbox.start(request.param) as plane:
        yield plane


@pytest.fixture(scope="session")
def rolling_plane(request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """As `control_plane`, but Deployments roll out and pods run: a cluster with nodes in ROLLING_REGIONS."""
    with sandbox.start(request.param, workloads=True, regions=ROLLING_REGIONS) as plane:
        yield plane


@pytest.fixture(scope="session")
def rest(control_plane: ControlPlane) -> Iterator[Rest]:
    """A plain REST client with the administrator's rights."""
    yield from _client(control_plane)


@pytest.fixture(scope="session")
def rolling_rest(rolling_plane: ControlPlane) -> Iterator[Rest]:
    """A plain REST client of `rolling_plane`."""
    yield from _client(rolling_plane)


def _client(plane: ControlPlane) -> Iterator[Rest]:
    client = plane.rest()
    yield client
    client.close()


@pytest.fixture
def namespace(rest: Rest) -> Iterator[str]:
    """The name of a namespace that only this test uses; it is deleted afterwards."""
    yield from _namespace(rest)


@pytest.fixture
def rolling_namespace(rolling_rest: Rest) -> Iterator[str]:
    """The name of a namespace in `rolling_plane` that only this test uses; it is deleted afterwards."""
    yield from _namespace(rolling_rest)


def _namespace(rest: Rest) -> Iterator[str]:
    name = f"test-{os.getpid()}-{next(_numbers)}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    reply = rest("POST", "/api/v1/namespaces", body)
    assert reply.status == 201, reply
    yield name
    rest("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
def kubectl(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Kubectl:
    """Run kubectl in this test's namespace; such a test is marked `needs_kubectl`."""
    return Kubectl(control_plane.kubeconfig, tmp_path / "kubectl-cache", namespace)


@pytest.fixture
def rolling_kubectl(rolling_plane: ControlPlane, rolling_namespace: str, tmp_path: Path) -> Kubectl:
    """Run kubectl in this test's namespace of `rolling_plane`; such a test is marked `needs_kubectl`."""
    return Kubectl(rolling_plane.kubeconfig, tmp_path / "rolling-kubectl-cache", rolling_namespace)
