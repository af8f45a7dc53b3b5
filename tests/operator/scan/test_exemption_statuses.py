"""The status of an Exemption: its period, what it accepts, and the Events before its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from actgate.api.exemption import ExemptionStatus
from actgate.api.times import timestamp
from actgate_operator.scan.exemption_status import Known, next_change, status_of
from actgate_sandbox.control_plane import ControlPlane
from tests.decision.build import NOW
from tests.operator.running import RunningOperator, operating
from tests.operator.scan.running_servers import created, reported, server
from tests.operator.world import World, stamp
from tests.support.crds import ROOT, create
from tests.support.exemptions import exemption_spec
from tests.support.waiting import wait_until

Json = dict[str, Any]
DAY = timedelta(days=1)


def known(begin: timedelta = -5 * DAY, end: timedelta = 60 * DAY, status: Json | None = None) -> Known:
    """Return an Exemption whose period begins and ends so long after now."""
    return Known("uid", 1, NOW + begin, NOW + end, status or {})


def conditions(status: Json) -> dict[str, tuple[str, str]]:
    """Return status and reason of each condition."""
    return {item["type"]: (item["status"], item["reason"]) for item in status["conditions"]}


@pytest.mark.parametrize(
    ("begin", "end", "active", "expired", "reason"),
    [
        (DAY, 60 * DAY, "False", "False", "NotBegun"),
        (timedelta(0), 60 * DAY, "True", "False", "InPeriod"),
        (-DAY, 14 * DAY, "True", "False", "EndsWithin14Days"),
        (-DAY, 3 * DAY, "True", "False", "EndsWithin3Days"),
        (-2 * DAY, timedelta(0), "False", "True", "Ended"),
    ],
)
def test_a_status_says_where_in_its_period_it_is(
    begin: timedelta, end: timedelta, active: str, expired: str, reason: str
) -> None:
    """A period excludes its end (ADR 0004)."""
    found = conditions(status_of(known(begin, end), 1, None, NOW))
    assert found["Active"] == (active, reason)
    assert found["Expired"] == (expired, reason)


def test_one_that_accepts_nothing_is_unused() -> None:
    """It can go: what it was about is fixed, or it names objects that do not exist."""
    assert conditions(status_of(known(), 0, None, NOW))["Unused"] == ("True", "NoFinding")
    assert conditions(status_of(known(), 2, None, NOW))["Unused"] == ("False", "FindingsAccepted")
    assert conditions(status_of(known(DAY), 0, None, NOW))["Unused"][0] == "False"


def test_a_status_fits_its_schema_and_is_not_written_again() -> None:
    """Else each leader would write every status."""
    first = status_of(known(), 2, NOW, NOW)
    ExemptionStatus.model_validate(first)
    assert first["matched"] == 2
    assert first["lastUsedAt"] == timestamp(NOW.replace(minute=0, second=0, microsecond=0))
    later = NOW + timedelta(minutes=7)
    assert status_of(known(status=first), 2, None, later) == first


def test_a_condition_keeps_the_time_of_its_last_change() -> None:
    first = status_of(known(), 2, None, NOW)
    second = status_of(known(status=first), 0, None, NOW + DAY)
    times = {item["type"]: item["lastTransitionTime"] for item in second["conditions"]}
    assert times == {"Active": timestamp(NOW), "Expired": timestamp(NOW), "Unused": timestamp(NOW + DAY)}


def test_time_alone_changes_a_status_at_these_moments() -> None:
    one, moments, now = known(DAY, 60 * DAY), [], NOW
    while (moment := next_change(one, now)) is not None:
        moments.append(moment - NOW)
        now = moment
    assert moments == [DAY, 46 * DAY, 57 * DAY, 60 * DAY]


def test_a_running_exemption_has_a_status_until_the_moment_of_its_end(
    reporting: RunningOperator, world: World
) -> None:
    """With a warning Event before it; the finding is skipped in the report as long, and fails afterwards."""
    name = f"exempt-{world.namespace}"
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=8)
    created(world, server("scorer", compliance_manifest="missing"))
    try:
        assert create(world.rest, "Exemption", name, accepting(world, until)).status == 201
        wait_until(lambda: shows(world, name, Active="True", Unused="False"))
        assert stored(world, name)["status"]["matched"] == 1
        [result] = reported(world, 1)[0]["results"]
        assert (result["result"], result["properties"]["exemption"]) == ("skip", name)
        wait_until(lambda: shows(world, name, Active="False", Expired="True"))
        [expired] = [
            item for item in stored(world, name)["status"]["conditions"] if item["type"] == "Expired"
        ]
        assert expired["lastTransitionTime"] >= stamp(until)
        wait_until(lambda: [one["result"] for one in reported(world, 1)[0]["results"]] == ["fail"])
        path = "/apis/events.k8s.io/v1/namespaces/default/events"
        events = [
            event for event in world.rest("GET", path).body["items"] if event["regarding"]["name"] == name
        ]
        assert [event["reason"] for event in events] == ["EndsWithin3Days"]
    finally:
        assert world.rest("DELETE", f"{ROOT}/exemptions/{name}").status == 200


def test_another_leader_writes_no_status_again(
    control_plane: ControlPlane, reporting: RunningOperator, world: World
) -> None:
    """It begins once it knows of every subject which exemptions it depends on."""
    name = f"exempt-{world.namespace}"
    created(world, server("scorer", compliance_manifest="missing"))
    try:
        spec = accepting(world, datetime.now(UTC) + timedelta(days=9))
        assert create(world.rest, "Exemption", name, spec).status == 201
        wait_until(lambda: shows(world, name, Active="True", Unused="False"))
        version = stored(world, name)["metadata"]["resourceVersion"]
        with operating(control_plane.kubeconfig) as another:
            wait_until(lambda: another.process.scan.idle)
            another.wait_until_idle()
            assert another.writes("exemptions") == []
        assert stored(world, name)["metadata"]["resourceVersion"] == version
    finally:
        assert world.rest("DELETE", f"{ROOT}/exemptions/{name}").status == 200


def accepting(world: World, until: datetime) -> Json:
    """Return the spec of an Exemption for what links a manifest that does not exist."""
    subject = {"apiGroup": "apps", "kind": "Deployment", "namespace": world.namespace, "name": "*"}
    around = until - timedelta(days=5)
    return exemption_spec("link/manifest", around=around, subjects=[subject], notAfter=stamp(until))


def stored(world: World, name: str) -> Json:
    """Return an Exemption as it is now."""
    return dict(world.rest("GET", f"{ROOT}/exemptions/{name}").body)


def shows(world: World, name: str, **wanted: str) -> bool:
    """Return whether conditions of its status have these values."""
    found = conditions(stored(world, name).get("status") or {"conditions": []})
    return all(found.get(key, ("", ""))[0] == value for key, value in wanted.items())
