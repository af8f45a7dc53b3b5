"""Fixtures: the CRDs, an operator at work, and a namespace in which it is observed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import Rest
from tests.operator.running import RunningOperator, operating
from tests.operator.world import World
from tests.support import crds


@pytest.fixture(scope="session")
def installed(rest: Rest) -> Rest:
    """The REST client of a control plane that knows our kinds."""
    crds.install(rest)
    return rest


@pytest.fixture(scope="module")
def operator(control_plane: ControlPlane, installed: Rest) -> Iterator[RunningOperator]:
    """An operator that works while the tests of a module run."""
    with operating(control_plane.kubeconfig) as running:
        yield running


@pytest.fixture
def world(installed: Rest, namespace: str) -> World:
    """A namespace of its own for a test."""
    return World(installed, namespace)


@pytest.fixture(scope="module")
def rolling_operator(rolling_plane: ControlPlane, rolling_rest: Rest) -> Iterator[RunningOperator]:
    """An operator that works while the tests of this module run, where pods run."""
    crds.install(rolling_rest)
    with operating(rolling_plane.kubeconfig) as running:
        yield running


@pytest.fixture
def rolling(rolling_operator: RunningOperator, rolling_rest: Rest, rolling_namespace: str) -> World:
    """A namespace with evidence, where an operator works and pods run."""
    assert not rolling_operator.ended()
    world = World(rolling_rest, rolling_namespace)
    world.manifest()
    return world
