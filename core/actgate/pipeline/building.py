"""One manifest of what the steps of a pipeline wrote into the folder of a run, and of what people state.

The parts have to agree: on the model, on each data set, on the plan. Where they do not, a step ran with other
input than its neighbour, and no manifest is made. The border: values in, values out.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from actgate.api.compliance_manifest import ComplianceManifestSpec
from actgate.api.names import API_VERSION
from actgate.api.quoting import got, invalid, quoted
from actgate.manifests import naming
from actgate.manifests.errors import EvidenceError, UnreadableError
from actgate.manifests.shape import problem
from actgate.pipeline import plan as plans
from actgate.pipeline.plan import Plan
from actgate.pipeline.run_files import AUDIT, EVALUATION, TRAINING, require_shape, require_stated

STATED: Final = "the statements"
"""How messages call what was given by hand."""
_STEPS: Final = {
    AUDIT: ("bias", "actgate audit --run-dir"),
    TRAINING: ("training", "actgate train-run --run-dir"),
}
_TAKEN: Final = {
    AUDIT: ("bias", "dataQuality"),
    EVALUATION: ("evaluations",),
    TRAINING: ("training", "lineage"),
}
_OF_PEOPLE: Final = ("riskCategory", "humanOversight")
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Built:
    """A manifest, and what it does not show."""

    document: Json
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Planned:
    plan: Plan
    digest: str | None
    envelope: Json | None


def built(name: str, run: Mapping[str, Json], stated: Mapping[str, Any], taken: Mapping[str, Any]) -> Built:
    """Return the manifest of a run.

    Args:
        name: Name of the model.
        run: What the steps wrote, by the names of ``run_files.FILES``; those that did not run are left out.
        stated: Fields of ``spec`` that people state: risk category, oversight, licences of data.
        taken: The digests of the model that is there, as ``spec.model`` names them; empty where none is.

    Raises:
        EvidenceError: The parts contradict each other, or do not make a manifest; a line for each problem.
    """
    require_shape(run)
    require_stated({**stated})
    planned = _plan(run)
    spec: Json = {"model": _model(name, run, stated, taken, planned)}
    for file, fields in _TAKEN.items():
        for field in fields:
            if value := (run.get(file) or {}).get(field):
                spec[field] = value
    for field, value in stated.items():
        if field not in ("model", "datasets"):
            spec[field] = _agreed(field, spec.get(field), value)
    if datasets := [*_datasets(run, stated, planned)]:
        spec["datasets"] = datasets
    remarks = [*_missing(spec, run)]
    if planned is None or planned.envelope is None:
        remarks += _without_plan(spec, planned)
    else:
        _require_planned(spec, planned)
        others = spec.get("attestations") or []
        spec["attestations"] = [{"name": "plan", "envelope": planned.envelope}, *others]
    return Built(
        {
            "apiVersion": API_VERSION,
            "kind": "ComplianceManifest",
            "metadata": {"name": naming.object_name(_full_name(spec["model"]))},
            "spec": _sound(spec),
        },
        tuple(remarks),
    )


def _plan(run: Mapping[str, Json]) -> _Planned | None:
    held = [plans.read_any(run[file]) for file in (plans.ENVELOPE, plans.FILE) if file in run]
    if not held:
        return None
    plan, digest = held[0]
    if len(held) > 1 and plans.predicate(held[1][0]) != plans.predicate(plan):
        raise EvidenceError(
            f"{plans.FILE} is not the plan that was signed in {plans.ENVELOPE}: sign it again with "
            "actgate plan --key before the evaluation, or remove it"
        )
    return _Planned(plan, digest, run.get(plans.ENVELOPE))


def _model(
    name: str,
    run: Mapping[str, Json],
    stated: Mapping[str, Any],
    taken: Mapping[str, Any],
    planned: _Planned | None,
) -> Json:
    of_plan = planned.plan.model if planned is not None else None
    sources = {
        "the model": taken,
        STATED: stated.get("model") or {},
        "the plan": {}
        if of_plan is None
        else of_plan.model_dump(mode="json", by_alias=True, exclude_none=True),
        TRAINING: (run.get(TRAINING) or {}).get("model") or {},
        EVALUATION: (run.get(EVALUATION) or {}).get("model") or {},
    }
    found: Json = {"name": name}
    first: dict[str, str] = {}
    for source, model in sources.items():
        for field, value in model.items():
            if field == "name":
                continue
            if found.setdefault(field, value) != value:
                raise EvidenceError(
                    f"model.{field}: {first[field]} has {got(found[field])}, and {source} has {got(value)}: "
                    "must be the same model; run the steps again that used another"
                )
            first.setdefault(field, source)
    return found


def _agreed(field: str, found: Any, stated: Any) -> Any:  # noqa: ANN401 - parts of a spec
    """Return a field of a run together with what people state of it: it may add, and change nothing."""
    if found is None:
        return stated
    if isinstance(found, Mapping) and isinstance(stated, Mapping):
        return {
            key: _agreed(f"{field}.{key}", found.get(key), stated.get(key, found.get(key)))
            for key in {**found, **stated}
        }
    if found != stated:
        raise EvidenceError(
            f"{field}: the run has {got(found)}, and {STATED} have {got(stated)}: must be the same; "
            "leave it out where a step of the run says it"
        )
    return found


def _datasets(
    run: Mapping[str, Json], stated: Mapping[str, Any], planned: _Planned | None
) -> Iterator[Mapping[str, Any]]:
    _require_data(run, planned)
    lists = [
        *((file, (run.get(file) or {}).get("datasets")) for file in (AUDIT, TRAINING, EVALUATION)),
        ("the plan", _planned_data(planned, run)),
        (STATED, stated.get("datasets")),
    ]
    found: dict[str, tuple[str, Json]] = {}
    for source, datasets in lists:
        for one in datasets or ():
            if not isinstance(one.get("name"), str):
                raise EvidenceError(f"{source}: datasets: name: {invalid(one.get('name'), 'text')}")
            first, fields = found.setdefault(one["name"], (source, {}))
            for field, value in one.items():
                if fields.setdefault(field, value) != value:
                    raise EvidenceError(
                        f"datasets: {quoted(one['name'])} has {field} {got(fields[field])} in {first}, and "
                        f"{got(value)} in {source}: must be the same data; run the step again that used "
                        "other data, or name it otherwise"
                    )
    for _, fields in found.values():
        yield fields


def _planned_data(planned: _Planned | None, run: Mapping[str, Json]) -> Iterable[Json]:
    """Return the data sets of the plan, but those that a step has under a name of its own."""
    steps = (run.get(file) or {} for file in (AUDIT, EVALUATION))
    known = {one.get("digest") for step in steps for one in step.get("datasets") or ()}
    for one in (planned.plan.datasets or ()) if planned is not None else ():
        if one.digest is None or one.digest not in known:
            yield one.model_dump(mode="json", by_alias=True, exclude_none=True)


def _require_data(run: Mapping[str, Json], planned: _Planned | None) -> None:
    audit, training = run.get(AUDIT) or {}, run.get(TRAINING) or {}
    for file, verb in ((AUDIT, "audit"), (EVALUATION, "evaluate on")):
        data = (run.get(file) or {}).get("dataset") or {}
        if planned is not None and data.get("digest") is not None and not data.get("countsOnly"):
            message = plans.foreign_data(planned.plan, data["digest"])
            if message is not None:
                raise EvidenceError(f"{file}: {message}; {verb} the planned data")
    compared = [one for one in audit.get("datasets") or () if str(one.get("name", "")).endswith("-training")]
    trained = {one.get("digest") for one in training.get("datasets") or ()}
    for one in compared:
        if trained and one.get("digest") not in trained:
            raise EvidenceError(
                f"datasets: {AUDIT} compared with training data {got(one.get('digest'))}, and {TRAINING} "
                "names other data: must be the same; audit again with --train and the data that trained "
                "the model"
            )


def _require_planned(spec: Json, planned: _Planned) -> None:
    for place, one in _measured(spec):
        if one.get("planDigest") not in (None, planned.digest):
            raise EvidenceError(
                f"{place}.planDigest is {got(one['planDigest'])}, and the plan of the run has "
                f"{got(planned.digest)}: must be the same plan; run the step again with this plan"
            )


def _without_plan(spec: Json, planned: _Planned | None) -> list[str]:
    """Leave out the digest of a plan that no one signed: what it names could have been written afterwards."""
    if planned is not None:
        _require_planned(spec, planned)
    named = [place for place, one in _measured(spec) if "planDigest" in one]
    if named and planned is None:
        raise EvidenceError(
            f"{named[0]}.planDigest names a plan, and the run has none: put {plans.ENVELOPE} there"
        )
    for field in ("bias", "evaluations"):
        if field in spec:
            spec[field] = [{key: one[key] for key in one if key != "planDigest"} for one in spec[field]]
    if planned is None:
        return []
    return [
        f"{plans.FILE} is not signed, so that no measurement names it: sign it with actgate plan --key "
        "before the evaluation"
    ]


def _measured(spec: Json) -> Iterator[tuple[str, Json]]:
    for field in ("bias", "evaluations"):
        for index, one in enumerate(spec.get(field) or ()):
            yield f"{field}[{index}]", one


def _missing(spec: Json, run: Mapping[str, Json]) -> Iterator[str]:
    for file, (field, command) in _STEPS.items():
        if file not in run and field not in spec:
            yield f"spec.{field} is missing: the run has no {file}; write it with {command}"
    for field in _OF_PEOPLE:
        if field not in spec:
            yield f"spec.{field} is missing: state it"
    if not spec["model"].get("digest"):
        yield "spec.model.digest is missing: name the model with --model"


def _sound(spec: Json) -> Json:
    try:
        stated = ComplianceManifestSpec.model_validate(spec)
    except ValidationError as error:
        problems = (problem(item, ("spec", *item["loc"])) for item in error.errors(include_url=False))
        raise UnreadableError(problems) from None
    return stated.model_dump(mode="json", by_alias=True, exclude_none=True)


def _full_name(model: Json) -> str:
    version = model.get("version")
    return f"{model['name']}-v{version}" if version else str(model["name"])
