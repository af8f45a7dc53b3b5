"""One evaluation from beginning to end: load the model, read the data, ask, measure.

Needs the extra ``pipeline``, and whatever the model needs. A check that cannot be made is reported.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actgate import documents
from actgate.api.quoting import quoted
from actgate.pipeline import plan as plans
from actgate.pipeline.audit import files
from actgate.pipeline.audit.files import Kind
from actgate.pipeline.evaluate import drift, loading, perturbing, readers, result, scores, table
from actgate.pipeline.evaluate.checks import Found, Request, measure
from actgate.pipeline.evaluate.errors import EvaluationError, ModelFailedError
from actgate.pipeline.evaluate.loading import Model
from actgate.pipeline.evaluate.perturbing import Asked
from actgate.pipeline.evaluate.result import Result
from actgate.pipeline.evaluate.table import Data

if TYPE_CHECKING:
    from actgate.pipeline.audit.engine import Engine


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
    found = Found(request.checks or ())
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
    measure(request, asked, before, found)
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
