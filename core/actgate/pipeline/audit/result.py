"""The result of an audit: ``audit.json``, whose parts go into ``spec`` of a manifest as they are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from actgate.api.compliance_manifest import DataQualityCheck
from actgate.decision.limits import BiasOutcome
from actgate.pipeline.audit import quality
from actgate.pipeline.audit.files import DataFile, digest_of
from actgate.pipeline.audit.measuring import Measured, outcomes
from actgate.pipeline.audit.tally import Tally

API_VERSION: Final = "actgate.dev/audit/v1alpha1"
FILE: Final = "audit.json"
"""Name of the result in a folder that the steps of a pipeline fill."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found."""

    dataset: str
    """Name of the data set."""
    tally: Tally
    measured: Sequence[Measured]
    checks: Sequence[DataQualityCheck]
    information: Sequence[dict[str, Any]] = ()
    files: Sequence[DataFile] = ()
    training: Sequence[DataFile] = ()
    """The files of the training data, where it was compared."""
    deviations: Sequence[str] = ()
    """Where it is not what was planned."""
    counts_only: bool = False
    """Whether the files hold counts that were made elsewhere, and not the data itself."""

    @property
    def digest(self) -> str | None:
        """Digest of the files."""
        return digest_of(self.files) if self.files else None

    @property
    def failed_checks(self) -> list[DataQualityCheck]:
        """Checks of data quality that do not hold their threshold."""
        return [*quality.failing([*self.checks])]

    @property
    def passed(self) -> bool:
        """Whether every measurement passes, every check holds, and all of it was planned so."""
        judged = all(one.outcome is BiasOutcome.PASS for one in self.measured)
        return judged and not self.failed_checks and not self.deviations


def document(audit: Audit) -> dict[str, Any]:
    """Return the result as JSON has it, without a time in it: the same data has the same result."""
    stated = [one.stated for one in audit.measured if one.stated is not None]
    return {
        "apiVersion": API_VERSION,
        "bias": [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in stated],
        "dataQuality": [
            one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in audit.checks
        ],
        "dataset": _dataset(audit),
        "datasets": [*_datasets(audit)],
        "deviations": [*audit.deviations],
        "information": [*audit.information],
        "outcomes": [*outcomes(audit.measured)],
        "passed": audit.passed,
    }


def _dataset(audit: Audit) -> dict[str, Any]:
    files = [{"name": one.name, "digest": one.digest, "size": one.size} for one in audit.files]
    found: dict[str, Any] = {"name": audit.dataset, "files": files, "rows": audit.tally.rows}
    if audit.counts_only:
        found["countsOnly"] = True
    return found if audit.digest is None else {"digest": audit.digest, **found}


def _datasets(audit: Audit) -> Iterable[dict[str, Any]]:
    if not audit.counts_only:
        yield {"name": audit.dataset, "digest": audit.digest}
    if audit.training:
        yield {"name": f"{audit.dataset}-training", "digest": digest_of(audit.training)}
