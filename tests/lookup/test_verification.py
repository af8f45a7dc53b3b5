"""Signatures in the cache: verified once, away from the event loop, and with the keys of every policy."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from actgate.attestations import Verifier
from actgate.decision.attestation import Attestation
from actgate.kube.client import Page
from actgate.kube.objects import Object
from actgate.kube.resources import Resource
from actgate.lookup.cache import EvidenceCache, Scope
from actgate.lookup.evidence import Evidence, EvidenceUnavailableError, SignaturesPendingError
from tests.kube.running import until
from tests.lookup.fake_cluster import FakeCluster
from tests.support.attested import Party, evidence, signed, trusting
from tests.webhook.build import MANIFEST, NAMESPACE, manifest_object

OLD, NEW, OTHER = Party("old"), Party("new"), Party("other")
NAMESPACE_OBJECT = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": NAMESPACE, "uid": "n", "labels": {"kubernetes.io/metadata.name": NAMESPACE}},
}


def attested(*parties: Party, name: str = MANIFEST, **beside: Any) -> Object:  # noqa: ANN401 - any field
    """Return a manifest that these parties signed, as the API server has it."""
    obj = {**manifest_object(name), "spec": signed(evidence(), *parties)}
    metadata = {**obj["metadata"], "generation": 1, "creationTimestamp": "2026-11-02T10:00:00Z"}
    return {**obj, "metadata": metadata, **beside}


def policy(*trusted: Party, name: str = "house", **selector: str) -> Object:
    """Return a policy that trusts these parties."""
    spec = {"evidence": trusting(*trusted), "namespaceSelector": {"matchLabels": selector}}
    return {
        "apiVersion": "actgate.dev/v1alpha1",
        "kind": "CompliancePolicy",
        "metadata": {"name": name, "uid": f"uid-of-{name}"},
        "spec": spec,
    }


class HeldCluster(FakeCluster):
    """A cluster whose lists of manifests wait while ``held``."""

    def __init__(self, *objects: Object) -> None:
        super().__init__(NAMESPACE_OBJECT, *objects)
        self.go = asyncio.Event()
        self.go.set()

    async def list_pages(
        self,
        resource: Resource,
        namespace: str | None = None,
        **options: Any,  # noqa: ANN401 - as Cluster's
    ) -> AsyncGenerator[Page, None]:
        """Return everything of a kind on one page, as it was when it was asked for."""
        async for page in super().list_pages(resource, namespace, **options):
            if resource.plural == "compliancemanifests":
                await self.go.wait()
            yield page

    def manifest_lists(self) -> int:
        """Return how often manifests were listed."""
        return self.lists.count("compliancemanifests")


class Watched:
    """A cache that runs, and what it reported."""

    def __init__(self, door: FakeCluster) -> None:
        self.door = door
        self.changes: list[Scope] = []
        self.cache = EvidenceCache(door, on_change=self.changes.append)

    def evidence(self) -> Evidence:
        """Return what the cache has of the manifest."""
        return self.cache.from_cache(NAMESPACE, [MANIFEST])

    def signers(self) -> set[str] | None:
        """Return the signers in the cache by their anchors; None where it cannot tell."""
        try:
            return signers(self.evidence())
        except EvidenceUnavailableError:
            return None

    async def until_signers(self, *parties: Party) -> None:
        """Wait until the cache has these signers, and no others."""
        wanted = {party.anchor for party in parties}
        await until(lambda: self.signers() == wanted)

    async def until_synced(self) -> None:
        """Wait until every cache is complete."""
        for reflector in self.cache.reflectors:
            await asyncio.wait_for(reflector.synced.wait(), 60)


def signers(found: Evidence) -> set[str]:
    """Return the verified signers of some evidence, by their anchors."""
    return {
        signer.anchor
        for manifest in found.manifests
        for attestation in manifest.attestations
        for signer in attestation.signers
    }


@asynccontextmanager
async def watching(door: FakeCluster, *, synced: bool = True) -> AsyncIterator[Watched]:
    """Run a cache of a cluster."""
    watched = Watched(door)
    work = asyncio.create_task(watched.cache.run())
    try:
        if synced:
            await watched.until_synced()
        yield watched
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


class Calls:
    """The calls of a verifier: by which thread, and of how many attestations."""

    def __init__(self) -> None:
        self.threads: list[str] = []


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Every read of attestations from now on."""
    made, original = Calls(), Verifier.read

    def read(self: Verifier, items: Sequence[Any], spec: Mapping[str, Any]) -> tuple[Attestation, ...]:
        made.threads.append(threading.current_thread().name)
        return original(self, items, spec)

    monkeypatch.setattr(Verifier, "read", read)
    return made


