"""One decision, as everything that is said of it is made from: who asked for what, and what came of it.

It is made once, beside the decision, and holds no form of its own: ``sinks`` has those. Nothing of the object
is in it but what says which object it was.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from actgate.decision.data import RULESET
from actgate.decision.manifest import Manifest
from actgate.decision.verdict import Finding, Verdict
from actgate.records.objects import RecordedObject


class Outcome(StrEnum):
    """How a request ended; the first three are the outcomes of a verdict."""

    PASS = "Pass"  # noqa: S105 - an outcome, not a credential
    WARN = "Warn"
    FAIL = "Fail"
    NOT_JUDGED = "NotJudged"
    MALFORMED = "Malformed"
    NOT_NOW = "NotNow"
    ERROR = "Error"


_ALLOWED = frozenset({Outcome.PASS, Outcome.WARN, Outcome.NOT_JUDGED})


class Caller(NamedTuple):
    """The other end of a connection, as TLS knows it; what a request itself says of users is its sender's."""

    authenticated: bool
    """Whether it showed a certificate that --client-ca-file signed."""
    name: str | None
    """Common name of that certificate; "" where it has none or several, None without a certificate."""


UNKNOWN_CALLER = Caller(authenticated=False, name=None)
"""Anyone who reaches the port."""


@dataclass(frozen=True, slots=True)
class DecisionRecord:
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
    manifests: tuple[Manifest, ...] = ()
    """The evidence that was judged, in the order in which the object links it."""
    cache_age: float | None = None
    """Seconds since the evidence was last known to be what the API server has; 0.0 for a live read, None
    where there was none."""
    governed_change: bool = True
    """False for an update that leaves every governed field as it was."""
    dry_run: bool = False

    @property
    def allowed(self) -> bool:
        """Whether the request was let through."""
        return self.outcome in _ALLOWED

    @property
    def is_decision(self) -> bool:
        """Whether something was decided that takes effect: judged, and not a dry run."""
        return not self.dry_run and self.outcome is not Outcome.NOT_JUDGED

    @property
    def rules(self) -> tuple[Finding, ...]:
        """Of each rule that found something its strongest finding, the strongest rules first."""
        if self.verdict is None or not self.verdict.findings:
            return ()
        strongest: dict[str, Finding] = {}
        for finding in self.verdict.findings:
            strongest.setdefault(finding.rule, finding)
        return tuple(strongest.values())

    @property
    def policies(self) -> tuple[str, ...]:
        """Names of the policies that applied."""
        return self.verdict.policies if self.verdict is not None else ()

    @property
    def ruleset(self) -> str:
        """Version of the rules and facts."""
        return self.verdict.ruleset if self.verdict is not None else RULESET
