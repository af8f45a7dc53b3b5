"""The cache of a real control plane, and whom a change of evidence concerns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from actgate.kube.client import Cluster
from actgate.kube.timing import Timing
from actgate.lookup.cache import EvidenceCache, Scope
from actgate.lookup.evidence import EvidenceUnavailableError
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import MERGE_PATCH, Rest
from tests.kube.running import Clock, until
from tests.operator.world import MANIFEST, World
from tests.support import crds


class Watched:
    """A cache that lives, on a clock that stands still, and the changes that it reported."""

    def __init__(self, cluster: Cluster) -> None:
        self.clock = Clock()
        self.changes: list[Scope] = []
        self.cache = EvidenceCache(
            cluster, on_change=self.changes.append, live_namespaces=False, timing=Timing(now=self.clock)
        )

    def known(self) -> bool:
        """Return whether every cache has been complete once."""
        return all(reflector.synced.is_set() for reflector in self.cache.reflectors)

    async def heard(self, scope: Scope) -> None:
        """Wait until a change was reported."""
        await until(lambda: scope in self.changes)


async def farewell() -> None:
    """Wait until this event loop has no connection any more.

    Over TLS, a watch that is given up stays open until the other side has said good-bye too.
    """
    selector = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
    await until(lambda: len(selector.get_map()) == 1)  # The loop's own pipe.


@asynccontextmanager
async def watching(control_plane: ControlPlane) -> AsyncIterator[Watched]:
    """The cache of a control plane, complete."""
    async with Cluster.from_environment(control_plane.kubeconfig) as cluster:
        watched = Watched(cluster)
        task = asyncio.create_task(watched.cache.run())
        try:
            await until(watched.known)
            yield watched
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    await farewell()


@pytest.fixture
def world(rest: Rest, namespace: str) -> World:
    """A namespace of its own for a test, where our kinds are known."""
    crds.install(rest)
    return World(rest, namespace)


@pytest.fixture
def plane(control_plane: ControlPlane, world: World) -> ControlPlane:
    """A control plane with the CRDs and a namespace."""
    assert world.namespace
    return control_plane


async def test_the_evidence_of_a_model_is_what_the_cluster_has(plane: ControlPlane, world: World) -> None:
    """Manifest, policies, and the labels of the namespace."""
    live = world.manifest()
    policy = f"house-{world.namespace}"
    world.policy(policy, {"onViolation": "ScaleToZero"})
    try:
        async with watching(plane) as watched:
            evidence = watched.cache.from_cache(world.namespace, [MANIFEST])
            assert [manifest.uid for manifest in evidence.manifests] == [live["metadata"]["uid"]]
            assert policy in {item.name for item in evidence.policies}
            assert evidence.namespace_labels["kubernetes.io/metadata.name"] == world.namespace
            assert watched.cache.from_cache(world.namespace, ["absent"]).manifests == ()
            found = await watched.cache.fetch_live(world.namespace, [MANIFEST, "absent"], 10.0)
            assert found.manifests == evidence.manifests
    finally:
        world.delete_policy(policy)


async def test_a_namespace_that_is_not_known_yet_is_not_judged(plane: ControlPlane) -> None:
    """Its labels say which policies apply."""
    async with watching(plane) as watched:
        with pytest.raises(EvidenceUnavailableError, match="namespace no-such-place is not known yet"):
            watched.cache.from_cache("no-such-place", [MANIFEST])


async def test_a_change_of_a_manifest_concerns_who_refers_to_it(plane: ControlPlane, world: World) -> None:
    """When it comes, and when it goes."""
    async with watching(plane) as watched:
        for change in (world.manifest, lambda: world.delete("ComplianceManifest", MANIFEST)):
            watched.changes.clear()
            change()
            await watched.heard(Scope(world.namespace, MANIFEST))


async def test_a_change_of_a_policy_concerns_every_namespace(plane: ControlPlane, world: World) -> None:
    """And the next evidence is judged by it."""
    policy = f"new-{world.namespace}"
    async with watching(plane) as watched:
        world.policy(policy, {})
        try:
            await watched.heard(Scope())
            assert policy in {item.name for item in watched.cache.from_cache(world.namespace, []).policies}
        finally:
            watched.changes.clear()
            world.delete_policy(policy)
        await watched.heard(Scope())
        policies = watched.cache.from_cache(world.namespace, []).policies
        assert policy not in {item.name for item in policies}


async def test_labels_of_a_namespace_concern_its_models_and_nothing_else_of_it_does(
    plane: ControlPlane, world: World
) -> None:
    """An annotation is no news."""
    path = f"/api/v1/namespaces/{world.namespace}"
    async with watching(plane) as watched:
        watched.changes.clear()
        for metadata in ({"annotations": {"note": "x"}}, {"labels": {"team": "credit"}}):
            assert world.rest("PATCH", path, {"metadata": metadata}, MERGE_PATCH).status == 200
        await watched.heard(Scope(world.namespace))
        assert watched.changes.count(Scope(world.namespace)) == 1
        assert watched.cache.from_cache(world.namespace, []).namespace_labels["team"] == "credit"


async def test_what_the_first_list_shows_concerns_no_namespace(plane: ControlPlane, world: World) -> None:
    """Every model is reconciled then anyway."""
    world.manifest()
    async with watching(plane) as watched:
        assert watched.cache.from_cache(world.namespace, [MANIFEST]).manifests
        assert watched.changes == []
