"""``FakeEvidence``: an evidence source that a test fills, ages and breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from actgate.decision import Manifest, Policy
from actgate.decision.decide import Appraisals
from actgate.decision.exemptions import Exemption
from actgate.decision.policies import applicable
from actgate.lookup.evidence import FRESH_SECONDS, Evidence, EvidenceUnavailableError

NAMESPACE = "credit"
Known = Mapping[tuple[str, str], Manifest]


def known(*manifests: Manifest) -> Known:
    """Return manifests by namespace and name."""
    return {(manifest.namespace, manifest.name): manifest for manifest in manifests}


@dataclass
class FakeEvidence:
    """Cache and API server, each with its own truth."""

    cached: Known = field(default_factory=dict)
    live: Known | None = None
    """What the API server has; None: the same as the cache."""
    policies: tuple[Policy, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    namespaces: Mapping[str, Mapping[str, str]] = field(
        default_factory=lambda: {NAMESPACE: {"kubernetes.io/metadata.name": NAMESPACE}}
    )
    age: float = 1.0
    reachable: bool = True
    answers: asyncio.Event | None = None
    """Live reads wait for it; None: they do not wait."""
    reads: list[tuple[str, ...]] = field(default_factory=list)
    """Live reads so far: namespace and names of manifests."""
    appraisals: Appraisals = field(default_factory=Appraisals)

    def from_cache(self, namespace: str, names: Sequence[str]) -> Evidence:
        """Return what the cache has."""
        labels = self.namespaces.get(namespace)
        if labels is None or self.age >= FRESH_SECONDS:
            raise EvidenceUnavailableError("the cache cannot tell")
        return self._evidence(self.cached, namespace, names, labels, self.age)

    async def fetch_live(self, namespace: str, names: Sequence[str], within: float) -> Evidence:
        """Return what the API server has."""
        self.reads.append((namespace, *names))
        if self.answers is not None:
            try:
                async with asyncio.timeout(within):
                    await self.answers.wait()
            except TimeoutError:
                raise EvidenceUnavailableError("no answer in time") from None
        if not self.reachable:
            raise EvidenceUnavailableError("connection refused")
        truth = self.cached if self.live is None else self.live
        return self._evidence(truth, namespace, names, self.namespaces.get(namespace, {}), 0.0)

    def _evidence(
        self, truth: Known, namespace: str, names: Sequence[str], labels: Mapping[str, str], age: float
    ) -> Evidence:
        found = tuple(truth[namespace, name] for name in names if (namespace, name) in truth)
        return Evidence(found, applicable(self.policies, labels), labels, age, self.exemptions)

    def failing_checks(self) -> Mapping[str, str | None]:
        """Return no failing check: what is broken here is broken on purpose."""
        return {"evidence": None}
