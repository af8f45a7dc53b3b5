"""How often pods are deleted for what they run: as often as they are edited, and never for ever."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from actgate.kube.client import REQUEST_SECONDS, Cluster, Page
from actgate.kube.errors import ClusterError, Forbidden, Unavailable
from actgate.kube.objects import Key, Object
from actgate.kube.resources import Resource
from actgate_operator.child import Child, read_child
from actgate_operator.children import Children
from actgate_operator.pod_check import MOST_ROUNDS, PERIOD, Checked, PodCheck
from actgate_operator.pod_records import PodRecord, read_pod
from actgate_operator.writer import Writer
from tests.kube.fake_leases import no_server
from tests.operator.fakes import unreachable
from tests.operator.test_pod_records import EVIL, SERVER, pod

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEY = ("credit", "scorer")


def deployment(progress: str = "NewReplicaSetAvailable") -> Child:
    """Return the Deployment of the pods, rolled out unless the test says otherwise."""
    spec = pod()["spec"]
    return read_child(
        {
            "metadata": {"name": "scorer", "namespace": "credit", "resourceVersion": "1", "generation": 1},
            "spec": {"strategy": {}, "replicas": 1, "template": {"spec": spec}},
            "status": {
                "observedGeneration": 1,
                "replicas": 1,
                "updatedReplicas": 1,
                "readyReplicas": 1,
                "conditions": [
                    {"type": "Available", "status": "True"},
                    {"type": "Progressing", "status": "True", "reason": progress},
                ],
            },
        }
    )


class Pods(Cluster):
    """The pods of a namespace as the API server has them, as a watch knows them, and what was deleted."""

    def __init__(self, *pods: Object) -> None:
        super().__init__(no_server)
        self.live = {item["metadata"]["name"]: item for item in pods}
        self.known: dict[str, Object] | None = None
        """What the watch has reported, where that is not what there is."""
        self.lists = 0
        self.deleted: list[str] = []
        self.failure: ClusterError | None = None
        self.refusal: ClusterError | None = None
        self._check = PodCheck(self, _Deleting(self), _Known(self))

    async def check(self, now: datetime = NOW, progress: str = "NewReplicaSetAvailable") -> Checked:
        """Check them once."""
        return await self._check.check(KEY, deployment(progress), now)

    def made_anew(self, number: int, **changes: object) -> None:
        """Let a ReplicaSet make another pod in the place of what was deleted."""
        name = f"scorer-abc-{number}"
        self.live = {name: pod(name, **changes)}  # type: ignore[arg-type]

    async def list_pages(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
        limit: int = 500,
        within: float = REQUEST_SECONDS,
    ) -> AsyncGenerator[Page, None]:
        """List them."""
        self.lists += 1
        if self.failure is not None:
            raise self.failure
        yield Page(list(self.live.values()), 7)


class _Known(Children):
    def __init__(self, pods: Pods) -> None:
        super().__init__(unreachable(), lambda _: None)
        self._source = pods

    def pods(self, key: Key) -> Mapping[str, PodRecord]:
        known = self._source.live if self._source.known is None else self._source.known
        return {name: read_pod(item) for name, item in known.items()}


class _Deleting(Writer):
    def __init__(self, pods: Pods) -> None:
        super().__init__(unreachable(), lambda: True)
        self._source = pods

    async def delete(self, resource: Resource, name: str, namespace: str | None, uid: str) -> None:
        if self._source.refusal is not None:
            raise self._source.refusal
        assert uid == self._source.live[name]["metadata"]["uid"]
        self._source.deleted.append(name)


async def test_pods_that_are_as_they_should_be_cost_no_request() -> None:
    """Nor does anything that the cache shows without doubt."""
    pods = Pods(pod(), pod("b", deletionTimestamp="2026-11-23T12:00:00Z"))
    checked = await pods.check()
    assert (checked.running.serving, checked.running.terminating, pods.lists) == (1, 1, 0)
    assert checked.running.unexpected is None


async def test_an_edited_pod_is_deleted_and_reported() -> None:
    """No remediation is needed: its ReplicaSet makes another one."""
    pods = Pods(pod(images={"server": EVIL}, generation=2))
    checked = await pods.check()
    assert pods.deleted == ["scorer-abc-1"]
    assert checked.reverted == [
        f"Pod scorer-abc-1 was edited: container server runs {EVIL} instead of {SERVER}"
    ]
    assert checked.running.unexpected is not None
    assert not checked.running.unexpected.permanent


async def test_what_the_cache_has_not_observed_yet_is_fetched() -> None:
    """A pod of the former template that has just gone must not be taken for an edited one."""
    pods = Pods(pod("b"))
    pods.known = {"a": pod("a", images={"server": EVIL}), "b": pod("b")}
    checked = await pods.check()
    assert (pods.lists, pods.deleted, checked.running.unexpected) == (1, [], None)


async def test_pods_are_not_compared_while_a_rollout_is_under_way() -> None:
    """Those of the former template run what that one named."""
    pods = Pods(pod(images={"server": EVIL}, generation=2))
    checked = await pods.check(progress="ReplicaSetUpdated")
    assert (pods.deleted, checked.running.unexpected) == ([], None)


async def test_pods_that_are_created_so_are_left_alone_and_reported() -> None:
    """To delete them would never end; only a person can change the webhook that does it."""
    pods = Pods(pod(images={"server": EVIL}, generation=1))
    checked = await pods.check()
    assert pods.deleted == []
    assert checked.running.unexpected is not None
    assert checked.running.unexpected.permanent
    assert "admission webhook" in checked.running.unexpected.message


async def test_where_changes_are_not_counted_what_comes_back_the_same_is_left_alone() -> None:
    """Before Kubernetes 1.33 a pod does not show whether it was edited: one deletion finds out."""
    pods = Pods(pod("scorer-abc-1", images={"server": EVIL}), pod("scorer-abc-2", images={"server": EVIL}))
    await pods.check()
    assert pods.deleted == ["scorer-abc-1", "scorer-abc-2"]
    for number in range(3, 9):
        pods.made_anew(number, images={"server": EVIL})
        checked = await pods.check(NOW + timedelta(minutes=number))
        assert checked.running.unexpected is not None
        assert checked.running.unexpected.permanent
    assert len(pods.deleted) == 2


async def test_what_edits_pods_again_and_again_is_reported_in_the_end() -> None:
    """A third party's controller does it faster than a person: no loop, and after a while another try."""
    pods = Pods()
    for number in range(10):
        pods.made_anew(number, images={"server": EVIL}, generation=2)
        checked = await pods.check(NOW + timedelta(seconds=number))
    assert len(pods.deleted) == MOST_ROUNDS
    assert checked.running.unexpected is not None
    assert checked.running.unexpected.permanent
    await pods.check(NOW + PERIOD + timedelta(minutes=1))
    assert len(pods.deleted) == MOST_ROUNDS + 1


