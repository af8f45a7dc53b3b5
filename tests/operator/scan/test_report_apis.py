"""Which API reports are written to: one that is served, and never both."""

from __future__ import annotations

from actgate.scan.reports import OPEN_REPORTS, POLICY_REPORTS
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import Rest
from tests.operator.running import operating
from tests.operator.scan.report_apis import BOTH, serving, summary_of
from tests.operator.scan.running_servers import REPORTS, created, report_writes, reported, server
from tests.operator.world import World
from tests.support.waiting import wait_until


def test_reports_go_to_one_api_and_leave_the_other(
    control_plane: ControlPlane, installed: Rest, namespace: str
) -> None:
    """Policy Reporter knows reports by namespace and name: two APIs would be one report, twice."""
    world = World(installed, namespace)
    with serving(installed, POLICY_REPORTS), operating(control_plane.kubeconfig):
        created(world, server("scorer"))
        [report] = reported(world, 1, POLICY_REPORTS)
        assert "source" not in report
        with serving(installed, OPEN_REPORTS):
            reported(world, 1)
            reported(world, 0, POLICY_REPORTS)
            wait_until(lambda: summary_of(installed, OPEN_REPORTS))
            wait_until(lambda: summary_of(installed, POLICY_REPORTS) is None)


def test_the_setting_chooses_the_api_where_both_are_served(
    control_plane: ControlPlane, installed: Rest, namespace: str
) -> None:
    """And reports of the former setting go, with the report of the cluster."""
    world = World(installed, namespace)
    with serving(installed, *BOTH):
        with operating(control_plane.kubeconfig):
            created(world, server("scorer"))
            reported(world, 1)
            wait_until(lambda: summary_of(installed, OPEN_REPORTS))
        with operating(control_plane.kubeconfig, reports="PolicyReports"):
            reported(world, 1, POLICY_REPORTS)
            reported(world, 0)
            wait_until(lambda: summary_of(installed, OPEN_REPORTS) is None)


def test_without_an_api_of_reports_findings_are_counted(
    control_plane: ControlPlane, installed: Rest, namespace: str
) -> None:
    """Nothing fails, nothing is asked for in vain, and a note says so; reports begin with the definition."""
    world = World(installed, namespace)
    with operating(control_plane.kubeconfig) as running:
        scan = running.process.scan
        found = created(world, server("scorer"))
        uid = found["metadata"]["uid"]
        wait_until(lambda: scan.idle and uid in scan.judging.results)
        assert scan.judging.results[uid].counts_as == "warn"
        assert scan.notes() == {"reports": "no API of reports is served"}
        assert report_writes(running) == 0
        assert not [item for item in running.requests if item.resource in REPORTS]
        with serving(installed, OPEN_REPORTS):
            reported(world, 1)
            assert scan.notes() == {}
