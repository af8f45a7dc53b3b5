"""A cluster in memory, as far as certificates go: two Secrets, a registration, replicas, and two clocks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from cryptography import x509

from actgate_operator.certificates import pki
from actgate_operator.certificates.plan import SETTLING, Change, KeepAuthorities, Publish, plan
from actgate_operator.certificates.state import Registration, State

NAMES = ("actgate-webhook", "actgate-webhook.actgate-system.svc")
START = datetime(2026, 11, 23, 9, tzinfo=UTC)
RELOADED = timedelta(minutes=3)
"""After so long every replica serves what the Secret holds: the kubelet takes up to two minutes."""
HOOKS = ("serving.actgate.dev", "declared.actgate.dev", "detected.actgate.dev")


def registered(trust: pki.Trust | None = frozenset()) -> Registration:
    """Return a registration, by default as it is installed: without any caBundle."""
    return Registration(dict.fromkeys(HOOKS, trust))


@dataclass
class Cluster:
    """What is stored, and what replicas may still serve."""

    state: State = field(default_factory=State)
    now: datetime = START
    """The clock of all other processes."""
    ahead: timedelta = timedelta()
    """By how much the operator's clock is ahead of it."""
    served: list[tuple[datetime, x509.Certificate]] = field(default_factory=list)
    """Leaves that were in the Secret, and when the next one came; the newest has no end yet."""
    published: dict[x509.Certificate, datetime] = field(default_factory=dict)
    """Since when each authority has stood in caBundle."""
    changes: list[Change] = field(default_factory=list)

    def step(self, settling: timedelta = SETTLING) -> Change | None:
        """Let the operator make one change; whatever comes then, it may have been killed."""
        change = plan(self.state, NAMES, self.now + self.ahead, settling)
        if change is None:
            return None
        self.changes.append(change)
        match change:
            case KeepAuthorities(kept):
                self.state = replace(self.state, authorities=kept)
            case Publish(trust):
                self.state = replace(self.state, registration=registered(trust))
                self.published = {one: self.published.get(one, self.now) for one in trust}
            case _:
                self.state = replace(self.state, leaf=change.leaf)
                self.served.append((self.now, change.leaf.pair.certificate))
        return change

    def reconcile(self) -> None:
        """Let the operator make every change that it wants to make now."""
        for _ in range(10):
            if self.step() is None:
                return
        raise AssertionError(f"it never ends: {[change.why for change in self.changes[-10:]]}")

    def wait(self, time: timedelta) -> None:
        """Let time pass, and let the operator reconcile afterwards, as often as it changes something."""
        self.now += time
        self.reconcile()

    def in_service(self) -> list[x509.Certificate]:
        """Return every leaf that a replica may serve now."""
        ends = [when for when, _ in self.served[1:]] + [self.now]
        return [leaf for (_, leaf), end in zip(self.served, ends, strict=True) if self.now < end + RELOADED]

    def refused(self) -> list[x509.Certificate]:
        """Return each leaf in service that a webhook's caBundle does not let through."""
        if self.state.registration is None:
            return []
        bundles = self.state.registration.bundles.values()
        return [
            leaf
            for leaf in self.in_service()
            for bundle in bundles
            if not pki.trusted(leaf, bundle or frozenset(), self.now)
        ]


def installed() -> Cluster:
    """Return a cluster in which everything is as it has to be."""
    cluster = Cluster(State(registration=registered()))
    cluster.reconcile()
    return cluster