async def test_a_pod_that_another_client_made_is_reported_and_left_alone() -> None:
    """It is theirs."""
    pods = Pods(pod(), pod("planted", owner=None))
    checked = await pods.check()
    assert pods.deleted == []
    unexpected = checked.running.unexpected
    assert unexpected is not None
    assert (unexpected.reason, unexpected.permanent) == ("UnexpectedPod", True)
    assert "pod planted carries the labels of this model" in unexpected.message


async def test_without_an_answer_nothing_is_deleted_and_it_is_tried_again() -> None:
    """What the cache says is reported meanwhile."""
    pods = Pods(pod(images={"server": EVIL}, generation=2))
    pods.failure = Unavailable("no answer")
    checked = await pods.check()
    assert (pods.deleted, checked.failure) == ([], pods.failure)
    assert checked.running.unexpected is not None


@pytest.mark.parametrize("refusal", [Forbidden("no right"), Unavailable("no answer")])
async def test_a_pod_that_cannot_be_deleted_is_reported_and_tried_again(refusal: ClusterError) -> None:
    """And it is not reported as reverted."""
    pods = Pods(pod(images={"server": EVIL}, generation=2))
    pods.refusal = refusal
    checked = await pods.check()
    assert (checked.reverted, checked.failure) == ([], refusal)
    assert checked.running.unexpected is not None
    assert "could not be deleted" in checked.running.unexpected.message
