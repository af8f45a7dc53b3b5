"""`bias/counts`: a measurement that contradicts itself is refused, and rounding contradicts nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from actgate.api.compliance_manifest import Metric
from actgate.decision import Manifest, groups, metrics
from actgate.decision.manifest import GroupCount, Measurement
from tests.decision.build import (
    FAIR,
    counted,
    found,
    judge,
    manifest,
    measured,
    policy,
    refused_for,
    subject,
    without,
)

DIFFERENCES = [Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, Metric.STATISTICAL_PARITY_DIFFERENCE]
RATIOS = [Metric.DEMOGRAPHIC_PARITY_RATIO, Metric.DISPARATE_IMPACT]


def compared(metric: Metric, value: float, *rates: float | None, count: int = 10_000) -> Manifest:
    """Return evidence whose one measurement has groups of these selection rates."""
    stated = tuple(GroupCount(f"group {index}", count, rate) for index, rate in enumerate(rates))
    return measured(metric=metric, value=value, threshold=None, compliant=None, groups=stated)


def contradicted(evidence: Manifest) -> bool:
    return bool(found(judge(evidence), "bias/counts"))


@pytest.mark.parametrize("metric", DIFFERENCES)
@pytest.mark.parametrize(
    ("value", "rates"),
    [
        (0.03, (0.41, 0.61)),
        (0.03, (0.5, 0.6)),
        (0.01, (0.9, 0.1)),
        (0.03, (0.41, 0.41)),
        (0.0, (0.41, 0.44)),
        (-0.0, (0.44, 0.41)),
        (0.04, (0.41, 0.47)),
        (0.0, (1.0, 0.0)),
        (0.031, (0.4101, 0.4422)),
    ],
)
def test_a_difference_that_its_selection_rates_refute_is_refused(
    metric: Metric, value: float, rates: tuple[float, ...]
) -> None:
    """Whatever the value: rates that differ by something else were not those that it was measured on."""
    finding = refused_for(judge(compared(metric, value, *rates)), "bias/counts")
    assert (finding.path, finding.basis) == ("spec.bias[0].value", "actgate")
    assert finding.message.startswith(f"Invalid value: {value}: must be ")


@pytest.mark.parametrize(
    ("metric", "value", "rates"),
    [
        (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.03, (0.41, None, 0.61)),
        (Metric.DEMOGRAPHIC_PARITY_RATIO, 0.95, (0.41, None, 0.61)),
    ],
)
def test_rates_of_some_groups_refute_what_no_rate_of_the_others_could_have(
    metric: Metric, value: float, rates: tuple[float | None, ...]
) -> None:
    """A group without a rate may have any, and the ones that are stated still count."""
    assert contradicted(compared(metric, value, *rates))


@pytest.mark.parametrize("metric", RATIOS)
@pytest.mark.parametrize(
    ("value", "rates"),
    [(0.95, (0.41, 0.61)), (1.0, (0.41, 0.44)), (1.05, (0.5, 0.6)), (0.9, (0.0, 0.5)), (0.9, (0.44, 0.44))],
)
def test_a_ratio_that_its_selection_rates_refute_is_refused(
    metric: Metric, value: float, rates: tuple[float, ...]
) -> None:
    """The same for ratios, a selection rate of zero included."""
    assert refused_for(judge(compared(metric, value, *rates)), "bias/counts").path == "spec.bias[0].value"


@pytest.mark.parametrize(
    ("metric", "value", "rates"),
    [
        (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.03, (0.41, 0.44)),
        (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, -0.03, (0.41, 0.44)),
        (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.44 - 0.41, (0.41, 0.44)),
        (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.0327184, (0.41, 0.44)),
        (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.03, (0.4127, 0.4411)),
        (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.03, (0.53, 0.5)),
        (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.0, (0.41, 0.413)),
        (
            Metric.DEMOGRAPHIC_PARITY_DIFFERENCE,
            0.029999999329447746,
            (0.4099999964237213, 0.4399999976158142),
        ),
        (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.05, (0.41, 0.46, 0.44)),
        (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.03, (0.41, None)),
        (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.03, (None, None)),
        (Metric.STATISTICAL_PARITY_DIFFERENCE, -0.03, (0.41, 0.44)),
        (Metric.STATISTICAL_PARITY_DIFFERENCE, 0.02, (0.41, 0.43, 0.44)),
        (Metric.DEMOGRAPHIC_PARITY_RATIO, 0.93, (0.41, 0.44)),
        (Metric.DEMOGRAPHIC_PARITY_RATIO, 1.07, (0.41, 0.44)),
        (Metric.DISPARATE_IMPACT, 1.073, (0.41, 0.44)),
        (Metric.DISPARATE_IMPACT, 0.9, (0.444, 0.484)),
        (Metric.DISPARATE_IMPACT, 1.0, (0.44, 0.44)),
        (Metric.EQUALIZED_ODDS_DIFFERENCE, 0.03, (0.1, 0.9)),
        (Metric.AVERAGE_ODDS_DIFFERENCE, 0.0, (0.1, 0.9)),
    ],
)
def test_rounding_is_no_contradiction(metric: Metric, value: float, rates: tuple[float | None, ...]) -> None:
    """Printed digits stand for what is rounded to them; rates say nothing about errors of a model."""
    assert judge(compared(metric, value, *rates)).findings == ()


selected = st.integers(1, 4000)
sizes = st.integers(4000, 10**6)


@given(
    st.lists(st.tuples(selected, sizes), min_size=2, max_size=5),
    st.sampled_from([*DIFFERENCES, *RATIOS]),
    st.integers(2, 17),
    st.integers(2, 17),
    st.booleans(),
)
def test_what_was_measured_and_then_rounded_is_never_called_a_contradiction(
    counted: list[tuple[int, int]], metric: Metric, digits: int, rate_digits: int, turned: bool
) -> None:
    """Any groups, any metric, any number of digits from two on: honest numbers agree with each other."""
    exact = [part / whole for part, whole in counted]
    one, other = (max(exact), min(exact)) if turned else (min(exact), max(exact))
    value = round(one / other if metric.is_ratio else one - other, digits)
    stated = tuple(
        GroupCount(f"group {index}", whole, round(part / whole, rate_digits))
        for index, (part, whole) in enumerate(counted)
    )
    evidence = measured(metric=metric, value=value, threshold=None, compliant=None, groups=stated)
    if metric.is_ratio and not any(group.selection_rate for group in stated):
        return
    assert not contradicted(evidence), judge(evidence).findings


@given(
    st.lists(st.integers(0, 1000), min_size=2, max_size=2),
    st.sampled_from([*DIFFERENCES, *RATIOS]),
    st.integers(0, 1000),
)
def test_a_value_far_from_its_rates_is_always_a_contradiction(
    thousandths: list[int], metric: Metric, claimed: int
) -> None:
    """A second opinion with wide margins: what lies beyond every rounding is found, for any two rates."""
    low, high = sorted(number / 1000 for number in thousandths)
    value = claimed / 1000
    far = (
        abs(value - (low / high if high else 0.5)) > 0.1 + 0.02 / max(high, 0.001)
        if metric.is_ratio
        else (abs(value - (high - low)) > 0.07)
    )
    event(f"{metric}: {'far' if far else 'near'}")
    if far:
        assert contradicted(compared(metric, value, high, low))


def test_a_ratio_of_no_person_selected_is_refused_and_says_so() -> None:
    """0 / 0 is no number: the value can be none either, whatever it is."""
    for metric in RATIOS:
        for value in (0.0, 1.0, 0.9):
            finding = refused_for(judge(compared(metric, value, 0.0, 0.0)), "bias/counts")
            assert "no group has a selection rate above 0" in finding.message


def test_a_directional_metric_of_three_groups_is_that_of_two_of_them() -> None:
    """Which two is not stated, so any will do, and nothing between them will."""
    fits = compared(Metric.STATISTICAL_PARITY_DIFFERENCE, 0.02, 0.5, 0.52, 0.54)
    assert not contradicted(fits)
    finding = refused_for(
        judge(compared(Metric.STATISTICAL_PARITY_DIFFERENCE, 0.0, 0.5, 0.52, 0.54)), "bias/counts"
    )
    assert finding.message.endswith("and that of two groups")


@pytest.mark.parametrize(
    ("count", "rate"), [(3, 0.5), (3, 0.34), (2, 0.51), (7, 0.5), (50, 0.99), (1, 0.5), (400, 0.41249)]
)
def test_a_rate_that_no_number_of_persons_is_is_refused(count: int, rate: float) -> None:
    """Half of three persons were not selected, whatever the metric."""
    pair = (GroupCount("female", count, rate), GroupCount("male", 5010))
    for metric in (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, Metric.EQUALIZED_ODDS_DIFFERENCE):
        evidence = measured(metric=metric, groups=pair)
        (finding,) = found(judge(evidence), "bias/counts")
        assert finding.path == "spec.bias[0].groups[0].selectionRate"


@pytest.mark.parametrize(
    ("count", "rate"),
    [(3, 0.33), (3, 0.67), (11, 0.5), (3, 0.0), (3, 1.0), (7, 0.428571), (10**15, 0.123456)],
)
def test_a_rate_that_some_number_of_persons_is_is_none(count: int, rate: float) -> None:
    """1/3 is printed as 0.33."""
    pair = (GroupCount("female", count, rate), GroupCount("male", 5010))
    assert not contradicted(measured(metric=Metric.EQUALIZED_ODDS_DIFFERENCE, groups=pair))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("female", "female"),
        ("female", "Female"),
        ("female", " female "),
        ("born abroad", "born  abroad"),
        ("Zürich", "Zu\u0308rich"),
        ("STRASSE", "straße"),
        ("female", "fe\u200bmale"),
        ("\uff11\uff18", "18"),
    ],
)
@pytest.mark.parametrize("metric", list(Metric))
def test_a_group_twice_is_refused(one: str, other: str, metric: Metric) -> None:
    """By name as people read it: case, white space and Unicode spelling make no other group."""
    pair = (GroupCount(one, 4120), GroupCount(other, 5010), GroupCount("third", 99))
    evidence = measured(metric=metric, value=1.0 if metric.is_ratio else 0.0, threshold=None, groups=pair)
    finding = refused_for(judge(evidence), "bias/counts")
    assert finding.path == "spec.bias[0].groups[1].name"
    assert finding.message.startswith("Duplicate value: ")


@pytest.mark.parametrize("attribute", ["gender", None])
@pytest.mark.parametrize("other", [0.0, 0.01, -0.05, 0.2])
def test_a_measurement_twice_with_another_value_is_refused(attribute: str | None, other: float) -> None:
    """One of the two is not what was measured; also where attributes differ in case alone."""
    first = replace(FAIR, attribute=attribute, compliant=None)
    again = replace(first, value=other, attribute=attribute.upper() if attribute else None)
    assert "bias/counts" in judge(manifest(bias=(first, again))).failed_rules
    assert "bias/counts" in judge(manifest(bias=(again, first))).failed_rules


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"value": 0.0301},
        {"value": -0.03},
        {"attribute": "age", "value": 0.01},
        {"metric": Metric.EQUALIZED_ODDS_DIFFERENCE, "value": 0.01},
        {"groups": (GroupCount("female", 4120), GroupCount("other", 900)), "value": 0.01},
    ],
)
def test_a_measurement_of_something_else_or_with_the_same_value_is_no_repetition(
    changes: dict[str, object],
) -> None:
    """Another attribute, metric or pair of groups is another measurement."""
    other: Measurement = replace(FAIR, **changes)  # type: ignore[arg-type]
    assert judge(manifest(bias=(FAIR, other))).findings == ()


def test_a_measurement_against_another_reference_is_another_one_where_it_is_recomputed() -> None:
    """Three groups have a value against each of them; without counts a reference would excuse any value."""
    three = ((1000, 300), (1000, 330), (1000, 250))
    metric = Metric.STATISTICAL_PARITY_DIFFERENCE
    both = [
        counted(metric, value, *three, reference=name, threshold=0.1)
        for value, name in ((-0.05, "a"), (-0.08, "b"))
    ]
    house = policy(bias={"maxDifference": 0.1})
    assert judge(manifest(bias=tuple(both)), subject(), house).findings == ()
    declared = tuple(
        replace(item, groups=tuple(without(group, "selected") for group in item.groups)) for item in both
    )
    assert judge(manifest(bias=declared), subject(), house).failed_rules == ("bias/counts",)


def test_two_directions_of_one_ratio_agree() -> None:
    """0.93 of one group to the other is 1.075 the other way round."""
    one = replace(FAIR, metric=Metric.DISPARATE_IMPACT, value=0.93, threshold=None)
    assert judge(manifest(bias=(one, replace(one, value=1.075)))).findings == ()


def test_two_directions_of_two_ratios_do_not_agree() -> None:
    """1.25 is 0.8 the other way round, and neither 0.95 nor 0.7; nor is anything the same as infinity."""
    one = replace(FAIR, metric=Metric.DISPARATE_IMPACT, value=1.25, threshold=None, compliant=None)
    for other in (0.95, 0.7, 1.01, 2.5, float("inf")):
        for both in ((one, replace(one, value=other)), (replace(one, value=other), one)):
            found_here = found(judge(manifest(bias=both)), "bias/counts")
            assert [item.path for item in found_here] == ["spec.bias"], other


@pytest.mark.parametrize("enforcement", ["Deny", "Warn", "Audit"])
@pytest.mark.parametrize("tiers", [[], ["HighRisk"]])
def test_a_contradiction_counts_in_every_tier(enforcement: str, tiers: list[str]) -> None:
    """It is about the evidence, not about a limit; the policy's enforcement says what it does."""
    house = policy(enforcement=enforcement, bias={"requiredFor": tiers})
    verdict = judge(compared(Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.0, 0.4, 0.5), subject(), house)
    (finding,) = found(verdict, "bias/counts")
    assert finding.effect == enforcement


