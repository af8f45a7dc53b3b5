"""The verdict on a model: from the pictures, and bad news looked at twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from actgate.decision import Manifest, Outcome, Policy
from actgate.kube.errors import Unavailable
from actgate_operator.evidence import NotNowError
from actgate_operator.judging import Judge, Judgement
from tests.decision.build import NOW, PASSING, policy
from tests.operator.fakes import FakePictures
from tests.operator.observed import EXPIRED, STORED, UNWATCHED
from tests.operator.plan.build import PARIS, Json, model_deployment

LIMIT = NOW + timedelta(hours=1)


def asking(outcome: str | None = None) -> Json:
    """Return a model that the manifest speaks for, with the verdict that its status tells."""
    status = {"verdict": {"outcome": outcome}} if outcome is not None else {}
    placement = {"regions": [PARIS]}
    model = {"name": "CreditRiskScorer", "version": "2"}
    return {**model_deployment(model=model, placement=placement), "status": status}


async def judged(pictures: FakePictures, model: Json) -> Judgement:
    """Judge at the moment of the tests."""
    return await Judge(pictures, lambda: NOW).judge(model)


async def test_evidence_that_holds_is_believed_at_once() -> None:
    """No look at the API server, whatever the status says."""
    for outcome in (None, "Pass", "Fail"):
        pictures = FakePictures(STORED)
        judgement = await judged(pictures, asking(outcome))
        assert (judgement.accepted, judgement.scale_to_zero, pictures.looks) == (True, False, [])
        assert judgement.evidence.manifest is STORED
        assert judgement.evidence.manifest_name == PASSING.name


@pytest.mark.parametrize("outcome", [None, "Pass", "Warn"])
async def test_bad_news_is_looked_at_live(outcome: str | None) -> None:
    """A picture may be behind; where the API server has what holds, that counts."""
    pictures = FakePictures(None, STORED)
    judgement = await judged(pictures, asking(outcome))
    assert judgement.accepted
    assert judgement.evidence.manifest is STORED
    assert pictures.looks == [("credit", PASSING.name)]


@pytest.mark.parametrize("live", [None, UNWATCHED, EXPIRED])
async def test_bad_news_that_is_confirmed_counts(live: Manifest | None) -> None:
    """With the evidence that was seen last."""
    judgement = await judged(FakePictures(EXPIRED, live), asking("Pass"))
    assert not judgement.accepted
    assert judgement.evidence.manifest is live
    assert judgement.evidence.verdict.outcome is Outcome.FAIL


async def test_bad_news_that_is_known_is_not_looked_at_again() -> None:
    """A thousand models without evidence cost the API server nothing."""
    pictures = FakePictures(None, STORED)
    judgement = await judged(pictures, asking("Fail"))
    assert (judgement.accepted, pictures.looks) == (False, [])


async def test_unknown_is_no_verdict() -> None:
    """Neither a picture that shows nothing nor a live look that fails lets anything run or stop."""
    pictures = FakePictures(STORED)
    pictures.known = False
    with pytest.raises(NotNowError):
        await judged(pictures, asking())
    with pytest.raises(Unavailable):
        await judged(FakePictures(None, Unavailable("no answer")), asking("Pass"))


async def test_it_is_judged_at_the_moment_that_the_clock_tells() -> None:
    """The verdict says until when it holds."""
    pictures = FakePictures(EXPIRED, EXPIRED)
    assert EXPIRED.not_after is not None
    before = EXPIRED.not_after - timedelta(seconds=1)
    judgement = await Judge(pictures, lambda: before).judge(asking())
    assert judgement.accepted
    assert judgement.evidence.verdict.valid_until == EXPIRED.not_after
    assert not (await Judge(pictures, lambda: EXPIRED.not_after or NOW).judge(asking())).accepted


ZERO = policy("zero", onViolation="ScaleToZero")
KEEP = policy("keep", onViolation="Keep")
ELSEWHERE = policy(
    "elsewhere", onViolation="ScaleToZero", namespaceSelector={"matchLabels": {"team": "retail"}}
)


@pytest.mark.parametrize(
    ("policies", "zero"),
    [((), False), ((KEEP,), False), ((ZERO,), True), ((KEEP, ZERO), True), ((KEEP, ELSEWHERE), False)],
)
async def test_a_violation_scales_to_zero_where_any_policy_that_applies_says_so(
    policies: tuple[Policy, ...], zero: bool
) -> None:
    """One that selects other namespaces does not; and nothing does while the evidence holds."""
    labels = {"team": "credit"}
    judgement = await judged(FakePictures(EXPIRED, EXPIRED, policies, labels), asking())
    assert (judgement.accepted, judgement.scale_to_zero) == (False, zero)
    judgement = await judged(FakePictures(STORED, STORED, policies, labels), asking())
    assert (judgement.accepted, judgement.scale_to_zero) == (True, False)


async def test_findings_of_a_policy_that_only_warns_stop_nothing() -> None:
    """Also one that would scale to zero: nothing is violated."""
    lenient = policy("lenient", enforcement="Warn", onViolation="ScaleToZero")
    judgement = await judged(FakePictures(EXPIRED, EXPIRED, (lenient,)), asking())
    assert judgement.evidence.verdict.outcome is Outcome.WARN
    assert (judgement.accepted, judgement.scale_to_zero) == (True, False)
