"""`bias/interval`: what is not certain enough is no pass, where a policy asks for certainty."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actgate.api.compliance_manifest import Metric
from actgate.decision import certainty, limits
from actgate.decision.limits import BiasOutcome
from actgate.decision.manifest import GroupCount, Measurement
from actgate.decision.verdict import refusal
from tests.decision.build import FAIR, counted, found, judge, manifest, policy, refused_for, subject

CERTAIN = policy(bias={"confidence": 0.95})
FEW = counted(Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.03, (1000, 400), (1000, 430))
MANY = counted(Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.03, (100_000, 40_000), (100_000, 43_000))
BEYOND = counted(Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.06, (1000, 400), (1000, 460))
FAR_BEYOND = counted(Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.3, (1000, 400), (1000, 700))


def judged(measurement: Measurement, *policies: object) -> tuple[str, ...]:
    return judge(manifest(bias=(measurement,)), subject(), *(policies or (CERTAIN,))).failed_rules  # type: ignore[arg-type]


def test_bias_interval_that_straddles_the_limit_is_refused() -> None:
    """The finding has value, interval, confidence and limit, and more data is its remediation."""
    finding = refused_for(judge(manifest(bias=(FEW,)), subject(), CERTAIN), "bias/interval")
    assert (finding.path, finding.basis) == ("spec.bias[0].value", "house policy")
    assert finding.message == (
        "Invalid value: 0.03: inconclusive, 0 to 0.07301 with confidence 0.95: must be <= 0.05 (policy house)"
    )
    assert finding.remediation == (
        "the sample is too small to show either: evaluate on more data, of the smallest groups first, or "
        "reduce the disparity; at these rates it takes 5 times as many"
    )


def test_bias_interval_within_the_limit_passes() -> None:
    """The same rates among a hundred times as many persons."""
    assert judged(MANY) == ()


@pytest.mark.parametrize("measurement", [FEW, MANY, FAIR])
def test_without_a_confidence_the_value_alone_counts(measurement: Measurement) -> None:
    """0 switches the rule off, and is the default."""
    assert judge(manifest(bias=(measurement,))).findings == ()


def test_of_a_value_that_is_certainly_beyond_the_limit_only_bias_limit_speaks() -> None:
    """No sample is too small for what its whole interval says."""
    assert judged(FAR_BEYOND) == ("bias/limit",)


def test_an_inconclusive_value_beyond_the_limit_is_refused_with_one_remediation() -> None:
    """Both rules say so, and the first line of the refusal names the sample."""
    few = counted(Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.059, (1020, 420), (1020, 480))
    verdict = judge(manifest(bias=(few,)), subject(), CERTAIN)
    limit, interval = refused_for(verdict, "bias/limit"), refused_for(verdict, "bias/interval")
    assert interval.message.startswith("Invalid value: 0.059: inconclusive, 0.01573")
    assert limit.remediation == interval.remediation
    assert refusal(verdict).splitlines()[0] == (
        "bias/limit, bias/interval: the sample is too small to show either: evaluate on more data, of the "
        "smallest groups first, or reduce the disparity; at these rates 24 times as many show it beyond"
    )


def test_a_value_that_is_rounded_into_its_limit_has_the_same_remediation() -> None:
    """`bias/limit` names the counts then; a certain one is to be mitigated."""
    for times, fix in ((1, "the sample is too small"), (100_000, "mitigate the disparity")):
        rounded = counted(
            Metric.DEMOGRAPHIC_PARITY_DIFFERENCE,
            0.05,
            (10_000 * times, 4000 * times),
            (10_000 * times, 4504 * times),
        )
        verdict = judge(manifest(bias=(rounded,)), subject(), CERTAIN)
        assert refused_for(verdict, "bias/limit").remediation.startswith(fix)


def test_a_confidence_only_ever_adds_reasons() -> None:
    """A policy with a confidence refuses for every rule that it would refuse for without."""
    certain = replace(BEYOND, compliant=True)
    for measurement in (FEW, MANY, FAIR, BEYOND, FAR_BEYOND, certain, replace(BEYOND, value=0.05)):
        for limit in (0.0, 0.03, 0.05, 0.06, 0.3, 1.0):
            without = judged(measurement, policy(bias={"maxDifference": limit}))
            with_it = judged(measurement, policy(bias={"maxDifference": limit, "confidence": 0.95}))
            assert set(with_it) - set(without) <= {"bias/interval"}, (measurement, limit)
            assert set(without) <= set(with_it), (measurement, limit)


def test_the_sample_that_a_remediation_names_is_the_smallest_that_is_conclusive() -> None:
    """With that many times the persons, at the same rates, the limit is outside of the interval."""
    ratio = Metric.DEMOGRAPHIC_PARITY_RATIO
    odds = Metric.EQUALIZED_ODDS_DIFFERENCE
    for measurement, limit in (
        (FEW, 0.05),
        (BEYOND, 0.05),
        (counted(ratio, 0.86, (100, 50), (100, 43), (100, 45)), 0.8),
        (counted(ratio, 0.7, (100, 50), (100, 35)), 0.8),
        (counted(odds, 0.08, (400, 200, 100, 90), (400, 200, 116, 90)), 0.05),
        (counted(Metric.DISPARATE_IMPACT, 1.4, (100, 30), (100, 42), reference="a"), 0.8),
    ):
        times = certainty.times_as_many(measurement, limit, 0.95)
        assert times is not None
        assert certainty.straddling(_multiplied(measurement, times), limit, 0.95) is None, measurement
        assert certainty.straddling(_multiplied(measurement, times - 1), limit, 0.95), measurement


def test_the_smallest_and_the_largest_sample_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice the persons, and as many times as are worked out at all."""
    near = counted(Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.02, (4000, 1600), (4000, 1680))
    assert certainty.straddling(near, 0.05, 0.99) is None
    assert certainty.times_as_many(near, 0.04, 0.95) == 2
    for most, times in ((4, None), (5, 5), (6, 5)):
        monkeypatch.setattr(certainty, "MOST_TIMES", most)
        assert certainty.times_as_many(FEW, 0.05, 0.95) == times