def test_the_value_of_a_measurement_with_an_empty_group_is_held_against_the_others() -> None:
    """The selection rate of no persons proves nothing, and `bias/sample` refuses the group itself."""
    stated = (GroupCount("f", 100, 0.41), GroupCount("m", 100, 0.44), GroupCount("x", 0, 1.0))
    assert judge(measured(groups=stated)).failed_rules == ("bias/sample",)
    assert "bias/counts" in judge(measured(groups=stated, value=0.01)).failed_rules


DIRECTED = [
    Metric.STATISTICAL_PARITY_DIFFERENCE,
    Metric.AVERAGE_ODDS_DIFFERENCE,
    Metric.DISPARATE_IMPACT,
]
TABLE = ((1000, 400, 320, 60), (1000, 500, 350, 50))
"""Two groups: true positive rates 0.8 and 0.7, false positive rates and selection rates 0.1 and 0.38, 0.4."""


def refuted(measurement: Measurement) -> list[str]:
    """Return where `bias/counts` finds contradictions."""
    return [finding.path for finding in found(judge(manifest(bias=(measurement,))), "bias/counts")]


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.02),
        (Metric.STATISTICAL_PARITY_DIFFERENCE, 0.02),
        (Metric.EQUAL_OPPORTUNITY_DIFFERENCE, 0.1),
        (Metric.EQUALIZED_ODDS_DIFFERENCE, 0.1),
        (Metric.AVERAGE_ODDS_DIFFERENCE, 0.05),
        (Metric.DEMOGRAPHIC_PARITY_RATIO, 0.95),
        (Metric.EQUALIZED_ODDS_RATIO, 0.875),
        (Metric.DISPARATE_IMPACT, 0.95),
    ],
)
def test_a_value_that_the_counts_refute_is_refused(metric: Metric, value: float) -> None:
    """For every metric: what the counts say is accepted, either way round, and another value is not."""
    turned = 1 / value if metric.is_ratio else -value
    for accepted in (value, turned, round(turned, 3)):
        assert not refuted(counted(metric, accepted, *TABLE))
    for other in (value + 0.011, value / 2 - 0.031):
        (finding,) = found(judge(manifest(bias=(counted(metric, other, *TABLE),))), "bias/counts")
        assert (finding.path, finding.basis) == ("spec.bias[0].value", "actgate")
        assert finding.message.startswith(f"Invalid value: {other}: must be ")
        assert finding.message.endswith(", by its counts")


