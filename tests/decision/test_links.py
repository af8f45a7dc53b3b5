"""Objects that serve several models: each linked manifest is judged, whatever the others are worth."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Final

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from actgate.api.compliance_manifest import RiskCategory
from actgate.api.compliance_policy import Enforcement
from actgate.decision import Finding, Link, Manifest, Policy, Subject, Verdict, decide
from actgate.decision.manifest import ModelIdentity
from tests.decision.build import ASKING, LONDON, MODEL, NOW, PASSING, found, policy, refused_for, subject
from tests.decision.strategies import asking, identities, manifests, moments, near_misses, policies
from tests.decision.test_properties import shuffled

FRAUD: Final = replace(PASSING, name="fraud", model=ModelIdentity("Fraud"), digest=f"sha256:{'e' * 64}")
BOTH: Final = (Link(PASSING.name, MODEL.name), Link("fraud", "Fraud"))
SERVING: Final = subject(kind="Deployment", links=BOTH, model=None, placement=None)
SCORER_IMAGE: Final = f"registry.example/scorer@sha256:{'b' * 64}"
FRAUD_IMAGE: Final = f"registry.example/fraud@sha256:{'c' * 64}"


def judge(*evidence: Manifest, of: Subject = SERVING, under: tuple[Policy, ...] = ()) -> Verdict:
    """Decide at the moment of the tests; without policies the baseline applies."""
    return decide(of, evidence, under, NOW)


def test_every_linked_manifest_is_judged() -> None:
    """What one of them lacks refuses the object, and the finding says whose it is."""
    assert judge(PASSING, FRAUD).allowed
    finding = refused_for(judge(PASSING, replace(FRAUD, bias=())), "bias/missing")
    assert finding.about == "fraud"


def test_the_same_finding_about_two_manifests_stands_twice() -> None:
    """Each has to be fixed by itself."""
    expired = [replace(item, not_after=NOW) for item in (PASSING, FRAUD)]
    assert [item.about for item in found(judge(*expired), "evidence/expired")] == [PASSING.name, "fraud"]


def test_the_verdict_names_every_digest() -> None:
    """Sorted by name; a manifest that has none, or that does not exist, is not among them."""
    assert judge(FRAUD, PASSING).manifest_digests == (
        (PASSING.name, PASSING.digest),
        ("fraud", FRAUD.digest),
    )
    assert judge(PASSING).manifest_digests == ((PASSING.name, PASSING.digest),)
    assert judge(PASSING, replace(FRAUD, digest=None)).manifest_digests == ((PASSING.name, PASSING.digest),)


def test_each_link_needs_its_manifest() -> None:
    """`link/manifest`: one that exists does not stand in for one that does not."""
    assert 'ComplianceManifest "fraud" not found' in refused_for(judge(PASSING), "link/manifest").message
    assert len(found(judge(), "link/manifest")) == 2


def test_each_manifest_speaks_of_the_model_of_its_link() -> None:
    """`link/model`: manifests that are interchanged are about the wrong models, and are named."""
    swapped = (Link(PASSING.name, "Fraud"), Link("fraud", MODEL.name))
    messages = [
        item.message
        for item in found(judge(PASSING, FRAUD, of=replace(SERVING, links=swapped)), "link/model")
    ]
    assert messages == [
        'Invalid value: "CreditRiskScorer": must be "Fraud", the model name in the manifest "fraud"',
        'Invalid value: "Fraud": must be "CreditRiskScorer", '
        'the model name in the manifest "credit-risk-scorer-v2"',
    ]


def test_a_link_without_a_model_is_about_the_subjects_own() -> None:
    """Version and digest are compared wherever the names are the same, also where the link repeats it."""
    own = replace(SERVING, model=ModelIdentity(MODEL.name, "3"))
    for link in (Link(PASSING.name), Link(PASSING.name, MODEL.name)):
        refusal = refused_for(judge(PASSING, of=replace(own, links=(link,))), "link/model")
        assert 'Invalid value: "3": must be "2", the model version in the manifest' in refusal.message


def test_the_subjects_own_model_is_one_that_it_links() -> None:
    """`link/model`: evidence about other models says nothing about the one that the object names."""
    refusal = refused_for(
        judge(PASSING, FRAUD, of=replace(SERVING, model=ModelIdentity("Third"))), "link/model"
    )
    assert (refusal.message, refusal.path) == (
        'Invalid value: "Third": must be a model that a link is about',
        "spec.model",
    )
    assert judge(PASSING, FRAUD, of=replace(SERVING, model=ModelIdentity("Fraud"))).allowed


def test_an_image_is_assessed_where_any_linked_manifest_lists_it() -> None:
    """Each model comes with its own server; what was not assessed is refused all the same."""
    evidence = (replace(PASSING, images=(SCORER_IMAGE,)), replace(FRAUD, images=(FRAUD_IMAGE,)))
    both = replace(SERVING, images=(("a", SCORER_IMAGE), ("b", FRAUD_IMAGE)))
    assert judge(*evidence, of=both).allowed
    other = replace(both, images=(*both.images, ("c", f"registry.example/x@sha256:{'f' * 64}")))
    assert (
        "must be one of the images that the linked manifests list"
        in refused_for(judge(*evidence, of=other), "link/model").message
    )


def test_a_manifest_of_whose_images_none_runs_is_about_something_else() -> None:
    """`link/model`: its model would be served by an image that was assessed for another one."""
    evidence = (replace(PASSING, images=(SCORER_IMAGE,)), replace(FRAUD, images=(FRAUD_IMAGE,)))
    alone = replace(SERVING, images=(("a", SCORER_IMAGE),))
    assert (
        'Invalid value: "fraud": the Deployment must run one of the images'
        in refused_for(judge(*evidence, of=alone), "link/model").message
    )


@pytest.mark.parametrize("required", ["HighRisk", "MinimalRisk"])
def test_the_strictest_tier_counts_for_what_the_subject_does(required: str) -> None:
    """Serving is judged for the tier of every linked model, whatever order a policy sees in tiers."""
    minimal = replace(FRAUD, risk_category=RiskCategory.MINIMAL_RISK, classification=None)
    house = policy(residency={"requiredFor": [required], "training": "Ignore"})
    abroad = replace(SERVING, placement=(("spec.region", LONDON),))
    assert judge(PASSING, minimal, of=abroad, under=(house,)).failed_rules == ("residency/serving",)


def test_the_verdict_ends_with_the_first_that_ends() -> None:
    """The operator's timer is set to it."""
    first, last = NOW + timedelta(days=1), NOW + timedelta(days=2)
    evidence = (replace(PASSING, not_after=last), replace(FRAUD, not_after=first))
    assert judge(*evidence).valid_until == first


