"""Audits of what a training script holds: lists, arrays and data frames, none of which is imported here."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from actgate.api.compliance_manifest import BiasMeasurement, DataQualityCheck, Metric
from actgate.api.quoting import got, quoted
from actgate.decision.limits import BiasOutcome
from actgate.pipeline.audit import measuring, quality, sequences, site_counts, tally
from actgate.pipeline.audit.errors import AuditError
from actgate.pipeline.audit.measuring import Rules, Wanted
from actgate.pipeline.audit.quality_rules import QualityRules
from actgate.pipeline.audit.tally import DROP, REFUSE, Grouping, Words, attribute
from actgate.pipeline.statement import number

_NAMES: Final = ("y_true", "y_pred")
Limits = Sequence[str] | Mapping[str, float]
"""Names of metrics, or each with its limit."""


def measured(
    y_true: Iterable[object],
    y_pred: Iterable[object],
    groups: Any,  # noqa: ANN401 - a mapping, a data frame or one column
    *,
    name: str | None,
    by: Iterable[str | Sequence[str]] | None,
    metrics: Limits,
    positive: object,
    references: Mapping[str, str],
    nulls: str,
    confidence: float,
    dataset: str | None,
    plan: str | None,
) -> tuple[list[BiasMeasurement], list[DataQualityCheck], bool]:
    """Return measurements with their counts, checks of completeness, and whether every limit holds.

    The arguments are those of ``EUAIActGovernanceLogger.audit``.

    Raises:
        EvidenceError: The columns cannot be audited, or an argument is wrong.
    """
    if nulls not in (REFUSE, DROP):
        raise AuditError(f"nulls: Unsupported value: {got(nulls)}: supported values: {REFUSE}, {DROP}")
    columns = _columns(groups, name)
    groupings = _groupings(columns, by)
    limits = _limits(metrics)
    for called in references:
        if called not in map(attribute, groupings):
            raise AuditError(f"reference_groups: {quoted(called)} not found: there are {_listed(groupings)}")
    counts = sequences.of_sequences(y_true, y_pred, columns, groupings, positive, _NAMES)
    used = dict.fromkeys((one for grouping in groupings for one in grouping), "group")
    roles = {**used, "y_pred": "prediction", "y_true": "label"}
    tally.require_usable(counts, roles, nulls, Words("nulls='drop'", "positive="))
    wanted = [
        Wanted(grouping, metric, limit, references.get(attribute(grouping)), planned=plan is not None)
        for grouping in groupings
        for metric, limit in limits.items()
    ]
    found = measuring.judged(counts, wanted, Rules(confidence), dataset, plan)
    if without := [one for one in found if one.stated is None]:
        raise AuditError(
            "\n".join(f"{attribute(o.wanted.grouping)} {o.wanted.metric}: {o.why}" for o in without)
        )
    stated = [one.stated for one in found if one.stated is not None]
    checks = quality.of_tally(counts, [*used, *_NAMES], "evaluation", "y_true", QualityRules(), nulls)
    return stated, [*checks], all(one.outcome is BiasOutcome.PASS for one in found)


def _columns(groups: Any, name: str | None) -> dict[str, Iterable[object]]:  # noqa: ANN401 - as above
    """Return the columns of groups by name; a data frame has ``columns``, and a column of one a ``name``."""
    if isinstance(groups, Mapping):
        return {str(key): column for key, column in groups.items()}
    if (names := getattr(groups, "columns", None)) is not None:
        return {str(one): groups[one] for one in names}
    called = name if name is not None else getattr(groups, "name", None)
    if not isinstance(called, str) or not called:
        raise AuditError(
            "attribute: Required value: must name the protected attribute, such as attribute='sex'"
        )
    return {called: groups}


def _groupings(columns: Iterable[str], by: Iterable[str | Sequence[str]] | None) -> tuple[Grouping, ...]:
    if by is None:
        return tuple((name,) for name in columns)
    if isinstance(by, str):
        by = [by]
    found: dict[Grouping, None] = {}
    for one in by:
        found |= dict.fromkeys(site_counts.groupings_of([one]) if isinstance(one, str) else [tuple(one)])
    return tuple(found)


def _limits(metrics: Limits) -> dict[Metric, float]:
    named = [metrics] if isinstance(metrics, str) else [*metrics]
    known = [*Metric]
    for one in named:
        if one not in known:
            raise AuditError(f"metrics: Unsupported value: {got(one)}: supported values: {', '.join(known)}")
    given = metrics if isinstance(metrics, Mapping) else {}
    return {
        Metric(one): number(f"metrics[{one}]", given[one], 0, 1)
        if one in given
        else measuring.default_limit(Metric(one))
        for one in named
    }


def _listed(groupings: Iterable[Grouping]) -> str:
    return ", ".join(quoted(attribute(one)) for one in groupings)
