"""What is read of a controller's Event, and the words of what is reported."""

from __future__ import annotations

from actgate.decision.rules import BY_ID
from actgate.subjects.owners import Chain, owner_object
from actgate.subjects.reading import package_table
from actgate_operator.refused.denials import Denial, denial_of, reported
from tests.lookup.owned import deployment, inference_service, of_a_service, owned, replica_set
from tests.operator.refused.claims import Json, claim, denied


def chain_of(*owners: Json) -> Chain:
    """Return the chain of owners, the nearest first."""
    found = []
    for owner in owners:
        row = package_table().row_of(owner)
        assert row is not None
        found.append(owner_object(owner, row))
    return Chain(tuple(found))


def denial(maker: Json, *rules: str) -> Denial:
    """Return the claim that children of an object are refused by rules."""
    found = denial_of(claim(maker, denied(f"{', '.join(rules)}: fix it")))
    assert found is not None
    return found


def test_a_refusal_of_the_webhook_is_read() -> None:
    """The rules of its headline, and those of the findings below it that the headline has no room for."""
    found = denial_of(claim(replica_set()))
    assert found is not None
    assert found.rules == ("link/manifest", "link/model", "bias/limit")
    assert (found.namespace, str(found.maker)) == ("credit", 'ReplicaSet "scorer-1"')
    shortened = denied("bias/limit, bias/sample and 3 more: count more\n[bias/count")
    assert denial(replica_set(), "bias/limit").rules == ("bias/limit",)
    found = denial_of(claim(replica_set(), shortened))
    assert found is not None
    assert found.rules == ("bias/limit", "bias/sample")


def test_what_is_no_refusal_of_ours_is_left_alone() -> None:
    """A quota, another webhook, an outage of ours, rules that do not exist, and what has not the form."""
    maker = replica_set()
    for event in (
        claim(maker, "Error creating: pods is forbidden: exceeded quota"),
        claim(maker, denied(webhook="validate.example.com")),
        claim(maker, denied(webhook="actgate.dev.example.com")),
        claim(maker, denied("evidence is temporarily unavailable, retry: no contact")),
        claim(maker, denied("the object is invalid: metadata: Required value")),
        claim(maker, denied("no/rule, other/thing: do it")),
        claim(maker, namespace="other"),
        claim(maker, namespace=None),
        claim(maker, apiVersion="apps/.."),
        claim(maker, uid=""),
        claim(maker, uid=7),
        claim(maker, name="a" * 254),
        claim(maker, uid="a" * 254),
        claim(replica_set(namespace="kube-system")),
        {**claim(maker), "note": None},
        {**claim(maker), "regarding": None},
    ):
        assert denial_of(event) is None, event


def test_what_is_reported_names_the_place_of_the_link_for_that_kind() -> None:
    """Evidence of an InferenceService is linked in its metadata, that of a Deployment in its pod template."""
    top, middle, below, _ = of_a_service()
    found = reported(denial(below, "link/manifest"), chain_of(below, middle, top))
    assert found is not None
    assert found.top == {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"namespace": "credit", "name": "scorer", "uid": top["metadata"]["uid"]},
    }
    assert found.message == (
        'what ReplicaSet "scorer-1" creates is refused: link/manifest. InferenceService "scorer" answers for '
        "it and links its evidence in metadata.annotations[actgate.dev/compliance-manifest]. Fix "
        'link/manifest: apply ComplianceManifest "credit-risk-scorer-v2" to namespace "credit", or name one '
        "there that exists."
    )
    middle = deployment()
    below = replica_set(middle)
    found = reported(denial(below, "link/manifest"), chain_of(below, middle))
    assert found is not None
    place = "spec.template.metadata.annotations[actgate.dev/compliance-manifest]"
    assert f"links its evidence in {place}. Fix link/manifest: set {place} to the name of" in found.message


def test_every_rule_has_its_remediation_and_the_text_fits_into_an_event() -> None:
    """Three of them, whatever the Event said; events.k8s.io takes 1024 characters."""
    top = inference_service()
    middle = deployment(top)
    for rule in BY_ID:
        found = reported(denial(replica_set(middle), rule), chain_of(replica_set(middle), middle, top))
        assert found is not None
        assert f"is refused: {rule}." in found.message, rule
        assert rule == "link/manifest" or found.message.endswith(BY_ID[rule].remediation), rule
        assert len(found.message) <= 1024, rule


def test_an_object_that_has_the_controllers_event_gets_no_second_one() -> None:
    """A Job, or a ReplicaSet without an owner, is what the user reads; a ModelDeployment has a status."""
    job = owned("batch/v1", "Job", "batch", spec={"template": {"spec": {"containers": []}}})
    assert reported(denial(job, "link/manifest"), chain_of(job)) is None
    model = owned("actgate.dev/v1alpha1", "ModelDeployment", "credit-risk")
    middle = deployment(model)
    below = replica_set(middle)
    assert reported(denial(below, "link/manifest"), chain_of(below, middle, model)) is None
