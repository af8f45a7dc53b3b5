"""Fixtures for every test; `tests.support` describes them."""

from __future__ import annotations

import pytest

from tests.support import engines, pace, rights
from tests.support.engines import (
    control_plane,
    kubectl,
    namespace,
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_generate_tests,
    rest,
    rolling_kubectl,
    rolling_namespace,
    rolling_plane,
    rolling_rest,
)
from tests.support.properties import load_profile

load_profile()


def pytest_configure(config: pytest.Config) -> None:
    """Refuse an engine that is not here, watch what the services ask for, and keep the cores busy."""
    engines.pytest_configure(config)
    rights.collect(config)
    config.pluginmanager.register(pace)


__all__ = [
    "control_plane",
    "kubectl",
    "namespace",
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_generate_tests",
    "rest",
    "rolling_kubectl",
    "rolling_namespace",
    "rolling_plane",
    "rolling_rest",
]
