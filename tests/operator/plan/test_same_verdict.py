"""The webhook judges a ModelDeployment, its Deployment, its ReplicaSets and its pods alike.

Otherwise a model that was let in would be stopped half-way, or pods would run that were not let in. Where
the judges differ by design, the difference is tested here, and never lets anything run: either the
ModelDeployment is judged more strictly, so that nothing is ever planned for it, or its Deployment is.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from actgate.decision import Manifest, Outcome, Policy, Verdict, decide
from actgate.subjects.workload import Workload
from actgate_operator.plan import plan
from tests.decision.build import NOW, PASSING, manifest, policy
from tests.decision.strategies import moments, near_misses, policies
from tests.operator.plan.build import EVIDENCE, Json, model_deployment, overlaid, serving
from tests.operator.plan.strategies import BOUND_IMAGE, OTHER_IMAGE, model_deployments
from tests.subjects.objects import REGION, required, term

PARIS = {"provider": "aws", "region": "eu-west-3"}
BOUND = manifest(images=(BOUND_IMAGE,))
everywhere = policies(selector=st.just({}))


def copies(asked: Json) -> dict[str, Json]:
    """Return what the API server asks the webhook about when a model is started."""
    deployment = plan(asked, EVIDENCE).deployment
    spec, metadata = deployment["spec"], deployment["metadata"]
    template = spec["template"]
    child = {"name": f"{metadata['name']}-7d4b9c", "namespace": metadata["namespace"]}
    return {
        "Deployment": deployment,
        # The deployment controller hands its annotations on to ReplicaSets.
        "ReplicaSet": deployment | {"kind": "ReplicaSet", "metadata": metadata | child},
        "Pod": {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {**template["metadata"], **child},
            "spec": template["spec"],
        },
    }


def judged(obj: Json, evidence: Manifest | None, chosen: list[Policy], now: Any = NOW) -> Verdict:  # noqa: ANN401
    """Return the verdict about an object; every object of a model is asked about."""
    assert Workload(obj).judged
    return decide(Workload(obj).subject(), [evidence] if evidence is not None else [], chosen, now)


def reasons(verdict: Verdict) -> set[tuple[str, str]]:
    """Return which rules found something, with which effect."""
    return {(finding.rule, finding.effect.value) for finding in verdict.findings}


def strictness(asked: Json, chosen: list[Policy], evidence: Manifest = PASSING) -> tuple[Outcome, Outcome]:
    """Return how a ModelDeployment and its workloads are judged; all workloads are judged alike."""
    own = judged(asked, evidence, chosen).outcome
    (theirs,) = {judged(obj, evidence, chosen).outcome for obj in copies(asked).values()}
    return own, theirs


def without_digests(chosen: list[Policy]) -> list[Policy]:
    """Return policies that require no digest: a workload has one in its images, see below."""
    return [policy_ for policy_ in chosen if not policy_.spec.evidence.require_digest]


@given(
    model_deployments,
    near_misses | st.just(PASSING),
    st.lists(everywhere, max_size=2).map(without_digests),
    st.just(NOW) | moments,
)
def test_a_model_and_all_that_runs_for_it_are_judged_alike(
    asked: Json,
    evidence: Manifest,
    chosen: list[Policy],
    now: Any,  # noqa: ANN401 - aware or naive moment
) -> None:
    """The same outcome, by the same rules, on the same evidence."""
    linked = evidence if asked["spec"]["complianceManifestRef"]["name"] == evidence.name else None
    own = judged(asked, linked, chosen, now)
    event(own.outcome)
    for kind, obj in copies(asked).items():
        theirs = judged(obj, linked, chosen, now)
        assert (theirs.outcome, reasons(theirs)) == (own.outcome, reasons(own)), kind
        assert (theirs.manifest_digests, theirs.valid_until) == (own.manifest_digests, own.valid_until)


@given(model_deployments)
def test_evidence_is_found_by_the_same_name(asked: Json) -> None:
    """Every object of a model refers to its manifest and names its model."""
    own = Workload(asked).subject()
    for obj in copies(asked).values():
        theirs = Workload(obj).subject()
        assert (theirs.namespace, theirs.links, theirs.model) == (
            own.namespace,
            own.links,
            own.model,
        )
        assert {image for _, image in theirs.images} == {image for _, image in own.images}


def test_a_replaced_image_is_judged_though_it_will_not_run() -> None:
    """Both images are judged, also the one that will not run."""
    above = overlaid(containers=[{"name": "server", "image": BOUND_IMAGE}])
    asked = model_deployment(server=serving(image=OTHER_IMAGE), podTemplate=above)
    assert strictness(asked, [], BOUND) == (Outcome.FAIL, Outcome.PASS)


def test_a_required_digest_is_asked_of_a_model_though_its_images_have_one() -> None:
    """The model of a workload is in its images; a ModelDeployment may load it from elsewhere."""
    asked = model_deployment(model={"name": "CreditRiskScorer"}, server=serving(image=BOUND_IMAGE))
    required_digest = policy(evidence={"requireDigest": True})
    assert strictness(asked, [required_digest], BOUND) == (Outcome.FAIL, Outcome.PASS)


def test_an_open_alternative_is_refused_though_the_placement_closes_it() -> None:
    """The overlay is read alone; in the Deployment the placement closes every alternative."""
    asked = model_deployment(
        placement={"regions": [PARIS]},
        podTemplate=overlaid(**required(term(REGION, "In", "eu-west-3"), term("arch", "In", "arm64"))),
    )
    assert strictness(asked, []) == (Outcome.FAIL, Outcome.PASS)


def test_a_placement_without_provider_is_refused_though_the_overlay_names_one() -> None:
    """`spec.placement` states its providers itself; nodes have one annotation for all."""
    asked = model_deployment(
        placement={"regions": [{"region": "eu-west-1"}]},
        podTemplate={"metadata": {"annotations": {"actgate.dev/provider": "aws"}}},
    )
    assert strictness(asked, []) == (Outcome.FAIL, Outcome.PASS)


@pytest.mark.parametrize("other", [{"provider": "azure", "region": "northeurope"}, {"region": "eu-north-1"}])
def test_a_code_that_is_ambiguous_alone_is_refused_in_pods_of_several_providers(
    other: Json,
) -> None:
    """A node's label names its region without the provider: eu-west-1 alone is also Alibaba's London."""
    asked = model_deployment(placement={"regions": [{"provider": "aws", "region": "eu-west-1"}, other]})
    assert strictness(asked, []) == (Outcome.PASS, Outcome.FAIL)


def test_an_overlay_that_selects_nodes_of_another_provider_is_refused_in_pods() -> None:
    """No node can have both labels; the pods could never be scheduled."""
    asked = model_deployment(
        placement={"regions": [{"provider": "azure", "region": "northeurope"}]},
        podTemplate={
            "metadata": {"annotations": {"actgate.dev/provider": "aws"}},
            "spec": {"nodeSelector": {REGION: "eu-west-1"}},
        },
    )
    assert strictness(asked, []) == (Outcome.PASS, Outcome.FAIL)


def test_pods_that_match_no_node_are_refused_where_regions_are_required() -> None:
    """A term that is empty matches nothing, so the pods name no region and could never be scheduled."""
    asked = model_deployment(placement={"regions": [PARIS]}, podTemplate=overlaid(**required({})))
    assert strictness(asked, [policy(residency={"serving": "Require"})]) == (Outcome.PASS, Outcome.FAIL)


def test_a_provider_stated_on_the_model_deployment_itself_is_handed_on() -> None:
    """The gate reads the overlay's node labels by it, and must read the pods' alike."""
    asked = model_deployment(
        annotations={"actgate.dev/provider": "aws"},
        podTemplate=overlaid(nodeSelector={REGION: "eu-west-1"}),
    )
    assert strictness(asked, []) == (Outcome.PASS, Outcome.PASS)
