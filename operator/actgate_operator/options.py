"""What a process is made of that only tests replace: clocks, waiting times, and who leads."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from actgate.kube.client import Cluster
from actgate.kube.timing import Timing
from actgate_operator.deadlines import Clocks
from actgate_operator.kopf_settings import KopfTiming
from actgate_operator.settings import Settings
from actgate_operator.writer import Writer


class Election(Protocol):
    """What decides which replica leads; see ``actgate.kube.lease``."""

    async def acquire(self) -> None:
        """Return once this replica leads."""

    async def keep(self) -> None:
        """Go on leading; raise when that is over."""

    async def release(self) -> None:
        """Let another replica lead; nothing writes any more."""

    def held(self) -> bool:
        """Return whether it is certain that no other replica leads."""

    def age(self) -> float:
        """Return the seconds since the API server last answered about it."""


@dataclass(frozen=True, slots=True)
class Options:
    """What only tests set."""

    clocks: Clocks = field(default_factory=Clocks)
    timing: Timing | None = None
    kopf: KopfTiming = field(default_factory=KopfTiming)
    election: Callable[[Cluster, Settings], Election] | None = None
    writer: Callable[[Cluster, Callable[[], bool]], Writer] = Writer
    serves_pages: bool = True
