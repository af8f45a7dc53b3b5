"""Which policies apply to a namespace, and the baseline where none does."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from actgate.api.compliance_policy import (
    CompliancePolicySpec,
    LabelSelector,
    SelectorOperator,
    SelectorRequirement,
)
from actgate.api.durations import parse_duration
from actgate.decision.data import country_groups

_GROUPS: Final = country_groups()


@dataclass(frozen=True, slots=True)
class Policy:
    """A CompliancePolicy by its name, with what is derived from its spec."""

    name: str
    spec: CompliancePolicySpec = field(default_factory=CompliancePolicySpec)
    anchors: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By name of an authority what its verified signers are known by, as ``Signer.anchor`` has it. One
    whose key or roots cannot be read has no entry, and nothing counts as signed by it."""
    digest: str | None = field(default=None, compare=False)
    """SHA-256 of the canonical JSON of what its spec sets; None for the baseline."""
    countries: frozenset[str] = field(init=False, compare=False)
    """Allowed countries as ISO 3166-1 alpha-2 codes, EU and EEA spelled out."""
    max_age: timedelta = field(init=False, compare=False)
    grace: timedelta = field(init=False, compare=False)
    """How long after its expiry evidence still admits replacement pods."""
    trusted: frozenset[str] = field(init=False, compare=False)
    """The anchors of all authorities."""
    log_countries: frozenset[str] = field(init=False, compare=False)
    """Countries in which logs may be kept, as ISO 3166-1 alpha-2 codes; empty for any."""
    min_log_retention: timedelta = field(init=False, compare=False)
    recorders: frozenset[str] = field(init=False, compare=False)
    """Digests of the images of the recorder, ``sha256:<hex>``."""

    def __post_init__(self) -> None:
        """Derive country codes, durations and anchors together."""
        logging = self.spec.logging
        object.__setattr__(self, "countries", _members(self.spec.residency.countries))
        object.__setattr__(self, "log_countries", _members(logging.countries))
        object.__setattr__(self, "min_log_retention", parse_duration(logging.min_retention))
        recorders = frozenset(image.rpartition("@")[2] for image in logging.recorder_images)
        object.__setattr__(self, "recorders", recorders)
        object.__setattr__(self, "max_age", parse_duration(self.spec.evidence.max_age))
        object.__setattr__(self, "grace", parse_duration(self.spec.evidence.grace_after_expiry))
        object.__setattr__(self, "trusted", frozenset().union(*self.anchors.values()))


def _members(codes: list[str]) -> frozenset[str]:
    """Return countries with EU and EEA spelled out."""
    return frozenset().union(*(_GROUPS.get(code, {code}) for code in codes))


BASELINE: Final = Policy("baseline", CompliancePolicySpec.model_construct())
"""Applies where no CompliancePolicy selects the namespace: everything required, Deny."""

_BASELINE_ALONE: Final = (BASELINE,)


_REMEMBERED: Final = 10_000
"""Sets of labels for which a selection is remembered, which is namespaces in a cluster."""


class Selection:
    """Policies that do not change, and which of them apply to the labels of a namespace: found once each.

    What is returned can be given to ``decide`` in place of all policies: selected again, it stays the same.
    """

    def __init__(self, policies: Iterable[Policy]) -> None:
        self.policies = tuple(policies)
        self._chosen: dict[frozenset[tuple[str, str]], tuple[Policy, ...]] = {}

    def applicable(self, labels: Mapping[str, str]) -> tuple[Policy, ...]:
        """Return what ``applicable`` does."""
        key = frozenset(labels.items())
        chosen = self._chosen.get(key)
        if chosen is None:
            if len(self._chosen) >= _REMEMBERED:
                self._chosen.clear()
            chosen = self._chosen[key] = applicable(self.policies, labels)
        return chosen


def applicable(policies: Iterable[Policy], labels: Mapping[str, str]) -> tuple[Policy, ...]:
    """Return the policies that select a namespace with these labels, sorted; else the baseline."""
    chosen = [policy for policy in policies if selects(policy.spec.namespace_selector, labels)]
    return tuple(sorted(chosen, key=lambda policy: policy.name)) if chosen else _BASELINE_ALONE


def selects(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Return whether a label selector matches, as meta/v1 LabelSelector defines it."""
    wanted = selector.match_labels or {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _holds(requirement, labels) for requirement in selector.match_expressions or ()
    )


def _holds(requirement: SelectorRequirement, labels: Mapping[str, str]) -> bool:
    values = requirement.values or []
    match requirement.operator:
        case SelectorOperator.IN:
            return labels.get(requirement.key) in values
        case SelectorOperator.NOT_IN:
            return labels.get(requirement.key) not in values
        case SelectorOperator.EXISTS:
            return requirement.key in labels
        case SelectorOperator.DOES_NOT_EXIST:
            return requirement.key not in labels
