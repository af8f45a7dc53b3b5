"""Where a workload runs, read from what binds its pods to nodes."""

from __future__ import annotations

import pytest

from actgate.decision import Finding, Subject
from actgate.subjects.workload import Workload
from tests.decision.build import judge, manifest, policy
from tests.subjects.objects import REGION, TEMPLATE_PATHS, ZONE, Json, linked, required, term, workload


def codes(asking: Subject) -> list[str]:
    """Return the region codes of a subject's placement."""
    return [region.code for _, region in asking.placement or ()]


@pytest.mark.parametrize("kind", sorted(TEMPLATE_PATHS))
def test_placement_is_read_from_node_selector_and_required_affinity(kind: str) -> None:
    """Regions and zones that pods are bound to are where the model is served."""
    pod = {"nodeSelector": {ZONE: "eu-west-3a", REGION: "eu-west-3"}} | required(
        term(REGION, "In", "eu-central-1", "eu-west-3"), term(ZONE, "In", "eu-north-1a")
    )
    asking = Workload(workload(kind, pod)).subject()
    assert codes(asking) == ["eu-west-3", "eu-west-3a", "eu-central-1", "eu-west-3", "eu-north-1a"]
    assert asking.problems == ()


@pytest.mark.parametrize(
    "pod", [{}, {"nodeSelector": {"disk": "ssd"}}, required(term("arch", "In", "arm64"))]
)
def test_a_workload_that_may_run_anywhere_declares_no_placement(pod: Json) -> None:
    """No region is no declaration, which a policy may require."""
    asking = Workload(workload("Deployment", pod)).subject()
    assert (asking.placement, asking.problems) == (None, ())


def test_preferred_affinity_is_no_placement() -> None:
    """What the scheduler may ignore proves nothing."""
    preferred = [{"weight": 1, "preference": term(REGION, "In", "eu-west-3")}]
    affinity = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    assert Workload(workload("Deployment", {"affinity": affinity})).subject().placement is None


@pytest.mark.parametrize("operator", ["NotIn", "Exists", "DoesNotExist", "Gt", "Lt", None])
@pytest.mark.parametrize("key", [REGION, ZONE])
def test_an_affinity_that_names_no_allowed_region_is_a_problem(operator: str, key: str) -> None:
    """Everywhere but one region, or anywhere with a label, is an unknown place."""
    asking = Workload(workload("Deployment", required(term(key, operator, "us-east-1")))).subject()
    (problem,) = asking.problems
    assert problem.rule == "residency/serving"
    assert problem.path.endswith("nodeSelectorTerms[0].matchExpressions[0]")


@pytest.mark.parametrize(
    "open_term",
    [
        term("arch", "In", "arm64"),
        term("kubernetes.io/hostname", "NotIn", "node-1"),
        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-in-virginia"]}]},
        {"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["node-1"]}]},
    ],
    ids=["label", "NotIn", "matchFields", "matchFields NotIn"],
)
def test_an_alternative_that_names_no_region_leaves_the_placement_open(open_term: Json) -> None:
    """Node selector terms are alternatives: one without a region lets pods run anywhere."""
    pod = required(term(REGION, "In", "eu-west-3"), open_term)
    (problem,) = Workload(workload("Deployment", pod)).subject().problems
    assert problem.rule == "residency/serving"
    assert problem.path.endswith("nodeSelectorTerms[1]")


def test_an_alternative_everywhere_but_in_one_region_is_a_problem() -> None:
    """Beside a term in the EU, too: the scheduler takes whichever term a node matches."""
    pod = required(term(REGION, "In", "eu-west-3"), term(REGION, "NotIn", "us-east-1"))
    problems = Workload(workload("Deployment", pod)).subject().problems
    assert {problem.rule for problem in problems} == {"residency/serving"}
    assert any("nodeSelectorTerms[1]" in problem.path for problem in problems)


@pytest.mark.parametrize(
    "pod",
    [
        required(term(REGION, "In", "eu-west-3"), {}),
        {"nodeSelector": {REGION: "eu-west-3"}}
        | required(term(REGION, "In", "eu-west-3"), term("arch", "In", "arm64")),
    ],
)
def test_an_alternative_that_opens_nothing_is_no_problem(pod: Json) -> None:
    """An empty term matches no node, and a node selector holds for every alternative."""
    assert Workload(workload("Deployment", pod)).subject().problems == ()


def test_a_workload_abroad_is_refused_by_the_field_that_places_it() -> None:
    """The finding points into the pod template."""
    pod = {"nodeSelector": {REGION: "us-east-1"}}
    marks = linked(compliance_manifest="credit-risk-scorer-v2", model="CreditRiskScorer")
    (finding,) = judge(manifest(), Workload(workload("Deployment", pod, template=marks)).subject()).findings
    assert (finding.rule, finding.path) == (
        "residency/serving",
        f"spec.template.spec.nodeSelector[{REGION}]",
    )


def test_a_workload_that_declares_no_region_is_refused_where_one_is_required() -> None:
    """`serving: Require` asks plain workloads for a node selector."""
    marks = linked(compliance_manifest="credit-risk-scorer-v2", model="CreditRiskScorer")
    house = policy(residency={"serving": "Require"})
    (finding,) = judge(manifest(), Workload(workload("Job", template=marks)).subject(), house).findings
    assert isinstance(finding, Finding)
    assert "the Job must declare a region to run in" in finding.message


def test_the_provider_annotation_says_which_region_a_node_label_means() -> None:
    """eu-west-1 alone could be London; a pod template that names its provider means Dublin."""
    pod = {"nodeSelector": {REGION: "eu-west-1"}} | required(term(ZONE, "In", "eu-west-1a"))
    links = {"compliance_manifest": "credit-risk-scorer-v2", "model": "CreditRiskScorer"}
    alone = Workload(workload("Deployment", pod, template=linked(**links))).subject()
    assert "residency/serving" in judge(manifest(), alone).failed_rules
    named = Workload(workload("Deployment", pod, template=linked(**links, provider="aws"))).subject()
    assert {region.provider for _, region in named.placement or ()} == {"aws"}
    assert judge(manifest(), named).allowed
