"""What a subject is judged on, and the port through which it comes: from the cache, or live.

The one real adapter is ``cache``; tests have a named fake.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from actgate.decision import Manifest, Policy
from actgate.decision.decide import Appraisals
from actgate.decision.exemptions import Exemption

FRESH_SECONDS: Final = 75.0
"""The cache counts while its last contact is younger than this. Bookmarks prove contact about once a minute;
this is also the bound within which a withdrawn manifest is refused by a replica whose watch died in silence.
With a living watch it is the watch's latency, some milliseconds."""


class Evidence(NamedTuple):
    """Everything about one subject that is not in the subject itself."""

    manifests: tuple[Manifest, ...]
    """Those of the manifests that it links that exist."""
    policies: tuple[Policy, ...]
    """Those that select the namespace, and the baseline where none does."""
    namespace_labels: Mapping[str, str]
    age: float
    """Seconds since all of it was last known to be what the API server has; 0.0 where all was read live."""
    exemptions: tuple[Exemption, ...] = ()
    """Those that are about objects of the namespace."""


class EvidenceUnavailableError(Exception):
    """The evidence is not known now, which is no verdict, and never fine: to be asked again later."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        """Seconds for which the API server asked to be left alone."""


class SignaturesPendingError(EvidenceUnavailableError):
    """A policy brought a key, and the signatures of the cached manifest are being tried with it.

    A live read tries them at once. Who judges many subjects waits: the change is announced anew when that is
    done for every manifest.
    """


class EvidenceSource(Protocol):
    """Where evidence comes from."""

    appraisals: Appraisals
    """Of the manifests in the cache."""

    def from_cache(self, namespace: str, names: Sequence[str]) -> Evidence:
        """Return what the cache has on manifests of these names, at once and without I/O.

        A manifest that the cache lacks is not in the evidence, which is no proof that there is none.

        Raises:
            EvidenceUnavailableError: The cache is incomplete, too old, or does not know the namespace.
        """

    async def fetch_live(self, namespace: str, names: Sequence[str], within: float) -> Evidence:
        """Ask the API server, all within so many seconds.

        Raises:
            EvidenceUnavailableError: It gave no answer to build on.
        """

    def failing_checks(self) -> Mapping[str, str | None]:
        """Return for each part of the cache why it is not to be relied on, None where it is."""
