"""Replacement pods of an owner that did not change, under evidence that is only too old."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from actgate.api.compliance_manifest import RiskCategory
from actgate.api.compliance_policy import Enforcement, OnViolation
from actgate.api.exemption import ExemptSubject
from actgate.decision import Manifest, Policy, Subject, decide
from actgate.decision.manifest import ModelIdentity
from actgate.decision.verdict import Outcome, refusal, warnings
from tests.decision.build import NOW, PASSING, judge, manifest, policy, warned_of
from tests.decision.strategies import manifests, near_misses, policies
from tests.decision.test_exemptions import exemption
from tests.decision.test_lending import LENT, POD, SIDECAR, injecting
from tests.decision.worse import WORSENINGS, Worsening

HOUR: Final = timedelta(hours=1)
END: Final = NOW - HOUR
EXPIRED: Final = manifest(not_after=END)
TRAINED: Final = NOW - timedelta(hours=530)
BEFORE: Final = replace(POD, template_since=NOW - 2 * HOUR)
"""A pod of a template that is older than the expiry."""
GRACE: Final = timedelta(hours=168)


def of(owner: Subject = BEFORE, **changes: Any) -> Subject:  # noqa: ANN401 - fields of a Subject
    return replace(owner, **changes)


def test_a_replacement_pod_of_an_unchanged_owner_is_admitted_with_a_warning_that_says_until_when() -> None:
    """Else a node that is drained takes down what was admitted (DESIGN section 5)."""
    verdict = judge(EXPIRED, BEFORE)
    assert verdict.outcome is Outcome.WARN
    finding = warned_of(verdict, "evidence/expired")
    assert finding.message.startswith("a replacement pod, admitted until 2026-11-30T11:00:00Z: Invalid value")
    (warning,) = warnings(verdict.findings)
    assert warning.startswith("evidence/expired: a replacement pod, admitted until 2026-11-30T11:00:00Z")
    assert verdict.grace_until == verdict.valid_until == END + GRACE


def test_evidence_that_is_too_old_for_its_policy_is_expired_as_well() -> None:
    """The moment is counted from the end of training, by the policy with the shortest age."""
    aged = policy(evidence={"maxAge": "500h"})
    expired = TRAINED + timedelta(hours=500)
    assert expired < NOW
    verdict = judge(PASSING, of(template_since=expired - HOUR), aged, policy("lenient"))
    assert verdict.grace_until == expired + GRACE
    assert not judge(PASSING, of(template_since=expired), aged, policy("lenient")).allowed
    undated = manifest(finished_at=None)
    assert judge(undated, BEFORE).failed_rules == ("evidence/age",), "no moment, no period"


def test_new_pods_and_changed_templates_are_refused() -> None:
    """A template of the moment of expiry is no older one, and one of unknown age is new."""
    for since in (None, EXPIRED.not_after, NOW):
        verdict = judge(EXPIRED, of(template_since=since))
        assert verdict.failed_rules == ("evidence/expired",), since
        assert verdict.grace_until is None


def test_nothing_but_a_pod_is_a_replacement() -> None:
    """A new ReplicaSet is a changed template, and a new Job new work."""
    for group, kind in (("apps", "ReplicaSet"), ("batch", "Job"), ("actgate.dev", "ModelDeployment")):
        assert not judge(EXPIRED, of(group=group, kind=kind)).allowed, kind


def test_the_period_ends() -> None:
    """From then on a refusal says that there was one, since the pod before was admitted."""
    end = NOW - HOUR + GRACE
    assert judge(EXPIRED, BEFORE, now=end - timedelta(microseconds=1)).allowed
    verdict = judge(EXPIRED, BEFORE, now=end)
    assert not verdict.allowed
    assert (verdict.grace_until, verdict.valid_until) == (None, TRAINED + timedelta(days=365))
    assert "replacement pods were admitted until 2026-11-30T11:00:00Z: Invalid value" in refusal(verdict)


def test_the_shortest_period_and_the_first_expiry_of_all_policies_count() -> None:
    """Each policy has to be content by itself."""
    short, long = (policy(name, evidence={"graceAfterExpiry": name}) for name in ("2h", "100h"))
    assert judge(EXPIRED, BEFORE, long, short).grace_until == NOW + HOUR
    none = policy("none", evidence={"graceAfterExpiry": "0s"})
    assert not judge(EXPIRED, BEFORE, long, none).allowed
    aged = policy(evidence={"maxAge": "500h"})
    aged_at = TRAINED + timedelta(hours=500)
    young = of(template_since=NOW - 2 * HOUR)
    assert aged_at < NOW - 2 * HOUR
    assert judge(EXPIRED, young, aged).failed_rules == ("evidence/expired", "evidence/age")


def test_a_policy_that_scales_to_zero_knows_no_replacements() -> None:
    """What runs is to end there: a pod more would be one too many."""
    zero = policy("zero", onViolation="ScaleToZero")
    assert not judge(EXPIRED, BEFORE, zero).allowed
    assert not judge(EXPIRED, BEFORE, policy("keep"), zero).allowed
    assert not judge(EXPIRED, BEFORE, policy("keep"), replace_enforcement(zero)).allowed


def replace_enforcement(one: Policy) -> Policy:
    return replace(one, spec=one.spec.model_copy(update={"enforcement": Enforcement.WARN}))


def test_whatever_else_is_wrong_with_evidence_is_refused_and_a_prohibited_practice_always() -> None:
    """The period is about time alone: a model that was never fit does not become so by running."""
    for changes in (
        {"risk_category": RiskCategory.PROHIBITED},
        {"oversight": None},
        {"model": ModelIdentity("Other")},
    ):
        verdict = judge(replace(EXPIRED, **changes), BEFORE)
        assert "evidence/expired" in verdict.failed_rules, changes
        assert (len(verdict.failed_rules), verdict.grace_until) == (2, None), changes
    assert judge(None, BEFORE).failed_rules == ("link/manifest",)


def test_a_pod_that_runs_more_than_its_template_is_a_replacement_only_where_that_is_injected() -> None:
    more = of(lent=replace(LENT, added=(SIDECAR,)))
    assert judge(EXPIRED, more, injecting("mesh", "docker.io/istio/proxyv2")).allowed
    assert judge(EXPIRED, more).failed_rules == ("link/manifest",)


def test_what_an_exemption_accepts_does_not_begin_the_period() -> None:
    """That evidence was too old before the template was made, and it was accepted all the same."""
    aged = policy(evidence={"maxAge": "500h"})
    pod = ExemptSubject(api_group="", kind="Pod", namespace=POD.namespace, name=POD.name)
    one = exemption("evidence/age", subjects=(pod,))
    verdict = decide(BEFORE, [EXPIRED], [aged], NOW, exemptions=[one])
    assert [name for name, _ in verdict.exemptions] == ["e"]
    assert verdict.grace_until == NOW - HOUR + GRACE
    assert not decide(BEFORE, [EXPIRED], [aged], NOW).allowed


hours = st.integers(-400, 400).map(lambda number: NOW + number * HOUR)
ends = st.none() | hours
evidence = (manifests | near_misses | st.just(PASSING)).flatmap(
    lambda one: st.builds(
        lambda after, finished: replace(
            one,
            name=PASSING.name,
            namespace=PASSING.namespace,
            not_after=after,
            finished_at=finished or one.finished_at,
        ),
        ends,
        ends,
    )
)
pods = ends.map(lambda since: replace(POD, template_since=since))


def graceful(one: Policy, grace: str, violation: OnViolation) -> Policy:
    evidence = one.spec.evidence.model_copy(update={"grace_after_expiry": grace})
    changes = {"evidence": evidence, "on_violation": violation}
    return replace(one, spec=one.spec.model_copy(update=changes))


any_policy = st.builds(
    graceful,
    policies(selector=st.just({})) | st.just(policy()),
    st.sampled_from(["0s", "1h", "168h"]),
    st.sampled_from([OnViolation.KEEP, OnViolation.KEEP, OnViolation.SCALE_TO_ZERO]),
)
several = st.lists(any_policy, max_size=2)


@given(evidence, pods, several, hours)
@settings(max_examples=50)
def test_the_period_admits_nothing_that_more_than_time_stands_against(
    manifest: Manifest, pod: Subject, chosen: list[Policy], now: datetime
) -> None:
    """Each finding is still there; the same pod of a new template shows what the period did."""
    new, old = (decide(one, [manifest], chosen, now) for one in (replace(pod, template_since=None), pod))
    assert [(item.rule, item.path) for item in new.findings if item.effect is not Enforcement.DENY] == [
        (item.rule, item.path)
        for item in old.findings
        if item.effect is not Enforcement.DENY and "replacement pod" not in item.message
    ]
    assert Counter(item.rule for item in new.findings) == Counter(item.rule for item in old.findings)
    if new.allowed or not old.allowed:
        assert new.allowed <= old.allowed
        assert old.grace_until is None
        return
    assert set(new.failed_rules) <= {"evidence/expired", "evidence/age"}
    assert all(one.spec.on_violation is OnViolation.KEEP for one in chosen)
    assert pod.template_since is not None
    assert old.grace_until is not None
    assert (
        pod.template_since < now < old.grace_until <= now + min((one.grace for one in chosen), default=GRACE)
    )
    assert old.valid_until is not None
    assert old.valid_until <= old.grace_until


@given(evidence, pods, several, hours, st.sampled_from(WORSENINGS), any_policy)
@settings(max_examples=50)
def test_neither_worse_evidence_nor_one_more_policy_begins_a_period(
    manifest: Manifest, pod: Subject, chosen: list[Policy], now: datetime, worsen: Worsening, more: Policy
) -> None:
    """Nothing that makes a refusal stronger may turn it into a warning."""
    if not decide(pod, [manifest], chosen, now).allowed:
        assert not decide(pod, [worsen(manifest, now)], chosen, now).allowed
        if chosen:
            assert not decide(pod, [manifest], [*chosen, more], now).allowed


@given(evidence, pods, several, hours, hours)
@settings(max_examples=50)
def test_a_verdict_holds_until_the_period_ends(
    manifest: Manifest, pod: Subject, chosen: list[Policy], now: datetime, then: datetime
) -> None:
    first = decide(pod, [manifest], chosen, now)
    if then >= now and (first.valid_until is None or then < first.valid_until):
        assert decide(pod, [manifest], chosen, then).findings == first.findings
