"""A restart of the operator, with reports as its only memory."""

from __future__ import annotations

from actgate.scan.reports import OPEN_REPORTS
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import MERGE_PATCH, Rest
from tests.operator.running import operating
from tests.operator.scan.report_apis import serving
from tests.operator.scan.running_servers import created, deployments, reported, server
from tests.operator.world import World
from tests.support.waiting import wait_until


def test_a_restart_writes_only_what_changed_meanwhile(
    control_plane: ControlPlane, installed: Rest, world: World
) -> None:
    """One subject recovered, one has another finding, one went: none of it was seen by anyone."""
    with serving(installed, OPEN_REPORTS):
        with operating(control_plane.kubeconfig):
            for name in ("same", "changed", "recovered", "gone"):
                created(world, server(name))
            before = {one["scope"]["name"]: one for one in reported(world, 4)}
        assert world.rest("DELETE", f"{deployments(world)}/gone").status == 200
        plain = [{"name": "server", "image": "docker.io/library/nginx:1.29"}]
        body = {"spec": {"template": {"spec": {"containers": plain}}}}
        assert world.rest("PATCH", f"{deployments(world)}/recovered", body, MERGE_PATCH).status == 200
        marked = {"metadata": {"annotations": {"actgate.dev/compliance-manifest": "missing"}}}
        assert world.rest("PATCH", f"{deployments(world)}/changed", marked, MERGE_PATCH).status == 200
        with operating(control_plane.kubeconfig) as next_leader:
            after = {one["scope"]["name"]: one for one in reported(world, 2)}
            wait_until(lambda: next_leader.process.scan.idle)
            assert {item["rule"] for item in after["changed"]["results"]} == {"link/manifest"}
            versions = [one["same"]["metadata"]["resourceVersion"] for one in (before, after)]
            assert versions[0] == versions[1]
            # A namespace of another test that is being deleted takes no report; and where the garbage
            # collector works, it may be faster.
            assert len([item for item in next_leader.writes("reports") if item.code not in (403, 404)]) <= 3
            assert "PolicyViolation" not in world.reasons()
