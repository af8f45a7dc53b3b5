"""KServe end to end: an InferenceService through the webhook, and everything that controllers make of it.

The test is the controllers: it creates what they create, with the labels, annotations and owners that they
write. With KServe's own controller nothing else would reach the webhook.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from actgate_sandbox.rest import Reply, Rest, install_crds
from demo.examples import load_all
from tests.support import kserve
from tests.support.crds import ROOT, create
from tests.support.waiting import wait_until
from tests.webhook.build import MANIFEST, Json, changed, manifest_object
from tests.webhook.guarding import Guarded

EXAMPLES = Path(__file__).parents[2] / "examples" / "kserve"
PLACE = "metadata.annotations[actgate.dev/compliance-manifest]"
BARE: Json = {"annotations": {}}


class Cluster:
    """A guarded namespace in which KServe's objects are created."""

    def __init__(self, guarded: Guarded) -> None:
        self.guarded = guarded

    def ask(self, obj: Json, **query: str) -> Reply:
        """Create an object; every answer is returned."""
        root = "apis" if "/" in obj["apiVersion"] else "api"
        path = f"/{root}/{obj['apiVersion']}/namespaces/{self.guarded.namespace}/{obj['kind'].lower()}s"
        return self.guarded.rest("POST", path, obj, **query)

    def create(self, obj: Json) -> Json:
        """Create an object that must be admitted, and return it as stored."""
        reply = self.ask(obj)
        assert reply.status == 201, (obj["kind"], reply)
        return dict(reply.body)

    def refused(self, obj: Json) -> str:
        """Return why an object is not admitted."""
        reply = self.ask(obj)
        assert reply.status == 403, (obj["kind"], reply)
        return str(reply.message)


@pytest.fixture
def cluster(rest: Rest, request: pytest.FixtureRequest) -> Cluster:
    """A namespace with evidence, before the webhook, in a cluster that has KServe and Knative."""
    install_crds(rest, kserve.DEFINITIONS)
    guarded: Guarded = request.getfixturevalue("guarded")
    assert guarded.create(manifest_object()).status == 201
    found = Cluster(guarded)
    probe = kserve.inference_service(name="probe")
    wait_until(lambda: found.ask(probe).status == 201)
    # By now the API server asks about the new kinds, too.
    wait_until(lambda: found.ask(kserve.inference_service(name="probe-bare", **BARE)).status == 403)
    return found


def standard(cluster: Cluster, top: Json) -> Json:
    """Create what the mode Standard makes of an InferenceService, up to the ReplicaSet; return that."""
    made = cluster.create(kserve.deployment(top))
    cluster.create(kserve.service(top))
    cluster.create(kserve.autoscaler(top))
    return cluster.create(kserve.replica_set(made))


def knative(cluster: Cluster, top: Json) -> Json:
    """Create what KServe and Knative make of an InferenceService, up to the ReplicaSet; return that."""
    made = cluster.create(kserve.knative_service(top))
    made = cluster.create(kserve.configuration(made))
    made = cluster.create(kserve.revision(made))
    return cluster.create(kserve.replica_set(cluster.create(kserve.revision_deployment(made))))


def unlinked(obj: Json) -> Json:
    """Return an object whose pods carry no annotation of actgate: KServe can be configured so."""
    copied = copy.deepcopy(obj)
    kept = copied["metadata"].get("annotations") or {}
    copied["metadata"]["annotations"] = {key: kept[key] for key in kept if not key.startswith("actgate.dev/")}
    if "template" in copied["spec"]:
        pods = copied["spec"]["template"]["metadata"]
        pods["annotations"] = {
            key: value for key, value in pods["annotations"].items() if not key.startswith("actgate.dev/")
        }
    return copied


@contextmanager
def policy(cluster: Cluster, **spec: object) -> Iterator[None]:
    """Have a CompliancePolicy apply to the namespace until the block ends."""
    rest, name = cluster.guarded.rest, f"kserve-{cluster.guarded.namespace}"
    selector = {"matchLabels": {"kubernetes.io/metadata.name": cluster.guarded.namespace}}
    assert create(rest, "CompliancePolicy", name, {"namespaceSelector": selector, **spec}).status == 201
    try:
        yield
    finally:
        assert rest("DELETE", f"{ROOT}/compliancepolicies/{name}").status == 200


@pytest.mark.parametrize("mode", [standard, knative])
def test_an_inference_service_with_evidence_runs(
    cluster: Cluster, mode: Callable[[Cluster, Json], Json]
) -> None:
    """In either deployment mode, with the storage initializer that KServe's own webhook adds to the pods."""
    below = mode(cluster, cluster.create(kserve.inference_service()))
    stored = cluster.create(kserve.pod(below))
    assert [item["name"] for item in stored["spec"]["initContainers"]] == ["storage-initializer"]


