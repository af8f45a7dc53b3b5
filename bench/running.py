"""Servers for the benches, each in a process of its own, with certificates of one authority."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from actgate_sandbox import control_plane
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.pki import Authority
from actgate_sandbox.rest import Rest, install_crds
from bench.load import Target, throughput
from bench.manifests import manifest, model_deployment
from bench.report import ROOT
from demo import service
from demo.service import free_port


@contextmanager
def cluster(engine: str) -> Iterator[tuple[ControlPlane, Rest]]:
    """Run a control plane that knows our kinds, with the namespace and the manifest of model 0."""
    with control_plane.start(engine) as plane:
        rest = plane.rest()
        files = sorted((ROOT / "crds").glob("*.yaml"))
        install_crds(rest, (yaml.safe_load(path.read_text(encoding="utf-8")) for path in files))
        rest("POST", "/api/v1/namespaces", {"metadata": {"name": "team-0"}})
        evidence = manifest(0)
        evidence["metadata"] = {"name": evidence["metadata"]["name"]}
        path = "/apis/actgate.dev/v1alpha1/namespaces/team-0/compliancemanifests"
        reply = rest("POST", path, evidence)
        assert reply.status == 201, reply
        yield plane, rest


@contextmanager
def ours(plane: ControlPlane) -> Iterator[Target]:
    """Run the webhook before a control plane; what its decision log costs is measured by itself."""
    with service.webhook(plane.kubeconfig, "--decision-log", "none") as running:
        yield Target(running.port, running.ca, "/validate?timeout=5s", review())


@contextmanager
def baseline(name: str) -> Iterator[Target]:
    """Run one of ``bench.servers``."""
    authority = Authority("actgate bench")
    pair = authority.server()
    with tempfile.TemporaryDirectory() as directory:
        certificate, key = Path(directory) / "tls.crt", Path(directory) / "tls.key"
        certificate.write_bytes(pair.certificate)
        key.write_bytes(pair.key)
        port = free_port()
        command = [sys.executable, "-m", "bench.servers", name, str(port), str(certificate), str(key)]
        process = subprocess.Popen(command, cwd=ROOT)  # noqa: S603 - our own command
        try:
            target = Target(port, authority.certificate, "/validate", review())
            _wait_until_answered(target)
            yield target
        finally:
            process.terminate()
            process.wait(timeout=30)


def review() -> bytes:
    """Return an AdmissionReview of about 6 KB, as the API server sends it for a ModelDeployment."""
    created: dict[str, Any] = model_deployment(0)
    created["metadata"] |= {
        "uid": "1d6a52b8-57a3-4b0f-9f11-5c8f1c2d0001",
        "annotations": {f"example.com/note-{number}": "x" * 100 for number in range(24)},
        "managedFields": [
            {
                "manager": "kubectl",
                "operation": "Apply",
                "apiVersion": "actgate.dev/v1alpha1",
                "fieldsV1": {"f:spec": {f"f:field-{number}": {} for number in range(60)}},
            }
        ],
    }
    kind = {"group": "actgate.dev", "version": "v1alpha1", "kind": "ModelDeployment"}
    resource = {"group": "actgate.dev", "version": "v1alpha1", "resource": "modeldeployments"}
    request = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": kind,
        "resource": resource,
        "requestKind": kind,
        "requestResource": resource,
        "name": "model-0",
        "namespace": "team-0",
        "operation": "CREATE",
        "userInfo": {"username": "engineer", "groups": ["system:authenticated"]},
        "object": created,
        "oldObject": None,
        "dryRun": False,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    }
    envelope = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    return json.dumps(envelope, separators=(",", ":")).encode()


def _wait_until_answered(target: Target) -> None:
    for _ in range(200):
        with suppress(OSError):
            throughput(target, 1, 0.01)
            return
        time.sleep(0.1)
    raise RuntimeError("the server to measure against never answered")
