"""What is measured of a model, check by check. One that cannot be made is reported, never left out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from actgate.api.compliance_manifest import Evaluation
from actgate.api.quoting import quoted
from actgate.pipeline.audit.tally import Grouping, attribute
from actgate.pipeline.evaluate import by_group, drift, perturbing, scores
from actgate.pipeline.evaluate.by_group import Calibration, Groups
from actgate.pipeline.evaluate.errors import ModelFailedError
from actgate.pipeline.evaluate.perturbing import Asked
from actgate.pipeline.plan import Plan

CHECKS: Final = ("noise", "missing", "groups", "calibration", "drift", "counterfactual")
_ACCURACY: Final = "accuracy"


@dataclass(frozen=True, slots=True)
class Request:
    """What is evaluated, and how."""

    model: str
    label: str
    trust_pickle: bool = False
    checks: Sequence[str] | None = None
    """The checks that are asked for by name; None for all that can be made."""
    groupings: Sequence[Grouping] = ()
    features: Sequence[str] | None = None
    positive: str = "1"
    baseline: str | None = None
    min_count: int = by_group.MIN_COUNT
    seed: int = 0
    dataset: str | None = None
    memory: str | None = None
    plan: Plan | None = None


@dataclass(slots=True)
class Found:
    """What was measured so far."""

    asked_for: Sequence[str]
    evaluations: list[Evaluation] = field(default_factory=list)
    not_measured: list[dict[str, str]] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    def take(self, check: str, about: str, make: Callable[[], Iterable[Evaluation]]) -> None:
        """Make a check, or say why it cannot be made."""
        try:
            self.evaluations += [*make()]
        except ModelFailedError as error:
            self.without(check, about, str(error))

    def without(self, check: str, about: str, why: str) -> None:
        """Say that a check was not made."""
        asked = "yes" if check in self.asked_for else "no"
        self.not_measured.append({"check": about, "why": why, "asked": asked})


def measure(request: Request, asked: Asked, before: Sequence[drift.Column] | None, found: Found) -> None:
    """Make the checks that are asked for, else all that can be made, and put what they say into ``found``.

    Raises:
        EvaluationError: There are more groups than evidence can hold.
    """
    found.evaluations.append(scores.measured(_ACCURACY, _ACCURACY, asked.accuracy, asked.data.rows))
    wanted = CHECKS if request.checks is None else request.checks
    groups = by_group.grouped(asked, request.groupings)
    if "noise" in wanted:
        found.take("noise", "noise", lambda: perturbing.noise(asked))
    if "missing" in wanted:
        found.take("missing", "missing", lambda: perturbing.missing(asked))
        found.take("missing", "unknown categories", lambda: perturbing.unknown(asked))
    if "groups" in wanted:
        _groups(request, asked, groups, found)
    if "calibration" in wanted:
        _calibration(request, asked, groups, found)
    if "drift" in wanted:
        _drift(asked, before, found)
    if "counterfactual" in wanted:
        _counterfactual(request, asked, found)


def _groups(request: Request, asked: Asked, groups: Sequence[Groups], found: Found) -> None:
    if not groups:
        found.without("groups", "groups", "no protected attribute is named: name one with --by")
    found.details["groups"] = [row for one in groups for row in by_group.table(asked, one, request.min_count)]
    for one in groups:
        name = f"groups {attribute(one.grouping)}"
        found.take("groups", name, lambda one=one: by_group.accuracy(asked, one, request.min_count))  # type: ignore[misc]


def _calibration(request: Request, asked: Asked, groups: Sequence[Groups], found: Found) -> None:
    if not asked.model.has_scores:
        found.without("calibration", "calibration", "the model has no predict_proba")
        return
    try:
        positive = scores.class_of(request.positive) or ""
        of_all = Calibration(
            asked.model.scores(asked.input, positive), [label == positive for label in asked.labels]
        )
    except ModelFailedError as error:
        found.without("calibration", "calibration", str(error))
        return
    found.evaluations += of_all.overall()
    curves = [of_all.curve(None)]
    for one in groups:
        name = f"calibration {attribute(one.grouping)}"
        found.take("calibration", name, lambda one=one: of_all.worst(one, request.min_count))  # type: ignore[misc]
        curves += [of_all.curve(group, rows) for group, rows in one.rows.items()]
    found.details["calibration"] = [
        one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in curves
    ]


def _drift(asked: Asked, before: Sequence[drift.Column] | None, found: Found) -> None:
    own = drift.baseline(asked.data, asked.features)
    found.details["driftBaseline"] = drift.document(own)
    left = [name for name in asked.features if name not in {one.name for one in own}]
    if left:
        listed = ", ".join(map(quoted, left[:5]))
        found.without("", "drift baseline", f"{listed}: more than 50 values, so names rather than categories")
    if before is None:
        found.without("drift", "drift", "there is no --baseline; the one of this data is stored")
        return
    values = drift.compare(before, asked.data)
    missing = [one.name for one in before if one.name not in values]
    if missing or not values:
        listed = ", ".join(map(quoted, missing[:5])) or "the baseline"
        found.without("drift", "drift", f"{listed}: not among the features")
    found.details["drift"] = [{"column": name, "psi": value} for name, value in values.items()]
    if values:
        found.evaluations.append(scores.measured("drift", "psi_max", max(values.values()), asked.data.rows))


def _counterfactual(request: Request, asked: Asked, found: Found) -> None:
    single = dict.fromkeys(name for grouping in request.groupings for name in grouping)
    if not single:
        found.without(
            "counterfactual", "counterfactual", "no protected attribute is named: name one with --by"
        )
    for name in single:
        found.take(
            "counterfactual",
            f"counterfactual {name}",
            lambda name=name: [perturbing.counterfactual(asked, name)],  # type: ignore[misc]
        )
