"""Results held against the plan: thresholds that were fixed before the run; AI Act Art. 9(8).

A planned test is found by its kind and metric. One that has no value is not a pass.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from actgate.api.compliance_manifest import Evaluation
from actgate.pipeline.plan import Plan, PlannedEvaluation


@dataclass(frozen=True, slots=True)
class Judged:
    """Results with their thresholds, and what speaks against them."""

    evaluations: Sequence[Evaluation]
    unplanned: Sequence[str] = ()
    """Planned tests without a result, a sentence each."""

    @property
    def missed(self) -> list[Evaluation]:
        """Results that miss their threshold."""
        return [one for one in self.evaluations if one.met is False]

    @property
    def unknown(self) -> list[Evaluation]:
        """Results with a threshold and without a value."""
        return [one for one in self.evaluations if one.value is None and one.threshold is not None]


def judged(evaluations: Sequence[Evaluation], plan: Plan | None, digest: str | None) -> Judged:
    """Return results with the thresholds of the plan, which go before those of a report."""
    planned = [] if plan is None else plan.evaluations or []
    found = [_with_threshold(one, planned, digest) for one in evaluations]
    return Judged(found, [*_without_result(planned, found)])


def _with_threshold(one: Evaluation, planned: Sequence[PlannedEvaluation], digest: str | None) -> Evaluation:
    # A test of this very metric goes before one of any metric of the kind.
    for test in sorted(planned, key=lambda test: test.metric is None):
        if test.kind == one.kind and test.metric in (None, one.metric):
            stated: dict[str, object] = {"plan_digest": digest}
            if test.threshold is not None:
                stated |= {"threshold": test.threshold, "comparator": test.comparator}
            return one.model_copy(update=stated)
    return one


def _without_result(planned: Sequence[PlannedEvaluation], found: Sequence[Evaluation]) -> Iterator[str]:
    for test in planned:
        measured = [
            one
            for one in found
            if one.kind == test.kind and test.metric in (None, one.metric) and one.value is not None
        ]
        if not measured:
            yield f"{test.kind} {test.metric or ''}".strip() + ": planned, and not measured"
