"""Applying objects as a user would: through kubectl, or plain REST where there is no kubectl."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import yaml

from actgate_sandbox.envtest import find_kubectl
from actgate_sandbox.rest import Rest

_COLLECTIONS: Final = {
    "Namespace": "/api/v1/namespaces",
    "CompliancePolicy": "/apis/actgate.dev/v1alpha1/compliancepolicies",
    "ComplianceManifest": "/apis/actgate.dev/v1alpha1/namespaces/{namespace}/compliancemanifests",
    "ModelDeployment": "/apis/actgate.dev/v1alpha1/namespaces/{namespace}/modeldeployments",
    "Deployment": "/apis/apps/v1/namespaces/{namespace}/deployments",
}


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of applying a file: whether everything was let in, and what was said."""

    accepted: bool
    said: str


class Applier(Protocol):
    """Applies a YAML text."""

    name: str

    def __call__(self, text: str, namespace: str | None = None) -> Applied:
        """Apply every object of the text, in the namespace where the text names none."""


def applier(kubeconfig: Path, rest: Rest) -> Applier:
    """Return kubectl where it is installed, else the REST calls that it would make."""
    kubectl = find_kubectl()
    return RestApplier(rest) if kubectl is None else KubectlApplier(kubectl, kubeconfig)


class KubectlApplier:
    """``kubectl apply -f -``."""

    name = "kubectl apply"

    def __init__(self, kubectl: str, kubeconfig: Path) -> None:
        self._command = [kubectl, "--kubeconfig", str(kubeconfig), "apply", "-f", "-"]

    def __call__(self, text: str, namespace: str | None = None) -> Applied:
        """Apply every object of the text, as a user would."""
        where = ["-n", namespace] if namespace else []
        done = subprocess.run(  # noqa: S603 - our own command line, no shell
            [*self._command, *where], input=text, capture_output=True, text=True, check=False, timeout=60
        )
        return Applied(done.returncode == 0, (done.stdout + done.stderr).strip())


class RestApplier:
    """Creates object by object, as ``kubectl create`` does; what is there already is left as it is."""

    name = "create"

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def __call__(self, text: str, namespace: str | None = None) -> Applied:
        """Create every object of the text."""
        documents = (document for document in yaml.safe_load_all(text) if document)
        answers = [
            self._create(obj, namespace or "default") for document in documents for obj in _objects(document)
        ]
        return Applied(all(accepted for accepted, _ in answers), "\n".join(said for _, said in answers))

    def _create(self, obj: dict[str, Any], namespace: str) -> tuple[bool, str]:
        metadata, kind = obj["metadata"], obj["kind"]
        collection = _COLLECTIONS[kind].format(namespace=metadata.get("namespace", namespace))
        reply = self._rest("POST", collection, obj, fieldValidation="Strict")
        what = f"{kind.lower()}/{metadata['name']}"
        said = {201: f"{what} created", 409: f"{what} unchanged"}.get(reply.status)
        return said is not None, "\n".join(
            [*(f"Warning: {text}" for text in reply.warnings), said or reply.message]
        )


def _objects(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if document.get("kind") == "List":
        yield from document["items"]
    else:
        yield json.loads(json.dumps(document, default=str))
