"""Signed evidence in a namespace: manifests that parties signed, and policies that trust parties."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from actgate_sandbox.rest import MERGE_PATCH
from tests.operator.world import MANIFEST, World, stamp
from tests.support.attested import Party, evidence, payload_digest, signed, trusting
from tests.support.crds import ROOT, create

Json = dict[str, Any]


def signed_spec(*parties: Party, **changes: Any) -> Json:  # noqa: ANN401 - fields of a spec
    """Return evidence of three weeks ago, of which these parties have signed the whole in one envelope."""
    spec = evidence(**changes)
    spec["training"]["finishedAt"] = stamp(datetime.now(UTC) - timedelta(days=21))
    return signed(spec, *parties) if parties else spec


def store(world: World, spec: Json, name: str = MANIFEST) -> Json:
    """Create a manifest, and return it as it is stored."""
    reply = create(world.rest, "ComplianceManifest", name, spec, world.namespace)
    assert reply.status == 201, reply
    return dict(reply.body)


def digest_of(spec: Json) -> str:
    """Return the digest by which the first attestation of a spec is withdrawn."""
    return payload_digest(spec["attestations"][0])


class Policy:
    """A CompliancePolicy for one namespace, which is changed while models run."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self.name = name

    def trust(self, *trusted: Party | Json, **more: Any) -> None:  # noqa: ANN401 - fields of an evidence policy
        """Trust these parties and no others, and ask that one of them signed."""
        spec = {"evidence": {"withdrawn": [], **trusting(*trusted, **more)}}
        path = f"{ROOT}/compliancepolicies/{self.name}"
        reply = self._world.rest("PATCH", path, {"spec": spec}, MERGE_PATCH)
        assert reply.status == 200, reply

    def delete(self) -> None:
        """Delete it."""
        self._world.delete_policy(self.name)


@contextmanager
def policy(world: World, *trusted: Party | Json, **spec: Any) -> Iterator[Policy]:  # noqa: ANN401 - parts of a spec
    """Have a policy in a namespace that trusts these parties until the block ends."""
    name = f"signed-{world.namespace}"
    world.policy(name, {"evidence": trusting(*trusted), **spec})
    try:
        yield Policy(world, name)
    finally:
        world.rest("DELETE", f"{ROOT}/compliancepolicies/{name}")
