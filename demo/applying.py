"""Working on a cluster as a user would: through kubectl, or plain REST where there is no kubectl."""

import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import yaml

from actgate_sandbox.envtest import find_kubectl
from actgate_sandbox.rest import JSON_PATCH, Reply, Rest

PATIENCE_SECONDS: Final = 60

_ACTGATE: Final = "/apis/actgate.dev/v1alpha1"
_COLLECTIONS: Final = {
    "Namespace": "/api/v1/namespaces",
    "CompliancePolicy": f"{_ACTGATE}/compliancepolicies",
    "ComplianceManifest": f"{_ACTGATE}/namespaces/{{namespace}}/compliancemanifests",
    "ModelDeployment": f"{_ACTGATE}/namespaces/{{namespace}}/modeldeployments",
    "Deployment": "/apis/apps/v1/namespaces/{namespace}/deployments",
    "CronJob": "/apis/batch/v1/namespaces/{namespace}/cronjobs",
}


@dataclass(frozen=True, slots=True)
class Applied:
    """The result of a command: whether everything was admitted, and the output."""

    accepted: bool
    output: str


@dataclass(frozen=True, slots=True)
class Named:
    """One object, by kind, namespace and name."""

    kind: str
    namespace: str
    name: str

    @property
    def path(self) -> str:
        """Its path on the API server."""
        return f"{_COLLECTIONS[self.kind].format(namespace=self.namespace)}/{self.name}"

    def __str__(self) -> str:
        return f"{self.kind.lower()}/{self.name}"


class Applier(Protocol):
    """A user's hands."""

    name: str
    """What applying is called."""

    def __call__(self, text: str, namespace: str | None = None) -> Applied:
        """Apply every object of the text, in the namespace where the text names none."""

    def patch(self, thing: Named, operations: Sequence[dict[str, Any]]) -> Applied:
        """Edit an object by a JSON patch."""

    def delete(self, thing: Named) -> Applied:
        """Delete an object."""

    def wait(self, thing: Named, condition: str) -> Applied:
        """Wait until a condition of an object is True."""


def applier(kubeconfig: Path, rest: Rest) -> Applier:
    """Return kubectl where it is installed, else the REST calls that it would make."""
    kubectl = find_kubectl()
    return RestApplier(rest) if kubectl is None else KubectlApplier(kubectl, kubeconfig)


class KubectlApplier:
    """kubectl, as a user would type it."""

    name = "kubectl apply"

    def __init__(self, kubectl: str, kubeconfig: Path) -> None:
        self._command = [kubectl, "--kubeconfig", str(kubeconfig)]

    def __call__(self, text: str, namespace: str | None = None) -> Applied:
        """Run ``kubectl apply -f -``."""
        where = ["-n", namespace] if namespace else []
        return self._run("apply", "-f", "-", *where, text=text)

    def patch(self, thing: Named, operations: Sequence[dict[str, Any]]) -> Applied:
        """Run ``kubectl patch --type=json``."""
        return self._run(
            "patch", str(thing), "-n", thing.namespace, "--type=json", "-p", json.dumps(operations)
        )

    def delete(self, thing: Named) -> Applied:
        """Run ``kubectl delete``."""
        return self._run("delete", str(thing), "-n", thing.namespace)

    def wait(self, thing: Named, condition: str) -> Applied:
        """Run ``kubectl wait``."""
        limit = f"--timeout={PATIENCE_SECONDS}s"
        return self._run("wait", f"--for=condition={condition}", str(thing), "-n", thing.namespace, limit)

    def _run(self, *arguments: str, text: str | None = None) -> Applied:
        done = subprocess.run(  # noqa: S603 - our own command line, no shell
            [*self._command, *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=2 * PATIENCE_SECONDS,
        )
        return Applied(done.returncode == 0, (done.stdout + done.stderr).strip())


class RestApplier:
    """Creates object by object, as ``kubectl create`` does; a model that is there already is replaced."""

    name = "create"

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def __call__(self, text: str, namespace: str | None = None) -> Applied:
        """Create every object of the text."""
        documents = (document for document in yaml.safe_load_all(text) if document)
        answers = [
            self._create(obj, namespace or "default") for document in documents for obj in _objects(document)
        ]
        return Applied(all(accepted for accepted, _ in answers), "\n".join(output for _, output in answers))

    def patch(self, thing: Named, operations: Sequence[dict[str, Any]]) -> Applied:
        """Send a JSON patch."""
        reply = self._rest("PATCH", thing.path, operations, JSON_PATCH, fieldManager="demo")
        return _applied(reply, 200, f"{thing} patched")

    def delete(self, thing: Named) -> Applied:
        """Send a DELETE."""
        return _applied(self._rest("DELETE", thing.path), 200, f"{thing} deleted")

    def wait(self, thing: Named, condition: str) -> Applied:
        """Look until the condition is True for the object's last generation."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if _holds(self._rest("GET", thing.path).body, condition):
                return Applied(True, f"{thing} condition met")
            time.sleep(0.05)
        return Applied(False, f"error: timed out waiting for the condition on {thing}")

    def _create(self, obj: dict[str, Any], namespace: str) -> tuple[bool, str]:
        metadata, kind = obj["metadata"], obj["kind"]
        thing = Named(kind, metadata.get("namespace", namespace), metadata["name"])
        reply = self._rest("POST", thing.path.rpartition("/")[0], obj, fieldValidation="Strict")
        output = {201: f"{thing} created", 409: f"{thing} unchanged"}.get(reply.status)
        if reply.status == 409 and kind == "ModelDeployment":
            operations = [{"op": "replace", "path": "/spec", "value": obj["spec"]}]
            reply = self._rest("PATCH", thing.path, operations, JSON_PATCH, fieldManager="demo")
            output = f"{thing} configured" if reply.status == 200 else None
        return output is not None, "\n".join(
            [*(f"Warning: {text}" for text in reply.warnings), output or reply.message]
        )


def _applied(reply: Reply, status: int, words: str) -> Applied:
    done = reply.status == status
    return Applied(done, words if done else reply.message)


def _holds(obj: dict[str, Any], condition: str) -> bool:
    generation = obj["metadata"]["generation"]
    return any(
        (item["type"], item["status"], item.get("observedGeneration", generation))
        == (condition, "True", generation)
        for item in (obj.get("status") or {}).get("conditions") or ()
    )


def _objects(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if document.get("kind") == "List":
        yield from document["items"]
    else:
        yield json.loads(json.dumps(document, default=str))
