"""What a pipeline stated about one model so far, and the two documents that it can become."""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from numbers import Integral, Real
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from actgate.api.base import CloudRegion, Model
from actgate.api.compliance_manifest import (
    AssessedModel,
    BiasMeasurement,
    ComplianceManifestSpec,
    HumanOversight,
    Metric,
    RiskCategory,
    Training,
)
from actgate.api.names import API_VERSION
from actgate.api.quoting import got, invalid
from actgate.decision import limits
from actgate.decision.manifest import Region
from actgate.decision.rules import bias, counts
from actgate.manifests import naming, v0
from actgate.manifests.errors import EvidenceError, UnreadableError
from actgate.manifests.read import measurement as as_judged
from actgate.manifests.shape import problem
from actgate.pipeline import declared

_LOG: Final = logging.getLogger("actgate.pipeline")
P = TypeVar("P", bound=Model)
_BEYOND_V0: Final = ("attribute", "groups", "reference_group", "library", "plan_digest")
"""Fields of a measurement that v0 has no place for."""
_LARGEST: Final = 2**63
"""No count and no measured value comes near it."""


@dataclass(slots=True)
class Statement:
    """Evidence in the making."""

    model_name: str
    """Name as the pipeline gave it."""
    risk_category: str
    """Category as the pipeline gave it."""
    category: RiskCategory
    model: AssessedModel
    finished_at: datetime | None
    regions: tuple[Region, ...]
    oversight: HumanOversight | None
    bias: dict[tuple[str | None, Metric], BiasMeasurement] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    """Other fields of a manifest's spec, by their names."""


def as_v0(statement: Statement) -> dict[str, Any]:
    """Return the pipeline's JSON; what was not declared is assumed, marked so, and logged.

    Raises:
        EvidenceError: When more was stated than v0 has a place for.
    """
    if beyond := _beyond_v0(statement):
        raise EvidenceError(f'v0 has no field for {", ".join(beyond)}: export with version="v1"')
    (measurement,) = statement.bias.values()
    assumed = _undeclared(statement)
    if assumed:
        _LOG.warning(
            "%s: %s not declared; the manifest holds assumed defaults, marked in %s. State them with %s",
            statement.model_name,
            " and ".join(assumed),
            v0.ASSUMED,
            _HOW,
        )
    key = measurement.metric.value.replace("_difference", "_diff")
    return {
        v0.NAME: statement.model_name,
        v0.CATEGORY: statement.risk_category,
        v0.TIMESTAMP: _finished(statement).isoformat(),
        v0.OVERSIGHT: statement.oversight.enabled if statement.oversight else declared.ASSUMED_OVERSIGHT,
        v0.SOVEREIGNTY: declared.sovereignty(statement.regions) or declared.ASSUMED_SOVEREIGNTY,
        v0.BIAS: {
            key: measurement.value,
            "threshold": measurement.threshold,
            "compliant": measurement.compliant,
        },
        **({v0.ASSUMED: assumed} if assumed else {}),
    }


def as_v1(statement: Statement) -> dict[str, Any]:
    """Return a ComplianceManifest object; what was not declared is left out, and logged."""
    if undeclared := _undeclared(statement):
        _LOG.warning(
            "%s: %s not declared; the manifest leaves them out. State them with %s",
            statement.model_name,
            " and ".join(undeclared),
            _HOW,
        )
    regions = [
        part(CloudRegion, "training.regions", **v0.region_fields(region)) for region in statement.regions
    ]
    spec = ComplianceManifestSpec(
        model=statement.model,
        risk_category=statement.category,
        training=Training(finished_at=_finished(statement), regions=regions or None),
        bias=list(statement.bias.values()),
        human_oversight=statement.oversight,
        **statement.details,
    )
    return {
        "apiVersion": API_VERSION,
        "kind": "ComplianceManifest",
        "metadata": {"name": naming.object_name(statement.model_name)},
        "spec": spec.model_dump(mode="json", by_alias=True, exclude_none=True),
    }


def part(model: type[P], place: str, **fields: object) -> P:
    """Build a part of a manifest from what the pipeline gave.

    Raises:
        EvidenceError: When a field has the wrong type or range; a line for each.
    """
    given = {name: _plain(value) for name, value in fields.items() if value is not None}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        problems = (problem(item, (place, *item["loc"])) for item in error.errors(include_url=False))
        raise UnreadableError(problems) from None


def agreed(stated: BiasMeasurement, limit: float) -> bool:
    """Return whether a measurement holds its limit, by its counts where it has them.

    Raises:
        EvidenceError: When its own groups contradict it, as the gate would find too; a line for each.
    """
    found = as_judged(stated)
    problems = [*counts.contradictions(found), *bias.uncompared(found)]
    if problems:
        raise UnreadableError(replace(item, path=f"bias.{item.path}") for item in problems)
    return limits.holds(found, limit)


def number(name: str, value: object, least: float, most: float) -> float:
    """Return a finite number within bounds.

    Raises:
        EvidenceError: When it is none; booleans and text are none either.
    """
    plain = _plain(value)
    if isinstance(plain, bool) or not isinstance(plain, int | float) or not math.isfinite(plain):
        raise EvidenceError(f"{name}: {invalid(plain, 'a finite number')}")
    if not least <= plain <= most:
        raise EvidenceError(f"{name}: {invalid(plain, f'between {least:g} and {most:g}')}")
    return float(plain)


def metric_named(name: str, *, ratio: bool) -> Metric:
    """Return the difference metric, or the ratio metric, of a name.

    Raises:
        EvidenceError: When there is none.
    """
    known = [metric for metric in Metric if metric.is_ratio is ratio]
    if name not in known:
        raise EvidenceError(f"metric: Unsupported value: {got(name)}: supported values: {', '.join(known)}")
    return Metric(name)


_HOW: Final = (
    "human_oversight= and training_regions=, or in the environment with "
    f"{declared.HUMAN_OVERSIGHT} and {declared.TRAINING_REGION}"
)


def _finished(statement: Statement) -> datetime:
    return (statement.finished_at or datetime.now(UTC)).astimezone(UTC)


def _undeclared(statement: Statement) -> list[str]:
    declarations = {v0.OVERSIGHT: statement.oversight, v0.SOVEREIGNTY: statement.regions}
    return [name for name, declaration in declarations.items() if not declaration]


def _beyond_v0(statement: Statement) -> list[str]:
    """Name what was stated and v0 cannot hold; losing it silently would weaken the evidence."""
    oversight = statement.oversight
    beyond = ["several bias measurements"] if len(statement.bias) > 1 else []
    for measurement in statement.bias.values():
        beyond += [name for name in _BEYOND_V0 if getattr(measurement, name)]
    if oversight is not None and oversight != HumanOversight(enabled=oversight.enabled):
        beyond.append("details of human oversight")
    if statement.model.digest or statement.model.images:
        beyond.append("digests")
    if statement.model.version != naming.split_version(statement.model_name)[1]:
        beyond.append("a version beside the model's name")
    return [*beyond, *statement.details]


def _plain(value: object) -> object:
    """Return tuples as lists, and the numbers of numpy and pandas as Python's own."""
    match value:
        case bool() | str():
            return value
        case Mapping():
            return {key: _plain(item) for key, item in value.items()}
        case Sequence():
            return [_plain(item) for item in value]
        case Integral():
            whole = int(value)
            return whole if abs(whole) <= _LARGEST else math.inf
        case Real():
            return float(value)
        case _:
            return value
