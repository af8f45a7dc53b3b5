"""One namespace with models and their evidence, and what becomes of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from actgate_operator.events import REPORTER
from actgate_operator.status import condition_of, message_of
from actgate_sandbox.rest import MERGE_PATCH, Reply, Rest
from tests.support.crds import ROOT, collection, create, deployment_spec, manifest_spec
from tests.support.waiting import wait_until
from tests.support.workloads import Workloads

Json = dict[str, Any]

MANIFEST = "credit-risk-scorer-v2"
MODEL = "credit-risk"


class World:
    """What a test does in its namespace, and what it sees there."""

    def __init__(self, rest: Rest, namespace: str) -> None:
        self.rest = rest
        self.namespace = namespace
        self.workloads = Workloads(rest, namespace)

    def alone(self) -> None:
        """Wait until no model of another test is left, of which an operator's requests would be counted.

        On the real API server their namespaces go in their own time.
        """
        models = f"{ROOT}/modeldeployments"
        wait_until(lambda: not self.rest("GET", models).body["items"])

    def manifest(self, name: str = MANIFEST, **changes: Any) -> Json:  # noqa: ANN401 - fields of a spec
        """Create a manifest; evidence of three weeks ago, unless the test says otherwise."""
        spec = manifest_spec(**changes)
        if "training" not in changes:
            spec["training"]["finishedAt"] = stamp(datetime.now(UTC) - timedelta(days=21))
        return self._created(create(self.rest, "ComplianceManifest", name, spec, self.namespace))

    def model(self, name: str = MODEL, **changes: Any) -> Json:  # noqa: ANN401 - fields of a spec
        """Create a ModelDeployment with ports and an image."""
        spec = deployment_spec(**changes)
        return self._created(create(self.rest, "ModelDeployment", name, spec, self.namespace))

    def policy(self, name: str, spec: Json) -> Json:
        """Create a CompliancePolicy for this namespace alone; the caller deletes it."""
        selector = {"matchLabels": {"kubernetes.io/metadata.name": self.namespace}}
        return self._created(
            create(self.rest, "CompliancePolicy", name, {"namespaceSelector": selector, **spec})
        )

    def delete_policy(self, name: str) -> None:
        """Delete a CompliancePolicy."""
        assert self.rest("DELETE", f"{ROOT}/compliancepolicies/{name}").status == 200

    def delete(self, kind: str, name: str) -> None:
        """Delete one of our objects."""
        assert self.rest("DELETE", f"{collection(kind, self.namespace)}/{name}").status == 200

    def change(self, spec: Json, name: str = MODEL) -> Json:
        """Change a ModelDeployment's spec by a merge patch."""
        path = f"{collection('ModelDeployment', self.namespace)}/{name}"
        reply = self.rest("PATCH", path, {"spec": spec}, MERGE_PATCH)
        assert reply.status == 200, reply
        return dict(reply.body)

    def live(self, name: str = MODEL) -> Json:
        """Return a ModelDeployment as it is."""
        reply = self.rest("GET", f"{collection('ModelDeployment', self.namespace)}/{name}")
        assert reply.status == 200, reply
        return dict(reply.body)

    def status(self, name: str = MODEL) -> Json:
        """Return its status."""
        return dict(self.live(name).get("status") or {})

    def condition(self, kind: str, name: str = MODEL) -> Json:
        """Return one of its conditions, with its text where that stands in another one."""
        status = self.status(name)
        found = condition_of(status, kind)
        return {**found, "message": message_of(status, found)} if found else {}

    def child(self, plural: str, name: str = MODEL) -> Json | None:
        """Return a child by its kind's plural, None where there is none."""
        reply = self.rest("GET", self.path(plural, name))
        return dict(reply.body) if reply.status == 200 else None

    def deployment(self, name: str = MODEL) -> Json:
        """Wait for a model's Deployment, and return it."""
        return wait_until(lambda: self.child("deployments", name)) or {}

    def path(self, plural: str, name: str = MODEL) -> str:
        """Return the path of a child."""
        groups = {
            "deployments": "apis/apps/v1",
            "services": "api/v1",
            "horizontalpodautoscalers": "apis/autoscaling/v2",
            "poddisruptionbudgets": "apis/policy/v1",
            "networkpolicies": "apis/networking.k8s.io/v1",
        }
        return f"/{groups[plural]}/namespaces/{self.namespace}/{plural}/{name}"

    def patch_child(self, plural: str, body: Json, name: str = MODEL, manager: str = "kubectl-patch") -> Json:
        """Change a child as another field manager would."""
        reply = self.rest("PATCH", self.path(plural, name), body, MERGE_PATCH, fieldManager=manager)
        assert reply.status == 200, reply
        return dict(reply.body)

    def wait_for(self, kind: str, status: str, reason: str | None = None, name: str = MODEL) -> Json:
        """Wait for a condition, and return it."""

        def as_said() -> Json:
            found = self.condition(kind, name)
            assert found.get("status") == status, self.status(name)
            assert reason in (None, found.get("reason")), self.status(name)
            return found

        return wait_until(as_said)

    def ready(self, name: str = MODEL) -> Json:
        """Let a model's Deployment become available, and wait until the model is Ready as it is now."""
        self.deployment(name)
        self.workloads.available(name)

        def current() -> Json:
            found = self.wait_for("Ready", "True", name=name)
            assert found["observedGeneration"] == self.live(name)["metadata"]["generation"], found
            return found

        return wait_until(current)

    def events(self) -> list[Json]:
        """Return the operator's Events of the namespace: the API server has some of its own, of Services."""
        reply = self.rest("GET", f"/apis/events.k8s.io/v1/namespaces/{self.namespace}/events")
        return [event for event in reply.body["items"] if event.get("reportingController") == REPORTER]

    def reasons(self) -> list[str]:
        """Return the reasons of these Events."""
        return [event["reason"] for event in self.events()]

    @staticmethod
    def _created(reply: Reply) -> Json:
        assert reply.status == 201, reply
        return dict(reply.body)


def stamp(moment: datetime) -> str:
    """Return a moment as evidence writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
