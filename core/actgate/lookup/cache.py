"""The evidence of one cluster: four informer caches, and live reads where a cache is not enough.

A cache has within the latency of a watch what the API server has. A watch that died in silence is noticed
by the age of its last contact: the oldest of the four is the evidence's age, and from ``FRESH_SECONDS`` on
the cache is not used.

Nor is it used for a manifest whose signatures were not tried with every key of the policies that apply. A
policy that brings a new key has manifests with attestations listed again.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final, NamedTuple

from actgate.decision import Manifest, Policy
from actgate.decision.decide import Appraisals
from actgate.decision.policies import Selection
from actgate.kube.client import Cluster
from actgate.kube.errors import ClusterError, Invalid, NotFound
from actgate.kube.objects import Key, Object, key_of, labels_of
from actgate.kube.reflector import SLICE, Reflector
from actgate.kube.resources import (
    COMPLIANCE_MANIFESTS,
    COMPLIANCE_POLICIES,
    EXEMPTIONS,
    NAMESPACES,
    Resource,
)
from actgate.kube.single_flight import SingleFlight
from actgate.kube.store import Change, Parse, Unreadable
from actgate.kube.timing import Timing
from actgate.lookup.evidence import (
    FRESH_SECONDS,
    Evidence,
    EvidenceUnavailableError,
    SignaturesPendingError,
)
from actgate.lookup.exemptions import ByNamespace, ExemptionCache, list_exemptions
from actgate.lookup.verification import Verification, attested, covers
from actgate.manifests import policy_or_strictest

PAGE: Final = 100
"""Manifests on a page of a list: of the largest ones it is 20 MB of JSON, and 30 ms until it is parsed."""


class Scope(NamedTuple):
    """Which subjects a change concerns: all, those of a namespace, or those that link a manifest."""

    namespace: str | None = None
    manifest: str | None = None


class EvidenceCache:
    """An ``EvidenceSource`` over one cluster; its caches live while ``run`` runs.

    Args:
        cluster: The API server.
        on_change: Called with whom a change of evidence concerns, after the first complete list; once more
            for a policy that brings a key, when the signatures of every manifest were tried with it.
        on_manifest: Called with each version of a ComplianceManifest, and with None once it is gone.
        on_live_read: Called with the plural of what was read live, and found, missing or error.
        live_namespaces: False for a service that may not get a namespace: a live read is then of manifests
            alone, beside labels, policies and exemptions of the cache.
        unready_after: Seconds without contact from which on ``failing_checks`` reports a cache.
        timing: How the reflectors wait.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        on_change: Callable[[Scope], None] = lambda _: None,
        on_manifest: Callable[[Key, Object | None], None] = lambda _key, _thing: None,
        on_live_read: Callable[[str, str], None] = lambda _resource, _result: None,
        live_namespaces: bool = True,
        unready_after: float = math.inf,
        timing: Timing | None = None,
    ) -> None:
        self.appraisals = Appraisals()
        self._cluster = cluster
        self._on_change = on_change
        self._on_manifest = on_manifest
        self._on_live_read = on_live_read
        self._live_namespaces = live_namespaces
        self._unready_after = unready_after
        self._verification = Verification()
        self._attested: set[Key] = set()
        """Manifests in the cache that have attestations."""
        self._pending: set[Key] = set()
        """Those of them that are to be read again under a key that is new."""
        self._manifests = Reflector(
            cluster,
            COMPLIANCE_MANIFESTS,
            self._read_manifest,
            self._manifest_changed,
            prepare=self._prepare_manifest,
            outdated=self._verification.outdated,
            page_size=PAGE,
            timing=timing,
        )
        self._policies = Reflector(
            cluster, COMPLIANCE_POLICIES, policy_or_strictest, self._policy_changed, timing=timing
        )
        self._namespaces = Reflector(cluster, NAMESPACES, labels_of, self._namespace_changed, timing=timing)
        self._exemptions = ExemptionCache(
            cluster, lambda namespace: self._on_change(Scope(namespace)), timing
        )
        self.reflectors: tuple[Reflector[Any], ...] = (
            self._manifests,
            self._policies,
            self._namespaces,
            self._exemptions.reflector,
        )
        self._selection: Selection | None = None
        self._live_policies = SingleFlight(self._list_policies)
        self._live_exemptions = SingleFlight(self._list_exemptions)

    async def run(self) -> None:
        """Keep the caches true until cancelled."""
        async with asyncio.TaskGroup() as group:
            for reflector in self.reflectors:
                group.create_task(reflector.run(), name=f"reflector of {reflector.resource}")

    def from_cache(self, namespace: str, names: Sequence[str]) -> Evidence:
        """Return what the caches have; see ``EvidenceSource``."""
        selection = self._known_policies()
        age = max([_fresh_age(reflector) for reflector in self.reflectors])
        labels = self._namespaces.get(None, namespace)
        if labels is None or isinstance(labels, Unreadable):
            raise EvidenceUnavailableError(f"namespace {namespace} is not known yet")
        policies, manifests = selection.applicable(labels), []
        for name in names:
            manifest = self._manifests.get(namespace, name)
            if isinstance(manifest, Unreadable):
                raise EvidenceUnavailableError(f"ComplianceManifest {name} cannot be read: {manifest.error}")
            if manifest is None:
                continue
            if manifest.attestations and not covers(manifest.verified_against, policies):
                raise SignaturesPendingError(
                    f"the signatures of ComplianceManifest {name} are not verified yet with the keys of "
                    "every policy that applies"
                )
            manifests.append(manifest)
        exemptions = self._exemptions.by_namespace().get(namespace, ())
        return Evidence(tuple(manifests), policies, labels, age, exemptions)

    async def fetch_live(self, namespace: str, names: Sequence[str], within: float) -> Evidence:
        """Read manifests and namespace live; see ``EvidenceSource``.

        Policies and exemptions are many, and the same for all subjects: they come from the cache while it is
        fresh, and else are listed once for all who ask at a time.
        """
        if not self._live_namespaces:
            known = self.from_cache(namespace, ())
            async with _reads(within) as reads:
                manifests = [reads.create_task(self._get_manifest(namespace, name, within)) for name in names]
            return known._replace(manifests=_existing(manifests))
        async with _reads(within) as reads:
            labels = reads.create_task(self._get_labels(namespace, within))
            policies = reads.create_task(self._current_policies())
            exemptions = reads.create_task(self._current_exemptions())
            manifests = [
                reads.create_task(self._get_manifest(namespace, name, within, policies)) for name in names
            ]
        (selection, age), (exempt, since) = policies.result(), exemptions.result()
        return Evidence(
            _existing(manifests),
            selection.applicable(labels.result()),
            labels.result(),
            max(age, since),
            exempt.get(namespace, ()),
        )

    def failing_checks(self) -> Mapping[str, str | None]:
        """Return for each cache why it is not to be relied on."""
        return {str(reflector.resource): self._failure(reflector) for reflector in self.reflectors}

    def _failure(self, reflector: Reflector[Any]) -> str | None:
        why = f": {reflector.last_error}" if reflector.last_error is not None else ""
        if not reflector.synced.is_set():
            return f"not listed yet{why}"
        if reflector.age() > self._unready_after:
            return f"no contact for {reflector.age():.0f} s{why}"
        return None

    def _prepare_manifest(self, thing: Object) -> Awaitable[Parse[Manifest]] | None:
        if not attested(thing) or self._unchanged(thing) is not None:
            return None
        return self._verify_manifest(thing)

    async def _verify_manifest(self, thing: Object) -> Parse[Manifest]:
        # Before all policies are known, every one would have the manifests read again.
        await self._policies.synced.wait()
        try:
            manifest = await self._verification.read_in_thread(thing)
        except Exception:
            return self._read_manifest  # It fails once more there, and is marked as unreadable.

        def verified(thing: Object) -> Manifest:
            self._met(thing)
            return manifest

        return verified

    def _met(self, thing: Object) -> None:
        key = key_of(thing)
        self._done(key)
        self._on_manifest(key, thing)

    def _done(self, key: Key) -> None:
        """Announce the change that brought a new key once more, when it was tried on the last manifest."""
        if key in self._pending:
            self._pending.remove(key)
            if not self._pending:
                # The store has this one only after it was read.
                asyncio.get_running_loop().call_soon(self._on_change, Scope())

    def _read_manifest(self, thing: Object) -> Manifest:
        self._met(thing)
        return self._unchanged(thing) or self._verification.read(thing)

    def _unchanged(self, thing: Object) -> Manifest | None:
        return self._verification.unchanged(thing, self._manifests.get(*key_of(thing)))

    def _manifest_changed(self, change: Change[Manifest]) -> None:
        if isinstance(change.new, Manifest) and change.new.attestations:
            self._attested.add(change.key)
        else:
            self._attested.discard(change.key)
        if change.old is not None:
            self.appraisals.forget(*change.key)
        if change.new is None:
            self._done(change.key)
            self._on_manifest(change.key, None)
        if self._manifests.synced.is_set():
            self._on_change(Scope(*change.key))

    def _namespace_changed(self, change: Change[Mapping[str, str]]) -> None:
        # In one that comes or goes there is no subject whose evidence was judged under other labels.
        if change.old is not None and change.new is not None and change.old != change.new:
            self._on_change(Scope(change.key[1]))

    def _policy_changed(self, change: Change[Policy]) -> None:
        self._selection = None
        if isinstance(change.new, Policy):
            self._trust([change.new])
        if self._policies.synced.is_set():
            self._on_change(Scope())

    def _trust(self, policies: Iterable[Policy]) -> None:
        if self._verification.trust(policies) and self._attested:
            self._pending |= self._attested
            self._manifests.relist()

    def _known_policies(self) -> Selection:
        if self._selection is None:
            # One that cannot be read is the strictest of its name: everything required, Deny.
            self._selection = Selection(
                Policy(key[1]) if isinstance(policy, Unreadable) else policy
                for key, policy in self._policies.items()
            )
        return self._selection

    async def _current_policies(self) -> tuple[Selection, float]:
        """Return every policy, and how old that knowledge is in seconds."""
        try:
            age = _fresh_age(self._policies)
        except EvidenceUnavailableError:
            return await self._live_policies.get(), 0.0
        return self._known_policies(), age

    async def _current_exemptions(self) -> tuple[ByNamespace, float]:
        """Return every exemption, and how old that knowledge is in seconds."""
        try:
            age = _fresh_age(self._exemptions.reflector)
        except EvidenceUnavailableError:
            return await self._live_exemptions.get(), 0.0
        return self._exemptions.by_namespace(), age

    async def _get_manifest(
        self, namespace: str, name: str, within: float, policies: asyncio.Task[Any] | None = None
    ) -> Manifest | None:
        """Return a manifest whose signatures were tried with the keys of the policies that are known then."""
        found = await self._get(COMPLIANCE_MANIFESTS, name, namespace, within)
        if found is None:
            return None
        if not attested(found):
            return self._verification.read(found)
        if policies is not None:
            await asyncio.wait([policies])
        known = self._unchanged(found)
        if known is not None:
            return replace(known, resource_version=found["metadata"].get("resourceVersion"))
        return await self._verification.read_in_thread(found, live=True)

    async def _get_labels(self, namespace: str, within: float) -> Mapping[str, str]:
        found = await self._get(NAMESPACES, namespace, None, within)
        if found is None:
            raise NotFound(f"the namespace {namespace[:63]!r} does not exist")
        return labels_of(found)

    async def _list_policies(self) -> Selection:
        policies, result = [], "error"
        try:
            async for page in self._cluster.list_pages(COMPLIANCE_POLICIES):
                for start in range(0, len(page.items), SLICE):
                    policies += [policy_or_strictest(item) for item in page.items[start : start + SLICE]]
                    await asyncio.sleep(0)
            result = "found"
        finally:
            self._on_live_read(COMPLIANCE_POLICIES.plural, result)
        self._trust(policies)
        return Selection(policies)

    async def _list_exemptions(self) -> ByNamespace:
        result = "error"
        try:
            found = await list_exemptions(self._cluster)
            result = "found"
        finally:
            self._on_live_read(EXEMPTIONS.plural, result)
        return found

    async def _get(
        self, resource: Resource, name: str, namespace: str | None, within: float
    ) -> Object | None:
        result = "error"
        try:
            thing = await self._cluster.get(resource, name, namespace, within=within)
            result = "found"
        except (NotFound, Invalid):
            # A name that no object can have is a name that no object has.
            result = "missing"
            return None
        finally:
            self._on_live_read(resource.plural, result)
        return thing


def _fresh_age(reflector: Reflector[Any]) -> float:
    """Return the seconds since the last contact of a cache that is complete and fresh."""
    if not reflector.synced.is_set():
        raise EvidenceUnavailableError(f"{reflector.resource} are not listed yet")
    age = reflector.age()
    if age >= FRESH_SECONDS:
        raise EvidenceUnavailableError(f"no news of {reflector.resource} for {age:.0f} s")
    return age


def _existing(reads: Iterable[asyncio.Task[Manifest | None]]) -> tuple[Manifest, ...]:
    return tuple(manifest for read in reads if (manifest := read.result()) is not None)


@asynccontextmanager
async def _reads(within: float) -> AsyncIterator[asyncio.TaskGroup]:
    """Read several things at once, all of them within so many seconds, or raise why one is not known."""
    failure = None
    try:
        async with asyncio.timeout(within), asyncio.TaskGroup() as reads:
            yield reads
    except* ClusterError as errors:
        error = errors.exceptions[0]
        failure = EvidenceUnavailableError(str(error), getattr(error, "retry_after", 0.0))
    except* TimeoutError:
        failure = EvidenceUnavailableError(f"the API server did not answer within {within:.1f} s")
    if failure is not None:
        raise failure
