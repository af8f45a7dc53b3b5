"""What a mutating webhook makes of our own writes is ours; what any other client changes beside it is not."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from typing import Any

import pytest

from actgate.kube.client import Cluster
from actgate.kube.errors import ClusterError
from actgate.kube.objects import Object
from actgate.kube.observing import Asked
from actgate.kube.resources import DEPLOYMENTS, SERVICES, Resource
from actgate_operator.apply import Applier
from actgate_operator.child import read_child
from actgate_operator.children import Children
from actgate_operator.contention import BURST
from actgate_operator.held import held
from actgate_operator.names import MANAGER
from actgate_operator.obstacles import ContestedError
from actgate_operator.plan import Plan, plan
from actgate_operator.writer import Writer
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import Rest
from tests.operator.plan.build import EVIDENCE
from tests.operator.world import World
from tests.support.waiting import wait_until

Json = dict[str, Any]


class Injecting(Cluster):
    """The API server with a mutating webhook: each Deployment of ours gets a side-car."""

    numbers: Iterator[int] | None = None
    """Where given, the side-car is another one for every write."""

    async def apply(self, resource: Resource, thing: Object, **how: Any) -> Object:  # noqa: ANN401
        """Apply, and record what was injected as an API server does: an update in the applier's name."""
        applied = await super().apply(resource, thing, **how)
        if resource is not DEPLOYMENTS:
            return applied
        return await super().replace(resource, self._injected(applied), field_manager=how["field_manager"])

    async def replace(self, resource: Resource, thing: Object, **how: Any) -> Object:  # noqa: ANN401
        """Replace, also as a dry run: webhooks are asked then, too."""
        thing = self._injected(thing) if resource is DEPLOYMENTS else thing
        return await super().replace(resource, thing, **how)

    def _injected(self, thing: Object) -> Object:
        changed = copy.deepcopy(thing)
        pod = changed["spec"]["template"]["spec"]
        tag = next(self.numbers) if self.numbers is not None else 1
        mesh = {"name": "mesh", "image": f"registry.example/mesh:{tag}"}
        pod["containers"] = [*(item for item in pod["containers"] if item["name"] != "mesh"), mesh]
        return {**changed, "apiVersion": "apps/v1", "kind": "Deployment"}


class Meshed:
    """A model in a cluster with such a webhook, and one operator."""

    def __init__(self, world: World, cluster: Cluster, asked: list[Asked]) -> None:
        self.rest: Rest = world.rest
        self.world = world
        self.asked = asked
        self.model = world.model()
        self.wanted: Plan = plan(self.model, EVIDENCE)
        self._cluster = cluster
        self.restart()

    def restart(self) -> None:
        """Forget everything."""
        self._children = Children(self._cluster, lambda _: None)
        self._applier = Applier(self._cluster, Writer(self._cluster, lambda: True), self._children)

    async def converge(self) -> list[str]:
        """Read the children as they are, make them what they should be, and return what is reverted."""
        for kind in (DEPLOYMENTS, SERVICES):
            live = self.world.child(kind.plural)
            if live is not None:
                self._children.note(kind, live)
        reverted: list[str] = []
        await self._applier.converge(self.wanted, self.model["metadata"]["uid"], reverted)
        return reverted

    def know(self, deployment: Json) -> None:
        """Believe in a Deployment, whether it is there or not."""
        self._children.note(DEPLOYMENTS, deployment)

    def images(self) -> list[str]:
        """Return the images of the pods."""
        containers = self.world.deployment()["spec"]["template"]["spec"]["containers"]
        return [item["image"] for item in containers]

    def edit(self, image: str) -> None:
        """Change the server's image in our name, by an apply."""
        live = self.world.deployment()
        live["spec"]["template"]["spec"]["containers"][0]["image"] = image
        reply = self.rest("PUT", self.world.path("deployments"), live, fieldManager=MANAGER)
        assert reply.status == 200, reply

    @contextmanager
    def silent(self) -> Iterator[None]:
        """The block asks the API server for nothing."""
        self.asked.clear()
        yield
        assert self.asked == []


@asynccontextmanager
async def meshed(control_plane: ControlPlane, world: World, kind: type[Cluster]) -> AsyncIterator[Meshed]:
    """An operator whose writes pass through a webhook."""
    asked: list[Asked] = []
    async with kind.from_environment(control_plane.kubeconfig, asked.append) as cluster:
        yield Meshed(world, cluster, asked)


async def test_what_is_ours_is_verified_without_a_request(control_plane: ControlPlane, world: World) -> None:
    """Four writes at most make a model, and a second reconcile of it asks for nothing."""
    async with meshed(control_plane, world, Cluster) as model:
        await model.converge()
        assert [item.verb for item in model.asked] == ["patch", "patch"]
        with model.silent():
            assert await model.converge() == []


async def test_what_a_webhook_adds_is_not_fought(control_plane: ControlPlane, world: World) -> None:
    """It is learned by one dry run; a second reconcile sends nothing, and an edit beside it is reverted."""
    async with meshed(control_plane, world, Injecting) as model:
        await model.converge()
        images = model.images()
        assert images[-1] == "registry.example/mesh:1"
        with model.silent():
            assert await model.converge() == []
        model.edit("registry.example/evil:1")
        assert await model.converge() != []
        assert model.images() == images
        with model.silent():
            assert await model.converge() == []


async def test_what_a_webhook_adds_is_learned_again_by_reading_after_a_restart(
    control_plane: ControlPlane, world: World
) -> None:
    """Two requests for each such child, and no write."""
    async with meshed(control_plane, world, Injecting) as model:
        await model.converge()
        before = world.deployment()["metadata"]["resourceVersion"]
        model.restart()
        model.asked.clear()
        assert await model.converge() == []
        assert [item.verb for item in model.asked] == ["get", "update"]
        assert world.deployment()["metadata"]["resourceVersion"] == before


async def test_a_webhook_that_never_does_the_same_is_not_fought_for_ever(
    control_plane: ControlPlane, world: World
) -> None:
    """What it made of our last write stands, and nothing more is asked."""

    class Stamping(Injecting):
        numbers = count()

    async with meshed(control_plane, world, Stamping) as model:
        await model.converge()
        await model.converge()
        with model.silent():
            assert await model.converge() == []


async def test_who_keeps_changing_a_child_is_not_answered_without_end(
    control_plane: ControlPlane, world: World
) -> None:
    """Some reverts at once, and then a pause, which the caller is given."""
    async with meshed(control_plane, world, Cluster) as model:
        await model.converge()
        for number in range(BURST):
            model.edit(f"registry.example/evil:{number}")
            await model.converge()
        model.edit("registry.example/evil:last")
        with pytest.raises(ContestedError) as caught:
            await model.converge()
        assert 0 < caught.value.seconds <= 1


async def test_a_plan_that_is_held_makes_no_deployment(control_plane: ControlPlane, world: World) -> None:
    """Deleted a moment ago, which no watch has reported yet: it is not made again by an apply that forces."""
    async with meshed(control_plane, world, Cluster) as model:
        await model.converge()
        running = read_child(world.deployment())
        model.wanted = held(model.wanted, 0, running)
        stale = world.deployment()
        assert model.rest("DELETE", world.path("deployments")).status in (200, 202)
        wait_until(lambda: world.child("deployments") is None)
        model.know(stale)
        with pytest.raises(ClusterError):
            await model.converge()
        assert world.child("deployments") is None
