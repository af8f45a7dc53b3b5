"""What a scan says about the subjects of a cluster."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from actgate.api.exemption import ExemptSubject
from actgate.api.names import EXEMPT_LABEL, NAMESPACE_NAME_LABEL, OUTSIDE_NAMESPACES
from actgate.decision import Outcome
from actgate.decision.exemptions import Exemption
from actgate.scan.candidates import Tier
from actgate.scan.judging import Evidence, scan
from actgate.scan.summary import RuleCount, summarise
from tests.decision.build import NOW, PASSING, policy
from tests.scan.objects import inference_service, kept, server

STRICT: Final = policy("strict", detection={"strong": "Deny", "likely": "Warn"})


def test_a_cluster_without_anything_of_actgate_is_judged_by_the_baseline() -> None:
    found = scan(kept(server("Deployment", "llm"), inference_service("credit")), Evidence(), NOW)
    outcomes = {one.subject.name: (one.tier, one.verdict.outcome) for one in found.judged}
    assert outcomes == {"llm": (Tier.STRONG, Outcome.WARN), "credit": (Tier.DECLARED, Outcome.FAIL)}
    assert {policy for one in found.judged for policy in one.verdict.policies} == {"baseline"}


def test_an_empty_cluster_has_no_subject() -> None:
    found = scan([], Evidence(), NOW)
    counts = summarise(found.judged)
    assert (found.judged, found.outside, counts.judged, counts.next_change) == ((), (), 0, None)
    assert set(counts.outcomes.values()) == {0}


def test_a_policy_selects_by_the_labels_of_the_namespace() -> None:
    selecting = policy(
        "team", namespaceSelector={"matchLabels": {"team": "credit"}}, detection={"strong": "Deny"}
    )
    objects = kept(server("Deployment", "llm"))
    for labels, outcome in (({"team": "credit"}, Outcome.FAIL), ({"team": "other"}, Outcome.WARN)):
        evidence = Evidence(policies=(selecting,), labels={"credit": labels})
        (one,) = scan(objects, evidence, NOW).judged
        assert one.verdict.outcome is outcome
    by_name = policy("name", namespaceSelector={"matchLabels": {NAMESPACE_NAME_LABEL: "credit"}})
    (one,) = scan(objects, Evidence(policies=(by_name,)), NOW).judged
    assert one.verdict.policies == ("name",)


@pytest.mark.parametrize("namespace", [*OUTSIDE_NAMESPACES, "free"])
def test_what_the_gate_does_not_see_is_listed_and_not_judged(namespace: str) -> None:
    obj = server("Deployment", "llm")
    obj["metadata"]["namespace"] = namespace
    evidence = Evidence(policies=(STRICT,), labels={"free": {EXEMPT_LABEL: "true"}})
    found = scan(kept(obj), evidence, NOW)
    assert found.judged == ()
    (one,) = found.outside
    assert (one.subject.name, one.tier, bool(one.why)) == ("llm", Tier.STRONG, True)


def test_evidence_is_looked_for_in_the_own_namespace() -> None:
    obj = server("Deployment", "llm")
    obj["spec"]["template"]["metadata"] = {
        "annotations": {
            "actgate.dev/compliance-manifest": PASSING.name,
            "actgate.dev/model": "CreditRiskScorer",
        }
    }
    same = {("credit", PASSING.name): PASSING}
    other = {("other", PASSING.name): replace(PASSING, namespace="other")}
    for manifests, missing in ((same, False), (other, True)):
        (one,) = scan(kept(obj), Evidence(manifests), NOW).judged
        assert ("link/manifest" in one.verdict.failed_rules) is missing


def test_the_counts_are_by_outcome_rule_tier_and_namespace() -> None:
    there = server("Deployment", "there")
    there["metadata"]["namespace"] = "apart"
    objects = kept(server("Deployment", "a"), server("Deployment", "b"), inference_service("c"), there)
    exempt = ExemptSubject(api_group="apps", kind="Deployment", namespace="credit", name="b")
    until = NOW + timedelta(days=3)
    exemption = Exemption("b-for-now", (exempt,), frozenset({"inference/undeclared"}), NOW, until)
    found = scan(objects, Evidence(policies=(STRICT,), exemptions=(exemption,)), NOW)
    counts = summarise(found.judged)
    assert [one.subject.name for one in found.judged] == ["there", "a", "b", "c"]
    assert (counts.judged, counts.next_change) == (4, until)
    assert counts.outcomes == {Outcome.PASS: 0, Outcome.WARN: 1, Outcome.FAIL: 3}
    assert counts.tiers == {Tier.DECLARED: 1, Tier.STRONG: 3, Tier.LIKELY: 0}
    assert counts.rules["inference/undeclared"] == RuleCount(denied=2, exempted=1)
    assert counts.rules["inference/undeclared"].subjects == 3
    assert counts.namespaces["apart"] == {Outcome.PASS: 0, Outcome.WARN: 0, Outcome.FAIL: 1}