@pytest.mark.parametrize("metric", DIRECTED)
def test_a_reference_group_fixes_the_direction(metric: Metric) -> None:
    """The value is that of the other group against the reference, and not the other way round."""
    value = {Metric.DISPARATE_IMPACT: 0.95, Metric.AVERAGE_ODDS_DIFFERENCE: 0.05}.get(metric, -0.02)
    turned = 1 / value if metric.is_ratio else -value
    assert not refuted(counted(metric, value, *TABLE, reference="b"))
    assert not refuted(counted(metric, turned, *TABLE, reference="a"))
    assert refuted(counted(metric, turned, *TABLE, reference="b")) == ["spec.bias[0].value"]
    assert refuted(counted(metric, value, *TABLE, reference="a")) == ["spec.bias[0].value"]


@pytest.mark.parametrize("metric", DIRECTED)
def test_several_groups_with_counts_need_a_reference(metric: Metric) -> None:
    """Which of them the value is about cannot be known; where only rates are stated any two will do."""
    three = (*TABLE, (1000, 450, 360, 55))
    finding = refused_for(judge(manifest(bias=(counted(metric, 1.0, *three),))), "bias/counts")
    assert finding.path == "spec.bias[0].referenceGroup"
    assert finding.message == f"Required value: must name the group that {metric} compares the others with"


