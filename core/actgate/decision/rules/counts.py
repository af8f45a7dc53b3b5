"""The rule that a bias measurement does not contradict itself: its value, its groups, its repetitions.

Nothing here depends on a tier or a limit, so it counts in every tier, and the governance logger asks
the same of what it is given.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Final

from actgate.api.quoting import quoted
from actgate.decision import groups, metrics
from actgate.decision.manifest import GroupCount, Manifest, Measurement, Problem
from actgate.decision.policies import Policy
from actgate.decision.rules.rule import ACTGATE, Rule
from actgate.decision.verdict import Finding

COUNTS: Final = Rule(
    "bias/counts",
    ACTGATE,
    requirement="A measurement agrees with its own groups: its value is what their counts say, or else what "
    "their selection rates can have, as far as the printed digits go. No count is larger than the one that "
    "it is part of, a rate is that of the counts, referenceGroup is one of the groups, and no group and no "
    "measurement with another value is stated twice.",
    rationale="A value that its own groups refute was not measured on them. Rounding is not a contradiction: "
    "0.03 stands for 0.025 to 0.035, and digits beyond the sixth do not count.",
    remediation="Measure again, and write value, counts and selection rates of the same evaluation. With "
    "more than two groups a directional metric needs a referenceGroup where counts are stated, and its value "
    "is that of the group farthest from it; without counts it must be that of two groups.",
)
RULES: Final = (COUNTS,)
_REMEASURE: Final = "write the value, the counts and the selection rates of one evaluation"
_RECOUNT: Final = "write the value and the counts of one evaluation"


def findings(manifest: Manifest, policy: Policy) -> Iterator[Finding]:
    """Yield where measurements contradict themselves or each other."""
    effect = policy.spec.enforcement
    for index, measurement in enumerate(manifest.bias):
        path = manifest.path("spec.bias", index)
        for found in contradictions(measurement):
            yield COUNTS.finding(effect, f"{path}.{found.path}", found.message, found.remediation)
    for message in repetitions(manifest.bias):
        yield COUNTS.finding(effect, "spec.bias", message, "keep the measurement that counts")


def contradictions(measurement: Measurement) -> Iterator[Problem]:
    """Yield what a measurement's groups refute; paths begin within the measurement."""
    yield from _repeated_groups(measurement)
    yield from _unknown_reference(measurement)
    yield from _rates_of_no_count(measurement)
    impossible = [*_impossible_counts(measurement)]
    yield from impossible
    if metrics.recomputable(measurement):
        if not impossible:
            yield from _refuted_by_counts(measurement)
        return
    if groups.no_ratio(measurement):
        message = (
            f"Invalid value: {measurement.value}: must be a difference, as no group has a selection "
            "rate above 0"
        )
        yield Problem("value", message, "state a difference instead, or evaluate on data with selections")
        return
    expected = groups.expected(measurement)
    if expected is not None:
        yield Problem("value", _refuted(measurement, expected), _REMEASURE)


def repetitions(measurements: Sequence[Measurement]) -> Iterator[str]:
    """Yield what is measured twice with different results: one metric, attribute and set of groups.

    Against another reference it is another measurement, where there are counts by which it is computed.
    """
    if len(measurements) < 2:
        return
    alike: dict[object, list[Measurement]] = {}
    for measurement in measurements:
        named = frozenset(groups.key(group.name) for group in measurement.groups)
        attribute = None if measurement.attribute is None else groups.key(measurement.attribute)
        reference = measurement.reference_group if metrics.recomputable(measurement) else None
        alike.setdefault((measurement.metric, attribute, named, reference), []).append(measurement)
    for same in alike.values():
        if len(same) > 1 and not _agree(same):
            values = " and as ".join(sorted({str(item.value) for item in same}))
            attributes = sorted({item.attribute for item in same if item.attribute is not None})
            about = f" for {quoted(attributes[0])}" if attributes else " without an attribute"
            yield f"Duplicate value: {same[0].metric}{about} is stated as {values}"


def _repeated_groups(measurement: Measurement) -> Iterator[Problem]:
    known: dict[str, str] = {}
    for index, group in enumerate(measurement.groups):
        name = groups.key(group.name)
        if name in known:
            message = f"Duplicate value: {quoted(group.name)}: group {quoted(known[name])} is stated before"
            yield Problem(f"groups[{index}].name", message, "state each group once, with all of its persons")
        known.setdefault(name, group.name)


