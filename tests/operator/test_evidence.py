"""What pictures of evidence show, when they show nothing, and whom a change of them concerns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from actgate.kube.client import Cluster
from actgate.kube.timing import Timing
from actgate_operator.evidence import OLDEST_SECONDS, EvidencePictures, NotNowError, Scope
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import MERGE_PATCH
from tests.kube.running import Clock, until
from tests.operator.fakes import unreachable
from tests.operator.world import MANIFEST, World


class Watched:
    """Pictures that live, on a clock that stands still, and what they told."""

    def __init__(self, cluster: Cluster) -> None:
        self.clock = Clock()
        self.told: list[Scope] = []
        self.pictures = EvidencePictures(cluster, self.told.append, Timing(now=self.clock))

    def known(self) -> bool:
        """Return whether every picture has been complete once."""
        return all(reflector.synced.is_set() for reflector in self.pictures.reflectors)

    async def heard(self, scope: Scope) -> None:
        """Wait until a change was told."""
        await until(lambda: scope in self.told)


async def farewell() -> None:
    """Wait until this event loop has no connection any more.

    Over TLS, a watch that is given up stays open until the other side has said good-bye too.
    """
    selector = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
    await until(lambda: len(selector.get_map()) == 1)  # The loop's own pipe.


@asynccontextmanager
async def watching(control_plane: ControlPlane) -> AsyncIterator[Watched]:
    """Pictures of a control plane, all of them complete."""
    async with Cluster.from_environment(control_plane.kubeconfig) as cluster:
        watched = Watched(cluster)
        task = asyncio.create_task(watched.pictures.run())
        try:
            await until(watched.known)
            yield watched
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    await farewell()


@pytest.fixture
def plane(control_plane: ControlPlane, world: World) -> ControlPlane:
    """A control plane with the CRDs and a namespace."""
    assert world.namespace
    return control_plane


async def test_before_the_first_list_nothing_is_known() -> None:
    """An empty picture is no answer."""
    pictures = EvidencePictures(unreachable(), lambda _: None)
    with pytest.raises(NotNowError, match=r"compliancemanifests\S* are not listed yet"):
        pictures.recalled("credit", MANIFEST)


async def test_each_picture_has_to_be_complete() -> None:
    """Manifests without policies would be judged by the wrong ones."""
    pictures = EvidencePictures(unreachable(), lambda _: None)
    for reflector in pictures.reflectors:
        with pytest.raises(NotNowError, match=f"{reflector.resource} are not listed yet"):
            pictures.recalled("credit", MANIFEST)
        reflector.synced.set()
        reflector.last_contact = float("inf")


async def test_the_evidence_of_a_model_is_what_the_cluster_has(plane: ControlPlane, world: World) -> None:
    """Manifest, policies, and the labels of the namespace."""
    live = world.manifest()
    policy = f"house-{world.namespace}"
    world.policy(policy, {"onViolation": "ScaleToZero"})
    try:
        async with watching(plane) as watched:
            evidence = watched.pictures.recalled(world.namespace, MANIFEST)
            assert evidence.manifest is not None
            assert evidence.manifest.uid == live["metadata"]["uid"]
            assert policy in {item.name for item in evidence.policies}
            assert evidence.namespace_labels["kubernetes.io/metadata.name"] == world.namespace
            assert watched.pictures.recalled(world.namespace, "absent").manifest is None
            assert watched.pictures.recalled(world.namespace, None).manifest is None
            found = await watched.pictures.live_manifest(world.namespace, MANIFEST)
            assert found == evidence.manifest
            assert await watched.pictures.live_manifest(world.namespace, "absent") is None
    finally:
        world.delete_policy(policy)


async def test_a_namespace_that_is_not_known_yet_is_not_judged(plane: ControlPlane) -> None:
    """Its labels say which policies apply."""
    async with watching(plane) as watched:
        with pytest.raises(NotNowError, match="namespace no-such-place is not known yet"):
            watched.pictures.recalled("no-such-place", MANIFEST)


async def test_a_picture_that_is_too_old_shows_nothing(plane: ControlPlane, world: World) -> None:
    """Evidence may have been withdrawn since."""
    async with watching(plane) as watched:
        watched.clock.time += OLDEST_SECONDS
        watched.pictures.recalled(world.namespace, MANIFEST)
        watched.clock.time += 1.0
        with pytest.raises(NotNowError, match=r"no news of \S+ for 76 s"):
            watched.pictures.recalled(world.namespace, MANIFEST)


async def test_a_change_of_a_manifest_concerns_who_refers_to_it(plane: ControlPlane, world: World) -> None:
    """When it comes, and when it goes."""
    async with watching(plane) as watched:
        for change in (world.manifest, lambda: world.delete("ComplianceManifest", MANIFEST)):
            watched.told.clear()
            change()
            await watched.heard(Scope(world.namespace, MANIFEST))


async def test_a_change_of_a_policy_concerns_everybody(plane: ControlPlane, world: World) -> None:
    """And the next evidence is judged by it."""
    policy = f"new-{world.namespace}"
    async with watching(plane) as watched:
        world.policy(policy, {})
        try:
            await watched.heard(Scope())
            assert policy in {item.name for item in watched.pictures.recalled(world.namespace, None).policies}
        finally:
            watched.told.clear()
            world.delete_policy(policy)
        await watched.heard(Scope())
        policies = watched.pictures.recalled(world.namespace, None).policies
        assert policy not in {item.name for item in policies}


async def test_labels_of_a_namespace_concern_its_models_and_nothing_else_of_it_does(
    plane: ControlPlane, world: World
) -> None:
    """An annotation is no news."""
    path = f"/api/v1/namespaces/{world.namespace}"
    async with watching(plane) as watched:
        watched.told.clear()
        for metadata in ({"annotations": {"note": "x"}}, {"labels": {"team": "credit"}}):
            assert world.rest("PATCH", path, {"metadata": metadata}, MERGE_PATCH).status == 200
        await watched.heard(Scope(world.namespace))
        assert watched.told.count(Scope(world.namespace)) == 1
        assert watched.pictures.recalled(world.namespace, None).namespace_labels["team"] == "credit"


async def test_what_the_first_list_shows_concerns_nobody(plane: ControlPlane, world: World) -> None:
    """Every model is looked at then anyway."""
    world.manifest()
    async with watching(plane) as watched:
        assert watched.pictures.recalled(world.namespace, MANIFEST).manifest is not None
        assert watched.told == []
