"""A plan: what is measured and with which limits, fixed before the model is evaluated; AI Act Art. 9(8).

A plan file is the predicate of a statement of the type ``plan``. The statement is about the model of the
plan, and ``planDigest`` of a measurement is the SHA-256 of its payload: what ``actgate attest --type plan
--predicate`` signs of the same file is the same payload. The border: values in, values out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import Field, JsonValue, ValidationError

from actgate.api import predicates
from actgate.api.base import Model, Name, ShortText
from actgate.api.canonical import sha256
from actgate.api.compliance_manifest import (
    AssessedModel,
    BiasMeasurement,
    Comparator,
    Dataset,
    Metric,
)
from actgate.api.quoting import invalid, quoted
from actgate.attestations import envelope, statement
from actgate.attestations.errors import AttestationError
from actgate.decision import BASELINE, groups
from actgate.decision.attestation import Attestation, PlannedMeasurement
from actgate.decision.manifest import Manifest, ModelIdentity, Problem
from actgate.decision.rules import plan as rule
from actgate.manifests.errors import UnreadableError
from actgate.manifests.read import measurement as as_judged
from actgate.manifests.shape import problem

FILE: Final = "plan.json"
"""Name of the plan in a folder that the steps of a pipeline fill."""
ENVELOPE: Final = "plan.dsse.json"
"""Name of the signed plan there."""


class PlannedBias(Model):
    """One fairness metric of one attribute, and its limit."""

    attribute: Name
    """Column of the protected attribute, or columns of an intersection with commas, such as sex,race."""
    metric: Annotated[Metric, Field(strict=False)]
    """Name of the metric."""
    threshold: Annotated[float, Field(ge=0, le=1)]
    """Limit, 0 to 1: a difference is at most this, a ratio at least."""
    reference_group: Name | None = None
    """Group that a directional metric compares the others with."""


class PlannedEvaluation(Model):
    """One test of accuracy, robustness or cybersecurity, and its limit; AI Act Art. 15."""

    kind: ShortText
    """What is tested, such as robustness."""
    metric: ShortText | None = None
    """Name of the metric."""
    comparator: Annotated[Comparator, Field(strict=False)] | None = None
    """How the value has to stand to the threshold."""
    threshold: float | None = None
    """Limit."""
    settings: dict[str, JsonValue] | None = None
    """What else the test is run with."""


class Plan(Model):
    """What was fixed before the run."""

    model: AssessedModel | None = None
    """The model that will be evaluated; its digest makes the plan a statement."""
    bias: Annotated[list[PlannedBias], Field(max_length=64)] = Field(default_factory=list)
    """Measurements, each attribute and metric once."""
    confidence: Annotated[float, Field(ge=0, le=0.9999)] | None = None
    """Confidence with which each of them has to hold its limit; 0 asks for the value alone."""
    min_group_count: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None
    """Smallest group that counts as evidence."""
    datasets: Annotated[list[Dataset], Field(max_length=64)] | None = None
    """Data sets of the evaluation; where digests are stated, no other data counts."""
    evaluations: Annotated[list[PlannedEvaluation], Field(max_length=64)] | None = None
    """Tests of accuracy, robustness and cybersecurity."""
    seeds: dict[str, int] | None = None
    """Seeds of whatever draws random numbers."""


class PlanError(UnreadableError):
    """A plan that cannot be used; a line for each problem."""


def read(value: object) -> Plan:
    """Read the predicate of a plan, as JSON or YAML has it.

    Raises:
        PlanError: A field is missing, unknown, of the wrong type or out of range; an attribute has a metric
            twice, or a kind of test; a test has a threshold without metric or comparator; nothing is planned.
    """
    if not isinstance(value, Mapping):
        raise PlanError([Problem("plan", invalid(value, "an object"), "write bias: and what is measured")])
    try:
        plan = Plan.model_validate(value)
    except ValidationError as error:
        raise PlanError(problem(item, item["loc"]) for item in error.errors(include_url=False)) from None
    if found := [*_repeated(plan.bias), *_undefined(plan.evaluations or ())]:
        raise PlanError(found)
    if not plan.bias and not plan.evaluations:
        message = "Required value: must plan at least one measurement, or evaluations"
        raise PlanError([Problem("bias", message, "write attribute, metric and threshold of each")])
    return plan


def read_any(value: object) -> tuple[Plan, str | None]:
    """Read a plan, or the envelope of a signed one, and the digest that measurements name.

    No signature is verified here: the digest is that of the bytes, and the gate verifies who signed them.

    Raises:
        PlanError: It is neither, or cannot be used.
    """
    if isinstance(value, Mapping) and "payloadType" in value:
        try:
            signed = envelope.read(value, "envelope")
            stated = statement.read(signed, "envelope")
        except AttestationError as error:
            raise PlanError(
                [Problem("envelope", str(error), "sign the plan with actgate plan --key")]
            ) from None
        if stated.predicate_type != predicates.PLAN:
            message = invalid(stated.predicate_type, predicates.PLAN)
            raise PlanError([Problem("envelope.payload.predicateType", message, "name the signed plan")])
        return read(stated.predicate), sha256(signed.payload)
    plan = read(value)
    return plan, digest(plan)


def predicate(plan: Plan) -> dict[str, Any]:
    """Return the predicate of a plan, as its file holds it."""
    found = plan.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {key: found[key] for key in sorted(found)}


def payload(plan: Plan) -> bytes:
    """Return the bytes that are signed of a plan.

    Raises:
        SigningError: It names no model by digest.
    """
    fields = predicate(plan)
    # cryptography: an audit without a key has no use for it.
    from actgate.pipeline import signing

    return signing.payload(signing.subjects(fields), predicates.PLAN, fields)


def digest(plan: Plan) -> str | None:
    """Return what measurements name as planDigest; None where the plan names no model by digest."""
    return sha256(payload(plan)) if plan.model is not None and _is_bound(plan.model) else None


def deviations(plan: Plan, digest: str | None, bias: Sequence[BiasMeasurement]) -> Iterator[str]:
    """Yield where measurements are not what was planned, in the words of the rule ``evidence/plan``."""
    about = f"sha256:{'0' * 64}"
    fact = Attestation(
        "plan",
        predicates.PLAN,
        digest,
        frozenset({about}),
        planned=tuple(PlannedMeasurement(one.attribute, one.metric, one.threshold) for one in plan.bias),
    )
    measured = tuple(map(as_judged, bias))
    held = Manifest("", "", ModelIdentity("model", digest=about), bias=measured, attestations=(fact,))
    for finding in rule.findings(held, BASELINE):
        yield f"{finding.path}: {finding.message}"


def foreign_data(plan: Plan, digest: str) -> str | None:
    """Say that the data is none that the plan names by digest; None where it is, or it names none so."""
    known = {one.digest: one.name for one in plan.datasets or () if one.digest is not None}
    if not known or digest in known:
        return None
    names = ", ".join(f"{quoted(name)} ({of})" for of, name in known.items())
    return f"dataset.digest: Invalid value: {digest}: must be that of a planned data set: {names}"


def _is_bound(model: AssessedModel) -> bool:
    return model.digest is not None or bool(model.images)


def _repeated(planned: Iterable[PlannedBias]) -> Iterator[Problem]:
    known: set[tuple[str, Metric]] = set()
    for index, one in enumerate(planned):
        key = groups.key(one.attribute), one.metric
        if key in known:
            message = f"Duplicate value: {quoted(one.attribute)}: {one.metric} of it is planned before"
            yield Problem(f"bias[{index}].attribute", message, "plan each attribute and metric once")
        known.add(key)


def _undefined(tests: Iterable[PlannedEvaluation]) -> Iterator[Problem]:
    """Yield the tests whose result could meet their threshold or not, as one likes."""
    known: set[tuple[str, str | None]] = set()
    for index, one in enumerate(tests):
        path = f"evaluations[{index}]"
        for field, value, such in (
            ("comparator", one.comparator, '">="'),
            ("metric", one.metric, "accuracy"),
        ):
            if one.threshold is not None and value is None:
                message = f"Required value: must stand beside a threshold, such as {such}"
                yield Problem(f"{path}.{field}", message, "fix how a value is held against the threshold")
        if (key := (one.kind, one.metric)) in known:
            message = f"Duplicate value: {quoted(one.metric or one.kind)}: it is planned before"
            yield Problem(f"{path}.metric", message, "plan each test once")
        known.add(key)
