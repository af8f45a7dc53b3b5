"""Health says which part is late, and only what is late."""

from __future__ import annotations

import math

import pytest
from aiohttp.test_utils import TestClient, TestServer

from actgate.kube.errors import Unavailable
from actgate.kube.reflector import Reflector
from actgate.kube.resources import COMPLIANCE_MANIFESTS, DEPLOYMENTS
from actgate.kube.timing import Timing
from actgate.runtime.health import Health
from actgate_operator.health import Checks, Parts, pages
from actgate_operator.metrics import Metrics
from tests.kube.running import Clock
from tests.operator.fakes import unreachable

PATIENCE = 150.0
NAMES = {
    "lease",
    "watch compliancemanifests.actgate.dev",
    "watch deployments.apps",
    "watch modeldeployments.actgate.dev",
    "queue",
}


class Replica:
    """A replica of which a test says how late each part is."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.is_held = True
        self.answered = 0.0
        self.silent = 0.0
        self.waited = 0.0
        timing = Timing(now=self.clock)
        self.reflectors: list[Reflector[object]] = [
            Reflector(unreachable(), kind, lambda thing: thing, timing=timing)
            for kind in (COMPLIANCE_MANIFESTS, DEPLOYMENTS)
        ]
        for reflector in self.reflectors:
            reflector.last_contact = self.clock.time
        self.checks = Checks(self, self.parts, PATIENCE, now=self.clock)

    def held(self) -> bool:
        """Return whether it leads for certain."""
        return self.is_held

    def age(self) -> float:
        """Return the seconds since there was an answer about the lease."""
        return self.answered

    @property
    def parts(self) -> Parts:
        """Caches and queue."""
        return Parts(self.reflectors, lambda: self.silent, lambda: self.waited)

    def lead(self) -> None:
        """Begin to work."""
        self.checks.lead()

    def failing(self) -> dict[str, str]:
        """Return what fails."""
        return {name: why for name, why in self.checks.failing_checks().items() if why is not None}


@pytest.fixture
def leader() -> Replica:
    """A replica that leads, with everything in time."""
    replica = Replica()
    replica.lead()
    return replica


def test_a_leader_that_is_in_time_fails_no_check(leader: Replica) -> None:
    """Every part has its check."""
    assert leader.failing() == {}
    assert leader.checks.failing_checks().keys() == NAMES
    leader.silent = leader.waited = PATIENCE
    leader.clock.time += PATIENCE
    assert leader.failing() == {}


def test_a_watch_without_contact_is_late(leader: Replica) -> None:
    """With what went wrong since, where something did."""
    leader.clock.time += PATIENCE + 1
    leader.reflectors[1].last_contact = leader.clock.time
    leader.reflectors[0].last_error = Unavailable("connection refused")
    assert leader.failing() == {
        "watch compliancemanifests.actgate.dev": "no contact for 151 s: connection refused"
    }
    leader.reflectors[0].last_error = None
    assert leader.failing() == {"watch compliancemanifests.actgate.dev": "no contact for 151 s"}


def test_an_error_alone_is_not_late(leader: Replica) -> None:
    """A cache that was complete a moment ago serves."""
    leader.reflectors[0].last_error = Unavailable("connection refused")
    assert leader.failing() == {}


def without_answers(leads: bool) -> tuple[Replica, Checks, Checks]:
    """Return a replica whose API server never answered, and its checks of readiness and of liveness."""
    replica = Replica()
    replica.answered = 0.0 if leads else math.inf
    replica.silent = math.inf
    for reflector in replica.reflectors:
        reflector.last_contact = -math.inf
    ready = Checks(replica, replica.parts, PATIENCE, now=replica.clock)
    live = Checks(replica, replica.parts, 4 * PATIENCE, first=4 * PATIENCE, now=replica.clock)
    if leads:
        for checks in (ready, live):
            checks.lead()
    return replica, ready, live


def failing(checks: Checks) -> dict[str, str]:
    """Return what fails."""
    return {name: why for name, why in checks.failing_checks().items() if why is not None}


WATCHES = NAMES - {"lease", "queue"}


@pytest.mark.parametrize(("leads", "late"), [(False, {"lease"} | WATCHES), (True, WATCHES)])
def test_the_first_answer_may_take_as_long_as_any_later_one(leads: bool, late: set[str]) -> None:
    """A cold start of the cluster, a wrong network, a long first list: no restart fixes them."""
    replica, _, live = without_answers(leads)
    assert failing(live) == {}
    replica.clock.time += 4 * PATIENCE - 1
    assert failing(live) == {}
    replica.clock.time += 1
    assert failing(live).keys() == late
    assert all(why.endswith(" yet, after 600 s") for why in failing(live).values())


@pytest.mark.parametrize(("leads", "late"), [(False, {"lease"} | WATCHES), (True, WATCHES)])
def test_before_the_first_answer_nothing_is_ready(leads: bool, late: set[str]) -> None:
    """It has no age that could be given in seconds."""
    _, ready, _ = without_answers(leads)
    assert failing(ready).keys() == late
    assert not any("inf" in why for why in failing(ready).values())


def test_a_watch_that_never_answered_says_why() -> None:
    """What went wrong stands beside it."""
    replica, ready, _ = without_answers(leads=True)
    replica.reflectors[0].last_error = Unavailable("connection refused")
    watch = failing(ready)["watch compliancemanifests.actgate.dev"]
    assert watch == "no contact yet, after 0 s: connection refused"


def test_a_silent_feed_is_late(leader: Replica) -> None:
    """Models may change unobserved."""
    leader.silent = PATIENCE + 1
    assert leader.failing() == {"watch modeldeployments.actgate.dev": "no answer for 151 s"}


def test_a_stuck_queue_is_late(leader: Replica) -> None:
    """A model waits, or its worker hangs."""
    leader.waited = PATIENCE + 1
    assert leader.failing() == {"queue": "the oldest model has waited for 151 s"}


def test_a_lost_lease_is_reported_at_once(leader: Replica) -> None:
    """A replica that cannot show that it leads must not be taken for working."""
    leader.is_held = False
    assert leader.failing() == {"lease": "lost"}


def test_a_replica_that_waits_for_the_lease_has_caches_and_no_queue() -> None:
    """That another one leads is fine, and so is a queue that no worker of its own empties."""
    follower = Replica()
    follower.is_held = False
    follower.waited = 10 * PATIENCE
    assert follower.checks.failing_checks() == dict.fromkeys({"lease"} | WATCHES)
    follower.answered = follower.silent = PATIENCE + 1
    assert follower.failing() == {
        "lease": "no answer about the lease for 151 s",
        "watch modeldeployments.actgate.dev": "no answer for 151 s",
    }


def test_patience_is_what_readiness_and_liveness_differ_in(leader: Replica) -> None:
    """The same problem is unready first, and worth a restart later."""
    patient = Checks(leader, leader.parts, 4 * PATIENCE, now=leader.clock)
    patient.lead()
    leader.silent = 2 * PATIENCE
    assert leader.failing()
    assert not any(patient.failing_checks().values())
    leader.silent = 5 * PATIENCE
    assert any(patient.failing_checks().values())


async def test_the_pages_answer_probes_and_scrapers(leader: Replica) -> None:
    """200 or 503 for a kubelet, every check for a person, numbers for Prometheus."""
    checks = leader.checks
    app = pages(Metrics(), Health("livez"), Health("readyz", [checks.failing_checks]))
    async with TestClient(TestServer(app)) as client:
        for path in ("/livez", "/readyz"):
            reply = await client.get(path)
            assert (reply.status, await reply.text()) == (200, "ok")
        verbose = await (await client.get("/readyz?verbose")).text()
        assert {f"[+]{name} ok" for name in NAMES} | {"readyz check passed"} == set(verbose.splitlines())
        leader.waited = PATIENCE + 1
        reply = await client.get("/readyz")
        assert reply.status == 503
        assert "[-]queue failed: the oldest model has waited for 151 s" in await reply.text()
        assert (await client.get("/livez")).status == 200
        reply = await client.get("/metrics")
        assert reply.status == 200
        assert reply.headers["Content-Type"].startswith("text/plain")
        assert "actgate_operator_leader 0.0" in await reply.text()
        assert (await client.get("/")).status == 404
