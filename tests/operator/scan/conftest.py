"""An operator that reports."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from actgate.scan.reports import OPEN_REPORTS
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import Rest
from tests.operator.running import RunningOperator, operating
from tests.operator.scan.report_apis import serving


@pytest.fixture(scope="module")
def reporting(control_plane: ControlPlane, installed: Rest) -> Iterator[RunningOperator]:
    """An operator that reports to OpenReports while the tests of this module run."""
    with serving(installed, OPEN_REPORTS), operating(control_plane.kubeconfig) as running:
        yield running
