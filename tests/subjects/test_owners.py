"""Chains of owners: which references count, and what they lend."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from actgate.decision import Subject
from actgate.subjects.owners import MOST_HOPS, Chain, Walk, controller_of, owned, owner_object
from actgate.subjects.reading import package_table, reading
from tests.lookup.owned import (
    LINK,
    SERVER,
    controlled_by,
    deployment,
    inference_service,
    of_a_service,
    pod,
    replica_set,
    template,
)
from tests.lookup.owned import owned as object_of

Json = dict[str, Any]
TABLE = package_table()


def chain_of(obj: Json, cluster: Iterable[Json]) -> Chain:
    """Walk the owners of an object among those of a cluster."""
    there = {(one["apiVersion"], one["kind"], one["metadata"]["name"]): one for one in cluster}
    walk = Walk(obj, TABLE)
    while (wanted := walk.wanted) is not None:
        version = f"{wanted.group}/{wanted.version}" if wanted.group else wanted.version
        found = there.get((version, wanted.kind, wanted.name))
        walk.take(None if found is None else owner_object(found, walk.row(wanted)))
    return walk.chain


def judged(obj: Json, *cluster: Json) -> Subject:
    """Return the subject of an object with what its owners lend."""
    row = TABLE.row_of(obj)
    read = reading(obj)
    assert row is not None
    assert read is not None
    return owned(read.subject(), chain_of(obj, cluster), obj, row)


def test_a_pod_has_the_link_of_the_object_on_top_of_its_chain() -> None:
    """Two kinds have no field for annotations of their pods, and most do not pass on their own."""
    top, middle, below, of_service = of_a_service()
    for child, above in ((of_service, (top, middle, below)), (below, (top, middle)), (middle, (top,))):
        subject = judged(child, *above)
        assert subject.lent is not None
        assert (subject.lent.owner.kind, subject.lent.owner.name) == ("InferenceService", "scorer")
        assert [link.manifest for link in subject.lent.links] == ["credit-risk-scorer-v2"]
        assert subject.lent.model is not None
        assert subject.lent.model.name == "CreditRiskScorer"
        assert subject.lent.reference_path == "metadata.annotations[actgate.dev/compliance-manifest]"
        assert subject.declared
        assert subject.links == ()
        assert subject.images


FORGED: dict[str, Json] = {
    "another uid": {"uid": "0"},
    "no such name": {"name": "other"},
    "another kind": {"kind": "StatefulSet"},
    "a kind that is not known": {"apiVersion": "example.com/v1", "kind": "Foo"},
    "another group": {"apiVersion": "extensions/v1"},
    "no controller": {"controller": False},
    "a controller in words": {"controller": "true"},
    "no uid": {"uid": None},
    "no version": {"apiVersion": "apps/"},
}


def test_a_forged_owner_lends_nothing() -> None:
    """Anyone may write ownerReferences: each that is not wholly true leaves the pod alone."""
    top, middle, below, of_service = of_a_service()
    for what, change in FORGED.items():
        of_service["metadata"]["ownerReferences"] = controlled_by(below, **change)
        assert judged(of_service, top, middle, below).lent is None, what


def test_a_break_anywhere_in_a_chain_leaves_the_object_alone() -> None:
    """Half a chain is no weaker lie than a whole one: a ReplicaSet can be forged as a pod can."""
    top, middle, below, of_service = of_a_service()
    for missing in (top, middle, below):
        subject = judged(of_service, *(one for one in (top, middle, below) if one is not missing))
        assert subject.lent is None
        assert subject.alone.endswith("does not exist in its namespace")
    recreated = inference_service(uid="new")
    assert "another object: it has another uid" in judged(of_service, recreated, middle, below).alone


def test_a_cycle_and_a_chain_without_end_lend_nothing() -> None:
    """The API server takes both; a walk that does not end is an outage of the gate."""
    one, two = deployment(name="one", uid="1"), deployment(name="two", uid="2")
    one["metadata"]["ownerReferences"] = controlled_by(two)
    two["metadata"]["ownerReferences"] = controlled_by(one)
    assert judged(replica_set(one), one, two).alone == 'Deployment "one" owns itself'
    line = [deployment(name="d0", uid="u0")]
    for number in range(1, MOST_HOPS + 1):
        line.append(deployment(line[-1], name=f"d{number}", uid=f"u{number}"))
    assert judged(line[-1], *line[:-1]).lent is not None
    assert judged(replica_set(line[-1]), *line).alone == "it has more than 10 owners"


def test_a_chain_ends_at_a_kind_that_is_not_known() -> None:
    """An operator of one's own is no lie: the last object of a kind that is judged answers."""
    foreign = object_of("example.com/v1", "Foo", "x")
    middle = deployment(foreign)
    subject = judged(replica_set(middle), middle, foreign)
    assert subject.lent is not None
    assert subject.lent.owner.kind == "Deployment"


