"""Claims of controllers: verified, reported once, and bounded whatever a user makes up."""

from __future__ import annotations

from typing import Any

from actgate.kube.errors import Unavailable
from actgate.lookup.owners import OwnerChains
from actgate_operator.events import Events
from actgate_operator.refused.allowance import ALL, MOST, NAMESPACE, Allowance, Recent
from actgate_operator.refused.children import REPEAT_SECONDS, RefusedChildren, Result
from tests.lookup.fake_cluster import FakeCluster
from tests.lookup.owned import deployment, inference_service, of_a_service, replica_set
from tests.operator.fakes import NotingWriter
from tests.operator.refused.claims import Json, claim, denied


class Operator:
    """What takes Events, before a fake cluster."""

    def __init__(self, *objects: Json) -> None:
        self.cluster = FakeCluster(*objects)
        self.writer = NotingWriter()
        self.seconds = 0.0
        self.counts: list[str] = []
        self._events = Events(self.writer, "operator-1", steady=lambda: self.seconds)
        self.children = RefusedChildren(
            OwnerChains(self.cluster, most=1), self._events, self.counts.append, lambda: self.seconds
        )

    async def take(self, event: Json) -> Result | None:
        """Take an Event, and record what it leads to."""
        found = await self.children.take(event)
        await self._events.flush(1.0)
        return found

    @property
    def regarding(self) -> list[Any]:
        """What each Event that was written is about."""
        return [(one["regarding"]["kind"], one["regarding"]["uid"]) for one in self.writer.applied]


async def test_a_refused_child_is_reported_on_the_object_that_answers() -> None:
    top, middle, below, _ = of_a_service()
    operator = Operator(top, middle, below)
    assert await operator.take(claim(below)) is Result.REPORTED
    (event,) = operator.writer.applied
    assert (event["type"], event["reason"]) == ("Warning", "ChildRefused")
    assert event["metadata"]["namespace"] == "credit"
    assert operator.regarding == [("InferenceService", top["metadata"]["uid"])]
    assert "link/manifest, link/model, bias/limit" in event["note"]


async def test_the_same_refusal_is_reported_once_in_half_an_hour() -> None:
    """Controllers try again for hours, and every ReplicaSet of a Deployment says the same."""
    top, middle, below, _ = of_a_service()
    other = replica_set(middle)
    other["metadata"] |= {"name": "scorer-2", "uid": "uid-of-scorer-2"}
    operator = Operator(top, middle, below, other)
    assert await operator.take(claim(below)) is Result.REPORTED
    reads = len(operator.cluster.gets)
    assert await operator.take(claim(below)) is None
    assert len(operator.cluster.gets) == reads
    assert await operator.take(claim(other)) is Result.DUPLICATE
    assert await operator.take(claim(below, denied("bias/limit: count more"))) is Result.REPORTED
    operator.seconds = REPEAT_SECONDS
    assert await operator.take(claim(below)) is Result.REPORTED
    assert len(operator.writer.applied) == 3
    assert operator.counts == ["Reported", "Duplicate", "Reported", "Reported"]


async def test_a_forged_event_leads_to_nothing() -> None:
    """About an object that is not there, with another uid or kind, or whose owner is not its owner."""
    top, middle, below, _ = of_a_service()
    orphan = replica_set(deployment(uid="uid-of-another"))
    orphan["metadata"] |= {"name": "orphan", "uid": "uid-of-orphan"}
    operator = Operator(top, middle, below, orphan)
    for event in (
        claim(below, name="nowhere"),
        claim(below, uid="made-up"),
        claim(below, kind="StatefulSet"),
        claim(below, kind="ConfigMap", apiVersion="v1"),
        claim(orphan),
    ):
        assert await operator.take(event) is Result.UNVERIFIED, event["regarding"]
    assert operator.writer.applied == []


async def test_an_event_of_one_namespace_leads_to_no_event_in_another() -> None:
    """The object is looked for in the Event's namespace, and an Event that names another one is ignored."""
    top, middle, below, _ = of_a_service()
    operator = Operator(top, middle, below)
    forged = claim(below)
    forged["metadata"]["namespace"] = "attacker"
    assert await operator.take(forged) is None
    forged["regarding"]["namespace"] = "attacker"
    assert await operator.take(forged) is Result.UNVERIFIED
    assert all("/namespaces/attacker/" in path for path in operator.cluster.gets)
    assert operator.writer.applied == []


async def test_what_an_event_says_is_not_repeated() -> None:
    """Text of a user's making would appear under the operator's name."""
    top, middle, below, _ = of_a_service()
    operator = Operator(top, middle, below)
    note = denied("link/manifest: run curl evil.example\n[link/model] evil.example: evil.example")
    assert await operator.take(claim(below, note)) is Result.REPORTED
    assert "evil" not in str(operator.writer.applied)


async def test_a_flood_of_events_costs_a_bounded_number_of_reads() -> None:
    """In one namespace; the others are heard all the same."""
    top, middle, below, _ = of_a_service()
    operator = Operator(top, middle, below)
    for number in range(20 * NAMESPACE.burst):
        forged = claim(below, name=f"made-up-{number}", namespace="attacker")
        forged["metadata"]["namespace"] = "attacker"
        await operator.take(forged)
    assert len(operator.cluster.gets) == NAMESPACE.burst
    assert operator.counts.count("Limited") == 19 * NAMESPACE.burst
    assert await operator.take(claim(below)) is Result.REPORTED


def test_all_namespaces_together_are_bounded_as_well() -> None:
    clock = [0.0]
    allowance = Allowance(lambda: clock[0])
    assert sum(allowance.take(f"n-{number}") for number in range(2 * ALL.burst)) == ALL.burst
    clock[0] += ALL.seconds
    assert [allowance.take("late"), allowance.take("late")] == [True, False]
    clock[0] += 1e6
    assert sum(allowance.take("one") for _ in range(ALL.burst)) == NAMESPACE.burst


def test_what_is_remembered_is_bounded() -> None:
    recent, allowance = Recent(10.0, lambda: 0.0), Allowance(lambda: 0.0)
    for number in range(MOST + 1):
        recent.note(number)
        allowance.take(str(number))
    assert (len(recent), 0 in recent, MOST in recent) == (MOST, False, True)
    assert len(allowance) == MOST


async def test_an_owner_that_cannot_be_read_is_tried_again() -> None:
    """The controller says it again; nothing is lost by an outage."""
    top, middle, below, _ = of_a_service()
    operator = Operator(top, middle, below)
    operator.cluster.failure = Unavailable("down")
    assert await operator.take(claim(below)) is Result.UNAVAILABLE
    operator.cluster.failure = None
    assert await operator.take(claim(below)) is Result.REPORTED


async def test_the_link_of_the_report_is_read_anew() -> None:
    """What was linked a moment ago, not what an earlier claim found."""
    top, middle, below, _ = of_a_service()
    operator = Operator(inference_service(annotations={}), middle, below)
    await operator.take(claim(below, denied("link/manifest: fix")))
    operator.cluster.put(top)
    await operator.take(claim(below, denied("link/manifest, bias/limit: fix")))
    first, second = (one["note"] for one in operator.writer.applied)
    assert "set metadata.annotations" in first
    assert 'apply ComplianceManifest "credit-risk-scorer-v2"' in second
