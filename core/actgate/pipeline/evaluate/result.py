"""The result of an evaluation: ``evaluation.json``, whose ``evaluations`` go into ``spec`` as they are.

A folder of a run has one, to which reports of other libraries are added. What was measured here is replaced
by a new measurement, a report by the same report, and nothing else.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from actgate.api.compliance_manifest import Evaluation
from actgate.pipeline.evaluate.errors import EvaluationError
from actgate.pipeline.evaluate.judging import Judged, judged
from actgate.pipeline.plan import Plan

API_VERSION: Final = "actgate.dev/evaluation/v1alpha1"
FILE: Final = "evaluation.json"
"""Name of the result in a folder that the steps of a pipeline fill."""
_MOST: Final = 64


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured here, and what reports say."""

    evaluations: Sequence[Evaluation] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    """What else the document has of the measurements: model, data, tables, the baseline."""
    not_measured: Sequence[Mapping[str, str]] = ()
    """Each check that could not be made, with the reason, and whether it was asked for by name."""
    deviations: Sequence[str] = ()
    imported: Sequence[Mapping[str, Any]] = ()

    def judged(self, plan: Plan | None, digest: str | None) -> Judged:
        """Return the results with the thresholds of the plan.

        Raises:
            EvaluationError: There are more than a manifest can have.
        """
        if len(self.evaluations) > _MOST:
            raise EvaluationError(
                f"{len(self.evaluations)} results, and a manifest has at most {_MOST}: evaluate fewer "
                "groups, or import fewer reports"
            )
        return judged(self.evaluations, plan, digest)


def joined(before: Result, now: Result) -> Result:
    """Return what stands in the folder of a run after a step."""
    renewed = {one["reportDigest"] for one in now.imported}
    own = now if now.details else before
    kept = [one for one in before.imported if one["reportDigest"] not in renewed]
    imported = sorted([*kept, *now.imported], key=lambda one: (one["reportFormat"], one["reportDigest"]))
    results = [one for one in own.evaluations if one.report_digest is None]
    for report in imported:
        source = now if report["reportDigest"] in renewed else before
        results += [one for one in source.evaluations if one.report_digest == report["reportDigest"]]
    return Result(results, own.details, own.not_measured, own.deviations, imported)


def passed(result: Result, found: Judged) -> bool:
    """Return whether no threshold is missed, and nothing that was planned or asked for is unknown."""
    asked = any(one["asked"] == "yes" for one in result.not_measured)
    return not (found.missed or found.unknown or found.unplanned or result.deviations or asked)


def document(result: Result, found: Judged) -> dict[str, Any]:
    """Return the result as JSON has it, without a time in it: the same input has the same result."""
    return {
        "apiVersion": API_VERSION,
        **result.details,
        "deviations": [*result.deviations],
        "evaluations": [
            one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in found.evaluations
        ],
        "imported": [*result.imported],
        "missed": [one.metric for one in found.missed],
        "notMeasured": [*result.not_measured],
        "passed": passed(result, found),
        "unplanned": [*found.unplanned],
    }


def of_folder(folder: str | None) -> Result:
    """Return what an earlier step wrote into the folder of a run, or an empty result.

    Raises:
        EvaluationError: There is a file of that name that is none of ours.
    """
    path = None if folder is None else Path(folder) / FILE
    if path is None or not path.exists():
        return Result()
    try:
        return _of_document(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError):
        raise EvaluationError(f"{path}: is not a result of actgate evaluate: remove it") from None


_FRAME: Final = frozenset(
    ("apiVersion", "deviations", "evaluations", "imported", "missed", "notMeasured", "passed", "unplanned")
)


def _of_document(stated: Mapping[str, Any]) -> Result:
    if stated["apiVersion"] != API_VERSION:
        raise ValueError("another version")
    return Result(
        [Evaluation.model_validate(one, by_alias=True, by_name=False) for one in stated["evaluations"]],
        {key: value for key, value in stated.items() if key not in _FRAME},
        _mappings(stated["notMeasured"], ("check", "why", "asked")),
        [str(one) for one in stated["deviations"]],
        _mappings(stated["imported"], ("reportDigest", "reportFormat")),
    )


def _mappings(items: Iterable[Mapping[str, Any]], keys: Iterable[str]) -> list[Mapping[str, Any]]:
    """Return objects that have the keys; another error of the file otherwise."""
    found: list[Mapping[str, Any]] = [dict(one) for one in items]
    for one in found:
        for key in keys:
            str(one[key])
    return found
