"""What holds for every verdict, whatever is asked."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Final, TypeVar

from hypothesis import event, given
from hypothesis import strategies as st

from actgate.decision import Manifest, Outcome, Policy, Subject, Verdict, decide
from actgate.decision.decide import Appraisals
from actgate.decision.verdict import refusal, warnings
from tests.decision.build import NOW, PASSING
from tests.decision.strategies import (
    asking,
    instants,
    manifests,
    moments,
    near_misses,
    policies,
    signed_evidence,
    signing_policies,
    subjects,
)
from tests.decision.worse import LESS_SIGNED, WORSENINGS, Worsening

T = TypeVar("T")
RANK: Final = {Outcome.PASS: 0, Outcome.WARN: 1, Outcome.FAIL: 2}
evidence = manifests | near_misses | st.just(PASSING)
linked = evidence.map(lambda manifest: replace(manifest, name=PASSING.name))
everywhere = policies(selector=st.just({}))
denying = policies("Deny", selector=st.just({}))


def reasons(verdict: Verdict) -> Counter[tuple[str, str, str]]:
    """Return what was found, without where: rule, effect and words."""
    return Counter((finding.rule, finding.effect.value, finding.message) for finding in verdict.findings)


def shuffled(dice: Random, items: tuple[T, ...]) -> tuple[T, ...]:
    """Return the items in another order."""
    return tuple(dice.sample(items, len(items)))


@given(subjects, st.lists(evidence, max_size=2), st.lists(policies(), max_size=3), instants)
def test_no_input_makes_decide_raise(
    subject: Subject, linked: list[Manifest], chosen: list[Policy], now: datetime
) -> None:
    """NaN, infinities, surrogates, the ends of the calendar: the answer is a verdict that can be worded."""
    verdict = decide(subject, linked, chosen, now)
    assert verdict.allowed is not any(finding.effect == "Deny" for finding in verdict.findings)
    assert bool(verdict.findings) is (verdict.outcome is not Outcome.PASS)
    assert refusal(verdict).isascii()
    assert all(text.isascii() for text in warnings(verdict.findings))


@given(linked, asking, st.lists(denying, max_size=2), moments, st.sampled_from(WORSENINGS))
def test_worse_evidence_never_turns_a_refusal_into_anything_else(
    manifest: Manifest, subject: Subject, chosen: list[Policy], now: datetime, worsen: Worsening
) -> None:
    """Fail stays Fail, whatever gets worse."""
    before = decide(subject, [manifest], chosen, now)
    after = decide(subject, [worsen(manifest, now)], chosen, now)
    event(f"{worsen.__name__}: {before.outcome} to {after.outcome}")
    assert before.allowed or not after.allowed


@given(near_misses, st.lists(denying, max_size=2), st.sampled_from(WORSENINGS))
def test_worse_evidence_never_turns_a_lone_refusal_into_anything_else(
    manifest: Manifest, chosen: list[Policy], worsen: Worsening
) -> None:
    """The same where only one field is wrong, so that a single rule carries the refusal."""
    subject = Subject.of_manifest(PASSING)
    before, after = (decide(subject, [item], chosen, NOW) for item in (manifest, worsen(manifest, NOW)))
    event(f"{before.outcome} for {len(before.failed_rules)} rules")
    assert before.allowed or not after.allowed


@given(signed_evidence, signing_policies, st.sampled_from(LESS_SIGNED))
def test_less_signed_is_never_more_allowed(manifest: Manifest, policy: Policy, worsen: Worsening) -> None:
    """The same for who signed: nor does a statement by no one trusted ever turn a refusal into an allow."""
    subject = Subject.of_manifest(manifest)
    before, after = (decide(subject, [item], [policy], NOW) for item in (manifest, worsen(manifest, NOW)))
    event(f"{worsen.__name__}: {before.outcome} to {after.outcome}")
    assert before.allowed or not after.allowed


@given(
    linked | signed_evidence,
    asking,
    st.lists(everywhere, max_size=3),
    moments,
    st.randoms(use_true_random=False),
)
def test_order_never_matters(
    manifest: Manifest, subject: Subject, chosen: list[Policy], now: datetime, dice: Random
) -> None:
    """Measurements, regions, images, placements and policies in another order give the same reasons."""
    other_manifest = replace(
        manifest,
        bias=shuffled(dice, manifest.bias),
        training_regions=shuffled(dice, manifest.training_regions),
        images=shuffled(dice, manifest.images),
        attestations=shuffled(dice, manifest.attestations),
    )
    other_subject = replace(
        subject,
        images=shuffled(dice, subject.images),
        placement=shuffled(dice, subject.placement) if subject.placement is not None else None,
    )
    first = decide(subject, [manifest], chosen, now)
    second = decide(other_subject, [other_manifest], shuffled(dice, tuple(chosen)), now)
    assert first.outcome is second.outcome
    assert reasons(first) == reasons(second)
    assert (first.valid_until, sorted(first.policies)) == (second.valid_until, sorted(second.policies))


@given(linked, asking, st.lists(everywhere, min_size=1, max_size=2), everywhere, moments)
def test_another_policy_never_improves_an_outcome(
    manifest: Manifest, subject: Subject, chosen: list[Policy], another: Policy, now: datetime
) -> None:
    """Policies only add; the first one is left out of this, since it takes the place of the baseline."""
    before = decide(subject, [manifest], chosen, now)
    after = decide(subject, [manifest], [*chosen, another], now)
    assert RANK[after.outcome] >= RANK[before.outcome]
    assert set(before.failed_rules) <= set(after.failed_rules)


@given(
    linked,
    asking,
    st.lists(st.tuples(st.lists(everywhere, max_size=2), moments), min_size=2, max_size=4),
)
def test_the_appraisal_of_a_former_decision_never_changes_an_answer(
    manifest: Manifest, subject: Subject, reviews: list[tuple[list[Policy], datetime]]
) -> None:
    """Evidence judged before, under other policies and at other times, is judged as if it were new."""
    appraise = Appraisals().appraise
    for chosen, now in reviews * 2:
        known = decide(subject, [manifest], chosen, now, appraise)
        assert known == decide(subject, [manifest], chosen, now)


@given(linked, asking, st.lists(everywhere, max_size=2), moments, moments)
def test_a_verdict_holds_until_the_moment_that_it_names(
    manifest: Manifest, subject: Subject, chosen: list[Policy], now: datetime, later: datetime
) -> None:
    """Before `valid_until` nothing changes by time alone; the operator's timer relies on it."""
    first = decide(subject, [manifest], chosen, now)
    if later >= now and (first.valid_until is None or later < first.valid_until):
        assert decide(subject, [manifest], chosen, later).findings == first.findings


@given(linked, asking, st.lists(everywhere, max_size=2), moments)
def test_an_update_that_changes_nothing_governed_is_never_refused(
    manifest: Manifest, subject: Subject, chosen: list[Policy], now: datetime
) -> None:
    """It lists every reason all the same."""
    judged = decide(subject, [manifest], chosen, now)
    softened = decide(replace(subject, governed_change=False), [manifest], chosen, now)
    assert softened.allowed
    assert {(item.rule, item.path, item.message) for item in softened.findings} == {
        (item.rule, item.path, item.message) for item in judged.findings
    }