def test_of_several_groups_the_farthest_from_the_reference_counts() -> None:
    """The value of another group is that of a more favourable comparison."""
    three = ((1000, 300), (1000, 330), (1000, 250))
    measured_as = {
        value: refuted(counted(Metric.STATISTICAL_PARITY_DIFFERENCE, value, *three, reference="a"))
        for value in (-0.05, 0.05, 0.03)
    }
    assert measured_as == {-0.05: [], 0.05: ["spec.bias[0].value"], 0.03: ["spec.bias[0].value"]}


@pytest.mark.parametrize("metric", list(Metric))
@pytest.mark.parametrize("groups_named", ["ab", ""])
def test_a_reference_group_that_is_no_group_is_refused(metric: Metric, groups_named: str) -> None:
    """Whatever the metric, and with or without groups: it names nothing."""
    stated = tuple(GroupCount(name, 4000) for name in groups_named)
    measurement = replace(FAIR, metric=metric, groups=stated, reference_group="A")
    assert refuted(measurement) == ["spec.bias[0].referenceGroup"]


@pytest.mark.parametrize(
    ("counts", "field", "must"),
    [
        ({"selected": 101}, "selected", "<= 100, the count"),
        ({"positives": 101}, "positives", "<= 100, the count"),
        ({"true_positives": 101}, "truePositives", "<= 100, the count"),
        ({"false_positives": 101}, "falsePositives", "<= 100, the count"),
        ({"positives": 50, "true_positives": 51}, "truePositives", "<= 50, the positives"),
        ({"positives": 60, "false_positives": 41}, "falsePositives", "<= 40, count less positives"),
        ({"selected": 30, "true_positives": 31}, "truePositives", "<= 30, the selected persons"),
        ({"selected": 30, "false_positives": 31}, "falsePositives", "<= 30, the selected persons"),
        (
            {"selected": 30, "true_positives": 20, "false_positives": 9},
            "selected",
            "29, truePositives and falsePositives",
        ),
        ({"true_positives": 60, "false_positives": 50}, "selected", "<= 100, the count"),
        ({"selected": 90, "positives": 50, "true_positives": 30}, "falsePositives", "<= 50, count less"),
        ({"selected": 90, "positives": 50, "false_positives": 30}, "truePositives", "<= 50, the positives"),
        ({"positives": -1}, "positives", ">= 0"),
    ],
)
@pytest.mark.parametrize("metric", [Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, Metric.EQUALIZED_ODDS_DIFFERENCE])
def test_counts_that_contradict_each_other_are_refused(
    metric: Metric, counts: dict[str, int], field: str, must: str
) -> None:
    """No part is larger than its whole, in partial counts as well, whatever the metric needs."""
    pair = (GroupCount("female", 100, **counts), GroupCount("male", 5010))
    problems = found(judge(measured(metric=metric, groups=pair, compliant=None)), "bias/counts")
    at = {finding.path: finding.message for finding in problems}
    assert f": must be {must}" in at[f"spec.bias[0].groups[0].{field}"]
    assert at[f"spec.bias[0].groups[0].{field}"].endswith(' of group "female"')


