"""The verdict on a model, and what follows from it for what runs."""

from __future__ import annotations

import pytest

from actgate.decision import Outcome, Policy
from actgate.lookup.evidence import EvidenceUnavailableError
from actgate.lookup.judge import SubjectJudge
from actgate_operator import model as models
from actgate_operator.status import Judgement
from tests.decision.build import NOW, PASSING, policy
from tests.lookup.fakes import FakeEvidence, known
from tests.operator.observed import EXPIRED, STORED
from tests.operator.plan.build import PARIS, Json, model_deployment


def asking(outcome: str | None = None) -> Json:
    """Return a model that the manifest speaks for, with the verdict that its status shows."""
    status = {"verdict": {"outcome": outcome}} if outcome is not None else {}
    placement = {"regions": [PARIS]}
    model = {"name": "CreditRiskScorer", "version": "2"}
    return {**model_deployment(model=model, placement=placement), "status": status}


async def judged(evidence: FakeEvidence, model: Json) -> Judgement:
    """Judge at the moment of the tests."""
    return await models.judged(model, SubjectJudge(evidence, lambda: NOW), "actgate-system")


async def test_evidence_that_holds_is_believed_at_once() -> None:
    """No request to the API server, whatever the status says."""
    for outcome in (None, "Pass", "Fail"):
        evidence = FakeEvidence(known(STORED))
        judgement = await judged(evidence, asking(outcome))
        assert (judgement.verdict.allowed, judgement.scale_to_zero, evidence.reads) == (True, False, [])
        assert judgement.manifest is STORED
        assert judgement.manifest_name == PASSING.name


@pytest.mark.parametrize("outcome", [None, "Pass", "Warn"])
async def test_a_refusal_that_is_news_is_read_live(outcome: str | None) -> None:
    """The cache may be behind; where the API server has what holds, that counts."""
    evidence = FakeEvidence({}, live=known(STORED))
    judgement = await judged(evidence, asking(outcome))
    assert judgement.verdict.allowed
    assert judgement.manifest is STORED
    assert evidence.reads == [("credit", PASSING.name)]


async def test_a_refusal_that_the_status_shows_is_not_read_again() -> None:
    """A thousand models without evidence cost the API server nothing."""
    evidence = FakeEvidence({}, live=known(STORED))
    judgement = await judged(evidence, asking("Fail"))
    assert (judgement.verdict.allowed, judgement.manifest, evidence.reads) == (False, None, [])


async def test_unknown_is_no_verdict() -> None:
    """A read that fails lets nothing run or stop."""
    with pytest.raises(EvidenceUnavailableError):
        await judged(FakeEvidence({}, reachable=False), asking("Pass"))


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
    namespaces = {"credit": {"team": "credit"}}
    judgement = await judged(FakeEvidence(known(EXPIRED), policies=policies, namespaces=namespaces), asking())
    assert (judgement.verdict.allowed, judgement.scale_to_zero) == (False, zero)
    judgement = await judged(FakeEvidence(known(STORED), policies=policies, namespaces=namespaces), asking())
    assert (judgement.verdict.allowed, judgement.scale_to_zero) == (True, False)


async def test_findings_of_a_policy_that_only_warns_stop_nothing() -> None:
    """Also one that would scale to zero: nothing is violated."""
    lenient = policy("lenient", enforcement="Warn", onViolation="ScaleToZero")
    judgement = await judged(FakeEvidence(known(EXPIRED), policies=(lenient,)), asking())
    assert judgement.verdict.outcome is Outcome.WARN
    assert (judgement.verdict.allowed, judgement.scale_to_zero) == (True, False)
