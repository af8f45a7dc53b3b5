"""Live reads of evidence, one for all passes that want the same at a time.

A manifest that a thousand models refer to is withdrawn: each pass confirms by a live read what the cache has.
A read that began after a pass is as good for it as one of its own.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

from actgate.kube.single_flight import SingleFlight
from actgate.lookup.evidence import Evidence, EvidenceSource

_Question = tuple[str, tuple[str, ...]]


class SharedReads:
    """An ``EvidenceSource`` that asks another one, and shares its live reads."""

    def __init__(self, source: EvidenceSource) -> None:
        self.appraisals = source.appraisals
        self._source = source
        self._flights: dict[_Question, SingleFlight[Evidence]] = {}
        self._waiting: Counter[_Question] = Counter()

    def from_cache(self, namespace: str, names: Sequence[str]) -> Evidence:
        """Return what the cache has; see ``EvidenceSource``."""
        return self._source.from_cache(namespace, names)

    async def fetch_live(self, namespace: str, names: Sequence[str], within: float) -> Evidence:
        """Return what a read that begins from now on finds; see ``EvidenceSource``."""
        question = namespace, tuple(names)
        if question not in self._flights:
            self._flights[question] = SingleFlight(partial(self._source.fetch_live, namespace, names, within))
        self._waiting[question] += 1
        try:
            return await self._flights[question].get()
        finally:
            self._waiting[question] -= 1
            if not self._waiting[question]:
                del self._flights[question], self._waiting[question]

    def failing_checks(self) -> Mapping[str, str | None]:
        """Return why parts of the cache are not to be relied on."""
        return self._source.failing_checks()
