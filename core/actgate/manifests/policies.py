"""From a CompliancePolicy object to the policy that the rules apply."""

import logging
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from actgate.api.base import Model
from actgate.api.canonical import canonical, sha256
from actgate.api.compliance_policy import (
    AssuranceLevel,
    CompliancePolicySpec,
    EvidenceLevels,
    EvidencePolicy,
    LabelSelector,
    LoggingPolicy,
    SelectorOperator,
    Tier,
)
from actgate.api.inference_log import MaxPayload, RequiredDurability
from actgate.api.names import API_VERSION
from actgate.api.quoting import counted, invalid
from actgate.decision.manifest import Problem
from actgate.decision.policies import Policy
from actgate.manifests.digests import without_nulls
from actgate.manifests.errors import EvidenceError, UnreadableError
from actgate.manifests.shape import problem
from actgate.manifests.trust import anchors_of

logger = logging.getLogger(__name__)

KIND: Final = "CompliancePolicy"
ModelT = TypeVar("ModelT", bound=Model)
_UNSIGNED: Final = frozenset({"maxAge", "requireDigest"})
"""What a policy may ask of evidence without asking for a signature."""
_VALUED: Final = frozenset({SelectorOperator.IN, SelectorOperator.NOT_IN})


def read_policy(obj: Mapping[str, Any]) -> Policy:
    """Read a CompliancePolicy object as the API server or a file gives it.

    A policy is read whole or not at all: half of one could ask less than was meant.

    Raises:
        EvidenceError: When it is no CompliancePolicy, or fields of it are wrong; a line for each. Also when
            an authority cannot be read, or one that is named does not exist.
    """
    policy, faults = _read(obj)
    if faults:
        raise UnreadableError(faults)
    return policy


def _read(obj: Mapping[str, Any]) -> tuple[Policy, list[Problem]]:
    """Return the policy, and what keeps authorities of it from signing; raises like ``read_policy``."""
    if not isinstance(obj, Mapping):
        raise UnreadableError([Problem("", invalid(obj, "an object"), f"write a {KIND}")])
    metadata = obj.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    problems = [*_identity_problems(obj, name)]
    try:
        spec = CompliancePolicySpec.model_validate(
            without_nulls(obj.get("spec", {})), by_alias=True, by_name=False
        )
    except ValidationError as error:
        problems += (problem(item, ("spec", *item["loc"])) for item in error.errors(include_url=False))
        raise UnreadableError(problems) from None
    problems += _selector_problems(spec.namespace_selector)
    if problems:
        raise UnreadableError(problems)
    anchors, faults = anchors_of(spec)
    return Policy(str(name), spec, anchors, _digest(spec)), faults


def _digest(spec: CompliancePolicySpec) -> str:
    """Return what a policy is known by in records: the same for its file and the object in a cluster.

    What equals a default does not count, whether the file states it or the API server fills it in.
    """
    return sha256(canonical(spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)))


def policy_or_strictest(obj: Mapping[str, Any]) -> Policy:
    """Read a CompliancePolicy; one that cannot be read is replaced by the baseline, Deny, and no less.

    To skip it would relax what it was meant to require. It keeps what it asks of logs, and of evidence, if
    that part can be read by itself; else it asks for signatures that no one can make, if it may have asked
    for any (ADR 0026), and for the safest log. It applies where it selects namespaces, if that can be read,
    else everywhere. One that can be read but for its authorities stays in force, and those can sign nothing.
    """
    try:
        policy, faults = _read(obj)
    except EvidenceError as error:
        name = str(obj["metadata"]["name"])
        logger.warning("CompliancePolicy %s is invalid, the baseline applies in its place: %s", name, error)
        return _strictest(name, obj.get("spec"))
    if faults:
        _warn_of_authorities(policy.name, str(UnreadableError(faults)))
    return policy


@lru_cache(maxsize=256)
def _warn_of_authorities(name: str, faults: str) -> None:
    """Log it once, however often the same policy is read."""
    logger.warning("CompliancePolicy %s has authorities that can sign nothing: %s", name, faults)


def _strictest(name: str, spec: object) -> Policy:
    stated = (
        spec
        if isinstance(spec, Mapping)
        else dict.fromkeys(("evidence", "logging", "namespaceSelector"), spec)
    )
    evidence, selector = stated.get("evidence"), stated.get("namespaceSelector")
    strictest = CompliancePolicySpec.model_construct(
        namespace_selector=_part(LabelSelector, selector) or LabelSelector.model_construct(),
        evidence=_part(EvidencePolicy, evidence) or _strictest_evidence(evidence),
        logging=_part(LoggingPolicy, stated.get("logging")) or _STRICTEST_LOGGING,
    )
    if any(_selector_problems(strictest.namespace_selector)):
        strictest = strictest.model_copy(update={"namespace_selector": LabelSelector.model_construct()})
    return Policy(name, strictest, anchors_of(strictest)[0], _digest(strictest))


_STRICTEST_LOGGING: Final = LoggingPolicy.model_construct(
    required_for=list(Tier), durability=RequiredDurability.NODE, max_payload=MaxPayload.NONE
)


def _part(model: type[ModelT], stated: object) -> ModelT | None:
    """Return a part of a policy by itself, its defaults where it is not stated; None if it cannot be read."""
    try:
        part = without_nulls({} if stated is None else stated)
        return model.model_validate(part, by_alias=True, by_name=False)
    except (ValidationError, EvidenceError):
        return None


def _strictest_evidence(stated: object) -> EvidencePolicy:
    if isinstance(stated, Mapping) and stated.keys() <= _UNSIGNED:
        return EvidencePolicy.model_construct(require_digest=stated.get("requireDigest", False) is not False)
    attested = {tier.value: AssuranceLevel.ATTESTED for tier in Tier}
    level = EvidenceLevels.model_validate(attested, by_alias=True)
    return EvidencePolicy.model_construct(level=level, require_digest=True)


def _identity_problems(obj: Mapping[str, Any], name: object) -> Iterator[Problem]:
    for field, expected in (("apiVersion", API_VERSION), ("kind", KIND)):
        if obj.get(field) != expected:
            yield Problem(field, invalid(obj.get(field), expected), f"write {expected}")
    if not isinstance(name, str) or not name:
        yield Problem("metadata.name", invalid(name, "a name"), "name the policy")


def _selector_problems(selector: LabelSelector) -> Iterator[Problem]:
    """Find expressions that the API server refuses: they would select nothing, and so ask nothing."""
    for index, requirement in enumerate(selector.match_expressions or ()):
        if bool(requirement.values) is not (requirement.operator in _VALUED):
            stated = counted(len(requirement.values or ()), "value")
            required = "must have some" if requirement.operator in _VALUED else "must have none"
            yield Problem(
                f"spec.namespaceSelector.matchExpressions[{index}].values",
                f"Invalid value: {stated}: operator {requirement.operator} {required}",
                "give values to In and NotIn, and only to them",
            )
