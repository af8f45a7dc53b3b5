"""Definitions in a control plane, once per engine."""

from __future__ import annotations

import pytest

from actgate_sandbox.rest import Rest
from tests.support import crds


@pytest.fixture(scope="session")
def api(rest: Rest) -> Rest:
    """A client of an API server that serves the three kinds."""
    crds.install(rest)
    return rest
