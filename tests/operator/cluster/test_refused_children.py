"""A child that the webhook refuses, and the Event on the object that a user wrote.

On the stand-in and on the real API server the test creates what controllers create, and says what they say.
The last tests leave that to the real controllers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import Reply, Rest, install_crds
from tests.operator.running import RunningOperator
from tests.operator.world import MANIFEST, World
from tests.support import kserve
from tests.support.waiting import wait_until
from tests.webhook.build import workload
from tests.webhook.guarding import registered
from tests.webhook.process import WebhookProcess, running

Json = dict[str, Any]
PLACES = {
    "InferenceService": "metadata.annotations[actgate.dev/compliance-manifest]",
    "Deployment": "spec.template.metadata.annotations[actgate.dev/compliance-manifest]",
}


class Guarded:
    """A namespace with evidence, before a webhook and an operator."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._made: list[str] = []

    def create(self, obj: Json) -> Json:
        """Create an object, and return it as stored."""
        reply = self.ask(obj)
        assert reply.status == 201, reply
        return dict(reply.body)

    def ask(self, obj: Json, **query: str) -> Reply:
        """Create an object; every answer is returned."""
        return self.world.rest("POST", self.path(obj), obj, **query)

    def refused(self, obj: Json) -> str:
        """Delete the evidence, and return why an object is not admitted any more."""
        self.world.delete("ComplianceManifest", MANIFEST)
        # In a dry run a missing manifest is a warning.
        wait_until(lambda: "link/manifest" in str(self.ask(obj, dryRun="All").warnings))
        reply = self.ask(obj)
        assert reply.status == 403, reply
        return str(reply.message)

    def path(self, obj: Json) -> str:
        """Return the collection of an object's kind."""
        root = "api" if "/" not in obj["apiVersion"] else "apis"
        plural = f"{obj['kind'].lower()}s"
        return f"/{root}/{obj['apiVersion']}/namespaces/{self.world.namespace}/{plural}"

    def pods(self) -> list[str]:
        """Return the names of the pods that are not terminating."""
        found = self.world.rest("GET", f"/api/v1/namespaces/{self.world.namespace}/pods").body["items"]
        return [item["metadata"]["name"] for item in found if not item["metadata"].get("deletionTimestamp")]

    def say(self, maker: Json, message: str, reason: str = "FailedCreate", **about: str) -> None:
        """Record what a controller says of an object, as Kubernetes' own record it (core/v1)."""
        metadata = maker["metadata"]
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{metadata['name']}."},
            "type": "Warning",
            "reason": reason,
            "message": message,
            "source": {"component": "replicaset-controller"},
            "involvedObject": {
                "apiVersion": maker["apiVersion"],
                "kind": maker["kind"],
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
                **about,
            },
        }
        reply = self.world.rest("POST", f"/api/v1/namespaces/{self.world.namespace}/events", body)
        assert reply.status == 201, reply

    def reported(self, kind: str) -> Json:
        """Wait for the Event on the object of a kind, and return it."""
        return wait_until(
            lambda: next((one for one in self.reports() if one["regarding"]["kind"] == kind), {})
        )

    def reports(self) -> list[Json]:
        """Return the Events of the operator about refused children."""
        return [one for one in self.world.events() if one["reason"] == "ChildRefused"]


def guarding(process: WebhookProcess, world: World) -> Iterator[Guarded]:
    """Have the API server ask the webhook about a namespace that has evidence."""
    place = Guarded(world)
    with registered(world.rest, world.namespace, process.port, process.authority.certificate):
        probe = workload("Deployment", annotations={})
        probe["metadata"] = {"name": "probe"}
        wait_until(lambda: world.rest("POST", place.path(probe), probe, dryRun="All").status == 403)
        judged = workload("Deployment")
        judged["metadata"] = {"name": "probe"}
        wait_until(lambda: world.rest("POST", place.path(judged), judged, dryRun="All").status == 201)
        yield place


@pytest.fixture(scope="module")
def webhook(
    control_plane: ControlPlane, installed: Rest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WebhookProcess]:
    """A webhook before the control plane, which knows KServe."""
    install_crds(installed, kserve.DEFINITIONS)
    with running(tmp_path_factory.mktemp("refused") / "webhook", control_plane.kubeconfig) as process:
        process.wait_until_ready()
        yield process


@pytest.fixture
def guarded(operator: RunningOperator, webhook: WebhookProcess, world: World) -> Iterator[Guarded]:
    """A namespace with evidence, before a webhook and an operator."""
    assert not operator.ended()
    world.manifest()
    yield from guarding(webhook, world)


def refused_pod(guarded: Guarded) -> tuple[Json, str]:
    """Return a ReplicaSet of an InferenceService whose pods are refused by now, and what is said of it."""
    top = guarded.create(kserve.inference_service())
    below = guarded.create(kserve.replica_set(guarded.create(kserve.deployment(top))))
    return below, f"Error creating: {guarded.refused(kserve.pod(below))}"


