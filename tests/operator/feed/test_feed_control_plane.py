"""The feed on an API server of the sandbox: stand-in and real one."""

from __future__ import annotations

import asyncio
from typing import Any

from actgate.kube.observing import Asked
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import Rest
from tests.kube.running import until
from tests.operator.feed.feeding import Feeding, fed, threads
from tests.support import crds

WRITES = {"create", "update", "patch", "delete"}


def create(rest: Rest, namespace: str, name: str) -> dict[str, Any]:
    reply = crds.create(rest, "ModelDeployment", name, crds.deployment_spec(), namespace)
    assert reply.status == 201, reply
    body: dict[str, Any] = reply.body
    return body


def path_of(namespace: str, name: str) -> str:
    return f"{crds.collection('ModelDeployment', namespace)}/{name}"


def watches(asked: list[Asked]) -> int:
    return sum(each.verb == "watch" and each.code == 200 for each in asked)


def told(feeding: Feeding, thing: dict[str, Any]) -> bool:
    metadata = thing["metadata"]
    return (metadata["namespace"], metadata["name"], int(metadata["resourceVersion"])) in feeding.seen


async def test_objects_are_told_and_left_as_they_are(
    control_plane: ControlPlane, installed: Rest, namespace: str
) -> None:
    """Through their whole life nobody but their author writes them; a deletion waits for nobody."""
    rest = installed
    existing = await asyncio.to_thread(create, rest, namespace, "a")
    async with fed(control_plane.kubeconfig) as feeding:
        await until(lambda: told(feeding, existing) and watches(feeding.asked))
        made = await asyncio.to_thread(create, rest, namespace, "b")
        await until(lambda: told(feeding, made))
        changed = {**made, "spec": crds.deployment_spec(suspend=True)}
        changed = (await asyncio.to_thread(rest, "PUT", path_of(namespace, "b"), changed)).body
        await until(lambda: told(feeding, changed))
        as_it_is = (await asyncio.to_thread(rest, "GET", path_of(namespace, "b"))).body
        assert as_it_is["metadata"] == changed["metadata"]
        assert not {"finalizers", "annotations"} & as_it_is["metadata"].keys()
        await asyncio.to_thread(rest, "DELETE", path_of(namespace, "b"))
        gone = await asyncio.to_thread(rest, "GET", path_of(namespace, "b"))
        assert gone.status == 404
        before = int(changed["metadata"]["resourceVersion"])
        await until(lambda: feeding.latest()["b"] > before)
    assert not {asked.verb for asked in feeding.asked} & WRITES
    assert not threads()


async def test_a_restart_of_the_api_server_loses_nothing(
    control_plane: ControlPlane, installed: Rest, namespace: str
) -> None:
    """Connections break; what happens afterwards is told."""
    async with fed(control_plane.kubeconfig) as feeding:
        await until(lambda: watches(feeding.asked))
        await asyncio.to_thread(control_plane.restart)
        made = await asyncio.to_thread(create, installed, namespace, "a")
        await until(lambda: told(feeding, made))
    assert not {asked.verb for asked in feeding.asked} & WRITES