def test_a_kind_that_is_never_judged_answers_for_nothing() -> None:
    """It is passed on the way to the top, and is no top itself."""
    service = object_of(
        "serving.knative.dev/v1", "Service", "scorer", inference_service(), {"template": template()}
    )
    configuration = object_of("serving.knative.dev/v1", "Configuration", "scorer", service)
    revision = object_of("serving.knative.dev/v1", "Revision", "scorer-1", configuration)
    middle = deployment(revision)
    below = replica_set(middle)
    subject = judged(pod(below), below, middle, revision, configuration, service, inference_service())
    assert subject.lent is not None
    assert subject.lent.owner.kind == "InferenceService"
    del configuration["metadata"]["ownerReferences"]
    subject = judged(below, middle, revision, configuration)
    assert subject.lent is not None
    assert subject.lent.owner.kind == "Deployment"


def test_what_a_pod_runs_besides_its_template_is_named() -> None:
    """A policy says of each whether it was injected, so none may get lost, in whatever field it stands."""
    top, middle, below, _ = of_a_service()
    child = pod(
        below,
        {"name": "istio-proxy", "image": "istio/proxyv2:1"},
        initContainers=[{"name": "setup", "image": "a"}],
        ephemeralContainers=[{"name": "debug", "image": "b"}],
        volumes=[{"name": "server", "image": {"reference": "c"}}],
    )
    subject = judged(child, top, middle, below)
    assert subject.lent is not None
    assert {(one.path, one.name, one.image) for one in subject.lent.added} == {
        ("spec.containers[1].image", "istio-proxy", "istio/proxyv2:1"),
        ("spec.initContainers[0].image", "setup", "a"),
        ("spec.ephemeralContainers[0].image", "debug", "b"),
        ("spec.volumes[0].image.reference", "volumes/server", "c"),
    }


def test_a_container_with_another_image_than_the_template_s_leaves_the_pod_alone() -> None:
    """A pod that hangs itself under a ReplicaSet runs what it wants; so does an old ReplicaSet."""
    top, middle, below, _ = of_a_service()
    child = pod(below)
    child["spec"]["containers"][0]["image"] = "other"
    assert judged(child, top, middle, below).alone == (
        'spec.containers[0].image is not the image that ReplicaSet "scorer-1" states'
    )
    old = replica_set(middle, template({**SERVER, "image": "old"}))
    assert 'that Deployment "scorer" states' in judged(pod(old), top, middle, old).alone


def test_the_link_of_the_pod_template_is_that_of_the_deployment() -> None:
    """The plain case: nothing is read from the pod that its Deployment does not say."""
    top = deployment(pods=template(**LINK))
    below = replica_set(top)
    subject = judged(pod(below), top, below)
    assert subject.lent is not None
    assert subject.lent.links == subject.links
    assert subject.lent.reference_path.startswith("spec.template.metadata.annotations[")


json = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from(["apps/v1", "ReplicaSet", "x", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["apiVersion", "kind", "name", "uid", "controller", "metadata", "spec", "template"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(json, json)
def test_no_shape_of_references_or_owners_breaks_a_walk(references: object, found: object) -> None:
    """The objects of custom resources may have almost any shape in metadata of theirs."""
    obj: Json = {"apiVersion": "v1", "kind": "Pod", "metadata": {"ownerReferences": references}}
    controller_of(obj)
    row = TABLE.rows["apps", "ReplicaSet"]
    inner = found if isinstance(found, dict) else {"metadata": found}
    owner = owner_object(inner, row)
    walk = Walk({**obj, "metadata": {"ownerReferences": controlled_by(replica_set())}}, TABLE)
    walk.take(owner)
    assert walk.chain.top is None or owner.uid == "uid-of-replicaset-scorer-1"


def test_a_pod_is_compared_only_where_every_owner_says_what_its_pods_run() -> None:
    """An InferenceService does not, and arguments that load another model are not what a template says."""
    top = deployment(pods=template({**SERVER, "args": ["--model=a/b"]}))
    below = replica_set(top)
    same, other = pod(below), pod(below)
    other["spec"]["containers"][0]["args"] = ["--model=c/d"]
    service, middle, made, of_service = of_a_service()
    for child, above, compared in (
        (same, (top, below), True),
        (other, (top, below), False),
        (of_service, (service, middle, made), False),
    ):
        lent = judged(child, *above).lent
        assert lent is not None
        assert lent.compared is compared