def test_counts_at_their_bounds_do_not_contradict_each_other() -> None:
    """All persons or none selected, rightly and wrongly."""
    for group in ((100, 50, 50, 50), (100, 50, 0, 0), (100, 99, 99, 1), (100, 1, 0, 99)):
        assert not refuted(counted(Metric.EQUALIZED_ODDS_DIFFERENCE, 0.0, group, group))


@pytest.mark.parametrize(("rate", "agrees"), [(0.41, True), (0.414, True), (0.4, True), (0.42, False)])
def test_a_selection_rate_is_that_of_the_counts(rate: float, agrees: bool) -> None:
    """As it is printed; the value is held against the counts, which are exact."""
    pair = (GroupCount("female", 1000, rate, selected=414), GroupCount("male", 1000, selected=444))
    for metric in (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, Metric.EQUALIZED_ODDS_DIFFERENCE):
        problems = found(judge(measured(metric=metric, groups=pair)), "bias/counts")
        assert [finding.path for finding in problems] == (
            [] if agrees else ["spec.bias[0].groups[0].selectionRate"]
        )


def test_counts_of_some_groups_are_exact_rates_among_printed_ones() -> None:
    """0.4144 and 0.41 may be 0.01 apart, and never 0.02."""
    pair = (GroupCount("a", 10_000, selected=4144), GroupCount("b", 10_000, 0.41))
    assert not refuted(replace(FAIR, value=0.01, groups=pair))
    assert refuted(replace(FAIR, value=0.02, groups=pair)) == ["spec.bias[0].value"]