@pytest.mark.parametrize("first", ["policy", "manifest"])
async def test_signatures_are_verified_with_the_keys_of_every_policy(first: str) -> None:
    """Whichever comes first, and whether or not the policy selects the namespace: labels may change."""
    door = HeldCluster(policy(NEW, name="elsewhere", team="other"))
    things = [policy(OLD), attested(OLD, NEW, OTHER)]
    async with watching(door) as watched:
        for thing in things if first == "policy" else reversed(things):
            door.put(thing)
        await watched.until_signers(OLD, NEW)
        (manifest,) = watched.evidence().manifests
        assert manifest.created_at is not None
        assert manifest.verified_against == {OLD.anchor, NEW.anchor}
        assert manifest == (await watched.cache.fetch_live(NAMESPACE, [MANIFEST], 5.0)).manifests[0]


async def test_a_new_key_is_not_known_from_the_cache_until_signatures_were_tried_with_it() -> None:
    """An answer by the old facts would refuse, or leave unmentioned, a signature that counts now.

    A live read is used meanwhile, and the cache as soon as manifests were listed again.
    """
    door = HeldCluster(policy(OLD), attested(OLD, NEW))
    async with watching(door) as watched:
        assert watched.signers() == {OLD.anchor}
        door.go.clear()
        door.put(policy(OLD, NEW))
        await until(lambda: watched.signers() is None)
        with pytest.raises(EvidenceUnavailableError, match="not verified yet with the keys of every policy"):
            watched.evidence()
        live = await watched.cache.fetch_live(NAMESPACE, [MANIFEST], 5.0)
        assert signers(live) == {OLD.anchor, NEW.anchor}
        assert [item.anchors.keys() for item in live.policies] == [{"old", "new"}]
        door.go.set()
        await watched.until_signers(OLD, NEW)
        assert door.manifest_lists() == 2


async def test_a_policy_that_brings_a_key_is_announced_again_when_it_was_tried_on_every_manifest() -> None:
    """Who waited for that learns of it, also where no signature is by the new key and nothing changed.

    A manifest that goes meanwhile is not waited for.
    """
    others = [attested(OLD, name=f"other-{number}") for number in range(3)]
    door = HeldCluster(policy(OLD), attested(OLD), *others)
    async with watching(door) as watched:
        door.go.clear()
        watched.changes.clear()
        door.put(policy(OLD, NEW))
        await until(lambda: door.manifest_lists() == 2)
        assert watched.changes == [Scope()]
        with pytest.raises(SignaturesPendingError):
            watched.evidence()
        door.remove(others[0])
        door.go.set()
        await until(lambda: watched.changes.count(Scope()) == 2)
        assert watched.changes == [Scope(), Scope(NAMESPACE, "other-0"), Scope()]
        assert watched.signers() == {OLD.anchor}


async def test_a_key_of_a_policy_that_does_not_apply_holds_up_nothing() -> None:
    """The cache keeps serving what every policy that applies asks about."""
    door = HeldCluster(policy(OLD), attested(OLD, NEW))
    async with watching(door) as watched:
        door.go.clear()
        door.put(policy(NEW, name="elsewhere", team="other"))
        await until(lambda: door.manifest_lists() == 2)
        assert watched.signers() == {OLD.anchor}
        door.go.set()
        await watched.until_signers(OLD, NEW)


async def test_a_key_that_goes_and_comes_back_needs_no_verification(calls: Calls) -> None:
    """Facts about signers do not depend on who is trusted; policies say that at every decision."""
    door = HeldCluster(policy(OLD, NEW), attested(OLD, NEW))
    async with watching(door) as watched:
        calls.threads.clear()
        for trusted in ([NEW], [OLD, NEW]):
            watched.changes.clear()
            door.put(policy(*trusted))
            await until(lambda: watched.changes)
            assert watched.signers() == {OLD.anchor, NEW.anchor}
        assert (calls.threads, door.manifest_lists()) == ([], 1)


async def test_a_status_write_verifies_nothing_and_is_no_change(calls: Calls) -> None:
    """The operator writes the results of verification into the status: that must not begin it again."""
    door = HeldCluster(policy(OLD), attested(OLD))
    shown: list[object] = []
    async with watching(door) as watched:
        watched.cache._on_manifest = lambda _, thing: shown.append(thing and thing.get("status"))
        (known,) = watched.evidence().manifests
        calls.threads.clear()
        door.put(attested(OLD, status={"observedGeneration": 1}))
        await until(lambda: shown)
        assert watched.evidence().manifests[0] is known
        live = (await watched.cache.fetch_live(NAMESPACE, [MANIFEST], 5.0)).manifests[0]
        assert live == known
        assert live.resource_version == str(door.version)
        assert (calls.threads, watched.changes) == ([], [])


