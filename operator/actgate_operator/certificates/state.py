"""What is: authorities, the leaf, and what each registered webhook is called with. All of it immutable."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509

from actgate_operator.certificates.pki import Pair, Trust


@dataclass(frozen=True)
class Authorities:
    """The authorities of a rotation: who signs, who will sign, and who signed before."""

    current: Pair | None = None
    """Signs leaves; None before the first one, or where it was lost."""
    next: Pair | None = None
    """Signs as soon as every API server trusts it."""
    next_trusted_since: datetime | None = None
    """Since when every registered webhook is called with it."""
    previous: Trust = frozenset()
    """Signed leaves that may still be served; their keys are gone."""
    previous_needed_until: datetime | None = None
    """When the last of those leaves ends."""

    @property
    def trust(self) -> Trust:
        """Everything that ``caBundle`` has to hold."""
        pairs = (pair for pair in (self.current, self.next) if pair is not None)
        return self.previous | {pair.certificate for pair in pairs}


@dataclass(frozen=True)
class Leaf:
    """What the webhook serves, and whom it says to trust."""

    pair: Pair
    authority: x509.Certificate | None
    """What stands beside it as ``ca.crt``."""


@dataclass(frozen=True)
class Registration:
    """The authorities that the API server trusts, webhook by webhook; None where they cannot be read."""

    bundles: Mapping[str, Trust | None] = field(default_factory=dict)

    def holds(self, trust: Trust) -> bool:
        """Return whether each webhook is called with exactly these authorities."""
        return all(bundle == trust for bundle in self.bundles.values())

    def trusts(self, certificate: x509.Certificate) -> bool:
        """Return whether each webhook is called with an authority, among others."""
        return all(bundle is not None and certificate in bundle for bundle in self.bundles.values())


@dataclass(frozen=True)
class State:
    """Everything that the plan is made from, beside the time."""

    authorities: Authorities = field(default_factory=Authorities)
    leaf: Leaf | None = None
    registration: Registration | None = None
    """None where the webhook is not registered."""
