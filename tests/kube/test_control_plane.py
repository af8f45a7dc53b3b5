"""The same client and reflector on an API server of the sandbox: stand-in and real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from actgate.kube.client import Cluster
from actgate.kube.errors import AlreadyExists, Conflict, Invalid, NotFound
from actgate.kube.objects import Object, version_of
from actgate.kube.resources import NAMESPACES, Resource
from actgate_sandbox.control_plane import ControlPlane
from tests.kube.running import PATIENT, Journal, contents, running, until

CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")


@pytest.fixture
async def cluster(control_plane: ControlPlane) -> AsyncIterator[Cluster]:
    """A client with the administrator's kubeconfig."""
    async with Cluster.from_environment(control_plane.kubeconfig) as opened:
        yield opened


def config_map(namespace: str, name: str, **data: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": data,
    }


def data_of(thing: Object) -> Any:  # noqa: ANN401 - it is what parse returns
    return thing.get("data", {})


async def test_what_is_created_is_found_and_listed(cluster: Cluster, namespace: str) -> None:
    """A name is taken once; a page holds what it is asked to."""
    for name in "abc":
        await cluster.create(CONFIG_MAPS, config_map(namespace, name, n=name))
    with pytest.raises(AlreadyExists):
        await cluster.create(CONFIG_MAPS, config_map(namespace, "a"))
    assert data_of(await cluster.get(CONFIG_MAPS, "b", namespace)) == {"n": "b"}
    pages = [page async for page in cluster.list_pages(CONFIG_MAPS, namespace, limit=2)]
    assert [[thing["metadata"]["name"] for thing in page.items] for page in pages] == [
        ["a", "b"],
        ["c"],
    ]
    assert len({page.version for page in pages}) == 1


async def test_a_dry_run_changes_nothing(cluster: Cluster, namespace: str) -> None:
    """Create, apply and delete."""
    await cluster.create(CONFIG_MAPS, config_map(namespace, "a", n="1"))
    await cluster.create(CONFIG_MAPS, config_map(namespace, "b"), dry_run=True)
    await cluster.apply(
        CONFIG_MAPS, config_map(namespace, "a", n="2"), field_manager="t", force=True, dry_run=True
    )
    await cluster.delete(CONFIG_MAPS, "a", namespace, dry_run=True)
    assert data_of(await cluster.get(CONFIG_MAPS, "a", namespace)) == {"n": "1"}
    with pytest.raises(NotFound):
        await cluster.get(CONFIG_MAPS, "b", namespace)


async def test_a_field_of_another_manager_is_taken_only_by_force(cluster: Cluster, namespace: str) -> None:
    """Server-side apply; a no-op leaves the version as it was."""
    first = await cluster.apply(CONFIG_MAPS, config_map(namespace, "a", n="1"), field_manager="one")
    again = await cluster.apply(CONFIG_MAPS, config_map(namespace, "a", n="1"), field_manager="one")
    assert version_of(again) == version_of(first)
    with pytest.raises(Conflict):
        await cluster.apply(CONFIG_MAPS, config_map(namespace, "a", n="2"), field_manager="two")
    taken = await cluster.apply(
        CONFIG_MAPS, config_map(namespace, "a", n="2"), field_manager="two", force=True
    )
    assert data_of(taken) == {"n": "2"}


async def test_an_object_that_cannot_be_applied_is_the_users_error(cluster: Cluster, namespace: str) -> None:
    """The real API server says 500 for it; trying again would be in vain."""
    with pytest.raises(Invalid, match="nonsense"):
        await cluster.apply(CONFIG_MAPS, {**config_map(namespace, "a"), "nonsense": 1}, field_manager="t")


async def test_a_stale_replacement_is_a_conflict(cluster: Cluster, namespace: str) -> None:
    """A client that read an older version does not overwrite a newer one."""
    read = await cluster.create(CONFIG_MAPS, config_map(namespace, "a", n="1"))
    await cluster.replace(CONFIG_MAPS, {**read, "data": {"n": "2"}})
    with pytest.raises(Conflict):
        await cluster.replace(CONFIG_MAPS, {**read, "data": {"n": "3"}})


async def test_a_deletion_spares_the_successor(cluster: Cluster, namespace: str) -> None:
    """The uid says which object is meant."""
    made = await cluster.create(CONFIG_MAPS, config_map(namespace, "a"))
    with pytest.raises(Conflict):
        await cluster.delete(CONFIG_MAPS, "a", namespace, uid="another")
    await cluster.delete(CONFIG_MAPS, "a", namespace, uid=made["metadata"]["uid"])
    with pytest.raises(NotFound):
        await cluster.delete(CONFIG_MAPS, "a", namespace)


async def test_a_reflector_follows_what_happens(cluster: Cluster, namespace: str) -> None:
    """Listed, added, changed and deleted; only in its namespace."""
    await cluster.create(CONFIG_MAPS, config_map(namespace, "a", n="1"))
    journal = Journal()
    async with running(
        cluster, CONFIG_MAPS, parse=data_of, namespace=namespace, on_change=journal
    ) as reflector:
        await reflector.synced.wait()
        await cluster.create(CONFIG_MAPS, config_map(namespace, "b", n="2"))
        changed = config_map(namespace, "a", n="3")
        await cluster.apply(CONFIG_MAPS, changed, field_manager="t", force=True)
        await cluster.delete(CONFIG_MAPS, "b", namespace)
        await until(lambda: len(journal.changes) == 4)
        assert contents(reflector) == {"a": {"n": "3"}}
    assert journal.changes == [
        ("a", None, {"n": "1"}),
        ("b", None, {"n": "2"}),
        ("a", {"n": "1"}, {"n": "3"}),
        ("b", {"n": "2"}, None),
    ]


async def test_a_reflector_of_cluster_scoped_objects(cluster: Cluster, namespace: str) -> None:
    """They have no namespace in their key."""
    async with running(cluster, NAMESPACES, parse=version_of) as reflector:
        await reflector.synced.wait()
        assert reflector.get(None, namespace)


async def test_a_reflector_outlives_a_restart_of_the_api_server(
    control_plane: ControlPlane, cluster: Cluster, namespace: str
) -> None:
    """The old objects stay meanwhile, and later changes are observed."""
    await cluster.create(CONFIG_MAPS, config_map(namespace, "a", n="1"))
    async with running(
        cluster,
        CONFIG_MAPS,
        parse=data_of,
        namespace=namespace,
        timing=replace(PATIENT, silence=20.0),
    ) as reflector:
        await reflector.synced.wait()
        await asyncio.to_thread(control_plane.restart)
        assert contents(reflector) == {"a": {"n": "1"}}
        await cluster.create(CONFIG_MAPS, config_map(namespace, "b", n="2"))
        await cluster.delete(CONFIG_MAPS, "a", namespace)
        await until(lambda: contents(reflector) == {"b": {"n": "2"}})


async def test_quiet_is_distinguished_from_blindness(cluster: Cluster, namespace: str) -> None:
    """Nothing happens to the kind, so the API server may send no bookmark: a list is contact."""
    async with running(
        cluster,
        CONFIG_MAPS,
        parse=data_of,
        namespace=namespace,
        timing=replace(PATIENT, quiet=1.0),
    ) as reflector:
        await reflector.synced.wait()
        first = reflector.last_contact
        await until(lambda: reflector.last_contact > first)
