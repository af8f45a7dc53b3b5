"""A manifest that passes, a subject that asks for it, and policies as an administrator would write them.

Each test says only what differs from what passes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from actgate.api.compliance_manifest import Metric, RiskCategory
from actgate.api.compliance_policy import CompliancePolicySpec, Enforcement
from actgate.decision import Finding, Link, Manifest, Policy, Subject, Verdict, decide
from actgate.decision.manifest import (
    Classification,
    GroupCount,
    Measurement,
    ModelIdentity,
    Oversight,
    Region,
)

NOW: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)
MODEL: Final = ModelIdentity("CreditRiskScorer", "2", f"sha256:{'a' * 64}")
PARIS: Final = Region("eu-west-3", "aws")
LONDON: Final = Region("eu-west-2", "aws")
FAIR: Final = Measurement(
    Metric.DEMOGRAPHIC_PARITY_DIFFERENCE,
    0.03,
    attribute="gender",
    threshold=0.05,
    compliant=True,
    groups=(GroupCount("female", 4120), GroupCount("male", 5010)),
)
PASSING: Final = Manifest(
    namespace="credit",
    name="credit-risk-scorer-v2",
    model=MODEL,
    digest=f"sha256:{'d' * 64}",
    risk_category=RiskCategory.HIGH_RISK,
    classification=Classification("III.5.b", profiling=True, reasoned=True),
    finished_at=datetime(2026, 11, 1, 10, tzinfo=UTC),
    training_regions=(PARIS,),
    bias=(FAIR,),
    oversight=Oversight(enabled=True, filled=frozenset({"role", "contact", "override", "stop"})),
)
ASKING: Final = Subject(
    kind="ModelDeployment",
    namespace="credit",
    name="scorer",
    links=(Link("credit-risk-scorer-v2"),),
    model=MODEL,
    images=(("spec.server.image", "registry.example/server:1"),),
    placement=(("spec.placement.regions[0]", PARIS),),
    namespace_labels={"team": "credit"},
)


def manifest(**changes: Any) -> Manifest:  # noqa: ANN401 - fields of a Manifest
    """Return the passing manifest with other values for some of its fields."""
    return replace(PASSING, **changes)


def measured(**changes: Any) -> Manifest:  # noqa: ANN401 - fields of a Measurement
    """Return the passing manifest with one measurement, the fair one with other values."""
    return manifest(bias=(replace(FAIR, **changes),))


def counted(
    metric: Metric,
    value: float,
    *groups: tuple[int, ...],
    reference: str | None = None,
    **changes: Any,  # noqa: ANN401 - fields of a Measurement
) -> Measurement:
    """Return a measurement of groups named a, b, c...

    Each has count and selected, or count, positives, true positives and false positives.
    """
    stated = tuple(
        GroupCount(chr(ord("a") + place), group[0], None, *group[1:])
        if len(group) == 2
        else GroupCount(chr(ord("a") + place), group[0], None, None, *group[1:])
        for place, group in enumerate(groups)
    )
    return Measurement(metric, value, attribute="gender", groups=stated, reference_group=reference, **changes)


def without(group: GroupCount, *counts: str) -> GroupCount:
    """Return a group that does not state these counts."""
    changes: dict[str, Any] = dict.fromkeys(counts)
    return replace(group, **changes)


def subject(**changes: Any) -> Subject:  # noqa: ANN401 - fields of a Subject
    """Return the asking subject with other values for some of its fields."""
    return replace(ASKING, **changes)


def policy(name: str = "house", **spec: Any) -> Policy:  # noqa: ANN401 - any part of a spec
    """Return a policy from the fields of its spec, as in YAML."""
    return Policy(name, CompliancePolicySpec.model_validate(spec))


def judge(
    evidence: Manifest | None = PASSING,
    asking: Subject = ASKING,
    *policies: Policy,
    now: datetime = NOW,
) -> Verdict:
    """Decide; without policies the baseline applies."""
    return decide(asking, (evidence,) if evidence is not None else (), policies, now)


def refused_for(verdict: Verdict, rule: str) -> Finding:
    """Return the one finding of a rule, which denies."""
    (finding,) = found(verdict, rule)
    assert finding.effect is Enforcement.DENY
    assert not verdict.allowed
    return finding


def warned_of(verdict: Verdict, rule: str) -> Finding:
    """Return the one finding of a rule, which only warns."""
    (finding,) = found(verdict, rule)
    assert finding.effect is Enforcement.WARN
    return finding


def found(verdict: Verdict, rule: str) -> list[Finding]:
    """Return every finding of a rule."""
    return [finding for finding in verdict.findings if finding.rule == rule]


def rules_of(findings: Iterable[Finding]) -> set[str]:
    """Return the ids of the rules of some findings."""
    return {finding.rule for finding in findings}
