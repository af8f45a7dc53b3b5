"""One decision, as everything that is said of it is made from: who asked for what, and what came of it.

It is made once, beside the decision, and holds no form of its own: ``sinks`` has those. Nothing of the object
is in it but what says which object it was.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from actgate.api.canonical import canonical_of_json, sha256
from actgate.decision.manifest import Manifest
from actgate.decision.verdict import Finding, Verdict
from actgate.subjects.fields import map_at
from actgate.subjects.workload import images_of


class Outcome(StrEnum):
    """How a request ended; the first three are the outcomes of a verdict."""

    PASS = "Pass"  # noqa: S105 - an outcome, not a credential
    WARN = "Warn"
    FAIL = "Fail"
    NOT_JUDGED = "NotJudged"
    MALFORMED = "Malformed"
    UNAVAILABLE = "Unavailable"
    ERROR = "Error"


ALLOWED: Final = frozenset({Outcome.PASS, Outcome.WARN, Outcome.NOT_JUDGED})
"""The outcomes that let a request through."""


class Caller(NamedTuple):
    """The other end of a connection, as TLS knows it; what a request itself says of users is its sender's."""

    authenticated: bool
    """Whether it showed a certificate that --client-ca-file signed."""
    name: str | None
    """Common name of that certificate; "" where it has none or several, None without a certificate."""


UNKNOWN_CALLER: Final = Caller(authenticated=False, name=None)
"""Anyone who reaches the port."""


class ObjectDigest(NamedTuple):
    """What an object is known by in the log."""

    digest: str
    """``sha256:<64 hex digits>``."""
    of: str
    """``canonical`` for the object's canonical JSON; ``bytes`` for what came, where it has none."""


class RecordedObject(NamedTuple):
    """An object; of its content no more than proves which one it was."""

    group: str
    version: str
    kind: str
    namespace: str
    name: str
    """Empty where the API server is to make it up."""
    name_prefix: str = ""
    """What the API server makes the name of, where that is so and known."""
    digest: ObjectDigest | None = None
    """None where no object came, or where nobody records it."""
    images: tuple[str, ...] = ()
    """Images that it names by digest; a tag proves nothing."""

    def with_content(self, raw: bytes, obj: Mapping[str, Any] | None) -> "RecordedObject":
        """Return the same with what its content says.

        Args:
            raw: The object as it came.
            obj: The same, parsed; None where it cannot be.
        """
        content = obj if obj is not None else {}
        prefix = map_at(content, "metadata").get("generateName")
        return RecordedObject(
            *(self.group, self.version, self.kind, self.namespace, self.name),
            name_prefix=prefix if isinstance(prefix, str) and not self.name else "",
            digest=digest_of_object(raw, obj),
            images=tuple([image for _, image in images_of(content) if "@sha256:" in image]),
        )


class DecisionRecord(NamedTuple):
    """Everything that is recorded of one decision."""

    uid: str
    """Of the request, by which the API server's audit log has it."""
    caller: Caller
    user: str
    """Who asked, in the words of the caller."""
    operation: str
    object: RecordedObject
    outcome: Outcome
    reason: str = ""
    """Why there is no verdict, in one sentence, where that is so."""
    verdict: Verdict | None = None
    rules: tuple[Finding, ...] = ()
    """The strongest finding of each rule, the strongest rules first."""
    manifests: tuple[Manifest, ...] = ()
    """The evidence that was judged, in the order in which the object links it."""
    cache_age: float | None = None
    """Seconds since the evidence was last known to be what the API server has; 0.0 for a live read, None
    where there was none."""
    governed_change: bool = True
    """False for an update that leaves every governed field as it was."""
    dry_run: bool = False
    is_decision: bool = True
    """Whether something was decided that takes effect: judged, and not a dry run."""


def strongest(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the strongest finding of each rule, of findings of which the strongest come first."""
    first: dict[str, Finding] = {}
    for finding in findings:
        first.setdefault(finding.rule, finding)
    return tuple(first.values())


def digest_of_object(raw: bytes, obj: Mapping[str, Any] | None) -> ObjectDigest:
    """Return the digest of a Kubernetes object, ``metadata.managedFields`` apart.

    The API server's book-keeping is left out: it differs between two applies of the same object.

    Args:
        raw: The object as it came.
        obj: The same, parsed; None where it cannot be.
    """
    if obj is not None:
        try:
            return ObjectDigest(sha256(canonical_of_json(_without_bookkeeping(obj))), "canonical")
        except ValueError:
            pass
    return ObjectDigest(sha256(raw), "bytes")


def _without_bookkeeping(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict) or "managedFields" not in metadata:
        return obj
    return {**obj, "metadata": {key: value for key, value in metadata.items() if key != "managedFields"}}
