"""Policies and manifests that change in any order: what the cache returns is never wrong about a signer."""

from __future__ import annotations

import asyncio
import random
from itertools import combinations

import pytest

from actgate.decision import Policy
from actgate.lookup.cache import EvidenceCache
from actgate.lookup.evidence import Evidence, EvidenceUnavailableError
from tests.kube.running import until
from tests.lookup.fake_cluster import FakeCluster
from tests.lookup.test_verification import NAMESPACE_OBJECT, attested, policy
from tests.support.attested import Party
from tests.webhook.build import MANIFEST, NAMESPACE

PARTIES = [Party("a"), Party("b"), Party("c")]
GROUPS = [group for size in range(4) for group in combinations(PARTIES, size)]
SIGNED = {f"uid-{index}": attested(*group) for index, group in enumerate(GROUPS)}
SIGNERS = {uid: {party.anchor for party in group} for uid, group in zip(SIGNED, GROUPS, strict=True)}


def of_uid(uid: str) -> dict[str, object]:
    """Return the manifest of some signers, an object of its own."""
    obj = SIGNED[uid]
    return {**obj, "metadata": {**obj["metadata"], "uid": uid}}


def trusted(policies: tuple[Policy, ...]) -> set[str]:
    """Return the keys that some policies trust."""
    return {anchor for policy in policies for anchors in policy.anchors.values() for anchor in anchors}


def check(found: Evidence) -> None:
    """Every signer that a policy of the answer trusts is known, and no other is taken for one."""
    for manifest in found.manifests:
        known = {signer.anchor for item in manifest.attestations for signer in item.signers}
        actual, keys = SIGNERS[str(manifest.uid)], trusted(found.policies)
        assert known & keys == actual & keys
        assert known <= actual


@pytest.mark.parametrize("seed", range(12))
async def test_no_answer_is_wrong_about_a_signer_whom_a_policy_trusts(seed: int) -> None:
    """From the cache, or live, while both change at once; and at rest the cache has the answer again."""
    chance = random.Random(seed)  # noqa: S311 - the same interleavings in every run
    door = FakeCluster(NAMESPACE_OBJECT, policy(PARTIES[0]), of_uid("uid-7"))
    cache = EvidenceCache(door)
    work = asyncio.create_task(cache.run())
    await until(lambda: all(reflector.synced.is_set() for reflector in cache.reflectors))
    answers = 0
    for _ in range(40):
        match chance.randrange(4):
            case 0:
                door.put(policy(*chance.choice(GROUPS[1:]), name=chance.choice(["one", "two"])))
            case 1:
                door.put(of_uid(chance.choice([*SIGNED])))
            case 2:
                check(await cache.fetch_live(NAMESPACE, [MANIFEST], 5.0))
            case _:
                cache.reflectors[0].relist()
        for _ in range(chance.randrange(12)):
            await asyncio.sleep(0)
            try:
                check(cache.from_cache(NAMESPACE, [MANIFEST]))
                answers += 1
            except EvidenceUnavailableError:
                continue
    assert answers
    await until(lambda: at_rest(cache, door))
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


def at_rest(cache: EvidenceCache, door: FakeCluster) -> bool:
    """Return whether the cache has the newest manifest and all policies."""
    try:
        found = cache.from_cache(NAMESPACE, [MANIFEST])
    except EvidenceUnavailableError:
        return False
    check(found)
    stored = door.objects["compliancemanifests", NAMESPACE, MANIFEST]["metadata"]["uid"]
    count = sum(plural == "compliancepolicies" for plural, *_ in door.objects)
    return [manifest.uid for manifest in found.manifests] == [stored] and len(found.policies) == count
