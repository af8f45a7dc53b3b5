"""Measurements and outcomes from counts: values, intervals and verdicts are those of the gate.

What is judged has a limit. Every other metric that the counts have is there for information, since the gate
judges each measurement that a manifest states.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from actgate.api.compliance_manifest import BiasMeasurement, Metric
from actgate.api.quoting import quoted
from actgate.decision import BASELINE, groups, intervals, limits, metrics
from actgate.decision.intervals import Bounds
from actgate.decision.limits import BiasOutcome
from actgate.decision.manifest import GroupCount, Measurement
from actgate.pipeline.audit import bootstrap
from actgate.pipeline.audit.errors import AuditError
from actgate.pipeline.audit.tally import Counts, Grouping, Tally, attribute, group_name
from actgate.pipeline.statement import agreed, part
from actgate.version import VERSION

CONFIDENCE: Final = 0.95
METHOD: Final = "wilson mover"
"""What ``intervals`` computes."""
_MOST: Final = 64
"""Measurements that a manifest can have."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One measurement that is judged."""

    grouping: Grouping
    metric: Metric
    threshold: float
    reference: str | None = None
    """Group that a directional metric compares the others with."""
    planned: bool = False
    """Whether the plan has it, so that the measurement names the plan."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a measurement has to meet beside its limit."""

    confidence: float = CONFIDENCE
    """With which it has to hold the limit; 0 asks for the value alone."""
    min_count: int = 0
    """Smallest group that counts."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A judged measurement."""

    wanted: Wanted
    outcome: BiasOutcome
    why: str
    bounds: Bounds | None
    stated: BiasMeasurement | None
    """None where there is no value."""


def default_limit(metric: Metric) -> float:
    """Return the limit of the built-in baseline."""
    bias = BASELINE.spec.bias
    return bias.min_ratio if metric.is_ratio else bias.max_difference


def judged(
    tally: Tally, wanted: Iterable[Wanted], rules: Rules, dataset: str | None, plan: str | None
) -> list[Measured]:
    """Return the measurements that were asked for, in their order.

    Args:
        tally: The counts.
        wanted: What is measured.
        rules: What it has to meet.
        dataset: Digest of the data.
        plan: Digest of the plan.

    Raises:
        AuditError: There are more than a manifest can have, or a reference is none of the groups.
    """
    asked = [*wanted]
    if len(asked) > _MOST:
        raise AuditError(
            f"{len(asked)} measurements, and a manifest has at most {_MOST}: audit fewer of them"
        )
    return [
        _judged(tally.groups.get(one.grouping, {}), one, rules, dataset, plan if one.planned else None)
        for one in asked
    ]


def information(
    tally: Tally, references: Mapping[str, str], confidence: float, seed: int, replicates: int
) -> list[dict[str, Any]]:
    """Return every metric of every grouping with its intervals, as the result has them."""
    found = []
    for grouping in tally.groupings:
        known = tally.groups.get(grouping, {})
        asked = {
            metric: measured
            for metric in Metric
            if metrics.values(
                measured := _measurement(known, metric, grouping, references.get(attribute(grouping)))
            )
        }
        resampled = bootstrap.intervals(asked, confidence, seed, replicates) if replicates else {}
        for metric, measured in asked.items():
            row: dict[str, Any] = {"attribute": attribute(grouping), "metric": metric.value}
            row["value"] = metrics.values(measured)[0]
            if measured.reference_group is not None and groups.is_directed(metric):
                row["referenceGroup"] = measured.reference_group
            bounds = intervals.interval(measured, confidence)
            if bounds is not None:
                row["interval"] = _interval(bounds, confidence, METHOD)
            if (drawn := resampled.get(metric)) is not None:
                row["bootstrap"] = _interval(drawn, confidence, "bootstrap over cells")
                row["bootstrap"] |= {"seed": seed, "replicates": replicates}
            found.append(row)
    return found


