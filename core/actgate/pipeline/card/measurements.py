"""Bias measurements as a document shows them: recomputed, with intervals, and held against their limit.

Metrics, intervals and outcomes are those of ``actgate.decision``; nothing is computed here a second time.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from actgate.api.compliance_manifest import BiasMeasurement
from actgate.decision import groups, intervals, limits, metrics
from actgate.decision.intervals import Bounds, Estimate
from actgate.decision.limits import BiasOutcome
from actgate.decision.manifest import GroupCount, Measurement
from actgate.decision.metrics import Rate
from actgate.pipeline.card.evidence import Evidence, confidence


@dataclass(frozen=True, slots=True)
class GroupRate:
    """One group of a measurement, and its rates with the interval that each has by itself."""

    group: GroupCount
    rates: tuple[Estimate | None, ...]
    """In the order of the measurement's rates; None where the counts do not give one."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One bias measurement."""

    path: str
    """Where it stands in ``spec``, such as ``bias[0]``."""
    stated: BiasMeasurement
    judged: Measurement
    confidence: float
    size: float | None
    """Recomputed from the counts: a difference without its sign, or a ratio up to 1."""
    bounds: Bounds | None
    """Interval of the size; None where the counts do not give it."""
    limit: float | None
    """The stricter of the manifest's own and the policies' limit; None where neither states one."""
    outcome: BiasOutcome | None
    """None without a limit."""
    rates: tuple[Rate, ...]
    """Which rates the metric compares; none where there are no counts."""
    groups: tuple[GroupRate, ...]


def measured(found: Evidence) -> Iterator[Measured]:
    """Yield each bias measurement of a manifest."""
    level = confidence(found)
    for index, stated in enumerate(found.spec.bias or ()):
        judged = found.measurement(index)
        limit = _limit(judged, found)
        rates = metrics.compared(judged.metric) if metrics.recomputable(judged) else ()
        yield Measured(
            path=f"bias[{index}]",
            stated=stated,
            judged=judged,
            confidence=level,
            size=metrics.disparity(judged),
            bounds=intervals.interval(judged, level),
            limit=limit,
            outcome=None if limit is None else limits.outcome(judged, limit, level),
            rates=rates,
            groups=tuple(_groups(judged, len(rates), level)),
        )


def _limit(judged: Measurement, found: Evidence) -> float | None:
    stated = [limits.limit_of(judged, policy) for policy in found.judging]
    own = limits.own_threshold(judged)
    if own is not None:
        stated.append(own)
    if not stated:
        return None
    return max(stated) if judged.metric.is_ratio else min(stated)


def _groups(judged: Measurement, rates: int, level: float) -> Iterator[GroupRate]:
    rows = (metrics.shares(judged) or ()) if rates else ()
    columns = dict(zip(map(id, groups.non_empty(judged)), zip(*rows, strict=True), strict=bool(rows)))
    z = intervals.quantile(level, 1)
    for group in judged.groups:
        shares = columns.get(id(group), (None,) * rates)
        estimates = (
            intervals.wilson(share, z) if share is not None and share.is_proper else None for share in shares
        )
        yield GroupRate(group, tuple(estimates))
