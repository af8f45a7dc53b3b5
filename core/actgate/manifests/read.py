"""From a ComplianceManifest object to the evidence that the rules judge.

Nothing is raised here, whatever the object holds: what cannot be read is a problem of the manifest,
and ``manifest/invalid`` refuses it. Values are compact, since a webhook holds 100,000 of them: texts
that repeat from manifest to manifest are held once.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, get_args

from actgate.api.base import CloudRegion, Model
from actgate.api.compliance_manifest import (
    AssessedModel,
    BiasMeasurement,
    ComplianceManifestSpec,
    HumanOversight,
    RiskCategory,
)
from actgate.api.compliance_manifest import Classification as StatedClassification
from actgate.api.compliance_manifest import Evaluation as StatedEvaluation
from actgate.api.compliance_policy import OversightField
from actgate.api.names import API_VERSION, is_namespace_name, is_object_name
from actgate.api.paths import Location, dotted
from actgate.api.quoting import invalid
from actgate.api.times import parse_timestamp
from actgate.attestations import Verifier
from actgate.decision.manifest import (
    Classification,
    Evaluated,
    GroupCount,
    Manifest,
    Measurement,
    ModelIdentity,
    Oversight,
    Problem,
    Region,
)
from actgate.manifests.attested import TRUSTING_NONE, read_attestations
from actgate.manifests.digests import (
    ATTESTATIONS,
    MAX_DEPTH,
    digest_of_tidy,
    without_attestations,
    without_nulls,
)
from actgate.manifests.errors import DigestError
from actgate.manifests.pruning import Pruned
from actgate.manifests.shape import unknown_field

KIND: Final = "ComplianceManifest"
_TOP: Final = frozenset({"apiVersion", "kind", "metadata", "spec", "status"})
"""Fields of the object itself; status, which a file from the cluster may hold, is never evidence."""
_STAND_INS: Final = {"model": {"name": "unreadable"}}
"""Lets the rest of a spec be read whose model cannot be; the stand-in itself is never judged."""


def read_manifest(
    obj: Mapping[str, Any], verifier: Verifier = TRUSTING_NONE, *, from_api_server: bool = False
) -> Manifest:
    """Read a ComplianceManifest object as the API server or a file gives it.

    Args:
        obj: The object.
        verifier: What verifies its attestations; without one they have no signers.
        from_api_server: Whether the API server gave it, whose creation time no client can set. In a file
            that time is a claim, and is not read.

    Returns:
        The evidence. Fields of the wrong type or range are cut out and listed as its ``problems``, by
        their path in the object; the digest is None where the spec has no canonical form.
    """
    if not isinstance(obj, Mapping):
        return unreadable(invalid(obj, f"a {KIND} object"))
    problems = [*_type_problems(obj)]
    metadata = obj.get("metadata")
    identity = _Identity(metadata if isinstance(metadata, Mapping) else {}, problems, stored=from_api_server)
    tidy = _tidy(obj.get("spec"), problems)
    return _evidence(identity, tidy, problems, verifier)


def unreadable(message: str, *, name: str = "", namespace: str = "default") -> Manifest:
    """Return a manifest of which nothing could be read."""
    remediation = f"write a {KIND} of {API_VERSION}, or the JSON file of the governance logger"
    return Manifest(namespace, name, None, problems=(Problem("document", message, remediation),))


def _type_problems(obj: Mapping[str, Any]) -> Iterator[Problem]:
    for field, expected in (("apiVersion", API_VERSION), ("kind", KIND)):
        if obj.get(field) != expected:
            yield Problem(field, invalid(obj.get(field), expected), f"write {expected}")
    if not obj.keys() <= _TOP:
        for key in sorted(map(str, obj.keys() - _TOP)):
            remediation = "remove it, or put it under spec where it belongs there"
            yield unknown_field(dotted((key,)), obj.get(key), remediation)


def unknown_nulls(value: object, location: Location = ("spec",)) -> Iterator[Problem]:
    """Yield the nulls of a file under names that no field of a spec has.

    A null is as good as absent, so that ``read_manifest`` never sees it; in the file of a person it may be
    a measurement that failed.
    """
    if len(location) > MAX_DEPTH:
        return
    items: Iterable[tuple[Any, object]] = ()
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for step, item in items:
        if item is None and isinstance(value, Mapping) and step not in _fields():
            yield unknown_field(dotted((*location, step)), None)
        else:
            yield from unknown_nulls(item, (*location, step))


@lru_cache(maxsize=1)
def _fields() -> frozenset[str]:
    """Return every name that a field has anywhere in a spec."""
    return frozenset(_field_names(ComplianceManifestSpec))


def _field_names(annotation: Any) -> Iterator[str]:  # noqa: ANN401 - a type, or one that holds models
    if isinstance(annotation, type) and issubclass(annotation, Model):
        for name, field in annotation.model_fields.items():
            yield field.alias or name
            yield from _field_names(field.annotation)
    for part in get_args(annotation):
        yield from _field_names(part)


class _Identity:
    """Who an object is: the metadata that decisions and their records need."""

    def __init__(self, metadata: Mapping[str, Any], problems: list[Problem], *, stored: bool) -> None:
        namespace, name = metadata.get("namespace"), metadata.get("name")
        if namespace is None:
            namespace = "default"
        self.namespace = _named(namespace, is_namespace_name, "metadata.namespace", problems)
        self.name = _named(name, is_object_name, "metadata.name", problems)
        self.uid = _text(metadata.get("uid"))
        self.resource_version = _text(metadata.get("resourceVersion"))
        generation = metadata.get("generation")
        self.generation = generation if isinstance(generation, int) and stored else None
        self.created_at = _moment(metadata.get("creationTimestamp")) if stored else None


def _named(value: object, fits: Callable[[str], bool], path: str, problems: list[Problem]) -> str:
    if isinstance(value, str) and fits(value):
        return sys.intern(value)
    expected = "a name of lower-case letters, digits and hyphens (RFC 1123)"
    problems.append(Problem(path, invalid(value, expected), f"write {expected}"))
    return value if isinstance(value, str) else ""


def _moment(value: object) -> datetime | None:
    try:
        return parse_timestamp(value)
    except ValueError:
        return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _tidy(spec: object, problems: list[Problem]) -> dict[str, Any] | None:
    try:
        tidy = without_nulls(spec)
    except DigestError as error:
        problems.append(Problem(error.path, error.message, "write it as the schema requires"))
        return None
    if isinstance(tidy, dict):
        return tidy
    problems.append(Problem("spec", invalid(tidy, "an object"), "state the evidence in spec"))
    return None


def _evidence(
    identity: _Identity, tidy: dict[str, Any] | None, problems: list[Problem], verifier: Verifier
) -> Manifest:
    if tidy is None:
        return Manifest(identity.namespace, identity.name, None, problems=tuple(problems))
    read = Pruned(ComplianceManifestSpec, tidy, ("spec",), _STAND_INS)
    spec, training, validity = read.value, read.value.training, read.value.validity
    problems += read.problems
    attestations = read_attestations(tidy, verifier)
    known = not read.stood_in("model")
    return Manifest(
        namespace=identity.namespace,
        name=identity.name,
        model=_model(spec.model) if known else None,
        uid=identity.uid,
        resource_version=identity.resource_version,
        generation=identity.generation,
        digest=_digest(without_attestations(tidy), problems),
        images=tuple(spec.model.images or ()) if known else (),
        uris=tuple(spec.model.uris or ()) if known else (),
        risk_category=spec.risk_category,
        stated_category=_stated_category(tidy, spec.risk_category),
        classification=_classification(spec.classification),
        finished_at=training.finished_at if training else None,
        training_regions=tuple(map(_region, (training.regions if training else None) or ())),
        bias=tuple(map(measurement, spec.bias or ())),
        evaluations=tuple(map(evaluated, spec.evaluations or ())),
        positions=tuple(_positions(read)),
        oversight=_oversight(spec.human_oversight),
        not_before=validity.not_before if validity else None,
        not_after=validity.not_after if validity else None,
        records=tuple(_records(spec, read)),
        problems=tuple(problems),
        attestations=attestations,
        verified_against=verifier.anchors.fingerprints if attestations else frozenset(),
        created_at=identity.created_at,
    )


def _positions(read: Pruned[ComplianceManifestSpec]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield where items stood in lists that were cut; attestations are read as they stand."""
    for at, kept in read.kept.items():
        if at[0] != ATTESTATIONS:
            yield ".".join(("spec", *map(str, at))), tuple(kept)


