"""kopf and our handlers on an API server of the sandbox: stand-in and real one."""

from __future__ import annotations

import asyncio
from typing import Any

from actgate.kube.observing import Asked
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import Rest
from tests.kube.running import until
from tests.operator.frame.following import Following, following
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


def observed(running: Following, thing: dict[str, Any]) -> bool:
    metadata = thing["metadata"]
    return ((metadata["namespace"], metadata["name"]), int(metadata["resourceVersion"])) in running.changed


async def test_objects_are_observed_and_left_as_they_are(
    control_plane: ControlPlane, installed: Rest, namespace: str
) -> None:
    """Through their whole life only their author writes them; a deletion waits for no finalizer."""
    rest = installed
    existing = await asyncio.to_thread(create, rest, namespace, "a")
    async with following(control_plane.kubeconfig) as running:
        await until(lambda: observed(running, existing) and watches(running.asked))
        made = await asyncio.to_thread(create, rest, namespace, "b")
        await until(lambda: observed(running, made))
        changed = {**made, "spec": crds.deployment_spec(suspend=True)}
        changed = (await asyncio.to_thread(rest, "PUT", path_of(namespace, "b"), changed)).body
        await until(lambda: observed(running, changed))
        as_it_is = (await asyncio.to_thread(rest, "GET", path_of(namespace, "b"))).body
        assert as_it_is["metadata"] == changed["metadata"]
        assert not {"finalizers", "annotations"} & as_it_is["metadata"].keys()
        await asyncio.to_thread(rest, "DELETE", path_of(namespace, "b"))
        gone = await asyncio.to_thread(rest, "GET", path_of(namespace, "b"))
        assert gone.status == 404
        await until(lambda: ((namespace, "b"), None) in running.changed)
    assert not {asked.verb for asked in running.asked} & WRITES


async def test_a_restart_of_the_api_server_loses_nothing(
    control_plane: ControlPlane, installed: Rest, namespace: str
) -> None:
    """Connections break; what happens afterwards is observed."""
    async with following(control_plane.kubeconfig) as running:
        await until(lambda: watches(running.asked))
        await asyncio.to_thread(control_plane.restart)
        made = await asyncio.to_thread(create, installed, namespace, "a")
        await until(lambda: observed(running, made))
    assert not {asked.verb for asked in running.asked} & WRITES