def _judged(
    known: Mapping[tuple[str, ...], Counts], one: Wanted, rules: Rules, dataset: str | None, plan: str | None
) -> Measured:
    measurement = _measurement(known, one.metric, one.grouping, one.reference)
    if one.reference is not None and all(group.name != one.reference for group in measurement.groups):
        raise AuditError(
            f"reference group {quoted(one.reference)} of {quoted(attribute(one.grouping))}: not found: its "
            f"groups are {', '.join(quoted(group.name) for group in measurement.groups)}"
        )
    found = metrics.values(measurement)
    if not found:
        return Measured(one, BiasOutcome.INCONCLUSIVE, _no_value(measurement), None, None)
    measurement = replace(measurement, value=found[0])
    level = rules.confidence or CONFIDENCE
    bounds = intervals.interval(measurement, level)
    outcome = limits.outcome(measurement, one.threshold, rules.confidence)
    why = _why(measurement, one.threshold, bounds, rules.confidence)
    small = [group for group in measurement.groups if group.count < rules.min_count]
    if small and outcome is BiasOutcome.PASS:
        outcome = BiasOutcome.INCONCLUSIVE
    if small:
        named = ", ".join(f"{quoted(group.name)} ({group.count})" for group in small)
        why += f"; fewer than {rules.min_count} persons in {named}"
    return Measured(
        one, outcome, why, bounds, _stated(measurement, one.threshold, bounds, level, dataset, plan)
    )


def _measurement(
    known: Mapping[tuple[str, ...], Counts], metric: Metric, grouping: Grouping, reference: str | None
) -> Measurement:
    directed = groups.is_directed(metric)
    return Measurement(
        metric,
        0.0,
        attribute(grouping),
        groups=tuple(
            GroupCount(
                group_name(values),
                counts.persons,
                selected=counts.selected,
                positives=counts.positives,
                true_positives=counts.true_positives,
                false_positives=counts.false_positives,
            )
            for values, counts in sorted(known.items())
        ),
        reference_group=reference if directed else None,
    )


def _stated(
    found: Measurement,
    limit: float,
    bounds: Bounds | None,
    level: float,
    dataset: str | None,
    plan: str | None,
) -> BiasMeasurement:
    """Return a measurement as evidence has it.

    Raises:
        EvidenceError: Its own groups contradict it, as the gate would find too.
    """
    stated = part(
        BiasMeasurement,
        "bias",
        attribute=found.attribute,
        metric=found.metric,
        value=found.value,
        threshold=limit,
        groups=[
            {
                "name": group.name,
                "count": group.count,
                "selected": group.selected,
                "positives": group.positives,
                "true_positives": group.true_positives,
                "false_positives": group.false_positives,
            }
            for group in found.groups
        ],
        reference_group=found.reference_group,
        interval=None if bounds is None else _interval(bounds, level, METHOD),
        dataset=None if dataset is None else {"digest": dataset},
        plan_digest=plan,
        library=f"actgate {VERSION}",
    )
    return stated.model_copy(update={"compliant": agreed(stated, limit)})


def _interval(bounds: Bounds, level: float, method: str) -> dict[str, Any]:
    return {"low": bounds.low, "high": bounds.high, "level": level, "method": method}


def _why(found: Measurement, limit: float, bounds: Bounds | None, confidence: float) -> str:
    size = metrics.disparity(found)
    bound = "least" if found.metric.is_ratio else "most"
    wanted = f"must be at {bound} {limit:g}"
    if not confidence or bounds is None or size is None:
        return wanted
    word = (
        "is within" if limits.outcome_within(bounds, limit, found.metric) is BiasOutcome.PASS else "is beyond"
    )
    if limits.outcome_within(bounds, limit, found.metric) is BiasOutcome.INCONCLUSIVE:
        word = "straddles"
    return f"{wanted}, and the {confidence:.4g} interval {word} it"


def _no_value(found: Measurement) -> str:
    for index, rate in metrics.without_cases(found):
        return f"no value: group {quoted(found.groups[index].name)} has no person who could be a {rate.value}"
    if groups.is_directed(found.metric) and metrics.pairs(found) is None:
        return "no value: of more than two groups one must be the reference group, and none is named"
    return "no value: the ratio divides by a rate of zero"


def outcomes(measured: Iterable[Measured]) -> Iterator[dict[str, Any]]:
    """Yield what was judged, as the result has it."""
    for one in measured:
        yield {
            "attribute": attribute(one.wanted.grouping),
            "metric": one.wanted.metric.value,
            "threshold": one.wanted.threshold,
            "outcome": one.outcome.value,
            "why": one.why,
        }