def test_the_examples_are_answered_as_they_say(cluster: Cluster) -> None:
    """Those of docs/kserve.md, by the API server as by ``actgate check``."""
    examples = {one.name: one for one in load_all(EXAMPLES, datetime.now(UTC))}
    evidence, service = examples["accepted"].documents
    assert cluster.guarded.delete("ComplianceManifest", MANIFEST).status == 200
    wait_until(lambda: cluster.ask(service, dryRun="All").warnings)
    cluster.create(evidence)
    wait_until(lambda: cluster.ask(examples["another-model"].documents[-1], dryRun="All").status == 403)
    for example in examples.values():
        reply = cluster.ask(example.documents[-1], dryRun="All")
        assert (reply.status == 403) is (example.outcome == "Fail"), (example.name, reply)
        if example.outcome == "Fail":
            assert all(rule in reply.message for rule in example.rules), (example.name, reply)


def test_an_inference_service_without_evidence_is_refused_with_the_place_of_the_link(
    cluster: Cluster,
) -> None:
    """Before KServe makes anything of it: its users read no logs of a controller."""
    message = cluster.refused(kserve.inference_service(**BARE))
    assert message.startswith('admission webhook "serving.actgate.dev" denied the request: link/manifest')
    assert f"set {PLACE} to the name of a ComplianceManifest" in message
    message = cluster.refused(
        kserve.inference_service(annotations={**kserve.LINK, "actgate.dev/model": "Other"})
    )
    assert "link/model" in message
    labelled = kserve.inference_service(labels={"actgate.dev/inference": "false"}, **BARE)
    assert "link/manifest" in cluster.refused(labelled)


def test_a_link_that_is_not_passed_on_is_found_through_the_owners(cluster: Cluster) -> None:
    """By the pods of a Deployment, of the Deployment of a Knative revision, and by both Deployments."""
    top = cluster.create(kserve.inference_service())
    made = cluster.create(unlinked(kserve.deployment(top)))
    below = cluster.create(kserve.replica_set(made))
    cluster.create(kserve.pod(below, injected=False))
    service = cluster.create(unlinked(kserve.knative_service(top)))
    revision = cluster.create(kserve.revision(cluster.create(kserve.configuration(service))))
    below = cluster.create(kserve.replica_set(cluster.create(kserve.revision_deployment(revision))))
    cluster.create(kserve.pod(below, injected=False))


def test_what_is_injected_into_a_pod_without_a_link_must_be_known(cluster: Cluster) -> None:
    """A policy says so by name and repository; else a pod could bring anything under its owner's link."""
    top = cluster.create(kserve.inference_service())
    below = cluster.create(kserve.replica_set(cluster.create(unlinked(kserve.deployment(top)))))
    message = cluster.refused(kserve.pod(below))
    assert "neither in the template of its owner nor an injected container" in message
    image = kserve.INITIALIZER_IMAGE.partition("@")[0]
    with policy(cluster, injectedContainers=[{"name": "storage-initializer", "image": image}]):
        wait_until(lambda: cluster.ask(kserve.pod(below)).status == 201)
        other = changed(kserve.pod(below), "spec.initContainers.0.image", "registry.example/other:1")
        assert "injected" in cluster.refused(changed(other, "metadata.name", "other"))


def test_children_under_withdrawn_evidence_are_refused_in_the_name_of_the_service(cluster: Cluster) -> None:
    """Each says which object answers for it, and where that one links its evidence."""
    top = cluster.create(kserve.inference_service())
    made = cluster.create(unlinked(kserve.deployment(top)))
    below = cluster.create(kserve.replica_set(made))
    assert cluster.guarded.delete("ComplianceManifest", MANIFEST).status == 200
    other = changed(unlinked(kserve.deployment(top)), "metadata.name", "other")
    for child in (kserve.pod(below, injected=False), other):
        # In a dry run a missing manifest is a warning.
        wait_until(lambda child=child: "link/manifest" in str(cluster.ask(child, dryRun="All").warnings))  # type: ignore[misc]
        message = cluster.refused(child)
        assert f'not found in namespace "{cluster.guarded.namespace}"' in message
        assert f'(of InferenceService "scorer", which owns the {child["kind"]})' in message
        assert PLACE in message
    # What cannot run a model is none of ours, whatever it belongs to.
    cluster.create(kserve.service(top))
    cluster.create(kserve.autoscaler(top))


def test_a_child_that_claims_another_service_gets_nothing_of_it(cluster: Cluster) -> None:
    """An owner reference with a uid that is made up, and one to a service that is not there."""
    top = cluster.create(kserve.inference_service())
    forged = copy.deepcopy(top)
    forged["metadata"]["uid"] = "7f1c8a9e-3c57-4a54-9d0c-0d4f2a4f4f10"
    nowhere = copy.deepcopy(forged)
    nowhere["metadata"]["name"] = "nowhere"
    with policy(cluster, detection={"strong": "Deny"}):
        for owner, why in ((forged, "it has another uid"), (nowhere, "does not exist in its namespace")):
            child = unlinked(kserve.deployment(owner))
            wait_until(lambda child=child: cluster.ask(child, dryRun="All").status == 403)  # type: ignore[misc]
            assert why in cluster.refused(child)
        cluster.create(unlinked(kserve.deployment(top)))