def test_without_a_confidence_no_sample_is_too_small() -> None:
    """The remediation of `bias/limit` is that of the value then, also among several groups."""
    three = counted(Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.06, (100, 40), (100, 46), (100, 43))
    (finding,) = found(judge(manifest(bias=(three,))), "bias/limit")
    assert finding.remediation.startswith("mitigate")


def test_the_bound_of_a_ratio_is_a_lower_one() -> None:
    """It is named as the direction of the metric has it."""
    few = counted(Metric.DEMOGRAPHIC_PARITY_RATIO, 0.86, (100, 50), (100, 43))
    finding = refused_for(judge(manifest(bias=(few,)), subject(), CERTAIN), "bias/interval")
    assert finding.message.endswith("with confidence 0.95: must be >= 0.8 (policy house)")


def test_no_sample_is_named_where_none_of_a_thousand_times_the_size_would_do() -> None:
    """A value on its limit stays inconclusive for ever, and many groups would take too long."""
    on_it = counted(Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.05, (1000, 400), (1000, 450))
    finding = refused_for(judge(manifest(bias=(on_it,)), subject(), CERTAIN), "bias/interval")
    assert finding.remediation.endswith("or reduce the disparity")
    nine = counted(Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.03, (1000, 430), *[(1000, 400)] * 8)
    assert certainty.times_as_many(nine, 0.05, 0.95) is None
    eight = replace(nine, groups=(*nine.groups[:8], GroupCount("empty", 0, None, 0)))
    assert certainty.times_as_many(eight, 0.05, 0.95) == 12


def _multiplied(measurement: Measurement, times: int) -> Measurement:
    return replace(
        measurement,
        groups=tuple(
            replace(
                group,
                count=group.count * times,
                **{
                    name: count * times
                    for name in ("selected", "positives", "true_positives", "false_positives")
                    if (count := getattr(group, name)) is not None
                },
            )
            for group in measurement.groups
        ),
    )


def test_more_confidence_asks_for_more_data() -> None:
    """An interval that holds at one level may not at a higher one."""
    measurement = counted(Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.03, (4000, 1600), (4000, 1720))
    assert judged(measurement, policy(bias={"confidence": 0.8})) == ()
    assert judged(measurement, policy(bias={"confidence": 0.99})) == ("bias/interval",)


def test_the_own_threshold_of_a_manifest_is_a_limit_for_its_interval() -> None:
    """The stricter limit counts, and the message says whose it is."""
    strict = counted(
        Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, 0.03, (100_000, 40_000), (100_000, 43_000), threshold=0.031
    )
    finding = refused_for(judge(manifest(bias=(strict,)), subject(), CERTAIN), "bias/interval")
    assert finding.message.endswith("must be <= 0.031 (the manifest's own threshold)")


