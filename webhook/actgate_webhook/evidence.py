"""What a review is judged on, and the port through which it comes: memory first, then a live read.

The one real adapter is ``lookup``; tests have a named fake.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from actgate.decision import Manifest, Policy
from actgate.decision.appraisal import Appraisals

FRESH_SECONDS: Final = 75.0
"""How long after the last contact memory counts. Bookmarks prove contact about once a minute; this is also
the bound within which a withdrawn manifest is refused by a replica whose watch died in silence. With a living
watch it is the watch's latency, some milliseconds."""


class Evidence(NamedTuple):
    """Everything about one subject that is not in the subject itself."""

    manifests: tuple[Manifest, ...]
    """Those of the manifests that it links that exist."""
    policies: tuple[Policy, ...]
    """Those that select the namespace, and the baseline where none does."""
    namespace_labels: Mapping[str, str]
    age: float
    """Seconds since all of it was last known to be what the API server has; 0.0 where all was read live."""


class NotNowError(Exception):
    """The evidence cannot be read in time: nothing is known, and unknown is never fine."""


class EvidenceSource(Protocol):
    """Where evidence comes from."""

    def labels(self, namespace: str) -> Mapping[str, str] | None:
        """Return the labels that memory has of a namespace, None where it does not know it."""

    appraisals: Appraisals
    """Of the manifests in memory."""

    def recalled(self, namespace: str, names: Sequence[str]) -> Evidence | None:
        """Return what memory has of manifests, or None where it cannot tell; at once and without I/O.

        A manifest that memory lacks is not in the evidence, which is no proof that there is none.
        """

    async def read(self, namespace: str, names: Sequence[str], within: float) -> Evidence:
        """Ask the API server for manifests of these names, all within so many seconds.

        Raises:
            NotNowError: It gave no answer to build on.
        """

    def failing_checks(self) -> Mapping[str, str | None]:
        """Return for each part of memory why it is not to be relied on, None where it is."""
