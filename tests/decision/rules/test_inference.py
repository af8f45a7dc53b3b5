"""``inference/undeclared``: what serves a model by its signals alone, under each policy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actgate.decision import Subject
from actgate.decision.subject import Detection, Signal, SignalTier
from actgate.decision.verdict import Outcome
from tests.decision.build import ASKING, PASSING, judge, policy

IMAGE = Signal("image/vllm", "spec.containers[0].image", "mirror/vllm-openai:1")
UNDECLARED = "inference/undeclared"


def detected(tier: SignalTier, *signals: Signal) -> Subject:
    """Return a pod that nothing but its signals gives away."""
    found = Detection(tier, signals or (IMAGE,))
    return replace(ASKING, kind="Pod", links=(), model=None, declared=False, detection=found)


@pytest.mark.parametrize("tier", list(SignalTier))
@pytest.mark.parametrize("effect", ["Deny", "Warn", "Audit"])
def test_a_policy_says_what_each_tier_leads_to(tier: SignalTier, effect: str) -> None:
    verdict = judge(PASSING, detected(tier), policy(detection={tier.value.lower(): effect}))
    (found,) = verdict.findings
    assert (found.rule, found.effect) == (UNDECLARED, effect)
    assert verdict.allowed is (effect != "Deny")


def test_the_baseline_records_what_is_detected_and_refuses_nothing() -> None:
    """What ran before detection existed runs still."""
    verdict = judge(PASSING, detected(SignalTier.STRONG))
    assert (verdict.allowed, verdict.outcome) == (True, Outcome.WARN)


def test_the_finding_names_the_signals_and_where_to_link() -> None:
    many = [replace(IMAGE, path=f"spec.containers[{place}].image") for place in range(5)]
    (found,) = judge(PASSING, detected(SignalTier.STRONG, *many), policy()).findings
    assert "image/vllm (spec.containers[0].image" in found.message
    assert "and 2 more" in found.message
    assert ASKING.reference_path in found.remediation


def test_a_detected_workload_that_links_evidence_is_judged_by_it() -> None:
    """The signals then say nothing that the evidence does not say better."""
    linked = replace(detected(SignalTier.STRONG), links=ASKING.links, model=ASKING.model)
    strict = policy(detection={"strong": "Deny"})
    assert judge(PASSING, linked, strict).allowed
    assert not judge(replace(PASSING, oversight=None), linked, strict).allowed