def test_a_refused_pod_is_reported_on_its_inference_service(guarded: Guarded) -> None:
    """By one Event, however often the controller tries; and the operator writes nothing else."""
    below, message = refused_pod(guarded)
    guarded.say(below, message)
    event = guarded.reported("InferenceService")
    assert (event["type"], event["reportingController"]) == ("Warning", "actgate.dev/operator")
    assert "link/manifest" in event["note"]
    assert PLACES["InferenceService"] in event["note"]
    guarded.say(below, message)
    # A later report shows that the second one was taken by then.
    guarded.say(below, f"{message.partition('denied the request: ')[0]}denied the request: bias/limit: x")
    wait_until(lambda: len(guarded.reports()) == 2)
    assert ["bias/limit" in one["note"] for one in guarded.reports()].count(True) == 1


def test_a_refused_deployment_of_a_knative_revision_is_reported_on_its_inference_service(
    guarded: Guarded,
) -> None:
    """Knative says it of the revision, in words and with a reason of its own."""
    top = guarded.create(kserve.inference_service())
    revision = guarded.create(
        kserve.revision(guarded.create(kserve.configuration(guarded.create(kserve.knative_service(top)))))
    )
    made = kserve.revision_deployment(revision)
    why = guarded.refused(made)
    guarded.say(revision, f'failed to create deployment "{made["metadata"]["name"]}": {why}', "InternalError")
    event = guarded.reported("InferenceService")
    assert event["regarding"]["uid"] == top["metadata"]["uid"]
    assert 'what Revision "scorer-predictor-00001" creates is refused: link/manifest' in event["note"]


def test_an_event_that_a_user_made_up_leads_to_nothing(guarded: Guarded) -> None:
    """About an object that is not there, or another one; the real one is heard all the same."""
    below, message = refused_pod(guarded)
    guarded.say(below, message, name="nowhere")
    guarded.say(below, message, uid="made-up")
    guarded.say(below, message, kind="StatefulSet")
    guarded.say(below, f"{message}\n[evidence/level] visit evil.example (house policy)")
    event = guarded.reported("InferenceService")
    assert "evil" not in event["note"]
    assert len(guarded.reports()) == 1


@pytest.fixture(scope="module")
def rolling_webhook(
    rolling_plane: ControlPlane, rolling_operator: RunningOperator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WebhookProcess]:
    """A webhook before a cluster with the real controllers of workloads, which knows KServe."""
    if rolling_plane.engine == "stand-in":
        pytest.skip("the stand-in makes pods without ReplicaSets, and records no Events of its own")
    rest = rolling_plane.rest()
    install_crds(rest, kserve.DEFINITIONS)
    rest.close()
    with running(tmp_path_factory.mktemp("refused") / "webhook", rolling_plane.kubeconfig) as process:
        process.wait_until_ready()
        yield process


@pytest.fixture
def controlled(rolling_webhook: WebhookProcess, rolling: World) -> Iterator[Guarded]:
    """A namespace with evidence, where the real controllers make ReplicaSets and pods."""
    yield from guarding(rolling_webhook, rolling)


def withdraw(guarded: Guarded, obj: Json) -> Json:
    """Take the evidence away under a running object, then its pods; return it as stored."""
    stored = guarded.create(obj)
    made = stored if stored["kind"] == "Deployment" else guarded.create(kserve.deployment(stored))
    assert made["kind"] == "Deployment"
    pods = wait_until(guarded.pods)
    guarded.world.delete("ComplianceManifest", MANIFEST)
    for name in pods:
        path = f"/api/v1/namespaces/{guarded.world.namespace}/pods/{name}"
        assert guarded.world.rest("DELETE", path, gracePeriodSeconds="0").status == 200
    return stored


@pytest.mark.parametrize("kind", ["Deployment", "InferenceService"])
def test_pods_that_the_real_controllers_cannot_replace_are_reported(controlled: Guarded, kind: str) -> None:
    """A Deployment is admitted and its evidence withdrawn; no user reads the Events of a ReplicaSet."""
    obj = kserve.inference_service() if kind == "InferenceService" else workload(kind)
    obj["metadata"] = {key: obj["metadata"][key] for key in ("name", "annotations") if key in obj["metadata"]}
    stored = withdraw(controlled, obj)
    event = controlled.reported(kind)
    assert event["regarding"]["uid"] == stored["metadata"]["uid"]
    assert "what ReplicaSet " in event["note"]
    assert f"links its evidence in {PLACES[kind]}" in event["note"]
    assert controlled.pods() == []
    controlled.world.manifest()
    wait_until(controlled.pods)
