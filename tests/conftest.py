"""Fixtures for every test; what they do is told in `tests.support`."""

from __future__ import annotations

from tests.support.engines import (
    control_plane,
    kubectl,
    namespace,
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_generate_tests,
    rest,
    rolling_kubectl,
    rolling_namespace,
    rolling_plane,
    rolling_rest,
)
from tests.support.properties import load_profile

load_profile()

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
