"""Results held against the plan: thresholds that were fixed before the run; AI Act Art. 9(8).

A planned test is found by its kind and metric. One that has no value is not a pass.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from actgate.api.compliance_manifest import Evaluation
from actgate.api.quoting import quoted
from actgate.pipeline.evaluate.errors import EvaluationError
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


def require_usable(plan: Plan) -> None:
    """Refuse a plan that says a test twice, or a threshold without how a value has to stand to it.

    Raises:
        EvaluationError: A line for each.
    """
    lines, seen = [], set[tuple[str, str | None]]()
    for index, one in enumerate(plan.evaluations or ()):
        path = f"plan: evaluations[{index}]"
        if one.threshold is not None and one.comparator is None:
            lines.append(f"{path}.comparator: Required value: must stand beside a threshold, such as '>='")
        if one.threshold is not None and one.metric is None:
            lines.append(f"{path}.metric: Required value: must stand beside a threshold, such as accuracy")
        if (key := (one.kind, one.metric)) in seen:
            lines.append(f"{path}.metric: Duplicate value: {quoted(one.metric)}: plan each test once")
        seen.add(key)
    if lines:
        raise EvaluationError("\n".join(lines))


def judged(evaluations: Sequence[Evaluation], plan: Plan | None, digest: str | None) -> Judged:
    """Return results with the thresholds of the plan, which go before those of a report."""
    planned = [] if plan is None else plan.evaluations or []
    found = [_with_threshold(one, planned, digest) for one in evaluations]
    return Judged(found, [*_without_result(planned, found)])


def _with_threshold(one: Evaluation, planned: Sequence[PlannedEvaluation], digest: str | None) -> Evaluation:
    for test in planned:
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