@pytest.mark.parametrize(
    ("metric", "table", "many"),
    [
        (Metric.STATISTICAL_PARITY_DIFFERENCE, (430, 400), 100),
        (Metric.DEMOGRAPHIC_PARITY_RATIO, (430, 370), 100),
        (Metric.DISPARATE_IMPACT, (430, 370), 100),
        (Metric.DISPARATE_IMPACT, (370, 430), 100),
    ],
)
def test_every_metric_of_parity_has_an_interval(metric: Metric, table: tuple[int, int], many: int) -> None:
    """Inconclusive among few persons and certain among many, a ratio on both sides of 1."""
    for times, rules in ((1, ("bias/interval",)), (many, ())):
        groups = [(1000 * times, selected * times) for selected in table]
        exact = counted(metric, 0.0, *groups, reference="b")
        value = table[0] / table[1] if metric.is_ratio else (table[0] - table[1]) / 1000
        assert judged(counted(metric, value, *groups, reference="b")) == rules, exact


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        (Metric.EQUAL_OPPORTUNITY_DIFFERENCE, 0.02),
        (Metric.EQUALIZED_ODDS_DIFFERENCE, 0.03),
        (Metric.AVERAGE_ODDS_DIFFERENCE, 0.025),
        (Metric.EQUALIZED_ODDS_RATIO, 0.85),
    ],
)
def test_every_metric_of_errors_has_an_interval(metric: Metric, value: float) -> None:
    """The groups compare fewer persons than they have: their positives, and the others."""
    for times, rules in ((1, ("bias/interval",)), (1000, ())):
        groups = [
            tuple(times * part for part in group) for group in ((600, 300, 240, 60), (600, 300, 234, 51))
        ]
        assert judged(counted(metric, value, *groups, reference="b")) == rules


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE, "record selected of each group"),
        (
            Metric.EQUALIZED_ODDS_DIFFERENCE,
            "record positives, truePositives and falsePositives of each group",
        ),
        (Metric.EQUAL_OPPORTUNITY_DIFFERENCE, "record positives and truePositives of each group"),
    ],
)
@pytest.mark.parametrize("groups", [(), (GroupCount("a", 4000, 0.4), GroupCount("b", 4000, 0.43))])
def test_bias_interval_of_a_measurement_without_counts_is_refused(
    metric: Metric, words: str, groups: tuple[GroupCount, ...]
) -> None:
    """A value alone is certain of nothing; the message says which counts are missing."""
    stated = Measurement(metric, 0.03, groups=groups)
    finding = refused_for(judge(manifest(bias=(stated,)), subject(), CERTAIN), "bias/interval")
    assert finding.path == "spec.bias[0].groups"
    assert finding.message == (
        f"Required value: must have the counts of {metric} for each group (policy house asks for a "
        "confidence of 0.95)"
    )
    assert finding.remediation == words


def test_a_tier_without_required_bias_checks_has_no_interval() -> None:
    """As for `bias/limit`."""
    relaxed = policy(bias={"confidence": 0.95, "requiredFor": []})
    assert judged(FEW, relaxed) == ()
    assert judged(FAIR, relaxed) == ()


@pytest.mark.parametrize("enforcement", ["Deny", "Warn", "Audit"])
def test_the_policys_enforcement_says_what_an_inconclusive_value_does(enforcement: str) -> None:
    """Like every other rule of house policy."""
    house = policy(enforcement=enforcement, bias={"confidence": 0.95})
    (finding,) = found(judge(manifest(bias=(FEW,)), subject(), house), "bias/interval")
    assert finding.effect == enforcement


@pytest.mark.parametrize(
    ("measurement", "rules"),
    [
        (
            counted(Metric.EQUAL_OPPORTUNITY_DIFFERENCE, 0.0, (100, 0, 0, 9), (100, 50, 0, 9)),
            ("bias/sample",),
        ),
        (counted(Metric.DISPARATE_IMPACT, 1.0, *[(9000, 900)] * 3), ("bias/counts",)),
        (counted(Metric.DISPARATE_IMPACT, 1.0, *[(9000, 0)] * 2), ("bias/counts",)),
        (counted(Metric.DISPARATE_IMPACT, 1.0, *[(9000, 9001)] * 2), ("bias/counts",)),
    ],
)
def test_counts_from_which_nothing_follows_are_refused_by_their_own_rule(
    measurement: Measurement, rules: tuple[str, ...]
) -> None:
    """There is no interval to speak of, and the remediation is another one."""
    assert judged(measurement) == rules


@pytest.mark.parametrize(
    ("measurement", "confidence", "outcome"),
    [
        (MANY, 0.95, BiasOutcome.PASS),
        (FEW, 0.95, BiasOutcome.INCONCLUSIVE),
        (BEYOND, 0.95, BiasOutcome.INCONCLUSIVE),
        (FAR_BEYOND, 0.95, BiasOutcome.FAIL),
        (FEW, 0.0, BiasOutcome.PASS),
        (BEYOND, 0.0, BiasOutcome.FAIL),
        (FAIR, 0.95, BiasOutcome.INCONCLUSIVE),
        (FAIR, 0.0, BiasOutcome.PASS),
        (Measurement(Metric.DISPARATE_IMPACT, 0.01), 0.95, BiasOutcome.FAIL),
    ],
)
def test_an_outcome_has_three_values(
    measurement: Measurement, confidence: float, outcome: BiasOutcome
) -> None:
    """Pass and fail are certain; everything between them is inconclusive."""
    limit = 0.8 if measurement.metric.is_ratio else 0.05
    assert limits.outcome(measurement, limit, confidence) is outcome
