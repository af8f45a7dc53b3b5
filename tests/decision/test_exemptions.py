"""Exemptions: accepted findings stay visible, end when they say, and never reach Article 5."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from actgate.api.compliance_manifest import RiskCategory
from actgate.api.compliance_policy import Enforcement
from actgate.api.exemption import NEVER_EXEMPT, ExemptSubject
from actgate.decision import Manifest, rules
from actgate.decision.decide import decide
from actgate.decision.exemptions import Exemption
from actgate.decision.manifest import Problem
from actgate.decision.subject import Owner, Subject
from actgate.decision.verdict import Outcome, Verdict
from tests.decision.build import ASKING, NOW, PASSING
from tests.decision.strategies import manifests

SCORER = ExemptSubject(api_group="actgate.dev", kind="ModelDeployment", namespace="credit", name="scorer")
ASKED = replace(ASKING, group="actgate.dev")
UNSUPERVISED = replace(PASSING, oversight=None)


def exemption(*rule_ids: str, subjects: tuple[ExemptSubject, ...] = (SCORER,)) -> Exemption:
    """Return an exemption of the scorer for some days around now."""
    days = timedelta(days=5)
    return Exemption("e", subjects, frozenset(rule_ids), NOW - days, NOW + days)


def judged(
    one: Exemption, subject: Subject = ASKED, manifest: Manifest = UNSUPERVISED, at: datetime = NOW
) -> Verdict:
    return decide(subject, [manifest], [], at, exemptions=[one])


def test_an_exempted_finding_allows_and_stays_in_the_verdict() -> None:
    """An auditor must see what was accepted, by whose exemption, and until when."""
    verdict = judged(one := exemption("oversight/missing"))
    assert verdict.allowed
    assert verdict.outcome is Outcome.WARN
    (found,) = [item for item in verdict.findings if item.rule == "oversight/missing"]
    assert (found.reported_effect, found.exemption) == ("Exempted", "e")
    assert verdict.exemptions == (("e", one.not_after),)
    assert verdict.valid_until == one.not_after


def test_an_exemption_counts_from_its_beginning_until_just_before_its_end() -> None:
    one = exemption("oversight/missing")
    tick = timedelta(microseconds=1)
    for moment, allowed in (
        (one.not_before - tick, False),
        (one.not_before, True),
        (one.not_after - tick, True),
        (one.not_after, False),
    ):
        assert judged(one, at=moment).allowed is allowed, moment
    assert judged(one, at=one.not_before - tick).valid_until == one.not_before


def test_an_exemption_is_about_its_subjects_and_rules_alone() -> None:
    """Nothing is inferred: another group, kind, namespace, name or rule is not exempt."""
    others = {
        "group": replace(ASKED, group="apps"),
        "kind": replace(ASKED, kind="Deployment"),
        "name": replace(ASKED, name="scorer-2"),
        "owner": replace(ASKED, owner=Owner("apps", "Deployment", "x")),
    }
    for what, subject in others.items():
        assert not judged(exemption("oversight/missing"), subject=subject).allowed, what
    elsewhere = SCORER.model_copy(update={"namespace": "other"})
    assert not judged(exemption("oversight/missing", subjects=(elsewhere,))).allowed
    assert not judged(exemption("bias/limit")).allowed


def test_a_subject_is_exempt_by_the_owner_that_answers_for_it() -> None:
    """A pod's name is made by its controller: the exemption names the object that the user wrote."""
    pod = replace(
        ASKED, group="", kind="Pod", name="scorer-x1", owner=Owner("actgate.dev", "ModelDeployment", "scorer")
    )
    assert judged(exemption("oversight/missing"), subject=pod).allowed


def test_a_star_stands_for_every_name_of_that_kind_in_that_namespace() -> None:
    every = SCORER.model_copy(update={"name": "*"})
    assert judged(exemption("oversight/missing", subjects=(every,))).allowed


def test_nothing_exempts_from_article_5_or_from_evidence_that_cannot_be_read() -> None:
    prohibited = replace(PASSING, risk_category=RiskCategory.PROHIBITED)
    every_rule = exemption(*rules.BY_ID)
    verdict = judged(every_rule, manifest=prohibited)
    assert verdict.failed_rules == ("risk/prohibited",)


@given(manifests, st.booleans(), st.booleans(), st.integers(-10, 10))
@settings(max_examples=50)
def test_no_exemption_lets_pass_what_is_prohibited_or_unreadable(
    manifest: Manifest, prohibited: bool, unreadable: bool, days: int
) -> None:
    """Whatever the evidence, under an exemption of every rule; out of its period it changes nothing."""
    if prohibited:
        manifest = replace(manifest, risk_category=RiskCategory.PROHIBITED)
    if unreadable:
        problem = Problem("spec.x", "Invalid value", "correct it")
        manifest = replace(manifest, problems=(*manifest.problems, problem))
    asked = replace(
        ASKED, links=(replace(ASKED.links[0], manifest=manifest.name),), namespace=manifest.namespace
    )
    here = exemption(*rules.BY_ID, subjects=(SCORER.model_copy(update={"namespace": manifest.namespace}),))
    at = NOW + timedelta(days=days)
    before, after = decide(asked, [manifest], [], at), decide(asked, [manifest], [], at, exemptions=[here])
    never = set(NEVER_EXEMPT) & set(before.failed_rules)
    assert never <= set(after.failed_rules)
    assert not (after.allowed and never)
    if prohibited or unreadable:
        assert never
    if not here.active(at):
        assert (after.outcome, after.findings, after.exemptions) == (before.outcome, before.findings, ())


@given(manifests, st.sets(st.sampled_from(sorted(rules.BY_ID))))
def test_an_exemption_changes_effects_and_nothing_else(manifest: Manifest, rule_ids: set[str]) -> None:
    """Every finding is still there; those of other rules, and milder ones than Warn, are as they were."""
    asked = replace(
        ASKED, links=(replace(ASKED.links[0], manifest=manifest.name),), namespace=manifest.namespace
    )
    here = SCORER.model_copy(update={"namespace": manifest.namespace})
    before = decide(asked, [manifest], [], NOW)
    after = decide(asked, [manifest], [], NOW, exemptions=[exemption(*rule_ids, subjects=(here,))])

    def words(verdict: Verdict) -> set[tuple[str, str, str]]:
        return {(item.rule, item.path, item.message) for item in verdict.findings}

    assert words(before) == words(after)
    for item in after.findings:
        if item.exemption is not None:
            assert item.rule in rule_ids
            assert item.effect is Enforcement.AUDIT