def test_two_models_of_one_manifest_are_one_too_many() -> None:
    """A manifest is about one model."""
    links = (Link(PASSING.name, MODEL.name), Link(PASSING.name, "Fraud"))
    assert judge(PASSING, of=replace(SERVING, links=links)).failed_rules == ("link/model",)


NAMES: Final = ("first", "second", "third")
evidence = (manifests | near_misses | st.just(PASSING)).map(lambda item: replace(item, namespace="credit"))
several = st.lists(evidence, min_size=1, max_size=3).map(
    lambda items: tuple(replace(item, name=name) for item, name in zip(items, NAMES, strict=False))
)
links = st.lists(
    st.builds(
        Link, st.sampled_from(NAMES), st.none() | st.just(MODEL.name) | identities.map(lambda item: item.name)
    ),
    min_size=1,
    max_size=4,
).map(tuple)
everywhere = policies(selector=st.just({}))


def is_spread(finding: Finding, asked: Subject, others: tuple[Manifest, ...]) -> bool:
    """Return whether a finding is about what may be spread over several manifests (ADR 0018)."""
    digests = {image.rpartition("@")[2] for manifest in others for image in manifest.images}
    images = {path for path, image in asked.images if image.rpartition("@")[2] in digests}
    return finding.path in images or finding.message.endswith("must be a model that a link is about")


@given(several, asking, links, st.lists(everywhere, max_size=2), moments)
def test_several_links_never_allow_what_one_of_them_alone_refuses(
    linked: tuple[Manifest, ...],
    subject: Subject,
    chosen_links: tuple[Link, ...],
    chosen: list[Policy],
    now: datetime,
) -> None:
    """Another manifest makes up for nothing but an image, or the subject's own model, that it speaks of."""
    together = decide(replace(subject, links=chosen_links), linked, chosen, now)
    for link in chosen_links:
        asked = replace(subject, links=(link,))
        alone = decide(asked, linked, chosen, now)
        others = tuple(item for item in linked if item.name != link.manifest)
        denials = [item for item in alone.findings if item.effect is Enforcement.DENY]
        event(f"{alone.outcome} alone, {together.outcome} together")
        if any(not is_spread(item, asked, others) for item in denials):
            assert not together.allowed
        assert alone.valid_until is None or (together.valid_until or now) <= alone.valid_until


@given(several, asking, links, st.lists(everywhere, max_size=2), moments, st.randoms(use_true_random=False))
def test_the_order_of_links_and_manifests_does_not_matter(
    linked: tuple[Manifest, ...],
    subject: Subject,
    chosen_links: tuple[Link, ...],
    chosen: list[Policy],
    now: datetime,
    dice: Random,
) -> None:
    """Nor does a duplicate link."""
    first = decide(replace(subject, links=chosen_links), linked, chosen, now)
    other = (*shuffled(dice, chosen_links), chosen_links[0])
    if len(set(chosen_links)) > 1:
        assert decide(replace(subject, links=other), shuffled(dice, linked), chosen, now) == first


@given(several, asking, st.lists(everywhere, max_size=2), moments)
def test_evidence_that_is_not_linked_counts_for_nothing(
    linked: tuple[Manifest, ...], subject: Subject, chosen: list[Policy], now: datetime
) -> None:
    """Whatever else is handed in: without a link there is none, with one there is that one."""
    nothing = replace(subject, links=())
    assert decide(nothing, linked, chosen, now) == decide(nothing, (), chosen, now)
    one = replace(subject, links=(Link(NAMES[0]),))
    assert decide(one, linked, chosen, now) == decide(one, linked[:1], chosen, now)
    assert ASKING.links == (Link(PASSING.name),)
