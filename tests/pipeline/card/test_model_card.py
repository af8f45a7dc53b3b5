import os
import subprocess
import sys
from pathlib import Path

import pytest

from actgate.decision.policies import Policy
from actgate.manifests import read_policy
from actgate.manifests.errors import UnreadableError
from actgate.pipeline import card
from actgate.pipeline.card import Format, calibration
from actgate.pipeline.card.measurements import measured
from tests.cli.support import policy
from tests.pipeline.card.manifests import document, evidence, groups, little, rendered
from tests.pipeline.card.test_hostile import seen

BINS = [
    {"low": 0.0, "high": 0.5, "count": 100, "positives": 20, "meanScore": 0.25},
    {"low": 0.5, "high": 1.0, "count": 50, "positives": 45},
]


def strict(confidence: float = 0.99, difference: float = 0.02) -> Policy:
    """Return a policy with limits of its own."""
    return read_policy(policy("strict", bias={"confidence": confidence, "maxDifference": difference}))


def test_what_was_not_measured_is_said_aloud() -> None:
    """A card that leaves sections out reads as if all were well."""
    page = seen(rendered(little(), Format.HTML)).text
    for words in (
        "Bias was not measured.",
        "Accuracy, robustness and cybersecurity were not measured.",
        "Calibration was not measured.",
        "Data quality was not measured.",
        "No data set is stated.",
        "Human oversight is not stated.",
        "Signatures not verified: no policy was given.",
    ):
        assert words in page


def test_a_drawing_leaves_no_trace_in_markdown() -> None:
    """Tables have its numbers, and the lineage is a sentence."""
    text = rendered(document(), Format.HF)
    assert "`  `" not in text
    assert "Lineage: data sets (`loans, sha256:bbbbbbbbbbbb…`), then training (" in text


def test_every_rate_that_a_metric_compares_is_shown_for_each_group() -> None:
    """Equalized odds may fail by false positives alone, which true positives do not show."""
    odds = {**document()["spec"]["bias"][0], "metric": "equalized_odds_difference", "value": 0.04}
    text = rendered(document(bias=[odds]), Format.HF)
    header = "| True positive rate | Interval (0.95) | False positive rate | Interval (0.95) |"
    assert header in text
    # 150 and 250 of the 2500 and 2501 persons for whom the result was wrong.
    assert "| 0.76 | 0.7429 to 0.7763 | 0.06 | 0.0513 to 0.07 |" in text
    assert "| 0.76 | 0.7429 to 0.7763 | 0.09996 | 0.0888 to 0.1123 |" in text


def test_the_interval_of_the_pipeline_is_shown_for_information() -> None:
    """Nothing rests on it, and nothing recomputes it: it stays declared beside the gate's own."""
    interval = {"low": 0.001, "high": 0.0391, "level": 0.95, "method": "bootstrap"}
    measured = {**document()["spec"]["bias"][0], "interval": interval, "library": "fairlearn 0.15.0"}
    text = rendered(document(bias=[measured]), Format.HF)
    own = "the pipeline's own interval, for information: 0.001 to 0.0391 at 0.95, bootstrap"
    assert f"{own} (spec.bias[0].interval, Declared)." in text
    assert f", measured on data `sha256:{'b' * 64}`, computed by fairlearn 0.15.0." in text


def test_an_interval_that_straddles_the_limit_is_called_inconclusive() -> None:
    """No number is shown without what is uncertain about it."""
    few = [{"name": "female", "count": 100, "selected": 50}, {"name": "male", "count": 100, "selected": 53}]
    bias = {"attribute": "sex", "metric": "demographic_parity_difference", "value": 0.03, "threshold": 0.05}
    text = rendered(document(bias=[{**bias, "groups": few}]), Format.HF)
    assert "| Bias | 1 measurement: 1 inconclusive |" in text
    assert "inconclusive. The limit <= 0.05 lies within 0 to 0.1651" in text


def test_a_value_without_counts_is_called_a_claim() -> None:
    """It cannot be recomputed, so it has no interval."""
    bias = {"attribute": "sex", "metric": "demographic_parity_difference", "value": 0.03}
    text = rendered(document(bias=[bias]), Format.HF)
    assert "the stated value is a claim" in text
    assert "no limit stated" in text


def test_limits_and_confidence_are_those_of_the_policies_where_there_are_some() -> None:
    """The stricter of manifest and policy counts, as at the gate."""
    own = next(measured(evidence()))
    assert (own.limit, own.confidence, own.outcome) == (0.05, 0.95, "Pass")
    verification = card.Verification(policies=(strict(),))
    theirs = next(measured(evidence(document(), verification)))
    assert (theirs.limit, theirs.confidence, theirs.outcome) == (0.02, 0.99, "Inconclusive")


def test_an_attribute_alone_does_not_speak_for_intersections() -> None:
    """What is fair for women and for migrants may be unfair for migrant women."""
    said = "Intersections of several attributes were not measured."
    assert said in rendered(document(), Format.HF)
    both = {**document()["spec"]["bias"][0], "attribute": "sex,race", "groups": groups(4)}
    assert said not in rendered(document(bias=[document()["spec"]["bias"][0], both]), Format.HF)


def test_calibration_is_drawn_where_the_evaluation_has_it() -> None:
    """Mean score against what came true, with the error that they add up to."""
    curves = calibration.read({"calibration": [{"group": "sex=female", "bins": BINS}]})
    page = card.render(card.Request(evidence(), curves=curves), Format.HTML)
    assert "Calibration was not measured" not in page
    # (|20 - 25| + |45 - 37.5|) / 150
    assert "expected calibration error 0.08333" in page
    assert calibration.read({"metrics": []}) == ()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "evaluation: Invalid value: a list of 0 items: must be an object"),
        ({"calibration": [{"bins": []}]}, "calibration[0].bins: "),
        (
            {"calibration": [{"bins": [{**BINS[0], "positives": 101}]}]},
            "calibration[0].bins[0].positives: Invalid",
        ),
        ({"calibration": [{"bins": [{**BINS[0], "low": float("nan")}]}]}, "calibration[0].bins[0].low: "),
    ],
)
def test_a_calibration_that_cannot_be_read_is_refused(value: object, words: str) -> None:
    """A curve of wrong numbers is worse than none."""
    with pytest.raises(UnreadableError) as refused:
        calibration.read(value)
    assert str(refused.value).startswith(words)


def test_a_manifest_that_cannot_be_read_makes_no_document() -> None:
    """A card of the readable rest would hide what was wrong."""
    value = document()
    value["spec"]["bias"][0]["value"] = "0.03"
    with pytest.raises(UnreadableError):
        card.read(value)


def test_signatures_of_the_order_of_fields_change_no_byte() -> None:
    """The same evidence in another order of its fields is the same evidence."""
    turned = {**document(), "spec": dict(reversed(document()["spec"].items()))}
    for wanted in Format:
        assert rendered(turned, wanted) == rendered(document(), wanted)


_RENDER = """
from actgate.pipeline.card import Format
from tests.pipeline.card.manifests import hostile, rendered
import sys
for wanted in Format:
    sys.stdout.buffer.write(rendered(hostile(), wanted, html=True).encode())
"""


@pytest.mark.system
def test_two_processes_write_the_same_bytes() -> None:
    """No clock, no random number, no order of a hash."""
    root = Path(__file__).parents[3]
    texts = {
        subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", _RENDER],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            cwd=root,
            capture_output=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert len(texts) == 1
    assert len(texts.pop()) > 100_000
