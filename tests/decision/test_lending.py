"""What a verified chain of owners lends to a subject, and what it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from actgate.api.exemption import ExemptSubject
from actgate.api.inference_log import LogMode
from actgate.decision import Link, Policy
from actgate.decision.logged import Logged
from actgate.decision.manifest import ModelIdentity
from actgate.decision.subject import Added, Detection, Lent, Owner, Signal, SignalTier, Subject
from actgate.decision.verdict import Outcome, refusal
from tests.decision.build import ASKING, MODEL, PASSING, judge, manifest, policy
from tests.decision.test_exemptions import UNSUPERVISED, exemption
from tests.decision.test_exemptions import judged as exempted

ANNOTATION = "metadata.annotations[actgate.dev/compliance-manifest]"
SERVICE = Owner("serving.kserve.io", "InferenceService", "scorer")
LENT = Lent(
    owner=SERVICE,
    links=ASKING.links,
    model=MODEL,
    declared=True,
    reference_path=ANNOTATION,
    model_path="metadata.annotations[actgate.dev/model]",
)
POD = replace(
    ASKING,
    kind="Pod",
    name="scorer-x",
    links=(),
    model=None,
    reference_path="metadata.annotations[pod]",
    model_path="metadata.annotations[pod-model]",
    images=(("spec.containers[0].image", f"server@sha256:{'1' * 64}"),),
    lent=LENT,
)
SIDECAR = Added("spec.containers[1].image", "istio-proxy", "docker.io/istio/proxyv2:1.2")


def test_a_pod_passes_with_the_link_and_the_model_of_its_owner() -> None:
    verdict = judge(PASSING, POD)
    assert verdict.outcome is Outcome.PASS
    assert verdict.manifest_digests == ((PASSING.name, PASSING.digest),)


def test_a_chain_lends_the_evidence_with_all_that_is_wrong_with_it() -> None:
    """A chain exempts nothing: the pod is refused as its owner would be."""
    assert judge(manifest(oversight=None), POD).failed_rules == ("oversight/missing",)
    assert judge(None, POD).failed_rules == ("link/manifest",)
    assert judge(manifest(model=ModelIdentity("Other")), POD).failed_rules == ("link/model",)


def test_a_refusal_names_the_object_and_the_field_in_which_the_link_is_written() -> None:
    """The user never sees the pod, and many kinds do not pass annotations on to it."""
    unlinked = replace(POD, lent=replace(LENT, links=(), model=None))
    text = refusal(judge(PASSING, unlinked))
    assert text.startswith(f'link/manifest: in InferenceService "scorer", set {ANNOTATION} to the name of a ')
    assert '(of InferenceService "scorer", which owns the Pod)' in text
    detection = Detection(SignalTier.STRONG, (Signal("image/vllm", "spec.containers[0].image", "vllm"),))
    undeclared = replace(unlinked, declared=False, detection=detection)
    text = refusal(judge(PASSING, undeclared, policy(detection={"strong": "Deny"})))
    assert text.startswith(f'inference/undeclared: in InferenceService "scorer", set {ANNOTATION}')


def test_a_refusal_says_why_an_owner_does_not_count() -> None:
    alone = replace(POD, lent=None, alone='ReplicaSet "scorer-1" does not exist in its namespace')
    assert 'stands alone, since ReplicaSet "scorer-1" does not exist' in refusal(judge(PASSING, alone))


def test_a_link_or_a_model_that_differs_from_the_owner_s_is_refused() -> None:
    """Evidence of another model passes by itself; it must not stand in for that of the owner."""
    other = replace(POD, links=(Link("other"),))
    passes = replace(PASSING, name="other")
    assert judge(passes, other).failed_rules == ("link/manifest",)
    assert judge(passes, replace(other, lent=None, model=MODEL)).outcome is Outcome.PASS
    older = replace(POD, model=replace(MODEL, version="1"))
    assert judge(manifest(model=replace(MODEL, version="1")), older).failed_rules == ("link/model",)
    assert judge(PASSING, replace(POD, links=ASKING.links, model=MODEL)).outcome is Outcome.PASS


def test_an_owner_without_a_link_takes_none_away() -> None:
    """A Deployment under an object that states nothing is judged on the link of its own template."""
    own = replace(POD, links=ASKING.links, model=MODEL, lent=replace(LENT, links=(), model=None))
    assert judge(PASSING, own).outcome is Outcome.PASS


def with_sidecar(added: Added = SIDECAR) -> Subject:
    return replace(POD, lent=replace(LENT, added=(added,)), images=(*POD.images, (added.path, added.image)))


def injecting(name: str, image: str, of: str = "istio-proxy") -> Policy:
    return policy(name, injectedContainers=[{"name": of, "image": image}])


def test_a_pod_that_runs_more_than_its_template_is_lent_something_only_by_consent_of_all_policies() -> None:
    """Else anyone could run another model inside of a pod that has evidence."""
    one = injecting("a", "docker.io/istio/proxyv2")
    assert judge(PASSING, with_sidecar(), one).outcome is Outcome.PASS
    for policies in ((), (one, policy("b")), (one, injecting("b", "docker.io/istio/proxyv2", "other"))):
        verdict = judge(PASSING, with_sidecar(), *policies)
        assert verdict.failed_rules == ("link/manifest",), policies
        assert "spec.containers[1].image is neither in the template of its owner" in refusal(verdict)


def test_an_injected_container_is_known_by_its_repository_or_its_digest() -> None:
    """A prefix of a name is another repository, and a port is no tag."""
    digest = f"sha256:{'1' * 64}"
    for wanted, image, fits in (
        ("r:5000/proxy", "r:5000/proxy:1", True),
        ("r:5000/proxy", f"r:5000/proxy:1@{digest}", True),
        ("r:5000/proxy", "r:5000/proxy-other:1", False),
        ("r:5000/proxy", "r", False),
        ("proxy", "elsewhere/proxy", False),
        (f"r/proxy@{digest}", f"mirror/proxy@{digest}", True),
        (f"r/proxy@{digest}", "r/proxy:1", False),
    ):
        added = replace(SIDECAR, image=image)
        assert judge(PASSING, with_sidecar(added), injecting("a", wanted)).allowed is fits, (wanted, image)


def test_a_manifest_binds_no_image_of_an_injected_container() -> None:
    """Its digest changes with each release of the mesh, and no assessment is about it."""
    bound = manifest(images=(POD.images[0][1],))
    assert judge(bound, with_sidecar(), injecting("a", "docker.io/istio/proxyv2")).outcome is Outcome.PASS
    other = replace(with_sidecar(), images=(("spec.containers[0].image", SIDECAR.image),))
    assert judge(bound, other, injecting("a", "docker.io/istio/proxyv2")).failed_rules == ("link/model",)


def test_an_image_volume_is_never_injected() -> None:
    volume = replace(SIDECAR, name="volumes/istio-proxy")
    assert not judge(PASSING, with_sidecar(volume), injecting("a", "docker.io/istio/proxyv2")).allowed


def test_an_exemption_reaches_a_pod_only_through_owners_whose_templates_were_compared() -> None:
    """Anyone may hang a pod under an exempt InferenceService, of which nothing says what its pods run."""
    named = ExemptSubject(
        api_group=SERVICE.group, kind=SERVICE.kind, namespace=POD.namespace, name=SERVICE.name
    )
    one = exemption("oversight/missing", subjects=(named,))
    assert not exempted(one, POD, UNSUPERVISED).allowed
    compared = replace(POD, lent=replace(LENT, compared=True))
    assert exempted(one, compared, UNSUPERVISED).allowed
    more = replace(with_sidecar(), lent=replace(LENT, compared=True, added=(SIDECAR,)))
    assert not exempted(one, more, UNSUPERVISED).allowed


LOGGED = Logged(LogMode.EXTERNAL, "spec.predictor.logger", retention=timedelta(hours=4416))
LOGS = policy(logging={"requiredFor": ["HighRisk"]})


def test_a_pod_is_logged_as_its_owner_says_unless_it_says_so_itself() -> None:
    """Few kinds pass on how they are logged; a recorder must be in the pod, wherever it is stated."""
    plain = replace(POD, lent=replace(LENT, logging_path="spec.predictor.logger"))
    assert judge(PASSING, plain, LOGS).failed_rules == ("logging/enabled",)
    assert 'in InferenceService "scorer", set spec.predictor.logger' in refusal(judge(PASSING, plain, LOGS))
    logged = replace(plain, lent=replace(LENT, logging=LOGGED))
    assert judge(PASSING, logged, LOGS).outcome is Outcome.PASS
    short = replace(LOGGED, retention=timedelta(hours=1), stated_retention="1h")
    assert judge(PASSING, replace(logged, logging=short), LOGS).failed_rules == ("logging/retention",)
    kept = replace(logged, lent=replace(LENT, logging=short))
    assert '(of InferenceService "scorer", which owns the Pod)' in refusal(judge(PASSING, kept, LOGS))
    recorder = replace(logged, lent=replace(LENT, logging=replace(LOGGED, mode=LogMode.RECORDER)))
    assert judge(PASSING, recorder, LOGS).failed_rules == ("logging/enabled",)