def _digest(spec: dict[str, Any], problems: list[Problem]) -> str | None:
    try:
        return digest_of_tidy(spec)
    except DigestError as error:
        if all(known.path != error.path for known in problems):
            problems.append(Problem(error.path, error.message, "write a value that JSON can hold exactly"))
        return None


def _model(stated: AssessedModel) -> ModelIdentity:
    return ModelIdentity(stated.name, _interned(stated.version), stated.digest, stated.digest_domain)


def _stated_category(spec: dict[str, Any], known: RiskCategory | None) -> str | None:
    return _text(spec.get("riskCategory")) if known is None else None


def _classification(stated: StatedClassification | None) -> Classification | None:
    if stated is None:
        return None
    return _shared_classification(stated.basis, stated.profiling, bool((stated.rationale or "").strip()))


_shared_classification = lru_cache(maxsize=1024)(Classification)
_shared_region = lru_cache(maxsize=4096)(Region)
_shared_oversight = lru_cache(maxsize=64)(Oversight)


def _region(stated: CloudRegion) -> Region:
    return _shared_region(stated.region, stated.provider, stated.statement)


def measurement(stated: BiasMeasurement) -> Measurement:
    """Return a measurement as the rules judge it."""
    return Measurement(
        metric=stated.metric,
        value=stated.value,
        attribute=_interned(stated.attribute),
        threshold=stated.threshold,
        compliant=stated.compliant,
        groups=tuple(
            GroupCount(
                sys.intern(group.name),
                group.count,
                group.selection_rate,
                group.selected,
                group.positives,
                group.true_positives,
                group.false_positives,
            )
            for group in stated.groups or ()
        ),
        reference_group=_interned(stated.reference_group),
        plan_digest=stated.plan_digest,
    )


def evaluated(stated: StatedEvaluation) -> Evaluated:
    """Return a test as the rules judge it."""
    return Evaluated(
        sys.intern(stated.kind),
        _interned(stated.metric),
        stated.value is not None,
        None if stated.comparator is None else stated.comparator.value,
        stated.threshold,
        stated.plan_digest,
    )


def _oversight(stated: HumanOversight | None) -> Oversight | None:
    if stated is None:
        return None
    filled = frozenset(
        field.value for field in OversightField if (getattr(stated, field.value) or "").strip()
    )
    return _shared_oversight(stated.enabled, filled)


def _records(
    spec: ComplianceManifestSpec, read: Pruned[ComplianceManifestSpec]
) -> Iterator[tuple[str, datetime]]:
    if spec.classification is not None and spec.classification.assessed_at is not None:
        yield "spec.classification.assessedAt", spec.classification.assessed_at
    for index, approval in enumerate(spec.approvals or ()):
        _, place = read.original(("approvals", index))
        yield f"spec.approvals[{place}].at", approval.at


def _interned(text: str | None) -> str | None:
    return None if text is None else sys.intern(text)
