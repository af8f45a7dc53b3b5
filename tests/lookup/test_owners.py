"""Owners, read from an API server and kept."""

from __future__ import annotations

from typing import Any

import pytest

from actgate.kube.errors import Forbidden, Unavailable
from actgate.lookup.evidence import FRESH_SECONDS, EvidenceUnavailableError
from actgate.lookup.owners import OwnerChains
from actgate.subjects.owners import Chain
from tests.lookup.fake_cluster import FakeCluster
from tests.lookup.owned import controlled_by, deployment, of_a_service, owned, pod, replica_set, template

Json = dict[str, Any]


class Owners:
    """The chains of a fake cluster, and a clock that a test sets."""

    def __init__(self, *objects: Json, most: int = 100) -> None:
        self.cluster = FakeCluster(*objects)
        self.time = 0.0
        self.reads: list[tuple[str, str]] = []
        self.chains = OwnerChains(
            self.cluster,
            on_live_read=lambda *read: self.reads.append(read),
            now=lambda: self.time,
            most=most,
        )

    async def of(self, obj: Json, *, live: bool = False) -> Chain:
        """Return the chain of an object in its namespace."""
        return await self.chains.top(obj, obj["metadata"]["namespace"], 4.0, live=live)


def names(chain: Chain) -> list[str]:
    return [one.kind.kind for one in chain.owners]


async def test_the_owners_of_a_pod_are_read_once() -> None:
    """Three reads for the first pod of a serving object, and none for the thousand that follow."""
    *above, of_service = of_a_service()
    owners = Owners(*above)
    chain = await owners.of(of_service)
    assert names(chain) == ["ReplicaSet", "Deployment", "InferenceService"]
    assert chain.top is not None
    assert (chain.top.name, chain.broken) == ("scorer", "")
    assert owners.reads == [
        ("replicasets", "found"),
        ("deployments", "found"),
        ("inferenceservices", "found"),
    ]
    again = await owners.of(of_service)
    assert again == chain
    assert len(owners.cluster.gets) == 3


async def test_an_owner_is_read_again_when_it_is_too_old_and_before_a_refusal() -> None:
    """What an owner links can change: an allow rests on what is fresh, as all evidence, a refusal never."""
    top, middle, below, of_service = of_a_service()
    owners = Owners(top, middle, below)
    await owners.of(of_service)
    owners.cluster.put({**top, "metadata": {**top["metadata"], "annotations": {}}})
    owners.time = FRESH_SECONDS - 1
    kept = (await owners.of(of_service)).top
    live = (await owners.of(of_service, live=True)).top
    assert kept is not None
    assert live is not None
    assert kept.lends is not None
    assert live.lends is not None
    assert (len(kept.lends.links), len(live.lends.links)) == (1, 0)
    owners.time += FRESH_SECONDS
    await owners.of(of_service)
    assert len(owners.cluster.gets) == 9


async def test_a_uid_that_is_kept_counts_for_no_other_object() -> None:
    """A uid can be copied: in another namespace, or under another name, it is not that owner."""
    _, middle, below, of_service = of_a_service()
    owners = Owners(*of_a_service()[:3])
    await owners.of(of_service)
    stranger = {**of_service, "metadata": {**of_service["metadata"], "namespace": "other"}}
    assert (await owners.of(stranger)).broken == 'ReplicaSet "scorer-1" does not exist in its namespace'
    renamed = owned("v1", "Pod", "x")
    renamed["metadata"]["ownerReferences"] = controlled_by(below, name="other")
    assert (await owners.of(renamed)).top is None
    as_other_kind = owned("v1", "Pod", "x")
    as_other_kind["metadata"]["ownerReferences"] = controlled_by(middle, kind="StatefulSet")
    assert (await owners.of(as_other_kind)).broken == 'StatefulSet "scorer" does not exist in its namespace'


@pytest.mark.parametrize(
    "failure", [Unavailable("connection refused"), Forbidden("not allowed to get replicasets", code=403)]
)
async def test_an_owner_that_cannot_be_read_is_no_missing_owner(failure: Unavailable | Forbidden) -> None:
    """Else an outage, or a right that is missing, would change what a pod is judged on."""
    below = replica_set()
    owners = Owners(below)
    owners.cluster.failure = failure
    with pytest.raises(
        EvidenceUnavailableError, match=r'ReplicaSet "scorer-1" owns the object and cannot be'
    ):
        await owners.of(pod(below))
    assert owners.reads == [("replicasets", "error")]


async def test_a_revision_is_read_only_where_it_is_asked_for_and_would_show_something() -> None:
    """It shows how old a template is, for which there is another object where a ReplicaSet holds it."""
    status = {"currentRevision": "scorer-7", "updateRevision": "scorer-7", "replicas": 1}
    top = owned("apps/v1", "StatefulSet", "scorer", spec={"template": template()}) | {"status": status}
    kept = owned("apps/v1", "ControllerRevision", "scorer-7", top)
    owners = Owners(top, kept, replica_set())
    assert (await owners.of(pod(top))).revision is None
    asked = await owners.chains.top(pod(top), "credit", 4.0, revised=True)
    assert asked.revision is not None
    assert (asked.revision.name, asked.revision.uid) == ("scorer-7", top["metadata"]["uid"])
    assert owners.reads == [("statefulsets", "found"), ("controllerrevisions", "found")]
    assert (await owners.chains.top(pod(replica_set()), "credit", 4.0, revised=True)).revision is None
    owners.cluster.remove(kept)
    assert (await owners.chains.top(pod(top), "credit", 4.0, revised=True)).revision is None
    owners.cluster.failure = Unavailable("down")
    with pytest.raises(EvidenceUnavailableError, match="a ControllerRevision holds its template and cannot"):
        await owners.chains.top(pod(top), "credit", 4.0, revised=True)


async def test_an_api_server_that_does_not_answer_leaves_time_for_the_answer() -> None:
    """All reads together have the time that the review has."""
    below = replica_set()
    owners = Owners(below)
    owners.cluster.silent = True
    with pytest.raises(EvidenceUnavailableError, match=r"did not answer within 0\.0 s"):
        await owners.chains.top(pod(below), "credit", 0.01)


async def test_a_reference_cannot_lead_to_another_path_of_the_api() -> None:
    """Group and plural come from the table; version and name are the user's, and go into a path."""
    owners = Owners(replica_set())
    for change in (
        {"apiVersion": "apps/v1/namespaces/kube-system"},
        {"apiVersion": "apps/../v1"},
        {"apiVersion": "apps/v1?x"},
        {"name": "../../secrets/x"},
        {"name": "scorer-1?watch=1"},
    ):
        forged = owned("v1", "Pod", "x")
        forged["metadata"]["ownerReferences"] = controlled_by(replica_set(), **change)
        assert (await owners.of(forged)).top is None, change
    assert owners.cluster.gets == []


async def test_the_owners_that_are_kept_are_bounded() -> None:
    """A namespace in which objects come and go must not fill the memory."""
    owners = Owners(*(deployment(name=f"d{number}", uid=f"u{number}") for number in range(5)), most=3)
    for number in range(5):
        await owners.of(replica_set(deployment(name=f"d{number}", uid=f"u{number}")))
    assert len(owners.chains) == 3
    await owners.of(replica_set(deployment(name="d4", uid="u4")))
    assert len(owners.cluster.gets) == 5
