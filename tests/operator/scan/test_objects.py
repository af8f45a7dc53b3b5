"""The candidates of a cluster, and whom a change concerns; in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Final

from actgate.kube.client import Page
from actgate.kube.errors import Forbidden
from actgate.kube.resources import Resource
from actgate.kube.timing import Timing
from actgate.lookup.cache import Scope
from actgate.subjects.reading import package_table
from actgate_operator.scan.objects import PATIENCE_SECONDS, Objects
from actgate_operator.scan.pacing import Pace
from tests.kube.virtual_time import run_virtually, virtual_now
from tests.lookup.fake_cluster import FakeCluster
from tests.scan.objects import Json, inference_service, named, server
from tests.subjects.objects import workload

DEPLOYMENTS: Final = Resource("apps", "v1", "deployments", "Deployment")
REPLICASETS: Final = Resource("apps", "v1", "replicasets", "ReplicaSet")
SERVICES: Final = Resource("serving.kserve.io", "v1beta1", "inferenceservices", "InferenceService")
KINDS: Final = {
    resource: package_table().rows[resource.group, resource.kind]
    for resource in (DEPLOYMENTS, REPLICASETS, SERVICES)
}


class Server(FakeCluster):
    """An API server that forbids to list some kinds."""

    def __init__(self, *objects: Json) -> None:
        super().__init__(*objects)
        self.forbidden: set[Resource] = set()

    async def list_pages(
        self,
        resource: Resource,
        namespace: str | None = None,
        **options: Any,  # noqa: ANN401 - as Cluster's
    ) -> AsyncGenerator[Page, None]:
        """List, or refuse."""
        if resource in self.forbidden:
            raise Forbidden(f"cannot list {resource}", code=403)
        async for page in super().list_pages(resource, namespace, **options):
            yield page


class World:
    """Objects of a cluster, and the uids that were announced."""

    def __init__(self, *objects: Json) -> None:
        self.server = Server(*objects)
        self.announced: list[str] = []
        self.objects = Objects(self.server, self.announced.append, Pace(1.0), Timing(now=virtual_now))

    async def changed(self) -> list[str]:
        """Let a moment pass; return who was announced since the last call."""
        await asyncio.sleep(1)
        found = sorted(set(self.announced))
        self.announced.clear()
        return found


def following(world: World, check: Callable[[World, asyncio.TaskGroup], Awaitable[None]]) -> None:
    """Run a check while the kinds are followed."""

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            world.objects.follow(KINDS, (), group)
            await check(world, group)
            world.objects.follow({}, (), group)

    run_virtually(main())


def linking(obj: Json, manifest: str) -> Json:
    """Return an object that links a manifest."""
    annotations = {"actgate.dev/compliance-manifest": manifest}
    return {**obj, "metadata": {**obj["metadata"], "annotations": annotations}}


def test_of_an_object_that_serves_no_model_nothing_is_kept() -> None:
    pods = {"containers": [{"name": "web", "image": "docker.io/library/nginx:1.29"}]}
    web = named(workload("Deployment", pods), "web")

    async def check(world: World, _: asyncio.TaskGroup) -> None:
        assert await world.changed() == ["uid-Deployment-scorer"]
        assert list(world.objects.known) == ["uid-Deployment-scorer"]
        assert world.objects.complete

    following(World(server("Deployment", "scorer"), web), check)


def test_a_change_of_an_owner_announces_what_it_may_answer_for() -> None:
    """It may be marked now, or gone: whether another object is a subject depends on it."""
    top = server("Deployment", "scorer")
    below = server("ReplicaSet", "scorer-1", top)

    async def check(world: World, _: asyncio.TaskGroup) -> None:
        await world.changed()
        world.server.put(linking(top, "evidence"))
        assert await world.changed() == ["uid-Deployment-scorer", "uid-ReplicaSet-scorer-1"]
        world.server.remove(top)
        assert await world.changed() == ["uid-Deployment-scorer", "uid-ReplicaSet-scorer-1"]
        assert list(world.objects.known) == ["uid-ReplicaSet-scorer-1"]

    following(World(top, below), check)


def test_a_change_that_says_nothing_of_the_model_announces_nothing() -> None:
    """Replicas and status change all day."""
    top = server("Deployment", "scorer")

    async def check(world: World, _: asyncio.TaskGroup) -> None:
        await world.changed()
        world.server.put({**top, "spec": {**top["spec"], "replicas": 7}, "status": {"readyReplicas": 3}})
        assert await world.changed() == []

    following(World(top), check)


def test_evidence_concerns_those_that_link_it() -> None:
    linked = linking(server("Deployment", "linked"), "evidence")

    async def check(world: World, _: asyncio.TaskGroup) -> None:
        everyone = await world.changed()
        assert len(everyone) == 3
        concerned = world.objects.concerned
        assert list(concerned(Scope("credit", "evidence"))) == ["uid-Deployment-linked"]
        assert list(concerned(Scope("credit", "another"))) == []
        assert sorted(concerned(Scope("credit", None))) == everyone
        assert list(concerned(Scope("elsewhere", None))) == []
        assert sorted(concerned(Scope(None, None))) == everyone
        world.server.put(server("Deployment", "linked"))
        await world.changed()
        assert list(concerned(Scope("credit", "evidence"))) == []

    following(World(linked, server("Deployment", "plain"), inference_service("service")), check)


def test_what_is_not_served_any_more_is_gone_and_what_is_unknown_stays() -> None:
    """An aggregated API whose server is down is no proof that its objects went."""

    async def check(world: World, group: asyncio.TaskGroup) -> None:
        await world.changed()
        others = {key: row for key, row in KINDS.items() if key != SERVICES}
        world.objects.follow(others, {SERVICES.group}, group)
        assert await world.changed() == []
        assert not world.objects.covers(SERVICES.group, SERVICES.kind)
        world.objects.follow(others, (), group)
        assert await world.changed() == ["uid-InferenceService-service"]
        assert world.objects.known == {}
        assert world.objects.covers(SERVICES.group, SERVICES.kind)

    following(World(inference_service("service")), check)


def test_a_kind_that_cannot_be_listed_holds_up_the_others_for_a_while() -> None:
    """And is never taken for one without objects."""
    world = World(server("Deployment", "scorer"))
    world.server.forbidden.add(SERVICES)

    async def check(world: World, _: asyncio.TaskGroup) -> None:
        await world.changed()
        assert not world.objects.complete
        await asyncio.sleep(PATIENCE_SECONDS)
        assert world.objects.complete
        assert list(world.objects.unread) == [SERVICES]
        assert not world.objects.covers(SERVICES.group, SERVICES.kind)
        assert world.objects.covers(DEPLOYMENTS.group, DEPLOYMENTS.kind)
        world.server.forbidden.clear()
        await asyncio.sleep(120)
        assert world.objects.unread == {}
        assert world.objects.covers(SERVICES.group, SERVICES.kind)

    following(world, check)