@pytest.mark.parametrize(
    "lacking", [("positives",), ("true_positives", "selected"), ("positives", "true_positives")]
)
def test_partial_counts_refute_no_value(lacking: tuple[str, ...]) -> None:
    """Where the metric needs more than is stated, its value stays a declared one."""
    measurement = counted(Metric.EQUALIZED_ODDS_DIFFERENCE, 0.03, *TABLE)
    partial = tuple(without(group, *lacking) for group in measurement.groups)
    assert refuted(measurement) == ["spec.bias[0].value"]
    assert judge(manifest(bias=(replace(measurement, groups=partial),))).findings == ()


@pytest.mark.parametrize(
    ("metric", "groups_counted"),
    [
        (Metric.DEMOGRAPHIC_PARITY_RATIO, ((500, 0), (400, 0))),
        (Metric.DISPARATE_IMPACT, ((500, 0), (400, 0))),
        (Metric.DISPARATE_IMPACT, ((500, 0), (400, 100))),
        (Metric.EQUALIZED_ODDS_RATIO, ((500, 100, 90, 0), (400, 100, 80, 0))),
    ],
)
def test_a_ratio_that_divides_by_zero_is_refused_and_says_so(
    metric: Metric, groups_counted: tuple[tuple[int, ...], ...]
) -> None:
    """A model that selects no person has no ratio, and one against a reference without selections neither."""
    for value in (0.0, 1.0, 0.9):
        measurement = counted(metric, value, *groups_counted, reference="a")
        (finding,) = found(judge(manifest(bias=(measurement,))), "bias/counts")
        assert "must be a difference" in finding.message


