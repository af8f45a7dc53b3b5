"""From an Exemption object to the exemption that decisions apply."""

import logging
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

from pydantic import ValidationError

from actgate.api.canonical import canonical, sha256
from actgate.api.exemption import LONGEST_DAYS, NEVER_EXEMPT, ExemptionSpec
from actgate.api.names import API_VERSION
from actgate.api.quoting import invalid, quoted
from actgate.api.times import timestamp
from actgate.decision.exemptions import Exemption
from actgate.decision.manifest import Problem
from actgate.manifests.digests import without_nulls
from actgate.manifests.errors import UnreadableError
from actgate.manifests.shape import problem

logger = logging.getLogger(__name__)

KIND: Final = "Exemption"


def read_exemption(obj: Mapping[str, Any]) -> Exemption:
    """Read an Exemption object as the API server or a file gives it.

    It is read whole or not at all: half of one could exempt from more than was meant.

    Raises:
        EvidenceError: When it is no Exemption, or fields of it are wrong; a line for each.
    """
    if not isinstance(obj, Mapping):
        raise UnreadableError([Problem("", invalid(obj, "an object"), f"write an {KIND}")])
    name = _name(obj)
    problems = [*_identity_problems(obj, name)]
    try:
        spec = ExemptionSpec.model_validate(without_nulls(obj.get("spec", {})), by_alias=True, by_name=False)
    except ValidationError as error:
        problems += (problem(item, ("spec", *item["loc"])) for item in error.errors(include_url=False))
        raise UnreadableError(problems) from None
    problems += _across(spec)
    if problems:
        raise UnreadableError(problems)
    return Exemption(
        str(name),
        tuple(spec.subjects),
        frozenset(spec.rules),
        spec.not_before,
        spec.not_after,
        sha256(canonical(spec.model_dump(mode="json", by_alias=True, exclude_defaults=True))),
    )


def exemption_if_readable(obj: Mapping[str, Any]) -> Exemption | None:
    """Read an Exemption; one that cannot be read is logged as invalid, and exempts from nothing: None."""
    try:
        return read_exemption(obj)
    except (ValueError, RecursionError) as error:
        _warn(str(_name(obj)), str(error))
        return None


def _name(obj: object) -> object:
    metadata = obj.get("metadata") if isinstance(obj, Mapping) else None
    return metadata.get("name") if isinstance(metadata, Mapping) else None


@lru_cache(maxsize=256)
def _warn(name: str, fault: str) -> None:
    """Log it once, however often the same exemption is read."""
    logger.warning("Exemption %s is invalid, and exempts from nothing: %s", name, fault)


def _identity_problems(obj: Mapping[str, Any], name: object) -> Iterator[Problem]:
    for field, expected in (("apiVersion", API_VERSION), ("kind", KIND)):
        if obj.get(field) != expected:
            yield Problem(field, invalid(obj.get(field), expected), f"write {expected}")
    if not isinstance(name, str) or not name:
        yield Problem("metadata.name", invalid(name, "a name"), "name the exemption")


def _across(spec: ExemptionSpec) -> Iterator[Problem]:
    """Yield what the schema says in its rules over several fields (x-kubernetes-validations)."""
    for index, rule in enumerate(spec.rules):
        if rule in NEVER_EXEMPT:
            message = f"Invalid value: {quoted(rule)}: must not be {' or '.join(NEVER_EXEMPT)}"
            yield Problem(f"spec.rules[{index}]", message, "remove it: nothing exempts from it")
    lasting = spec.not_after - spec.not_before
    if not timedelta(0) < lasting <= timedelta(days=LONGEST_DAYS):
        message = f"must be after notBefore, by at most {LONGEST_DAYS} days"
        yield Problem(
            "spec.notAfter",
            f"Invalid value: {timestamp(spec.not_after, 'auto')}: {message}",
            "write an earlier end, and renew it by another Exemption"
            if lasting > timedelta(0)
            else "write a later end",
        )
    if spec.approved_by == spec.requested_by:
        yield Problem(
            "spec.approvedBy",
            f"Invalid value: {quoted(spec.approved_by)}: must be another person than requestedBy",
            "have another person approve it",
        )
