"""What the conformance tests share: paths in the test's namespace, and the custom kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from actgate_sandbox.rest import CRDS, Rest, install_crds
from tests.sandbox.conformance.paths import Paths
from tests.sandbox.conformance.samples import WIDGET_DEFINITION, WIDGETS


@pytest.fixture
def paths(namespace: str) -> Paths:
    """The paths of resources in this test's namespace."""
    return Paths(namespace)


@pytest.fixture(scope="session")
def widgets(rest: Rest) -> Iterator[None]:
    """Serve widgets, as long as any test of this engine may need them."""
    install_crds(rest, [WIDGET_DEFINITION])
    yield
    rest("DELETE", f"{CRDS}/{WIDGETS}")