honest = st.tuples(*[st.integers(1, 3000)] * 4).map(
    lambda cells: (sum(cells), cells[0] + cells[1], cells[0], cells[2])
)


@given(st.lists(honest, min_size=2, max_size=5), st.sampled_from(Metric), st.integers(2, 17))
def test_what_was_computed_from_counts_and_then_rounded_is_never_called_a_contradiction(
    table: list[tuple[int, ...]], metric: Metric, digits: int
) -> None:
    """Any groups, any metric, any number of digits from two on."""
    exact = counted(metric, 0.0, *table, reference="a")
    for value in metrics.values(exact):
        assert not refuted(replace(exact, value=round(value, digits)))


@given(st.lists(honest, min_size=2, max_size=5), st.sampled_from(Metric), st.floats(0, 1))
def test_a_value_far_from_its_counts_is_always_a_contradiction(
    table: list[tuple[int, ...]], metric: Metric, claimed: float
) -> None:
    """Beyond every rounding from two digits on, and for ratios neither way up."""
    exact = counted(metric, 0.0, *table, reference="a")
    near = any(abs(claimed - value) < 0.06 for value in metrics.values(exact))
    event(f"{metric}: {'near' if near else 'far'}")
    if not near:
        assert refuted(replace(exact, value=claimed)) == ["spec.bias[0].value"]


@given(st.floats(), st.floats() | st.none(), st.integers(), st.sampled_from(Metric))
def test_no_number_makes_the_arithmetic_raise(
    value: float, rate: float | None, count: int, metric: Metric
) -> None:
    """NaN, infinities and counts beyond every integer type: the answer is yes or no."""
    stated = (GroupCount("a", count, rate), GroupCount("b", abs(count) * 10**300, 0.5), GroupCount("c", 7))
    measurement = Measurement(metric, value, groups=stated)
    judge(manifest(bias=(measurement, measurement)))
    groups.expected(measurement)


def test_every_group_is_held_against_its_counts() -> None:
    """Groups before it that say nothing, or are right, or are empty, do not hide one."""
    wrong = GroupCount("d", 1000, 0.5, 400)
    before = (GroupCount("a", 0, 0.3), GroupCount("b", 1000), GroupCount("c", 1000, 0.4, 400))
    verdict = judge(manifest(bias=(replace(FAIR, groups=(*before, wrong)),)))
    (finding,) = [item for item in found(verdict, "bias/counts") if item.path.endswith("selectionRate")]
    assert finding.path == "spec.bias[0].groups[3].selectionRate"


def test_where_all_are_positives_none_can_be_a_false_positive() -> None:
    """`bias/counts`: of no negatives not even one is selected."""
    group = GroupCount("a", 100, None, None, 100, 50, 1)
    verdict = judge(manifest(bias=(replace(FAIR, groups=(group, FAIR.groups[0])),)))
    assert "must be <= 0, count less positives" in refused_for(verdict, "bias/counts").message