@pytest.mark.parametrize("beside", [{"uid": "another"}, {"generation": 2}, {"generation": None}])
async def test_another_object_or_generation_is_verified(beside: dict[str, Any]) -> None:
    """One of the same name may not be signed."""
    door = HeldCluster(policy(OLD), attested(OLD))
    async with watching(door) as watched:
        forged = attested(OTHER)
        door.put({**forged, "metadata": {**forged["metadata"], **beside}})
        await watched.until_signers()


async def test_verification_leaves_the_event_loop_alone(calls: Calls) -> None:
    """One manifest can ask for two thousand verifications; reviews are answered meanwhile."""
    door = HeldCluster(policy(OLD), *(attested(OLD, name=f"manifest-{number}") for number in range(5)))
    async with watching(door) as watched:
        door.put(attested(OLD))
        await watched.until_signers(OLD)
        door.put(attested(OLD, NEW, name="unheard"), tell=False)
        await watched.cache.fetch_live(NAMESPACE, ["unheard"], 5.0)
    assert len(calls.threads) == 7
    assert all(name.startswith("verify") for name in calls.threads), calls.threads


async def test_a_key_that_comes_while_a_manifest_is_verified_is_tried_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else no list would be asked for: the manifest was not in the cache when the key came."""
    door = HeldCluster()
    async with watching(door) as watched:
        begun, go = threading.Event(), threading.Event()
        original = Verifier.read

        def slow(*arguments: Any) -> Any:  # noqa: ANN401 - as the verifier's
            found = original(*arguments)
            begun.set()
            assert go.wait(60)
            return found

        monkeypatch.setattr(Verifier, "read", slow)
        door.put(attested(OLD))
        await asyncio.to_thread(begun.wait, 60)
        door.put(policy(OLD))
        await until(lambda: Scope() in watched.changes)
        go.set()
        await watched.until_signers(OLD)
        assert door.manifest_lists() == 1


async def test_without_attestations_a_new_key_causes_no_list() -> None:
    """A cluster of declared manifests costs what it did."""
    door = HeldCluster({**manifest_object(), "spec": evidence()})
    async with watching(door) as watched:
        door.put(policy(OLD))
        await until(lambda: Scope() in watched.changes)
        assert watched.signers() == set()
        await asyncio.sleep(0)
        assert door.manifest_lists() == 1


async def test_before_the_caches_are_complete_a_live_read_verifies_with_the_policies_that_it_lists() -> None:
    """A refusal for want of signatures that are there would be a wrong one."""
    door = HeldCluster(policy(OLD), attested(OLD, NEW))
    found = await EvidenceCache(door).fetch_live(NAMESPACE, [MANIFEST], 5.0)
    assert signers(found) == {OLD.anchor}
    assert [item.name for item in found.policies] == ["house"]


async def test_envelopes_are_not_kept() -> None:
    """They are the larger part of a manifest, and what counts of them are facts."""
    thing = attested(OLD)
    async with watching(HeldCluster(policy(OLD), thing)) as watched:
        kept = repr(watched.cache._manifests.items())
        envelope = thing["spec"]["attestations"][0]["envelope"]
        assert MANIFEST in kept
        assert envelope["payload"] not in kept
        assert envelope["signatures"][0]["sig"] not in kept


async def test_reviews_verify_nothing(calls: Calls) -> None:
    """Whatever is asked, from the cache or live: each envelope was verified when it came."""
    door = HeldCluster(policy(OLD), attested(OLD))
    async with watching(door) as watched:
        assert len(calls.threads) == 1
        for _ in range(20):
            assert watched.signers() == {OLD.anchor}
            assert signers(await watched.cache.fetch_live(NAMESPACE, [MANIFEST], 5.0)) == {OLD.anchor}
        assert len(calls.threads) == 1


async def test_a_new_key_is_tried_alone() -> None:
    """What other keys make of an envelope is known: each pair is verified once."""
    door = HeldCluster(policy(OLD), attested(OLD, NEW))
    async with watching(door) as watched:
        known = len(watched.cache._verification._signatures)
        door.put(policy(OLD, NEW))
        await watched.until_signers(OLD, NEW)
        assert len(watched.cache._verification._signatures) == known + 1