def _unknown_reference(measurement: Measurement) -> Iterator[Problem]:
    reference = measurement.reference_group
    if reference is not None and all(group.name != reference for group in measurement.groups):
        message = f"Invalid value: {quoted(reference)}: must be the name of one of the groups"
        yield Problem("referenceGroup", message, "write the name of a group as it stands under groups")


def _rates_of_no_count(measurement: Measurement) -> Iterator[Problem]:
    for index, group in enumerate(measurement.groups):
        rate, count = group.selection_rate, group.count
        if rate is None or count <= 0:
            continue
        selected = groups.selected(group)
        if selected is None and not groups.is_reachable(rate, count):
            must = f"the rate of some number of the {count} persons"
        elif selected is not None and not groups.is_rate_of(rate, selected, count):
            must = f"{selected / count:.4g}, as {selected} of {count} persons are selected"
        else:
            continue
        message = f"Invalid value: {rate}: must be {must} in group {quoted(group.name)}"
        yield Problem(f"groups[{index}].selectionRate", message, _REMEASURE)


def _impossible_counts(measurement: Measurement) -> Iterator[Problem]:
    for index, group in enumerate(measurement.groups):
        for field, value, must in _contradicted(group):
            message = f"Invalid value: {value}: must be {must} of group {quoted(group.name)}"
            yield Problem(f"groups[{index}].{field}", message, _RECOUNT)


def _contradicted(group: GroupCount) -> Iterator[tuple[str, int, str]]:
    """Yield each count that the others refute: its field, its value, and what it must be."""
    count, positives = group.count, group.positives
    selected, right, wrong = groups.completed(group)
    negatives = None if positives is None else max(count - positives, 0)
    for field, part, wholes in (
        ("positives", positives, ((count, "the count"),)),
        ("selected", selected, ((count, "the count"),)),
        ("truePositives", right, ((positives, "the positives"), (selected, "the selected persons"))),
        ("falsePositives", wrong, ((negatives, "count less positives"), (selected, "the selected persons"))),
    ):
        if part is None:
            continue
        bounds = [(whole, words) for whole, words in wholes if whole is not None] or [(count, "the count")]
        bound, words = min(bounds)
        if part < 0:
            yield field, part, ">= 0, as the number of persons"
        elif part > bound:
            yield field, part, f"<= {bound}, {words}"
    if selected is not None and right is not None and wrong is not None and selected != right + wrong:
        yield "selected", selected, f"{right + wrong}, truePositives and falsePositives"


def _refuted_by_counts(measurement: Measurement) -> Iterator[Problem]:
    """Yield why the value is not what the counts say, all of which are there."""
    rows = metrics.proper_shares(measurement)
    if rows is None:
        return  # A group without positives: bias/sample.
    if groups.is_directed(measurement.metric) and metrics.pairs(measurement) is None:
        if measurement.reference_group is None:
            message = (
                f"Required value: must name the group that {measurement.metric} compares the others with"
            )
            yield Problem("referenceGroup", message, "write the name of a group as it stands under groups")
        return
    found = metrics.values(measurement)
    if not found:
        message = (
            f"Invalid value: {measurement.value}: must be a difference, the ratio divides by a count of 0"
        )
        yield Problem("value", message, "state a difference instead, or evaluate on more data")
    elif not metrics.is_one_of(measurement.value, found):
        message = f"Invalid value: {measurement.value}: must be {found[0]:.6g}, by its counts"
        yield Problem("value", message, _RECOUNT)


def _refuted(measurement: Measurement, expected: groups.Interval) -> str:
    low, high = expected
    text = f"Invalid value: {measurement.value}: must be {low:.4g} to {high:.4g}, by its selection rates"
    several = len(groups.non_empty(measurement)) > 2
    return f"{text}, and that of two groups" if several and groups.is_directed(measurement.metric) else text


def _agree(same: Sequence[Measurement]) -> bool:
    """Return whether one number can have been printed as each of these values."""
    values = [_one_way_up(item) for item in same]
    if not all(math.isfinite(value.low) for value in values):
        return False
    latest = max(value.low for value in values)
    return all(value.high >= latest for value in values)


def _one_way_up(measurement: Measurement) -> groups.Interval:
    if measurement.metric.is_ratio and measurement.value > 1:
        low, high = groups.value_interval(measurement.value)
        return groups.Interval(1 / high, 1 / low)
    return groups.value_interval(measurement.value)
