"""One evaluation from beginning to end: load the model, read the data, ask, measure.

Needs the extra ``pipeline``, and whatever the model needs. A check that cannot be made is reported.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from actgate import documents
from actgate.api.compliance_manifest import Evaluation
from actgate.api.quoting import quoted
from actgate.pipeline import plan as plans
from actgate.pipeline.audit import files
from actgate.pipeline.audit.files import Kind
from actgate.pipeline.audit.tally import Grouping, attribute
from actgate.pipeline.evaluate import by_group, drift, loading, perturbing, readers, result, scores, table
from actgate.pipeline.evaluate.by_group import Calibration, Groups
from actgate.pipeline.evaluate.errors import EvaluationError, ModelFailedError
from actgate.pipeline.evaluate.loading import Model
from actgate.pipeline.evaluate.perturbing import Asked
from actgate.pipeline.evaluate.result import Result
from actgate.pipeline.evaluate.table import Data
from actgate.pipeline.plan import Plan

if TYPE_CHECKING:
    from actgate.pipeline.audit.engine import Engine

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
class _Found:
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


def of_data(request: Request, paths: Sequence[str]) -> Result:
    """Evaluate a model on data.

    Raises:
        EvaluationError: The model or the data cannot be used.
        AuditError: The data cannot be read, or changes meanwhile.
    """
    from actgate.pipeline.audit import engine as engines

    listed = files.listed(paths)
    with engines.Engine(request.memory or engines.MEMORY) as engine:
        taken = engine.remote_files(listed) if listed.remote else files.taken(listed)
        opened = engine.open(listed)
        attributes = [name for grouping in request.groupings for name in grouping]
        opened.require({**dict.fromkeys(attributes, "group"), request.label: "label"})
        model = loading.load(request.model, trust_pickle=request.trust_pickle)
        features = _features(request, model, opened.types)
        opened.require(dict.fromkeys(features, "feature"))
        data = table.read(engine, opened, (*features, request.label, *attributes))
        if data.rows == 0:
            raise EvaluationError(f"{paths[0]}: holds no rows: name data to evaluate on")
        before = None if request.baseline is None else _baseline(engine, request.baseline, features)
        listed.require_unchanged()
        if listed.remote and engine.remote_files(listed) != taken:
            raise EvaluationError(files.changed(listed.paths[0]))
    digest = files.digest_of(taken)
    asked = _asked(request, model, data, features)
    found = _Found(request.checks or ())
    found.details["dataset"] = {
        "digest": digest,
        "files": [{"digest": one.digest, "name": one.name, "size": one.size} for one in taken],
        "name": request.dataset or listed.called,
        "rows": data.rows,
    }
    found.details["datasets"] = [{"digest": digest, "name": request.dataset or listed.called}]
    found.details["model"] = _identity(model)
    found.details["settings"] = {
        "minCount": request.min_count,
        "positive": request.positive,
        "seed": request.seed,
    }
    _measure(request, asked, before, found)
    deviations = [*_deviations(request, model, digest)]
    return Result(found.evaluations, found.details, found.not_measured, deviations)


def of_report(path: str, form: str) -> Result:
    """Return the extract of another library's report.

    Raises:
        EvaluationError: It cannot be read, or is no report of that format.
    """
    found = readers.extract(path, form)
    return Result(found.results, imported=[found.document()])


def _features(request: Request, model: Model, types: Mapping[str, str]) -> list[str]:
    """Return the columns that the model takes, in its order."""
    if request.features is not None:
        found = [*request.features]
    elif model.features is not None:
        found = [*model.features]
    else:
        found = [name for name in types if name != request.label]
    if request.label in found:
        raise EvaluationError(f"--label: {quoted(request.label)} is a feature of the model as well")
    if model.width is not None and len(found) != model.width:
        raise EvaluationError(
            f"the model takes {model.width} columns, and the data has {len(found)} beside the label: name "
            "those of the model in order with --features"
        )
    return found


def _asked(request: Request, model: Model, data: Data, features: Sequence[str]) -> Asked:
    table.require(data, request.label, "label")
    labels = [scores.class_of(one) or "" for one in data.columns[request.label]]
    try:
        predicted = model.classes({name: data.columns[name] for name in features})
    except ModelFailedError as error:
        raise EvaluationError(f"{request.model}: {error} for the data as they are") from None
    if not set(predicted) & set(labels):
        raise EvaluationError(
            f"{request.model}: no prediction is one of the classes of {quoted(request.label)}: evaluate a "
            "model that predicts classes, on labels in the notation of its training"
        )
    return Asked(model, data, features, labels, predicted, request.seed)


def _measure(request: Request, asked: Asked, before: Sequence[drift.Column] | None, found: _Found) -> None:
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


def _groups(request: Request, asked: Asked, groups: Sequence[Groups], found: _Found) -> None:
    if not groups:
        found.without("groups", "groups", "no protected attribute is named: name one with --by")
    found.details["groups"] = [row for one in groups for row in by_group.table(asked, one, request.min_count)]
    for one in groups:
        name = f"groups {attribute(one.grouping)}"
        found.take("groups", name, lambda one=one: by_group.accuracy(asked, one, request.min_count))  # type: ignore[misc]


def _calibration(request: Request, asked: Asked, groups: Sequence[Groups], found: _Found) -> None:
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


def _drift(asked: Asked, before: Sequence[drift.Column] | None, found: _Found) -> None:
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


def _counterfactual(request: Request, asked: Asked, found: _Found) -> None:
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


def _baseline(engine: "Engine", path: str, features: Sequence[str]) -> list[drift.Column]:
    """Return the baseline of an earlier result, or of data such as that of the training."""
    listed = files.listed([path])
    if listed.kind is Kind.JSON and not listed.remote and (stored := _stored(path)) is not None:
        return drift.stored(stored, path)
    opened = engine.open(listed)
    opened.require(dict.fromkeys(features, "feature"))
    found = drift.baseline(table.read(engine, opened, features), features)
    listed.require_unchanged()
    return found


def _stored(path: str) -> Mapping[str, Any] | None:
    """Return an earlier result, None where the file is data."""
    try:
        found = [*documents.load(Path(path).read_bytes(), path)]
    except (OSError, documents.DocumentError):
        return None
    value = found[0].value if len(found) == 1 else None
    is_result = isinstance(value, dict) and value.get("apiVersion") == result.API_VERSION
    return value if is_result else None


def _identity(model: Model) -> dict[str, str]:
    if model.digest is None:
        return {"name": model.called}
    return {"digest": model.digest.digest, "digestDomain": model.digest.domain.value, "name": model.called}


def _deviations(request: Request, model: Model, digest: str) -> Iterable[str]:
    plan = request.plan
    if plan is None:
        return
    if (foreign := plans.foreign_data(plan, digest)) is not None:
        yield foreign
    planned = None if plan.model is None else plan.model.digest
    own = None if model.digest is None else model.digest.digest
    if planned is not None and planned != own:
        yield f"model.digest: Invalid value: {own or 'not known'}: must be {planned}, as the plan fixed it"
    for name, fixed, used in (
        ("seeds.evaluation", (plan.seeds or {}).get("evaluation"), request.seed),
        ("minGroupCount", plan.min_group_count, request.min_count),
    ):
        if fixed is not None and fixed != used:
            yield f"{name}: Invalid value: {used}: must be {fixed}, as the plan fixed it"
    for one in plan.evaluations or ():
        used_settings = {"repeats": perturbing.REPEATS, "share": perturbing.SHARE}
        for key, value in (one.settings or {}).items():
            if used_settings.get(key) != value:
                where = f"{one.kind} {one.metric or ''}".strip()
                yield f"settings of {where}: {quoted(key)} is not what actgate evaluate does"
