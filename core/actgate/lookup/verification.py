"""Manifests read under the keys and certificates of all policies, each (envelope, key) pair verified once.

A verification takes up to some milliseconds, and a manifest can ask for hundreds of them: those of a manifest
with attestations are made in a thread. What comes out are facts about signers; whether a policy trusts them
is decided at every judgement. So a policy that goes away changes nothing here, and one that brings a new key
makes manifests that were not tried with it ``outdated``. Envelopes are not kept.
"""

import asyncio
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from actgate.attestations import Anchors, SignatureCache, Verifier
from actgate.decision import Manifest, Policy
from actgate.kube.objects import Object
from actgate.manifests import read_manifest

_background: Final = ThreadPoolExecutor(1, "verify")
"""Reads what lists and watches bring, one after the other."""
_live: Final = ThreadPoolExecutor(2, "verify-live")
"""Reads what a request waits for."""


class Verification:
    """Every key and root certificate that was in a policy since the start, and manifests read under them."""

    def __init__(self) -> None:
        self._signatures = SignatureCache()
        self._verifier = Verifier(known=self._signatures)
        self._anchors: set[str] = set()
        """Of every key and certificate so far."""
        self._fresh: list[Policy] = []
        """Policies whose keys the verifier lacks: thousands can come before it is needed."""

    def trust(self, policies: Iterable[Policy]) -> bool:
        """Verify with the keys of these policies too; return whether one of them is new."""
        fresh = [policy for policy in policies if not covers(self._anchors, [policy])]
        for policy in fresh:
            self._anchors |= policy.trusted
        self._fresh += fresh
        return bool(fresh)

    def outdated(self, manifest: Manifest) -> bool:
        """Return whether there is a key that the manifest's signatures were not tried with."""
        return bool(manifest.attestations) and not self._anchors <= manifest.verified_against

    def unchanged(self, thing: Object, known: object) -> Manifest | None:
        """Return what is known of a manifest, where this version of it holds no other evidence.

        Generations count changes of a spec; a status, a label or an owner makes a version alone.
        """
        if not isinstance(known, Manifest) or known.generation is None or self.outdated(known):
            return None
        metadata = thing["metadata"]
        same = (metadata.get("uid"), metadata.get("generation")) == (known.uid, known.generation)
        return known if same else None

    def read(self, thing: Object) -> Manifest:
        """Return a manifest as the API server gives it, at once: one without attestations needs no key."""
        if not attested(thing):
            return read_manifest(thing, from_api_server=True)
        return read_manifest(thing, self._current(), from_api_server=True)

    async def read_in_thread(self, thing: Object, *, live: bool = False) -> Manifest:
        """Return a manifest as the API server gives it, under every key that is known when it comes back."""
        loop, threads = asyncio.get_running_loop(), _live if live else _background
        while True:
            verifier = self._current()
            reading = partial(read_manifest, thing, verifier, from_api_server=True)
            manifest = await loop.run_in_executor(threads, reading)
            if verifier is self._current():
                return manifest

    def _current(self) -> Verifier:
        """Return a verifier with every key, on the event loop."""
        if self._fresh:
            known, added = self._verifier.anchors, Anchors.of(policy.spec for policy in self._fresh)
            every = Anchors(known.keys | added.keys, known.roots | added.roots)
            self._verifier, self._fresh = Verifier(every, self._signatures), []
        return self._verifier


def attested(thing: Object) -> bool:
    """Return whether a ComplianceManifest has attestations."""
    spec = thing.get("spec")
    return isinstance(spec, Mapping) and bool(spec.get("attestations"))


def covers(anchors: AbstractSet[str], policies: Iterable[Policy]) -> bool:
    """Return whether every key and root certificate of these policies is among the anchors."""
    return all(policy.trusted <= anchors for policy in policies)
