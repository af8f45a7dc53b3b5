"""From a CompliancePolicy object to the policy that the rules apply."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from pydantic import ValidationError

from actgate.api.canonical import canonical, sha256
from actgate.api.compliance_policy import CompliancePolicySpec, LabelSelector, SelectorOperator
from actgate.api.names import API_VERSION
from actgate.api.quoting import counted, invalid
from actgate.attestations import AttestationError, authority_anchors
from actgate.decision.manifest import Problem
from actgate.decision.policies import Policy
from actgate.manifests.digests import without_nulls
from actgate.manifests.errors import EvidenceError, UnreadableError
from actgate.manifests.shape import problem

logger = logging.getLogger(__name__)

KIND: Final = "CompliancePolicy"
_VALUED: Final = frozenset({SelectorOperator.IN, SelectorOperator.NOT_IN})


def read_policy(obj: Mapping[str, Any]) -> Policy:
    """Read a CompliancePolicy object as the API server or a file gives it.

    A policy is read whole or not at all: half of one could ask less than was meant.

    Raises:
        EvidenceError: When it is no CompliancePolicy, or fields of it are wrong; a line for each.
    """
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
    return Policy(str(name), spec, dict(_anchors(spec)), _digest(spec))


def _anchors(spec: CompliancePolicySpec) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield by what each authority's signers are known; one that cannot be read signs nothing."""
    for authority in spec.evidence.authorities:
        with suppress(AttestationError):
            yield authority.name, authority_anchors(authority)


def _digest(spec: CompliancePolicySpec) -> str:
    """Return what a policy is known by in records: the same for its file and the object in a cluster.

    What equals a default does not count, whether the file states it or the API server fills it in.
    """
    return sha256(canonical(spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)))


def policy_or_strictest(obj: Mapping[str, Any]) -> Policy:
    """Read a CompliancePolicy; one that cannot be read is the baseline, Deny, for every namespace.

    To skip it would relax what it was meant to require.
    """
    try:
        return read_policy(obj)
    except EvidenceError as error:
        name = str(obj["metadata"]["name"])
        logger.warning("CompliancePolicy %s is invalid, the baseline applies in its place: %s", name, error)
        return Policy(name)


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
